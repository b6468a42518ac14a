"""An allowed call behaves as if there were no guard: 22 tools, every way to run them, with and without a graph."""

from __future__ import annotations

import warnings

import pytest
from langchain_core.tools import BaseTool

from tests.langchain.observing import of_graph_runs, of_its_form, of_plain_runs
from tests.langchain.probes import PROBES, Probe
from toolguard.guard import Guard

NAMES = [probe.name for probe in PROBES]


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
def test_a_guarded_tool_looks_like_the_bare_one(guard: Guard, probe: Probe) -> None:
    bare = probe.make()

    assert of_its_form(guard.wrap(bare), type(bare)) == of_its_form(bare, type(bare))


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
def test_a_guarded_tool_runs_like_the_bare_one(guard: Guard, probe: Probe) -> None:
    def guarded() -> BaseTool:
        found: BaseTool = guard.wrap(probe.make())
        return found

    assert of_plain_runs(guarded, probe) == of_plain_runs(probe.make, probe)


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
def test_a_guarded_tool_runs_in_a_graph_like_the_bare_one(guard: Guard, probe: Probe) -> None:
    def guarded() -> BaseTool:
        found: BaseTool = guard.wrap(probe.make())
        return found

    assert of_graph_runs(guarded, probe) == of_graph_runs(probe.make, probe)


@pytest.mark.parametrize("probe", PROBES, ids=NAMES)
def test_every_way_to_run_a_tool_reaches_the_guard(guard: Guard, probe: Probe) -> None:
    def denied() -> BaseTool:
        tool = probe.make()
        tool.name = "never_" + tool.name
        found: BaseTool = guard.wrap(tool)
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        outside, inside = of_plain_runs(denied, probe), of_graph_runs(denied, probe)

    for way in ("invoke", "ainvoke", "run", "arun", "invoke text", "batch", "stream", "copied", "copied deeply"):
        assert outside[way].startswith("ToolCallRefused"), way
    for way in ("invoke call", "ainvoke call"):
        assert "NOT executed" in outside[way], way
        assert "status='error'" in outside[way], way
    assert outside["events"] == outside["async events"] == ""
    assert all("NOT executed" in seen and "start " not in seen for seen in inside.values())
