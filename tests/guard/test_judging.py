"""Judging as a whole: whatever happens inside, the answer is a decision, and trouble makes it stricter."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.situations import NOBODY, NOON, call, facts_of
from toolguard import detectors
from toolguard.core.model import Effect, Json, ToolCall
from toolguard.core.policy.policy import Policy
from toolguard.guard.judging import judge


@pytest.mark.guarantee("decide:crash-asks")
def test_a_detector_that_crashes_makes_the_call_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("broken")
    broken.__dict__.update(FINDINGS=(), inspect=lambda reading, facts: 1 / 0)
    monkeypatch.setattr(detectors, "ALL", (*detectors.ALL, broken))
    one = call("read_file", path="notes.txt")

    decision = judge(one, facts_of(one), Policy(), NOON)

    assert decision.effect is Effect.ASK
    assert "guard.detector-failed" in {finding.id for finding in decision.findings}


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
arguments = st.dictionaries(
    st.sampled_from(["path", "command", "sql", "url", "query", "code", "to", "amount", "x"]) | st.text(max_size=5),
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner)),
    max_size=4,
)


@given(st.text(max_size=20), arguments)
def test_every_call_gets_a_decision(tool: str, given_arguments: dict[str, Json]) -> None:
    one = ToolCall("files", tool, given_arguments, NOBODY)

    decision = judge(one, facts_of(one), Policy(), NOON)

    assert decision.effect in tuple(Effect)
    assert "guard.detector-failed" not in {finding.id for finding in decision.findings}
