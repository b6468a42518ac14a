"""Small builders for calls and findings, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime

from toolguard.core.model import (
    Classification,
    Confidence,
    EffectClass,
    Finding,
    Json,
    Principal,
    Severity,
    ToolCall,
)
from toolguard.core.policy.matching import Situation
from toolguard.core.score import score
from toolguard.core.session.facts import Facts, Surroundings
from toolguard.core.session.memory import Session

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # a Sunday
NOBODY = Principal("claude", "alice", "files")


def call(tool: str = "write_file", server: str = "files", **arguments: Json) -> ToolCall:
    return ToolCall(server, tool, arguments, NOBODY)


def finding(
    id: str = "path.outside-roots",
    severity: Severity = Severity.HIGH,
    confidence: Confidence = Confidence.HIGH,
    pointer: str = "/path",
) -> Finding:
    return Finding(id, severity, confidence, "for a test", pointer)


def facts_of(one: ToolCall, definition_change: str = "") -> Facts:
    return Session().facts(one, Surroundings(definition_change=definition_change))


def situation(
    one: ToolCall | None = None,
    findings: tuple[Finding, ...] = (),
    kind: Classification | None = None,
    now: datetime = NOON,
    definition_change: str = "",
) -> Situation:
    one = one or call()
    kind = kind or Classification(EffectClass.WRITE)
    return Situation(one, kind, findings, score(findings), facts_of(one, definition_change), now)
