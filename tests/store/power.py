"""Power loss, played back: what a process wrote and synced is recorded by strace, and the files are rebuilt as a disk
would have them that lost everything unsynced. `python -m tests.store.power HOME ROUNDS MODE` is the recorded process.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.guard.conftest import PRINCIPAL, RULES
from toolguard.config import Config
from toolguard.core.model import ToolCall
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard, Pending, Permit
from toolguard.store.database import Database
from toolguard.store.transaction import Write

TRACED = "openat,pwrite64,ftruncate,fsync,fdatasync,write"


# -- the recorded process -------------------------------------------------------------------------------------------


class Swapped(Database):
    """The mistake that the test must find: what people decided is committed as lightly as what nobody was asked."""

    def write(self, *, full: bool) -> Write:
        return super().write(full=not full)


def live(home: Path, rounds: int, mode: str) -> None:
    """Calls of both tiers; each is said aloud as soon as the guard has answered."""
    if mode == "swapped":
        import toolguard.guard.guard as module

        setattr(module, "Database", Swapped)  # noqa: B010 - the control of the test, not a name that it exports
    durability = "full" if mode == "full" else "balanced"
    guard = Guard(Config(home=home, policy=Policy(Preset.BALANCED, RULES), durability=durability))
    reviewer = guard.reviewers.by_token(guard.reviewers.add("bob").token)
    assert reviewer is not None
    for number in range(rounds):
        for each in range(3):
            permit = guard.begin(ToolCall("files", "read_file", {"path": f"{number}/{each}"}, PRINCIPAL))
            assert isinstance(permit, Permit)
            say("execution.dispatched", "execution_id", permit.execution_id)
        pending = guard.begin(ToolCall("files", "risky_delete", {"number": number}, PRINCIPAL))
        assert isinstance(pending, Pending)
        say("approval.requested", "request_id", pending.request_id)
        view = guard.approvals.show(pending.request_id)
        assert view is not None
        guard.approvals.vote(
            view.id, reviewer, "approve", request_digest=view.request_digest, channel="cli", strength=2
        )
        say("vote.cast", "request_id", view.id)
        permit = guard.resume(pending)
        assert isinstance(permit, Permit)
        say("execution.claimed", "request_id", view.id)
    guard.close()


def say(kind: str, column: str, value: str) -> None:
    os.write(1, f"ack {kind} {column} {value}\n".encode())


# -- the disk -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ack:
    """What the process was promised."""

    at: float
    kind: str
    column: str
    value: str


@dataclass(slots=True)
class File:
    """A file on a disk that keeps what was synced, and may keep the rest."""

    synced: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes] | int] = field(default_factory=list)
    """Writes (offset, bytes) and cuts (length) since the last sync."""

    def sync(self) -> None:
        _apply(self.synced, self.waiting)
        self.waiting = []


@dataclass(slots=True)
class Disk:
    files: dict[str, File] = field(default_factory=dict)
    acks: list[Ack] = field(default_factory=list)

    def lay_out(self, folder: Path, *, lost: str) -> Path:
        """The database as it is after the power came back. `lost`: everything unsynced is gone, or every second
        write, as disks reorder."""
        for name, file in self.files.items():
            content = bytearray(file.synced)
            if lost == "half":
                _apply(content, file.waiting[::2])
            (folder / name).write_bytes(content)
        return folder / "toolguard.db"


def _apply(content: bytearray, writes: list[tuple[int, bytes] | int]) -> None:
    for write in writes:
        if isinstance(write, int):
            del content[write:]
            content.extend(bytes(write - len(content)))
        else:
            offset, written = write
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(written)] = written


def record(home: Path, trace: Path, rounds: int, mode: str) -> None:
    words = [sys.executable, "-m", "tests.store.power", str(home), str(rounds), mode]
    subprocess.run(
        ["strace", "-f", "-qq", "-y", "-xx", "-ttt", "-s", "100000", "-e", f"trace={TRACED}", "-o", str(trace), *words],
        check=True,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    )


_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
_CALL = re.compile(r'(\w+)\((?:AT_FDCWD\S*, )?(?:"([^"]*)"|(\d+)<([^>]*)>)(.*)\) += +(-?\d+)')
_WRITE = re.compile(r', "([^"]*)", (\d+)(?:, (\d+))?')


def played(trace: Path) -> Iterator[Disk]:
    """The disk after each promise, in the order in which the kernel finished the calls."""
    disk = Disk()
    for at, call in _calls(trace):
        found = _CALL.match(call)
        if found is None or int(found[6]) < 0:
            continue
        name, opened, fd, path, rest = found[1], found[2], found[3], found[4], found[5]
        if name == "write" and fd == "1":
            written = _WRITE.match(rest)
            for line in _bytes(written[1]).decode().splitlines() if written else ():
                _, kind, column, value = line.split()
                disk.acks.append(Ack(at, kind, column, value))
                yield disk
            continue
        base = Path(os.fsdecode(_bytes(opened if opened is not None else path))).name
        if base not in ("toolguard.db", "toolguard.db-wal"):
            continue
        _change(disk.files.setdefault(base, File()), name, rest)


def _change(file: File, name: str, rest: str) -> None:
    if name == "pwrite64":
        written = _WRITE.match(rest)
        assert written is not None, rest[:200]
        content = _bytes(written[1])
        assert len(content) == int(written[2])
        file.waiting.append((int(written[3]), content))
    elif name == "ftruncate":
        file.waiting.append(int(rest.removeprefix(", ")))
    elif name in ("fsync", "fdatasync"):
        file.sync()
    elif name == "openat" and "O_TRUNC" in rest:
        file.waiting.append(0)


def _calls(trace: Path) -> Iterator[tuple[float, str]]:
    """Whole calls: strace splits those that another thread interrupts."""
    begun: dict[str, str] = {}
    with trace.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, at, call = found.groups()
            if call.endswith("<unfinished ...>"):
                begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
                continue
            if call.startswith("<... "):
                call = begun.pop(thread, "") + call.partition("resumed>")[2]
            yield float(at), call


def _bytes(text: str) -> bytes:
    with contextlib.suppress(ValueError):
        return bytes.fromhex(text.replace("\\x", ""))
    return text.encode()


if __name__ == "__main__":
    live(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
