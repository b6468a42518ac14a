"""When calls are synced: within 200 ms where nobody was asked, before they run under `durability: full`.

Counted from recorded system calls, so that a busy machine changes nothing: not how late a sync came, which the machine
decides, but how long the thread that does it asked to sleep since the promise. Needs `strace`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.store.syncs import Moment, record

PROMISED_SECONDS = 0.2
SHORTEST_WAIT_SECONDS = 0.006
"""Python threads ask for the interpreter in waits of 5 ms, while another has it; those are not sleep."""


def of(moments: Sequence[Moment], kind: str) -> list[Moment]:
    return [moment for moment in moments if moment.kind == kind]


def slept(moments: Sequence[Moment]) -> list[float]:
    """For each promise, how long the syncing thread asked to sleep until the sync that covers it, in seconds."""
    promises, syncs = of(moments, "ack"), of(moments, "sync")
    main = promises[0].thread
    (background,) = {sync.thread for sync in syncs} - {main}
    waits = [w for w in of(moments, "wait") if w.thread == background and w.seconds > SHORTEST_WAIT_SECONDS]
    assert waits
    found = []
    for promise in promises:
        covered = min(sync.at for sync in syncs if sync.at > promise.at)
        found.append(sum(wait.seconds for wait in waits if promise.at <= wait.at < covered))
    return found


def syncs_of_calls(moments: Sequence[Moment]) -> list[int]:
    """How often the calling thread itself waited for the disk, from each promise to the next."""
    main = of(moments, "ack")[0].thread
    own = [moment for moment in moments if moment.thread == main and moment.kind in ("ack", "sync")]
    counts: list[int] = []
    for moment in own:
        if moment.kind == "ack":
            counts.append(0)
        elif counts:
            counts[-1] += 1
    return counts[:-1]  # after the last one it closes


@pytest.mark.guarantee("audit:synced-within-200-ms")
@pytest.mark.parametrize(("mode", "calls"), [("quiet", 5), ("busy", 300)])
def test_a_call_that_nobody_was_asked_about_is_synced_within_the_promised_time(
    tmp_path: Path, mode: str, calls: int
) -> None:
    moments = record(tmp_path / "home", tmp_path / "trace", mode, calls)

    assert len(of(moments, "ack")) == calls
    assert max(slept(moments)) <= PROMISED_SECONDS
    assert set(syncs_of_calls(moments)) == {0}


def test_a_timer_that_keeps_no_promise_is_seen(tmp_path: Path) -> None:
    moments = record(tmp_path / "home", tmp_path / "trace", "late", 6)  # some ride with a checkpoint of the log

    assert max(slept(moments)) > PROMISED_SECONDS


@pytest.mark.guarantee("audit:synced-within-200-ms")
def test_full_durability_costs_a_call_one_sync_and_no_more(tmp_path: Path) -> None:
    moments = record(tmp_path / "home", tmp_path / "trace", "full", 100)

    assert set(syncs_of_calls(moments)) == {1}
