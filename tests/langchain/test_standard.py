"""LangChain's own tests of tools, over guarded ones. `langchain-tests` allows no overriding, so nothing is left out."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from tests.langchain.probes import PROBES, Probe
from toolguard.guard import Guard

# The others cannot pass bare either, in every release: they need a graph, raise on purpose, or are synchronous only.
PLAIN = frozenset(
    "plain|InjectedToolArg|content and artifact|return_direct|ToolException as text|ToolException by a function"
    "|RunnableConfig|callbacks|BaseTool subclass|extras".split("|")
)


class OfGuardedTools:
    """One run of the standard tests for each probe."""

    probe: Probe
    guard: Guard

    @pytest.fixture(autouse=True, params=[p for p in PROBES if p.name in PLAIN], ids=lambda p: p.name)
    def chosen(self, request: pytest.FixtureRequest, guard: Guard) -> None:
        self.probe, self.guard = request.param, guard

    @property
    def tool_constructor(self) -> BaseTool:
        tool: BaseTool = self.guard.wrap(self.probe.make())
        return tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return dict(self.probe.arguments)


class TestTheFormOfGuardedTools(OfGuardedTools, ToolsUnitTests):
    pass


class TestTheRunsOfGuardedTools(OfGuardedTools, ToolsIntegrationTests):
    pass


def test_the_probes_of_the_standard_tests_are_probes() -> None:
    assert {probe.name for probe in PROBES} >= PLAIN
