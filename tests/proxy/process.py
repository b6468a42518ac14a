"""A program on pipes, as a client sees it: the proxy with a server behind it, or the server alone."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

from toolguard.guard import Guard

Message = dict[str, Any]
SCRIPTED = Path(__file__).parent / "servers" / "scripted.py"
SECONDS = 30.0
"""Deadline of every wait; nothing here takes a tenth of it."""


def scripted(folder: Path, *options: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return [sys.executable, str(SCRIPTED), str(folder), *options]


def proxied(command: list[str], *options: str) -> list[str]:
    return [sys.executable, "-m", "toolguard", "proxy", *options, "--", *command]


class Process:
    """A running program; lines of its output wait in a queue."""

    def __init__(self, command: list[str], home: Path | None = None, **environment: str) -> None:
        variables = {**os.environ, **({"TOOLGUARD_HOME": str(home)} if home else {}), **environment}
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables
        )
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        assert self.popen.stderr is not None
        self.stdin, self._stdout, self._stderr = self.popen.stdin, self.popen.stdout, self.popen.stderr
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._errors: list[bytes] = []
        self._readers = [
            threading.Thread(target=_pump, args=(self._stdout, self._lines.put), daemon=True),
            threading.Thread(target=_pump, args=(self._stderr, self._keep_error), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _keep_error(self, line: bytes | None) -> None:
        if line is not None:
            self._errors.append(line)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.end()

    def send(self, *lines: Message | bytes) -> None:
        for line in lines:
            self.stdin.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        self.stdin.flush()

    def line(self) -> bytes | None:
        """The next line of the output; None at its end."""
        return self._lines.get(timeout=SECONDS)

    def receive(self) -> Message:
        line = self.line()
        assert line is not None, self.errors
        message: Message = json.loads(line)
        return message

    def rest(self) -> list[bytes]:
        return list(iter(self.line, None))

    def ask(self, method: str, id: int | str, **params: Any) -> Message:
        self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return self.receive()

    def call(self, tool: str, id: int | str, **arguments: Any) -> None:
        params = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})

    def start_session(self) -> Process:
        self.ask("initialize", "i", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "test"})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.ask("tools/list", "l")
        return self

    def close_input(self) -> None:
        self.stdin.close()

    def end(self) -> int:
        """The exit status, once the program ended and everything that it wrote was read."""
        if not self.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        code = self.popen.wait(timeout=SECONDS)
        for reader in self._readers:
            reader.join(timeout=SECONDS)
        self._stdout.close()
        self._stderr.close()
        return code

    @property
    def errors(self) -> str:
        return b"\n".join(self._errors).decode(errors="replace")


def _pump(stream: IO[bytes], put: Any) -> None:
    for line in stream:
        put(line.rstrip(b"\n"))
    put(None)


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of a condition that another process brings about."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        os.sched_yield()
    raise AssertionError(f"never came: {what}")


def vote(guard: Guard, choice: Literal["approve", "deny"] = "approve") -> None:
    view = until(guard.approvals.list, "an approval request")[0]
    reviewer = guard.reviewers.by_token(guard.reviewers.add("bob").token)
    assert reviewer is not None
    digest = view.request_digest
    result = guard.approvals.vote(view.id, reviewer, choice, request_digest=digest, channel="rest", strength=2)
    assert result.accepted


def effects(folder: Path) -> list[str]:
    file = folder / "effects"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
