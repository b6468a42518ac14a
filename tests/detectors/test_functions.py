"""The cases of the detectors for function tools and of the session detector, over real readings and sessions."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolguard.core import yaml
from toolguard.core.classify import classify
from toolguard.core.model import Decision, Effect, Principal, ToolCall, ToolDefinition
from toolguard.core.reading import read
from toolguard.core.score import score
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session

CASES = Path(__file__).parents[1] / "cases"


def cases(name: str) -> list[Any]:
    path = CASES / name
    found = yaml.parse(path.read_text(encoding="utf-8"), str(path)).value
    return [pytest.param(case, id=case["name"]) for case in found]


def call_of(call: dict[str, Any]) -> ToolCall:
    definition = ToolDefinition(
        call["tool"], call.get("description", ""), call.get("schema", {}), call.get("annotations", {})
    )
    return ToolCall("server", call["tool"], call["arguments"], Principal("agent", "person", "session"), definition)


def inspected(detector: str, case: dict[str, Any]) -> list[Any]:
    session = Session()
    if "prompt" in case:
        session.asked(case["prompt"])
    for step in case.get("steps", ()):
        session.called(call_of(step), Decision(Effect.ALLOW, 0, classify(read(call_of(step)))))
        session.returned(call_of(step), step["output"])
    call = call_of(case["call"])
    reading = read(call)
    facts = session.facts(
        call, Surroundings(definition_change=case.get("change", ""), definition_findings=tuple(case.get("pinned", ())))
    )
    module = importlib.import_module(f"toolguard.detectors.{detector}")
    return list(module.inspect(reading, replace(facts, classification=classify(reading))))


@pytest.mark.parametrize("case", cases("functions.yaml"))
def test_function_tools_are_judged_by_what_they_do(case: dict[str, Any]) -> None:
    found = inspected(case["detector"], case)

    assert [one.id.partition(".")[2] for one in found] == case["finds"]
    assert (score(found) >= 40) is case["asks"]


@pytest.mark.parametrize("case", cases("session.yaml"))
def test_a_call_is_judged_against_its_session(case: dict[str, Any]) -> None:
    found = inspected("session", case)

    assert [one.id.partition(".")[2] for one in found] == case["finds"]
    assert (score(found) >= 40) is case["asks"]
