"""What Claude Code's hook knows of a call to a guarded server stands beside that call, which only the proxy judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.conftest import Client
from tests.proxy.process import Process, proxied, scripted
from toolguard.config import Config
from toolguard.core.model import Principal, ToolCall
from toolguard.guard import Guard
from toolguard.guard.foretold import Foretold, Words

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID = Words("tidy up", "I will look first.")


class Clock:
    """A time that a test moves."""

    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(tmp_path: Path, clock: Clock) -> Iterator[Guard]:
    with Guard(Config(home=tmp_path / "home"), clock=clock) as opened:
        yield opened


@pytest.fixture
def foretold(guard: Guard) -> Foretold:
    return Foretold(guard.store, guard.redactor, "tail")


def call(prompt: str | None = "tidy up", said: str | None = "I will look first.", **arguments: Any) -> ToolCall:
    who = Principal("claude-code", "ada", "5f0c")
    return ToolCall("my_files", "read", arguments, who, prompt=prompt, justification=said)


@pytest.mark.parametrize(
    ("person", "server", "tool", "arguments", "minutes", "words"),
    [
        ("ada", "my_files", "read", {"path": "a", "n": 1}, 0, SAID),
        ("ada", "my_files", "read", {"n": 1.0, "path": "a"}, 9, SAID),
        # Claude Code writes names in its own letters.
        ("ada", "my files", "read", {"path": "a", "n": 1}, 0, SAID),
        ("ada", "my_files", "read", {"path": "a", "n": 1}, 11, Words()),
        ("ada", "my_files", "read", {"path": "a", "n": 2}, 0, Words()),
        ("ada", "my_files", "read", {"path": "a"}, 0, Words()),
        ("ada", "my_files", "write", {"path": "a", "n": 1}, 0, Words()),
        ("ada", "files", "read", {"path": "a", "n": 1}, 0, Words()),
        ("bob", "my_files", "read", {"path": "a", "n": 1}, 0, Words()),
    ],
)
def test_words_belong_to_one_call_for_a_short_time(
    foretold: Foretold,
    clock: Clock,
    person: str,
    server: str,
    tool: str,
    arguments: dict[str, Any],
    minutes: int,
    words: Words,
) -> None:
    foretold.note(call(path="a", n=1))
    clock.now = START + timedelta(minutes=minutes)

    assert foretold.of(person, server, tool, arguments) == words


def test_the_newest_words_count_and_old_ones_are_gone_from_the_disk(
    guard: Guard, foretold: Foretold, clock: Clock
) -> None:
    foretold.note(call("first", path="a"))
    foretold.note(call("second", path="a"))
    assert foretold.of("ada", "my_files", "read", {"path": "a"}).prompt == "second"

    clock.now = START + timedelta(minutes=11)
    foretold.note(call(path="b"))

    assert guard.store.read("SELECT count(*) FROM foretold")[0][0] == 1


def test_no_secret_is_kept_and_with_prompts_off_no_prompt(guard: Guard) -> None:
    Foretold(guard.store, guard.redactor, "full").note(call(f"use {TOKEN}", f"with {TOKEN}", token=TOKEN))
    Foretold(guard.store, guard.redactor, "off").note(call(path="b"))

    rows = [dict(row) for row in guard.store.read("SELECT * FROM foretold ORDER BY prompt IS NULL")]
    assert TOKEN not in json.dumps(rows)
    assert rows[0]["prompt"].startswith("use [redacted github-token")
    assert rows[1]["prompt"] is None


Decided = Callable[..., dict[str, Any]]


@pytest.fixture
def decided(client: Client, tmp_path: Path) -> Decided:
    """What the log says of a call through a proxy that its client's hook foretold."""
    transcript = tmp_path / "t.jsonl"
    said = {"type": "assistant", "message": {"content": [{"type": "text", "text": "I will look first."}]}}
    transcript.write_text(json.dumps(said) + "\n", encoding="utf-8")

    def run(name: str, hooked: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        client.event("UserPromptSubmit", "--proxied", "files", prompt=f"tidy up with {TOKEN}")
        event = {"tool_name": "mcp__files__safe_echo", "tool_input": hooked, "transcript_path": str(transcript)}
        assert client.event("PreToolUse", "--proxied", "files", **event).out == ""
        with Process(proxied(scripted(tmp_path / "s"), "--name", "files"), client.home) as proxy:
            proxy.ask("initialize", 1, protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": name})
            proxy.ask("tools/list", 2)
            proxy.call("safe_echo", 3, **sent)
            assert "result" in proxy.receive()
            proxy.end()
        (found,) = [event["body"] for event in client.log() if event["kind"] == "call.decided"]
        body: dict[str, Any] = found
        return body

    return run


def test_a_call_through_the_proxy_has_the_prompt_and_the_models_words(decided: Decided) -> None:
    body = decided("claude-code", {"what": "cellar"}, {"what": "cellar"})

    assert body["prompt"] == "tidy up with [redacted github-token]"
    assert body["justification"] == "I will look first."


@pytest.mark.parametrize(
    ("name", "sent"),
    [("claude-code", {"what": "attic"}), ("another-client", {"what": "cellar"})],
    ids=["call", "client"],
)
def test_another_call_or_another_client_has_neither(decided: Decided, name: str, sent: dict[str, Any]) -> None:
    body = decided(name, {"what": "cellar"}, sent)

    assert "prompt" not in body
    assert "justification" not in body
