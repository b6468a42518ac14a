"""The life of a call, and each change of what judges it, is in the log: rows readable alone, and as the schema says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a package of their own

from tests.guard.conftest import PRINCIPAL, RULES, call, enrolled
from tests.guard.test_grants import WIDE, allow, note, run
from tests.store.scenes import play
from toolguard.config import Config
from toolguard.core.events import KINDS
from toolguard.core.model import ToolDefinition
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard, Pending
from toolguard.guard.pins import accept
from toolguard.store import audit, retention

SCHEMA = Path(__file__).parents[2] / "schemas" / "audit-event.schema.json"

# What must be in the log, the kind that says it, the columns and the members of its contents that make it readable.
LIFE: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
    (
        "seen and decided",
        "call.decided",
        ("agent", "person", "session", "server", "tool", "effect", "score", "call_fp", "policy_digest"),
        ("findings", "rules", "arguments", "class", "headline"),
    ),
    ("requested", "approval.requested", ("agent", "person", "server", "tool"), ("request_digest", "view")),
    ("voted", "vote.cast", ("reviewer", "channel", "person", "tool"), ("choice", "reason", "vote_digest")),
    ("approved", "approval.approved", ("reviewer", "request_id", "tool"), ("use_by",)),
    ("denied", "approval.denied", ("reviewer", "request_id", "tool"), ()),
    ("claimed", "execution.claimed", ("execution_id", "call_id", "tool"), ("decision_key",)),
    ("dispatched", "execution.dispatched", ("execution_id", "call_id", "server", "tool"), ()),
    (
        "ended",
        "execution.ended",
        ("outcome", "execution_id", "server", "tool"),
        ("result_mac", "result_size", "duration_us", "error"),
    ),
    ("the configuration", "configuration.loaded", ("agent",), ("servers", "channels", "changed")),
    ("the policy", "policy.loaded", ("policy_digest",), ("preset",)),
    ("a reviewer", "reviewer.enrolled", ("reviewer",), ("groups",)),
    ("a reviewer less", "reviewer.removed", ("reviewer",), ()),
    ("a grant", "grant.created", ("reviewer", "grant_id", "server", "tool"), ()),
    ("its use", "grant.used", ("grant_id", "server", "tool"), ()),
    ("its end", "grant.revoked", ("grant_id", "reviewer"), ()),
    ("a pin", "definition.pinned", ("server", "tool"), ("definition_fp",)),
    ("its change", "definition.changed", ("server", "tool"), ("definition_fp", "previous_fp")),
    ("its acceptance", "definition.accepted", ("server", "tool", "reviewer"), ("definition_fp",)),
    ("a stop", "guard.stopped", ("reviewer", "channel"), ("reason",)),
    ("its end", "guard.released", ("reviewer", "channel"), ()),
    ("a new key", "key.rotated", ("reviewer",), ("public_key", "signed_by_old")),
    ("a hold", "retention.held", ("reviewer",), ("name", "reason")),
    ("its end", "retention.freed", ("reviewer",), ("name", "reason")),
    ("contents removed", "retention.erased", (), ("ranges", "removed", "reason", "subject")),
]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    home = tmp_path_factory.mktemp("events") / "home"
    config = Config(home=home, file=home / "toolguard.yaml", agent="claude", policy=Policy(Preset.BALANCED, RULES))
    with Guard(config) as guard:
        play(guard, text="plain")
        reviewer = enrolled(guard, "ada")
        assert allow(guard, reviewer, WIDE).accepted
        run(guard, guard.begin(note(path="/srv/data/notes/b.txt")))
        assert guard.grants.revoke(guard.grants.list()[0].id, reviewer, "cli")
        for description in ("reads", "reads and sends"):
            guard.pin("files", ("run",), [ToolDefinition("reader", description, {})], complete=True)
        assert accept(guard.store, "files", "reader", reviewer.name)
        guard.stop_switch.stop(reviewer, "odd", "cli")
        guard.stop_switch.release(reviewer, "cli")
        guard.checkpoints.rotate("yearly", reviewer=reviewer.name, channel="cli")
        retention.hold(guard.store, "case", {"session": "other"}, "legal", reviewer=reviewer.name, channel="cli")
        retention.free(guard.store, "case", "closed", reviewer=reviewer.name, channel="cli")
        assert isinstance(guard.begin(call("risky_last")), Pending)
        guard.reviewers.remove("ada")
        found = audit.read(guard.store, limit=10_000)
        retention.erase(guard.store, guard.checkpoints, {"session": PRINCIPAL.session}, "asked for it")
        return found + audit.read(guard.store, after=found[-1]["seq"], limit=100)


@pytest.mark.parametrize(("what", "kind", "columns", "members"), LIFE, ids=[f"{row[0]} ({row[1]})" for row in LIFE])
def test_it_is_in_the_log_and_readable_alone(
    events: list[dict[str, Any]], what: str, kind: str, columns: tuple[str, ...], members: tuple[str, ...]
) -> None:
    found = [event for event in events if event["kind"] == kind]

    assert found, f"nothing says: {what}"
    for event in found:
        assert [name for name in columns if event.get(name) is None] == []
        assert [name for name in members if name not in event["body"]] == []


def test_every_event_is_as_the_schema_says_and_of_a_kind_that_it_lists(events: list[dict[str, Any]]) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))

    for event in events:
        assert list(validator.iter_errors(event)) == []
        assert event["kind"] in KINDS


def test_the_schema_lists_every_kind_and_lets_later_versions_add_some() -> None:
    listed = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]["kind"]
    validator = Draft202012Validator(listed)

    assert listed["anyOf"][0]["enum"] == list(KINDS)
    assert validator.is_valid("call.decided")
    assert validator.is_valid("call.recalled_later")
    assert not validator.is_valid("call decided")


def test_the_configuration_is_recorded_when_it_changes_and_holds_no_secret(home: Path) -> None:
    home.mkdir()

    def recorded(text: str) -> list[Mapping[str, Any]]:
        from toolguard.config import load

        (home / "toolguard.yaml").write_text(text, encoding="utf-8")
        with Guard(load(folder=home)) as guard:
            guard.begin(call("read_file"))
            return [event["body"] for event in audit.read(guard.store) if event["kind"] == "configuration.loaded"]

    server = "servers: {files: {command: run, env: {KEY: made-up-secret}}}\n"
    assert len(recorded(server)) == 1
    assert len(recorded(server)) == 1
    changed = recorded(server.replace("made-up-secret", "another-secret") + "durability: full\n")
    assert len(changed) == 2
    assert changed[-1]["changed"] == ["durability", "servers"]
    assert "secret" not in json.dumps(changed).replace("secret.", "")


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(inside)


def test_no_event_holds_a_fraction_since_readers_write_those_differently(events: list[dict[str, Any]]) -> None:
    """Arguments may: they are as the agent wrote them."""
    own = [event for event in events if event["kind"] not in ("call.decided", "approval.requested")]

    assert [event["kind"] for event in own if any(isinstance(one, float) for one in _walk(event["body"]))] == []
