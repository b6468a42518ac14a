"""When a process syncs its log: its own calls and those of its background thread, recorded by strace.

`python -m tests.store.syncs HOME MODE CALLS` is the recorded process: ordinary allowed calls from beginning to end, one
after the other without a pause (`busy`, `full`), or each after the sync of the one before (`quiet`, `late`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.guard.conftest import PRINCIPAL, RULES
from tests.store.power import say
from toolguard.config import Config
from toolguard.core.model import Outcome, OutcomeKind, ToolCall
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard, Permit
from toolguard.store import tail

LATE_SYNC_SECONDS = 1.0
"""The mistake that the test must find: a timer that keeps no promise of 200 ms."""


def live(home: Path, mode: str, calls: int) -> None:
    if mode == "late":
        setattr(tail, "SYNC_SECONDS", LATE_SYNC_SECONDS)  # noqa: B010 - the control of the test
    durability = "full" if mode == "full" else "balanced"
    with Guard(Config(home=home, policy=Policy(Preset.BALANCED, RULES), durability=durability)) as guard:
        for number in range(calls):
            permit = guard.begin(ToolCall("files", "read_file", {"path": f"{number}"}, PRINCIPAL))
            assert isinstance(permit, Permit)
            guard.dispatch(permit)
            say("execution.dispatched", "execution_id", permit.execution_id)
            guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4))
            while mode in ("quiet", "late") and (guard.store.is_waiting or guard.store._tail._unsynced_since):
                threading.Event().wait(0.01)


@dataclass(frozen=True, slots=True)
class Moment:
    """One system call of one thread."""

    thread: str
    at: float
    kind: str
    """`ack`, `sync` of the write-ahead log, or `wait`: a sleep that the thread asked for."""
    seconds: float = 0.0
    """Of a wait: how long it was to last when it began. A busy machine makes it longer, never this."""


def record(home: Path, trace: Path, mode: str, calls: int) -> list[Moment]:
    words = [sys.executable, "-m", "tests.store.syncs", str(home), mode, str(calls)]
    traced = "trace=write,fsync,fdatasync,futex"
    subprocess.run(
        ["strace", "-f", "-qq", "-y", "-xx", "-ttt", "-T", "-s", "200", "-e", traced, "-o", str(trace), *words],
        check=True,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    )
    return list(_moments(trace))


_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*?)(?: <(\d+\.\d+)>)?$")
_ACK = re.compile(r'write\(1<[^>]*>, "(\S+)"')
_SYNC = re.compile(r"(?:fsync|fdatasync)\(\d+<([^>]*)>\) += 0")
# Deadlines of the wall clock (FUTEX_CLOCK_REALTIME) are those of threads that want the interpreter.
_WAIT = re.compile(r"futex\(\S+ FUTEX_WAIT_BITSET(?:_PRIVATE)?, .*\{tv_sec=(\d+), tv_nsec=(\d+)\}.* = -1 ETIMEDOUT")


def _moments(trace: Path) -> Iterator[Moment]:
    calls = list(_calls(trace))
    deadlines = [(ended, _deadline(found)) for _, _, ended, call in calls if (found := _WAIT.match(call))]
    # Deadlines are of the monotonic clock, moments of the wall clock; no wait ends before its deadline.
    apart = min((ended - deadline for ended, deadline in deadlines), default=0.0)
    for thread, begun, ended, call in calls:
        if (found := _ACK.match(call)) and _text(found[1]).startswith("ack "):
            yield Moment(thread, ended, "ack")
        elif (found := _SYNC.match(call)) and _text(found[1]).endswith("-wal"):
            yield Moment(thread, ended, "sync")
        elif found := _WAIT.match(call):
            yield Moment(thread, begun, "wait", _deadline(found) + apart - begun)


def _calls(trace: Path) -> Iterator[tuple[str, float, float, str]]:
    """Thread, beginning and end of each call, in the order of their ends; strace splits those that overlap."""
    begun: dict[str, tuple[float, str]] = {}
    for line in trace.read_text(encoding="ascii", errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, at, call, lasted = found.groups()
        start = float(at)
        if call.endswith("<unfinished ...>"):
            begun[thread] = start, call.removesuffix("<unfinished ...>").rstrip()
            continue
        if call.startswith("<... ") and thread in begun:
            start, first = begun.pop(thread)
            call = first + call.partition("resumed>")[2]
        yield thread, start, start + float(lasted or 0), call


def _text(encoded: str) -> str:
    """strace writes strings in hexadecimal, and paths as they are or likewise."""
    try:
        return bytes.fromhex(encoded.replace("\\x", "")).decode(errors="replace")
    except ValueError:
        return encoded


def _deadline(found: re.Match[str]) -> float:
    return int(found[1]) + int(found[2]) / 1e9


if __name__ == "__main__":
    live(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
