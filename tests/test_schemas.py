"""The committed schemas are those of the models, and real documents satisfy them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a package of their own

from tests.test_config import INTERFACE
from toolguard.config import Config
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.yaml import parse
from toolguard.guard import Guard, Pending
from toolguard.schemas import MODELS, schema
from toolguard.store import audit

FOLDER = Path(__file__).parents[1] / "schemas"


def validator(name: str) -> Draft202012Validator:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


@pytest.mark.parametrize("name", MODELS)
def test_a_committed_schema_is_the_one_of_its_model(name: str) -> None:
    committed = json.loads((FOLDER / name).read_text(encoding="utf-8"))

    assert committed == schema(MODELS[name]), "run: python -m toolguard.schemas schemas"


def test_no_schema_is_left_over() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {*MODELS, "openapi.json"}


def test_the_documented_configuration_satisfies_its_schema() -> None:
    validator("config.schema.json").validate(parse(INTERFACE, "f.yaml").value)


RULE = "policy: {rules: [{name: a, effect: ask, match: {"


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("policy: {preset: strict}", True),
        (f"{RULE} class: [read, send], tool: x, server: [a, 'b*']}}}}]}}", True),
        (f"{RULE} time: {{from: '22:00', to: '06:00'}}}}}}]}}", True),
        (f"{RULE} time: [{{from: '22:00', to: '06:00', zone: UTC}}]}}}}]}}", True),
        ("policy: {rules: [{name: a, effect: ask, match: {arguments: {/a: {equals: null}, /b: {in: [1, x]}}}}]}", True),
        ("approvals: {hold: 50s}", True),
        ("approvals: {hold: 50}", False),
        ("policy: {preset: stricter}", False),
        ("servrs: {}", False),
        ("policy: {rules: [{name: a, effect: ask, match: {clas: read}}]}", False),
        ("policy: {rules: [{name: a}]}", False),
    ],
)
def test_an_editor_sees_the_same_mistakes(text: str, is_valid: bool) -> None:
    assert validator("config.schema.json").is_valid(parse(text, "f.yaml").value) is is_valid


@pytest.mark.parametrize(
    ("session", "is_valid"),
    [
        ({"id": "a", "steps": []}, True),
        ({"id": "a", "prompt": None, "tools": None, "steps": [{"tool": "t", "arguments": None, "server": None}]}, True),
        ({"id": "a", "extra": 1, "steps": [{"tool": "t", "arguments": {}, "output": {"x": 1}, "more": 2}]}, True),
        ({"id": "a", "tools": [{"name": "t", "description": None, "input_schema": None, "annotations": None}]}, True),
        ({"steps": []}, False),
        ({"id": "a", "steps": [{"arguments": {}}]}, False),
    ],
)
def test_a_recorded_session_is_described(session: dict[str, Any], is_valid: bool) -> None:
    assert validator("session.schema.json").is_valid(session) is is_valid


def test_what_the_guard_writes_satisfies_the_schemas(home: Path) -> None:
    policy = Policy(rules=(Rule("ask", Effect.ASK),))
    guard = Guard(Config(home=home, policy=policy))
    reviewer = guard.reviewers.by_token(guard.reviewers.add("alice", ["dba"]).token)
    assert reviewer is not None
    pending = guard.begin(ToolCall("files", "delete", {"path": "/a"}, Principal("claude", "bob", "files")))
    assert isinstance(pending, Pending)
    before = guard.approvals.show(pending.request_id)
    assert before is not None
    guard.approvals.vote(
        before.id, reviewer, "approve", request_digest=before.request_digest, channel="cli", strength=2
    )
    guard.resume(pending)
    after = guard.approvals.show(pending.request_id)
    assert after is not None

    for view in (before, after):
        message = {"type": "approval.changed", "timestamp": view.created, "data": view.as_json()}
        validator("webhook.schema.json").validate(message)
    events = audit.read(guard.store, limit=1000)
    guard.close()
    assert len({event["kind"] for event in events}) >= 6
    for event in events:
        validator("audit-event.schema.json").validate(event)
