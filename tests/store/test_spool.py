"""What stands in the spool is as good as in the log: nobody misses it, and nothing comes twice or out of order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.conftest import Clock, call, clock, config, guard, guard_with
from tests.guard.test_guard import kinds
from toolguard.config import Config
from toolguard.core.canonical import text
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Guard, Pending, Permit
from toolguard.guard.times import iso
from toolguard.store import audit
from toolguard.store.database import MOST_SPOOLED
from toolguard.store.proving import verify_file

__all__ = ["clock", "config", "guard", "guard_with"]  # fixtures of the guard's tests

THREE = ["call.decided", "execution.dispatched", "execution.ended"]


def waiting(guard: Guard) -> int:
    """Rows of the spool, as they are before anybody's reading settles them."""
    return int(guard.store._reader.execute("SELECT count(*) FROM spool").fetchone()[0])


def run(guard: Guard, number: int) -> None:
    permit = guard.begin(call("read_file", number=number))
    assert isinstance(permit, Permit)
    guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "text"))


def test_whoever_reads_finds_every_call_at_once(guard: Guard) -> None:
    for number in range(3):
        run(guard, number)
        assert kinds(guard)[-3:] == THREE


def test_a_question_stands_behind_the_calls_that_came_before_it(guard: Guard) -> None:
    run(guard, 1)
    assert isinstance(guard.begin(call("risky_delete")), Pending)

    assert kinds(guard)[-5:] == [*THREE, "call.decided", "approval.requested"]


def test_calls_that_never_pause_do_not_fill_the_spool(guard: Guard) -> None:
    for number in range(3 * MOST_SPOOLED):
        run(guard, number)
        assert waiting(guard) <= 2 * MOST_SPOOLED + 2

    ends = [row for row in audit.stream(guard.store) if row["kind"] == "execution.ended"]
    assert len(ends) == 3 * MOST_SPOOLED
    assert verify_file(guard.config.database).problems == []


def test_an_event_has_the_time_of_its_commit_and_not_of_its_settling(guard: Guard, clock: Clock) -> None:
    guard.store._tail.stop()
    began = iso(clock())
    assert isinstance(guard.begin(call("read_file")), Permit)
    clock.forward(seconds=30)

    (decided,) = [event for event in audit.read(guard.store) if event["kind"] == "call.decided"]
    assert decided["ts"] == began


@pytest.mark.parametrize("number", [7, -0.0, 1e21, 0.1, 2**64 - 1, 2**64, 10**40])
def test_arguments_stand_in_the_log_to_the_last_digit(guard: Guard, number: float) -> None:
    assert isinstance(guard.begin(call("read_file", number=number)), Permit)

    (body,) = [row["body"] for row in audit.stream(guard.store) if row["kind"] == "call.decided"]
    assert f'"arguments":{text({"number": number})},' in body
    assert verify_file(guard.config.database).problems == []


def test_an_error_that_json_cannot_say_is_told_in_other_words(guard: Guard) -> None:
    permit = guard.begin(call("read_file", number=1))
    assert isinstance(permit, Permit)
    guard.finish(permit, Outcome(OutcomeKind.FAILED, "text", error="half a pair: \ud800"))

    (ended,) = [event for event in audit.read(guard.store) if event["kind"] == "execution.ended"]
    assert ended["body"]["error"] == "half a pair: \\ud800"


def test_an_entry_that_cannot_be_made_stops_no_later_call(guard: Guard) -> None:
    guard.store.put_soon(lambda: text(float("nan")))
    run(guard, 1)
    assert kinds(guard)[-3:] == THREE


KILLED = """
import sys
from pathlib import Path
from toolguard.config import Config
from toolguard.core.model import Principal, ToolCall
from toolguard.guard import Guard
guard = Guard.open(Config(home=Path(sys.argv[1])))
guard.store._tail.stop()  # nobody settles in a pause
for number in range(4):
    guard.begin(ToolCall("files", "read_file", {"number": number}, Principal("agent", "ana", "files")))
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_in_the_spool_is_settled_by_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = [sys.executable, "-c", KILLED, str(home)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    before = verify_file(home / "toolguard.db")
    assert (before.problems, before.waiting) == ([], 4)

    with Guard.open(Config(home=home)) as guard:
        assert kinds(guard).count("execution.dispatched") == 4
        assert kinds(guard).count("execution.ended") == 4  # unknown, since their process is gone

    after = verify_file(home / "toolguard.db")
    assert (after.problems, after.waiting) == ([], 0)
