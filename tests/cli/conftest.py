"""Running commands as `toolguard` does, in this process: the same frame, the real home, no stand-ins."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from toolguard.cli.app import invoke
from toolguard.cli.frame import run as framed
from toolguard.config import Config
from toolguard.core.model import Effect, Json, Principal, ToolCall
from toolguard.core.policy.policy import Policy, Rule
from toolguard.guard import Guard, Pending


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line and returns its exit status and what it printed."""

    def command(*words: str, stdin: str | bytes = "") -> Ran:
        given = io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(given), encoding="utf-8"))
        capfd.readouterr()
        status = framed(lambda: invoke(list(words)))
        return Ran(status, *capfd.readouterr())

    return command


@pytest.fixture
def guard() -> Iterator[Guard]:
    """A guard on this test's home that asks about every call of a tool `risky...`."""
    from toolguard.config import load
    from toolguard.core.policy.matching import Match

    config = load()
    policy = Policy(rules=(Rule("risky", Effect.ASK, Match(tool=("risky*",))),))
    with Guard(Config(home=config.home, agent="claude", policy=policy)) as opened:
        yield opened


def asked(guard: Guard, tool: str = "risky_delete", **arguments: Json) -> Pending:
    """A call that now waits for people."""
    call = ToolCall("files", tool, arguments or {"path": "/srv/old"}, Principal("claude", "bob", "files"))
    answer = guard.begin(call)
    assert isinstance(answer, Pending)
    return answer
