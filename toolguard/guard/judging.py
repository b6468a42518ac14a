"""Judging one call: read, classify, inspect, decide. Pure, so that check, replay and the guard share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from toolguard.core.classify import classify
from toolguard.core.decide import NOTHING_SPENT, decide
from toolguard.core.model import Decision, Finding, ToolCall
from toolguard.core.policy.budgets import Draw, draws
from toolguard.core.policy.matching import Situation
from toolguard.core.policy.policy import Policy
from toolguard.core.reading import read
from toolguard.core.session.facts import Facts
from toolguard.detectors import inspect


def judge(
    call: ToolCall,
    facts: Facts,
    policy: Policy,
    now: datetime,
    spent: Mapping[str, float] = NOTHING_SPENT,
    carried: tuple[Finding, ...] = (),
) -> Decision:
    """The decision for one call. Total: what cannot be parsed or inspected becomes a finding that asks.

    `carried` are findings that hold although nothing of this call shows them: its secrets are taken out already.
    """
    reading = read(call)
    classification = classify(reading)
    findings = inspect(reading, facts.classified(classification))
    if carried:
        seen = {(finding.id, finding.pointer) for finding in findings}
        findings += tuple(finding for finding in carried if (finding.id, finding.pointer) not in seen)
    return decide(call, classification, findings, facts, policy, now, spent)


def draws_of(call: ToolCall, decision: Decision, facts: Facts, policy: Policy, now: datetime) -> tuple[Draw, ...]:
    """What the judged call uses up of the policy's budgets when it runs."""
    if not policy.budgets:
        return ()
    s = Situation(call, decision.classification, decision.findings, decision.score, facts, now)
    return draws(policy.budgets, s)
