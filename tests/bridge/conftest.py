"""A toolguard under a user of its own: its home, its servers, `listen` and `serve`, and clients of other users."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.users import AGENT, GUARD, as_user, why_not
from tests.proxy.process import SCRIPTED, Process, until
from toolguard.hooks import send

SECRET = "upstream-7c41d9e05b"


class House:
    """Everything below one folder; without other users, all of it belongs to us."""

    def __init__(self, folder: Path, *, apart: bool) -> None:
        self.folder, self.apart = folder, apart
        self.home, self.journal = folder / "home", folder / "journal"
        self.socket = folder / "run" / "agent.sock"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        folder.chmod(0o755)
        for made, mode in ((self.home, 0o700), (self.journal, 0o700), (self.socket.parent, 0o755)):
            made.mkdir()
            made.chmod(mode)
        server = {"command": sys.executable, "args": [str(SCRIPTED), str(self.journal)], "env": {"TOKEN": SECRET}}
        rules = [
            {"name": "risky", "effect": "ask", "match": {"tool": "risky*"}},
            {"name": "safe", "effect": "allow", "match": {"tool": "safe*"}},
        ]
        settings = {
            "servers": {"files": server},
            "policy": {"rules": rules},
            "approvals": {"hold": "1s"},
            "review": {"port": self.port},
        }
        file = self.home / "toolguard.yaml"
        file.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        file.chmod(0o600)
        if apart:
            for path in (self.home, file, self.journal, self.socket.parent):
                os.chown(path, GUARD, GUARD)
        self._uid = GUARD if apart else os.getuid()

    def demand_passkeys(self) -> None:
        file = self.home / "toolguard.yaml"
        settings = json.loads(file.read_text(encoding="utf-8"))
        settings["policy"] = {"rules": [{"name": "passkeys", "effect": "ask", "match": {}, "strength": "passkey"}]}
        file.write_text(json.dumps(settings), encoding="utf-8")

    def words(self, uid: int, command: Sequence[str]) -> list[str]:
        return as_user(uid, command) if self.apart else list(command)

    def environment(self, **more: str) -> dict[str, str]:
        """Of a user who has nothing of toolguard's but knows where it is."""
        known = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        return {**known, "TOOLGUARD_HOME": str(self.home), **more}

    def run(self, uid: int, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(uid, command),
            env=self.environment(**more),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def toolguard(self, uid: int, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run(uid, sys.executable, "-m", "toolguard", *words, **more)

    def start(self, uid: int, *words: str) -> Process:
        command = self.words(uid, [sys.executable, "-m", "toolguard", *words])
        return Process(["env", "-i", *(f"{name}={value}" for name, value in self.environment().items()), *command])

    def client(self, uid: int, name: str = "files") -> Process:
        return self.start(uid, "connect", "--socket", str(self.socket), name)

    def hook(self, uid: int, kind: str, **members: Any) -> subprocess.CompletedProcess[str]:
        """One event of Claude Code's hooks, as a client of that user sends it."""
        words = [sys.executable, "-I", "-S", send.__file__, "claude-code", "--socket", str(self.socket)]
        event = {"session_id": "s1", "cwd": "/", "hook_event_name": kind, **members}
        return subprocess.run(
            self.words(uid, words),
            input=json.dumps(event),
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )

    @contextlib.contextmanager
    def listening(self, *users: int) -> Iterator[Process]:
        names = [word for user in users for word in ("--user", str(user))]
        with self.start(self._uid, "listen", "--socket", str(self.socket), *names) as listener:
            assert b"listens" in (listener.line() or b""), listener.errors
            yield listener

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """The address of the review page."""
        address = f"http://127.0.0.1:{self.port}"
        with self.start(self._uid, "serve") as page:
            while (line := page.line()) is not None and b"serves" not in line:
                pass
            until(lambda: _answers(self.port), "the review page")
            yield address

    def events(self) -> list[dict[str, Any]]:
        ran = self.toolguard(self._uid, "audit", "list", "--json")
        found: list[dict[str, Any]] = json.loads(ran.stdout)
        return found


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def made(*, apart: bool) -> Iterator[House]:
    # Sockets have short names, and folders of tests are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="tg"))
    try:
        yield House(folder, apart=apart)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a hook's keeper may be closing its database just now


@pytest.fixture
def house() -> Iterator[House]:
    """All of it ours."""
    yield from made(apart=False)


@pytest.fixture
def apart() -> Iterator[House]:
    """toolguard's belongs to GUARD; agents run as AGENT."""
    assert not why_not(), why_not()
    yield from made(apart=True)


@pytest.fixture
def agent(apart: House) -> Iterator[Process]:
    """A client of the agent's user in the middle of a session, with toolguard's programs around it."""
    with apart.listening(AGENT), apart.client(AGENT) as client:
        yield client.start_session()
