"""Arguments that only the application fills, against tests/cases/injected.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toolguard.core import yaml
from toolguard.core.model import Principal, ToolCall, ToolDefinition
from toolguard.core.reading import read
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session
from toolguard.detectors import injected

FILE = Path(__file__).parents[1] / "cases" / "injected.yaml"
CASES = yaml.parse(FILE.read_text(encoding="utf-8"), str(FILE)).value


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_made_up_argument_is_found(case: dict[str, Any]) -> None:
    definition = ToolDefinition(case["call"]["tool"], rest={"injected": case["injected"]})
    call = ToolCall("tools", definition.name, case["call"]["arguments"], Principal("a", "b", "c"), definition)

    found = injected.inspect(read(call), Session().facts(call, Surroundings()))

    assert [finding.id.removeprefix("injected.") for finding in found] == case["finds"]


def test_without_a_definition_there_is_nothing_to_find() -> None:
    call = ToolCall("tools", "look", {"user": "root"}, Principal("a", "b", "c"))

    assert not list(injected.inspect(read(call), Session().facts(call, Surroundings())))
