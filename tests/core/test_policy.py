"""Digests of rules and policies: what an approval binds as "the policy"."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

from toolguard.core.model import Effect
from toolguard.core.policy.budgets import Budget
from toolguard.core.policy.matching import ArgumentTest, Match, Window
from toolguard.core.policy.policy import BUILT_IN, MALFORMED, Policy, Preset, Rule
from toolguard.core.policy.terms import Terms

FULL = Rule(
    "full",
    Effect.ASK,
    Match(
        tool=("a*",),
        arguments=(ArgumentTest("/x", one_of=(1, None, "a")),),
        windows=(Window(time(1), time(2), zone=ZoneInfo("Europe/Berlin")),),
    ),
    Match(server=("b",)),
    Terms(need=2, each=(("dba", 1),), hold=1.5),
    "because",
)


def test_every_part_of_a_rule_is_in_its_digest() -> None:
    changed = [
        replace(FULL, name="other"),
        replace(FULL, effect=Effect.DENY),
        replace(FULL, match=Match()),
        replace(FULL, match=replace(FULL.match, windows=(Window(time(1), time(2)),))),
        replace(FULL, match=replace(FULL.match, arguments=(ArgumentTest("/x", one_of=(1, None)),))),
        replace(FULL, unless=None),
        replace(FULL, terms=Terms()),
        replace(FULL, reason="other"),
    ]

    assert len({FULL.digest, *(rule.digest for rule in changed)}) == len(changed) + 1
    assert replace(FULL).digest == FULL.digest


def test_every_part_of_a_policy_is_in_its_digest() -> None:
    policies = [
        Policy(),
        Policy(Preset.STRICT),
        Policy(rules=(FULL,)),
        Policy(budgets=(Budget("b", 1, 60),)),
        Policy(budgets=(Budget("b", 2, 60),)),
        Policy(on_error=Effect.DENY),
        Policy(obligations=replace(Policy().obligations, need=2)),
    ]

    assert len({policy.digest for policy in policies}) == len(policies)


def test_built_in_rules_have_names_that_no_user_can_take() -> None:
    assert all(rule.name.startswith("toolguard.") for rule in (*BUILT_IN, MALFORMED))
