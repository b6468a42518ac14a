"""Arguments that a reviewer rewrites in redacted form: secrets stay where they were, or go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.made_up import example
from toolguard.core.canonical import canonical
from toolguard.core.secrets.edits import MovedMarkerError, misfit, refusal, resolved
from toolguard.core.secrets.formats import FORMATS
from toolguard.core.secrets.redact import Redactor

GITHUB_TOKEN = example(next(one for one in FORMATS if one.id == "github-token"))
REDACTOR = Redactor(b"k" * 32)
PLAIN: dict[str, Any] = {
    "url": "https://api.example.com/items",
    "headers": {"authorization": f"Bearer {GITHUB_TOKEN}"},
    "note": f"use {GITHUB_TOKEN} here",
    "token": GITHUB_TOKEN,
    "rows": [1, 2.5, True, None, {"$redacted": "a key of the agent's own"}],
}
ASKED = REDACTOR.redact(PLAIN)


def edited(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**ASKED, **changes}.items() if value != "gone"}


KEPT = [
    ({"url": "https://api.example.com/item/7"}, {"url": "https://api.example.com/item/7"}),
    ({"note": "gone"}, {}),
    ({"token": "gone", "rows": []}, {"rows": []}),
    ({"note": {"$parts": ["with ", ASKED["note"]["$parts"][1], " alone"]}}, {"note": f"with {GITHUB_TOKEN} alone"}),
    ({"note": "nothing secret"}, {"note": "nothing secret"}),
    ({"rows": [1, 3.5, False]}, {"rows": [1, 3.5, False]}),
    (
        {"rows": [1, 2.5, True, None, {"$$redacted": "changed"}]},
        {"rows": [1, 2.5, True, None, {"$redacted": "changed"}]},
    ),
    ({"added": {"deep": ["yes"]}}, {"added": {"deep": ["yes"]}}),
]


@pytest.mark.parametrize(("change", "comes_to"), KEPT)
def test_an_edit_keeps_the_secrets_that_stay_where_they_were(change: dict[str, Any], comes_to: dict[str, Any]) -> None:
    wanted = {name: value for name, value in {**PLAIN, **comes_to}.items() if change.get(name) != "gone"}

    assert refusal(edited(**change), ASKED, REDACTOR) == ""
    found = resolved(edited(**change), ASKED, PLAIN)

    assert canonical(found) == canonical(wanted)
    assert canonical(REDACTOR.redact(found)) == canonical(edited(**change))


MARKER = ASKED["token"]
REFUSED = [
    ({}, "nothing was changed"),
    ({"url": MARKER}, "/url holds a secret that the call did not have there"),
    ({"url": {"$parts": ["https://evil.example/?", MARKER]}}, "/url holds a secret"),
    ({"added": {"to": [ASKED["note"]]}}, "/added/to/0 holds a secret"),
    ({"token": {"$redacted": {"rule": "github-token", "len": 40, "mac": "k1:00"}}}, "/token holds a secret"),
    ({"token": {"$redacted": "x"}}, "/token holds a secret"),
    ({"token": {**MARKER, "more": 1}}, "/token holds a secret"),
    ({"note": {"$parts": "x"}}, "/note holds a secret"),
    ({"note": {"$parts": [1]}}, "/note holds a secret"),
    ({"token": "another one"}, "looks like a secret"),
    ({"note": f"now {GITHUB_TOKEN}"}, "looks like a secret"),
    ({"added": {"$redacted": {"rule": "x"}}}, "/added holds a secret"),
    ({"url": "x" * 60_000}, "bytes at most"),
    ({"url": "\ud800"}, "no JSON"),
]


@pytest.mark.parametrize(("change", "why"), REFUSED)
def test_an_edit_that_moves_or_writes_a_secret_is_refused(change: dict[str, Any], why: str) -> None:
    assert why in refusal(edited(**change), ASKED, REDACTOR)


@pytest.mark.parametrize("value", [None, 1, "x", [], MARKER, {"$parts": ["x"]}])
def test_what_is_no_object_is_no_arguments(value: Any) -> None:
    assert "object" in refusal(value, ASKED, REDACTOR)


def test_a_marker_that_moved_is_never_filled_in() -> None:
    for change in ({"url": MARKER}, {"url": {"$parts": ["x", MARKER]}}, {"rows": [MARKER]}):
        with pytest.raises(MovedMarkerError):
            resolved(edited(**change), ASKED, PLAIN)


def test_arguments_that_are_hidden_as_a_whole_cannot_be_rewritten() -> None:
    hidden = REDACTOR.redact({GITHUB_TOKEN: 1})

    assert "hidden as a whole" in refusal({"a": 1}, hidden, REDACTOR)


SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "mode": {"enum": ["a", "b"]},
        "count": {"type": ["integer", "null"]},
        "rows": {"type": "array", "items": {"type": "object", "required": ["id"]}},
    },
    "required": ["path"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"path": "x"}, ""),
        ({"path": "x", "mode": "a", "count": None, "rows": [{"id": 1}]}, ""),
        ({"path": "x", "count": 2.0}, ""),
        ({"path": MARKER}, ""),
        ({}, "/path is missing"),
        ({"path": 1}, "/path must be string"),
        ({"path": "x", "mode": "c"}, "/mode must be one of a, b"),
        ({"path": "x", "count": True}, "/count must be integer or null"),
        ({"path": "x", "rows": [{}]}, "/rows/0/id is missing"),
        ({"path": "x", "more": 1}, "/more is no argument of this tool"),
    ],
)
def test_an_edit_fits_the_plain_part_of_the_tools_schema(value: Any, why: str) -> None:
    assert misfit(SCHEMA, value) == why
