"""Secrets in what servers say of their tools: none is kept, and two tools stay two."""

from __future__ import annotations

import pytest

from tests.guard.conftest import call
from tests.made_up import example
from toolguard.core.model import ToolDefinition
from toolguard.core.secrets.formats import FORMATS
from toolguard.core.secrets.redact import Redactor
from toolguard.guard import Guard
from toolguard.guard.names import Names
from toolguard.store import audit

GITHUB = next(one for one in FORMATS if one.id == "github-token")
TOKENS = [example(GITHUB, seed=1), example(GITHUB, seed=2)]


@pytest.fixture
def names() -> Names:
    return Names(Redactor(b"k" * 32))


@pytest.mark.parametrize(
    "name",
    ["read_file", "a.b/c-d", "", "x" * 3_000, "_" * 500, "get_token", "list-api-keys", "password_reset", "GitHub.push"],
)
def test_a_name_without_a_secret_stays(names: Names, name: str) -> None:
    assert names.of(name) == name


@pytest.mark.parametrize("around", ["{}", "read_{}", "{}_read", "a_b_{}_c", "v1.{}", "{}/x", "login-{}-now"])
def test_a_name_with_a_secret_is_told_without_it_and_names_stay_apart(names: Names, around: str) -> None:
    first, second = (names.of(around.format(token)) for token in TOKENS)

    assert all(token not in first + second for token in TOKENS)
    assert "github-token" in first
    assert first != second
    assert names.of(first) == first


def test_every_secret_of_a_definition_goes_and_its_shape_stays(names: Names) -> None:
    token = TOKENS[0]
    schema = {"type": "object", "properties": {"token": {"type": "string", "default": token, "enum": [token, "x"]}}}
    offered = ToolDefinition(
        "login", f"use {token}", schema, annotations={"title": token, "readOnlyHint": True}, rest={"_meta": [token]}
    )

    kept = names.without_secrets(offered)

    assert token not in str(kept)
    assert kept.input_schema["properties"]["token"]["type"] == "string"
    assert kept.annotations["readOnlyHint"] is True
    plain = ToolDefinition("login", "logs in", {"properties": {"password": {"type": "string"}}})
    assert names.without_secrets(plain) == plain


def test_a_definition_with_a_secret_is_the_same_at_the_next_listing(guard: Guard) -> None:
    def listed(description: str) -> tuple[str, ...]:
        return guard.pin("files", ("run",), [ToolDefinition("login", description, {})], complete=True).changed

    assert listed(f"use {TOKENS[0]}") == ()
    assert listed(f"use {TOKENS[0]}") == ()
    assert listed(f"use {TOKENS[1]}") == ("login",)


def test_a_call_by_such_a_name_leaves_none_in_the_log(guard: Guard) -> None:
    guard.begin(call(f"read_{TOKENS[0]}", path="notes.txt"))

    assert TOKENS[0] not in str(audit.read(guard.store))
