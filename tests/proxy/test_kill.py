"""A proxy killed at any moment around an approval: the call runs at most once, and the record says what is known."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.proxy.process import Process, effects, proxied, scripted, until
from toolguard.guard import Guard

LATEST = 0.06
"""Seconds after the vote within which all of claim, dispatch, effect and outcome happen."""
POSSIBLE = {"succeeded": {1}, "not_run": {0}, "unknown": {0, 1}, None: {0}}
"""Recorded end of the execution -> how often the effect may be in the world; None when nothing was claimed."""


def kill_around_the_vote(home: Path, folder: Path, office: Guard, number: int) -> str | None:
    what = f"effect-{number}"
    reviewer = office.reviewers.by_token(office.reviewers.add(f"bob-{number}").token)
    assert reviewer is not None
    with Process(proxied(scripted(folder)), home) as running:
        running.start_session().call("risky_append", 1, what=what)
        view = until(office.approvals.list, "an approval request")[0]
        office.approvals.vote(
            view.id, reviewer, "approve", request_digest=view.request_digest, channel="rest", strength=2
        )
        moment = time.monotonic() + random.Random(number).uniform(0, LATEST)
        while time.monotonic() < moment:
            os.sched_yield()
        running.popen.kill()
        running.popen.wait()
    # The server sees the end of its input; what it had read until then it still does.
    until((folder / "end-of-input").exists, "the server's end")
    (folder / "end-of-input").unlink()
    office.tend()
    rows = office.store.read("SELECT state FROM execution WHERE request_id = ?", (view.id,))
    state: str | None = rows[0]["state"] if rows else None
    if state is None:
        office.approvals.revoke(view.id, reviewer, "its client is gone", channel="rest")  # few may be open at once
    assert effects(folder).count(what) in POSSIBLE[state], (state, what)
    return state


@pytest.mark.guarantee("execution:no-second-after-a-crash")
@pytest.mark.parametrize("number", range(5))
def test_a_kill_around_the_vote_never_runs_a_call_twice(
    home: Path,
    folder: Path,
    office: Guard,
    number: int,
) -> None:
    kill_around_the_vote(home, folder, office, number)


@pytest.mark.guarantee("execution:no-second-after-a-crash")
@pytest.mark.soak
def test_a_hundred_kills_around_the_vote_never_run_a_call_twice(
    home: Path,
    folder: Path,
    office: Guard,
) -> None:
    found = [kill_around_the_vote(home, folder, office, number) for number in range(100)]

    counts = {str(state): found.count(state) for state in sorted(set(found), key=str)}
    os.write(2, f"\nends after 100 kills: {counts}\n".encode())
