"""Processes that race and processes that are killed: no double execution, no lost denial, no way back from an end."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.guard import racing
from toolguard.guard import Guard, Pending
from toolguard.store import audit, records
from toolguard.store.verify import verify

Started = subprocess.Popen[str]


def start(home: Path, role: str, *rest: object) -> Started:
    """A process that is ready and waits for a line before it begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.guard.racing", str(home), role, *map(str, rest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == {"ready": True}
    return process


def go(processes: list[Started]) -> list[list[dict[str, object]]]:
    """Let all begin at once; what each of them said."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = []
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        said.append([json.loads(line) for line in out.splitlines()])
    return said


def asked(guard: Guard, count: int) -> list[Pending]:
    found = []
    for number in range(count):
        pending = guard.begin(racing.call(number))
        assert isinstance(pending, Pending)
        found.append(pending)
    return found


def consistent(guard: Guard) -> None:
    report = verify(audit.stream(guard.store), state=records.states(guard.store))
    assert report.problems == []


def effects(path: Path) -> Counter[str]:
    return Counter(path.read_text(encoding="ascii").split()) if path.exists() else Counter()


def race_for_claims(home: Path, count: int, processes: int) -> None:
    guard = racing.opened(home)
    bob = guard.reviewers.by_token(guard.reviewers.add("bob").token)
    assert bob is not None
    pending = asked(guard, count)
    for one in pending:
        view = guard.approvals.show(one.request_id)
        assert view is not None
        guard.approvals.vote(
            one.request_id, bob, "approve", request_digest=view.request_digest, channel="rest", strength=2
        )
    file = home.parent / "effects"

    said = go([start(home, "claim", file, count) for _ in range(processes)])

    done = effects(file)
    assert set(done.values()) == {1}
    assert set(done) >= {one.request_id for one in pending}
    permits = [line["number"] for lines in said for line in lines if line["answer"] == "Permit"]
    assert sorted(permits) == list(range(count))  # type: ignore[type-var]  # numbers
    consistent(guard)
    guard.close()


def race_deny_against_approve(home: Path, count: int) -> None:
    guard = racing.opened(home)
    tokens = {name: guard.reviewers.add(name).token for name in ("yes1", "yes2", "no")}
    asked(guard, count)
    file = home.parent / "effects"

    said = go(
        [
            start(home, "vote", tokens["yes1"], "approve"),
            start(home, "vote", tokens["no"], "deny"),
            start(home, "claim", file, count),
            start(home, "vote", tokens["yes2"], "approve"),
        ]
    )

    denied = {str(line["id"]) for line in said[1] if line["accepted"]}
    done = effects(file)
    assert not denied & set(done), "a call ran although its denial had been accepted"
    assert set(done.values()) <= {1}
    for request_id in denied:
        view = guard.approvals.show(request_id)
        assert view is not None
        assert view.state == "denied"
    consistent(guard)
    guard.close()


def kill_at_random(home: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    file = home.parent / "effects"
    ended: set[str] = set()
    for _ in range(kills):
        process = start(home, "live", file)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        for _ in range(chance.randrange(1, 12)):
            line = json.loads(process.stdout.readline())
            if "ended" in line:
                ended.add(line["ended"])
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        ended.update(json.loads(line)["ended"] for line in rest.splitlines() if '"ended"' in line and line[-1] == "}")

    guard = racing.opened(home)
    done = effects(file)
    assert set(done.values()) == {1}, "a crash made a call run twice"
    states = {
        row["request_id"]: row["state"]
        for row in guard.store.read("SELECT request_id, state FROM execution WHERE request_id IS NOT NULL")
    }
    assert "dispatched" not in states.values()
    assert "claimed" not in states.values()
    for request_id in ended:
        assert states[request_id] == "succeeded"
    for request_id, state in states.items():
        if state == "not_run":
            assert request_id not in done
        if state == "succeeded":
            assert request_id in done
    for request_id in done:
        assert states[request_id] in ("succeeded", "unknown")
    consistent(guard)
    guard.close()


@pytest.mark.guarantee("execution:once")
def test_processes_that_race_for_approvals_run_each_call_once(tmp_path: Path) -> None:
    race_for_claims(tmp_path / "home", count=20, processes=3)


@pytest.mark.guarantee("vote:deny-wins")
def test_no_denial_is_lost_in_a_race_with_approvals_and_claims(tmp_path: Path) -> None:
    race_deny_against_approve(tmp_path / "home", count=20)


@pytest.mark.guarantee("execution:no-second-after-a-crash")
def test_a_killed_process_never_leads_to_a_second_execution(tmp_path: Path) -> None:
    kill_at_random(tmp_path / "home", kills=5, seed=1)


@pytest.mark.soak
def test_eight_processes_race_for_four_hundred_approvals(tmp_path: Path) -> None:
    for round_ in range(20):
        race_for_claims(tmp_path / str(round_) / "home", count=20, processes=8)


@pytest.mark.soak
def test_no_denial_is_lost_in_twenty_races(tmp_path: Path) -> None:
    for round_ in range(20):
        race_deny_against_approve(tmp_path / str(round_) / "home", count=20)


@pytest.mark.soak
def test_two_hundred_kills_lead_to_no_second_execution(tmp_path: Path) -> None:
    kill_at_random(tmp_path / "home", kills=200, seed=2)
