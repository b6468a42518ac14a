"""From findings and rules to one decision; pure, total, and the strictest voice wins.

In this order:
1. Built-in rules deny by the id of a finding. No rule lifts them. `observe` keeps only the one for malformed calls.
2. Every rule of the policy that matches is a voice. One that errs is a voice of the policy's `on_error`: ask or deny.
3. An `allow` rule quiets exactly the findings that its `finding` names; they stay listed and scored, but the preset
   no longer asks for them. It never outvotes another rule that asks or denies. One that names no finding quiets none.
4. Budgets speak when this call would go beyond them.
5. The preset asks when the findings that are left score 40 or more; `strict` asks as well for each call that no
   `allow` rule matched.
6. The strictest voice wins, and the obligations of all that asked add up. `observe` then lets the call pass; its
   rules stay listed with what they would have said.
Deliberately no step: averaging, order of rules, or a voice that lowers another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.model import Classification, Decision, Effect, Finding, MatchedRule, Obligations, ToolCall
from toolguard.core.policy.matching import Answer, Situation
from toolguard.core.policy.policy import ASK_AT, BUILT_IN, MALFORMED, Policy, Preset, Rule
from toolguard.core.policy.terms import Terms, strictest
from toolguard.core.score import points, score
from toolguard.core.session.facts import Facts

NOTHING_SPENT: Final[Mapping[str, float]] = {}

_PRESET_DIGESTS: Final = {preset: digest("toolguard/preset/v1", [preset.value, ASK_AT]) for preset in Preset}


@dataclass(frozen=True, slots=True)
class _Voice:
    """One reason for an effect, with the terms it sets."""

    rule: MatchedRule
    terms: Terms = Terms()
    quiets: tuple[Finding, ...] = ()


def decide(
    call: ToolCall,
    classification: Classification,
    findings: tuple[Finding, ...],
    facts: Facts,
    policy: Policy,
    now: datetime,
    spent: Mapping[str, float] = NOTHING_SPENT,
) -> Decision:
    """The decision for one call. `spent`: by name of a budget, what its counter has used up before this call."""
    if not (findings or policy.rules or policy.budgets) and policy.preset is not Preset.STRICT:
        # Most calls of most people: nothing was found, and there is no voice but the preset's.
        return Decision(Effect.ALLOW, 0, classification, (), (), _unasked(policy.obligations))
    total = score(findings)
    s = Situation(call, classification, findings, total, facts, now)
    voices = [*_built_in(s), *_rules(s, policy), *_budgets(s, policy, spent)]
    voices += _preset(s, policy, voices)
    enforced = [v for v in voices if policy.preset is not Preset.OBSERVE or v.rule.name == MALFORMED.name]
    effect = max((v.rule.effect for v in enforced), default=Effect.ALLOW)
    asking = [v.terms for v in enforced if v.rule.effect is Effect.ASK]
    return Decision(
        effect,
        total,
        classification,
        findings,
        tuple(v.rule for v in voices),
        strictest(policy.obligations, asking),
    )


@lru_cache(maxsize=16)
def _unasked(obligations: Obligations) -> Obligations:
    return strictest(obligations, ())


def _built_in(s: Situation) -> Iterator[_Voice]:
    present = {finding.id for finding in s.findings}
    for rule in (MALFORMED, *BUILT_IN):
        named = sorted(present.intersection(rule.match.findings))
        if named:
            yield _Voice(MatchedRule(rule.name, rule.effect, rule.digest, f"{rule.reason} ({', '.join(named)})"))


def _rules(s: Situation, policy: Policy) -> Iterator[_Voice]:
    for rule in policy.rules:
        answer = covers(rule, s)
        if answer is Answer.YES:
            quiets = rule.match.covered(s.findings) if rule.effect is Effect.ALLOW else ()
            yield _Voice(MatchedRule(rule.name, rule.effect, rule.digest, _why(rule, s)), rule.terms, quiets)
        elif answer is Answer.UNSURE:
            why = "the rule could not be evaluated on this call"
            yield _Voice(MatchedRule(rule.name, policy.on_error, rule.digest, why), rule.terms)


def covers(rule: Rule, s: Situation) -> Answer:
    """Whether the rule speaks. A permission needs every value of an argument to pass, a restriction any of them."""
    lenient = rule.effect is Effect.ALLOW
    answer = rule.match.answer(s, every=lenient)
    if rule.unless is not None and answer is not Answer.NO:
        answer = min(answer, Answer(Answer.YES - rule.unless.answer(s, every=not lenient)))
    return answer


def _why(rule: Rule, s: Situation) -> str:
    named = ", ".join(sorted({finding.id for finding in rule.match.covered(s.findings)}))
    return rule.reason + (f" ({named})" if rule.reason and named else named)


def _budgets(s: Situation, policy: Policy, spent: Mapping[str, float]) -> Iterator[_Voice]:
    for budget in policy.budgets:
        answer = budget.match.answer(s, every=False)
        if answer is Answer.NO:
            continue
        cost = budget.cost(s.call)
        used = spent.get(budget.name, 0.0)
        if answer is Answer.UNSURE or cost is None:
            effect, why = policy.on_error, "the budget could not be evaluated on this call"
        elif used + cost > budget.limit:
            effect, why = budget.effect, f"{used:g} of {budget.limit:g} used, this call needs {cost:g}"
        else:
            continue
        yield _Voice(MatchedRule(budget.name, effect, budget.digest, why), budget.terms)


def _preset(s: Situation, policy: Policy, voices: list[_Voice]) -> Iterator[_Voice]:
    quiet = {id(finding) for voice in voices for finding in voice.quiets}
    loud = tuple(finding for finding in s.findings if id(finding) not in quiet)
    name = f"preset.{policy.preset}"
    left = score(loud)
    if left >= ASK_AT:
        worst = max(loud, key=points)
        why = f"risk score {left}, most of it from {worst.id}"
        yield _Voice(MatchedRule(name, Effect.ASK, _PRESET_DIGESTS[policy.preset], why))
    elif policy.preset is Preset.STRICT and all(v.rule.effect is not Effect.ALLOW for v in voices):
        why = "no rule allows this call by name"
        yield _Voice(MatchedRule(name, Effect.ASK, _PRESET_DIGESTS[policy.preset], why))
