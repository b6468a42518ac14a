"""Disks and clocks that fail: the call is refused with words that help, and what was written still verifies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.guard.conftest import Clock, call, clock, config, guard, guard_with
from tests.guard.test_guard import kinds, refusal
from toolguard.core.approvals import RefusalCode
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal
from toolguard.store import database as module
from toolguard.store import filelock
from toolguard.store.proving import verify_file

__all__ = ["clock", "config", "guard", "guard_with"]  # fixtures of the guard's tests

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.store.scenes import call, opened
from tests.guard.conftest import PRINCIPAL
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
guard = opened(Path(sys.argv[1]))
room = (Path(sys.argv[1]) / "toolguard.db-wal").stat().st_size + 60_000
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
seen = []
for number in range(40):
    answer = guard.begin(call("read_file", PRINCIPAL, text="x" * 4_000, number=number))
    seen.append(type(answer).__name__)
    if seen[-1] == "Refusal":
        print(answer.code, answer.reasons, answer.text)
        break
print(len(seen), set(seen[:-1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_refuses_calls_and_leaves_a_log_that_verifies(home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(home)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
    )

    first, last = ran.stdout.splitlines()
    assert first.startswith("log_unavailable"), ran.stderr
    assert "NOT executed" in first
    assert last.endswith("{'Permit'}")
    assert verify_file(home / "toolguard.db").problems == []


def test_a_database_that_became_read_only_refuses_calls(guard: Guard) -> None:
    for connection in (guard.store._full, guard.store._normal):
        connection.execute("PRAGMA query_only = ON")

    for tool in ("read_file", "risky_delete", "never_this"):
        refused = refusal(guard.begin(call(tool)))
        assert refused.code is RefusalCode.LOG_UNAVAILABLE
        assert "write access" in refused.reasons[1]

    for connection in (guard.store._full, guard.store._normal):
        connection.execute("PRAGMA query_only = OFF")
    assert isinstance(guard.begin(call("read_file")), Permit)
    guard.store.flush()
    assert verify_file(guard.config.database).problems == []


def test_a_database_that_somebody_holds_refuses_calls_and_runs_none_later(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    other = os.open(f"{guard.config.database}.lock", os.O_RDWR)
    filelock.acquire(other, 1)

    refused = [guard.begin(call(tool)) for tool in ("read_file", "risky_delete")]

    assert {refusal(answer).code for answer in refused} == {RefusalCode.LOG_UNAVAILABLE}
    os.close(other)
    monkeypatch.undo()
    assert isinstance(guard.begin(call("read_file")), Permit)
    guard.store.flush()
    assert kinds(guard).count("execution.dispatched") == 1


def test_a_damaged_page_refuses_calls_and_shows_in_the_proof(guard: Guard, guard_with: Callable[..., Guard]) -> None:
    for number in range(40):
        assert isinstance(guard.begin(call("read_file", number=number, text="x" * 2_000)), Permit)
    guard.close()
    path = guard.config.database
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(content)

    assert isinstance(_opened_and_asked(guard_with), StoreError | Refusal)
    with contextlib.suppress(StoreError):  # perhaps not even readable
        assert not verify_file(path).ok


def _opened_and_asked(guard_with: Callable[..., Guard]) -> object:
    """What a call meets: the guard does not even open, or it answers."""
    try:
        return guard_with().begin(call("read_file"))
    except StoreError as error:
        return error


def test_a_clock_that_is_set_back_is_noted_and_makes_nothing_younger(guard: Guard, clock: Clock) -> None:
    pending = guard.begin(call())
    assert isinstance(pending, Pending)
    clock.forward(hours=-3)

    assert isinstance(guard.begin(call("read_file")), Permit)
    assert isinstance(guard.begin(call("read_file", again=True)), Permit)

    guard.store.flush()
    assert kinds(guard).count("clock.regressed") == 1
    assert verify_file(guard.config.database).problems == []
    clock.forward(hours=3, seconds=3_601)
    assert refusal(guard.resume(pending)).code is RefusalCode.EXPIRED


def test_a_clock_that_time_servers_correct_leaves_no_trace(guard: Guard, clock: Clock) -> None:
    guard.begin(call("read_file"))
    clock.forward(seconds=-1)
    guard.begin(replace(call("read_file"), arguments={"again": True}))

    assert "clock.regressed" not in kinds(guard)
