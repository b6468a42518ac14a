"""The cases of the detectors for secrets and personal data, with secrets made up at run time."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.made_up import filled, named
from toolguard.core import yaml
from toolguard.core.acts import Contact, FileOp, FileUse, Place
from toolguard.core.model import Classification, EffectClass, Principal, ToolCall, strings
from toolguard.core.reading import Reading
from toolguard.core.score import score
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session
from toolguard.detectors import personal_data, secrets

CASES = Path(__file__).parents[1] / "cases"


def cases(name: str) -> list[Any]:
    path = CASES / name
    found = yaml.parse(path.read_text(encoding="utf-8"), str(path)).value
    return [pytest.param(case, id=case["name"]) for case in found]


def inspected(detector: ModuleType, case: dict[str, Any]) -> list[Any]:
    case = filled(case)
    call = ToolCall("server", case["call"]["tool"], case["call"]["arguments"], Principal("agent", "person", "session"))
    reading = Reading(
        call,
        contacts=tuple(
            Contact(one["address"], Place(one["pointer"]), one.get("method", "GET"), body=one.get("body"))
            for one in case.get("contacts", ())
        ),
        files=tuple(FileUse(FileOp(one["op"]), one["path"], content=one["content"]) for one in case.get("files", ())),
        texts=tuple(strings(call.arguments)),
    )
    session = Session()
    session.asked(case.get("prompt", ""))
    facts = session.facts(call, Surroundings()).classified(Classification(EffectClass(case["class"])))
    return list(detector.inspect(reading, facts))


@pytest.mark.parametrize("case", cases("secrets.yaml"))
def test_secrets_are_judged_by_where_they_go(case: dict[str, Any]) -> None:
    found = inspected(secrets, case)

    assert [one.id for one in found] == case["finds"]
    if "severity" in case:
        assert [one.severity for one in found] == [case["severity"]]


@pytest.mark.parametrize("case", cases("personal_data.yaml"))
def test_personal_data_are_reported_where_they_leave(case: dict[str, Any]) -> None:
    assert [one.id for one in inspected(personal_data, case)] == case["finds"]


def test_a_finding_points_at_the_secret_and_never_holds_it() -> None:
    case = {
        "call": {"tool": "send_email", "arguments": {"to": ["x", "é <<github-token>>"]}},
        "class": "send",
    }

    (found,) = inspected(secrets, case)

    assert (found.pointer, found.start, found.end) == ("/to/1", 2, 2 + len(named("github-token")))
    assert found.message == "a secret would be sent to people or published: a GitHub token"
    assert named("github-token") not in repr(found)


def test_a_secret_leaving_asks_alone_and_one_in_a_file_does_not() -> None:
    leaving = inspected(secrets, {"call": {"tool": "send_email", "arguments": {"b": "<<jwt>>"}}, "class": "send"})
    staying = inspected(secrets, {"call": {"tool": "run", "arguments": {"b": "x <<jwt>>"}}, "class": "execute"})

    assert score(leaving) >= 40
    assert score(staying) < 40


def test_a_file_full_of_keys_gives_a_bounded_number_of_findings() -> None:
    case = {"call": {"tool": "send_email", "arguments": {"b": "<<github-token>>\n" * 500}}, "class": "send"}

    assert len(inspected(secrets, case)) == secrets.MOST
