"""The client's side of its hooks: one program an event, as the client runs them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolguard.config import load
from toolguard.guard import Guard
from toolguard.hooks import send
from toolguard.store import audit

SESSION = "5f0c2b1e-0000-4000-8000-0000000000aa"


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def decision(self) -> str:
        """`allow`, `deny`, or nothing said."""
        return str(json.loads(self.out)["hookSpecificOutput"]["permissionDecision"]) if self.out else ""

    @property
    def reason(self) -> str:
        return str(json.loads(self.out)["hookSpecificOutput"]["permissionDecisionReason"])


class Client:
    """The client's side."""

    def __init__(self, home: Path, work: Path) -> None:
        self.home, self.work = home, work
        self.count = 0

    def send(self, raw: bytes, *options: str) -> Ran:
        words = [sys.executable, "-I", "-S", send.__file__, "claude-code", "--home", str(self.home), *options]
        ran = subprocess.run(words, input=raw, capture_output=True, cwd=self.work, timeout=60)
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def event(self, name: str, *options: str, **members: Any) -> Ran:
        event = {"session_id": SESSION, "cwd": str(self.work), "hook_event_name": name, **members}
        return self.send(json.dumps(event).encode(), *options)

    def tool(self, name: str, *options: str, **arguments: Any) -> Ran:
        self.count += 1
        return self.event(
            "PreToolUse", *options, tool_name=name, tool_input=arguments, tool_use_id=f"toolu_{self.count}"
        )

    def ended(self, name: str, response: Any, event: str = "PostToolUse", **arguments: Any) -> Ran:
        return self.event(
            event, tool_name=name, tool_input=arguments, tool_response=response, tool_use_id=f"toolu_{self.count}"
        )

    def log(self) -> list[dict[str, Any]]:
        with Guard.open(load(None, self.home)) as guard:
            return audit.read(guard.store, limit=1_000)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    work = tmp_path / "project"
    work.mkdir()
    # Sockets have short names; folders of tests have long ones.
    home = Path(tempfile.mkdtemp(prefix="tg"))
    (home / "toolguard.yaml").write_text("approvals: {hold: 1s}\n", encoding="utf-8")
    made = Client(home, work)
    yield made
    made.event("SessionEnd", reason="exit")
    shutil.rmtree(home, ignore_errors=True)


def keepers(home: Path) -> list[int]:
    """Processes that hold a session of this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if str(home).encode() in words and b"--keep" in words:
                found.append(int(process.name))
    return found
