"""The decision as tables: presets, built-in denials, voices of rules, and what an allow rule may quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.situations import NOON, call, facts_of, finding
from toolguard.core.decide import decide
from toolguard.core.model import Classification, Confidence, Decision, Effect, EffectClass, Finding, Severity, ToolCall
from toolguard.core.policy.budgets import Budget
from toolguard.core.policy.matching import ArgumentTest, Match
from toolguard.core.policy.policy import BUILT_IN, Policy, Preset, Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.score import points

ALLOW, ASK, DENY = Effect.ALLOW, Effect.ASK, Effect.DENY
WEAK = finding("path.odd", Severity.LOW, Confidence.HIGH)
STRONG = finding("shell.recursive-delete", Severity.CRITICAL, Confidence.HIGH, "/command")
OTHER = finding("net.unknown-host", Severity.HIGH, Confidence.HIGH, "/url")
OWN = finding("guard.own-files")
BROKEN = finding("guard.malformed")
CRASHED = finding("guard.detector-failed")


def decided(
    policy: Policy, *findings: Finding, one: ToolCall | None = None, spent: Mapping[str, float] | None = None
) -> Decision:
    one = one or call(path="/srv/a", amount=5)
    return decide(one, Classification(EffectClass.WRITE), findings, facts_of(one), policy, NOON, spent or {})


@pytest.mark.parametrize(
    ("preset", "findings", "expected"),
    [
        (Preset.BALANCED, (), ALLOW),
        (Preset.BALANCED, (WEAK,), ALLOW),
        (Preset.BALANCED, (STRONG,), ASK),
        (Preset.BALANCED, (STRONG, OTHER, WEAK), ASK),  # however bad, only named rules deny
        (Preset.BALANCED, (OWN,), DENY),
        (Preset.BALANCED, (BROKEN,), DENY),
        (Preset.BALANCED, (CRASHED,), ASK),
        (Preset.STRICT, (), ASK),
        (Preset.STRICT, (STRONG,), ASK),
        (Preset.STRICT, (OWN,), DENY),
        (Preset.OBSERVE, (), ALLOW),
        (Preset.OBSERVE, (STRONG,), ALLOW),
        (Preset.OBSERVE, (OWN,), ALLOW),
        (Preset.OBSERVE, (BROKEN,), DENY),
    ],
)
def test_a_preset_decides_where_no_rule_speaks(preset: Preset, findings: tuple[Finding, ...], expected: Effect) -> None:
    assert decided(Policy(preset), *findings).effect is expected


@pytest.mark.parametrize(("severity", "confidence"), [(s, c) for s in Severity for c in Confidence])
def test_balanced_asks_from_forty_points_on(severity: Severity, confidence: Confidence) -> None:
    one = finding("x.y", severity, confidence)

    assert decided(Policy(), one).effect is (ASK if points(one) >= 40 else ALLOW)


def rule(effect: Effect, name: str = "r", **match: object) -> Rule:
    return Rule(name, effect, Match(**match))  # type: ignore[arg-type]  # the tests name members of Match


QUIET_SHELL = rule(ALLOW, "quiet-shell", findings=("shell.*",))
QUIET_ALL = rule(ALLOW, "quiet-all", findings=("*",))
BY_NAME = rule(ALLOW, "by-name", tool=("write_file",))


@pytest.mark.parametrize(
    ("rules", "findings", "expected"),
    [
        # Rules speak; the strictest voice wins, whatever their order.
        ([rule(ASK)], (), ASK),
        ([rule(DENY)], (), DENY),
        ([rule(DENY), rule(ALLOW, "b")], (), DENY),
        ([rule(ALLOW, "b"), rule(DENY)], (), DENY),
        ([rule(ASK, tool=("other",))], (), ALLOW),
        ([rule(DENY, tool=("other",))], (STRONG,), ASK),
        # An allow rule quiets the findings it names, and only those.
        ([QUIET_SHELL], (STRONG,), ALLOW),
        ([QUIET_SHELL], (OTHER,), ASK),
        ([QUIET_SHELL], (STRONG, OTHER), ASK),
        ([QUIET_SHELL, rule(ALLOW, "quiet-net", findings=("net.*",))], (STRONG, OTHER), ALLOW),
        ([QUIET_ALL], (STRONG, OTHER), ALLOW),
        ([BY_NAME], (STRONG,), ASK),
        ([rule(ALLOW, findings=("shell.*",), tool=("other",))], (STRONG,), ASK),
        ([rule(ALLOW, findings=("shell.*",), most_score=50)], (STRONG,), ASK),
        # It never outvotes another rule, and never a built-in denial.
        ([QUIET_ALL, rule(ASK, "b")], (STRONG,), ASK),
        ([QUIET_ALL, rule(DENY, "b")], (STRONG,), DENY),
        ([QUIET_ALL], (OWN,), DENY),
        ([rule(ALLOW, findings=("guard.own-files",))], (OWN,), DENY),
        ([QUIET_ALL], (CRASHED,), ASK),
        ([rule(ALLOW, findings=("guard.detector-failed",))], (CRASHED,), ALLOW),
    ],
)
def test_the_strictest_voice_wins(rules: list[Rule], findings: tuple[Finding, ...], expected: Effect) -> None:
    assert decided(Policy(rules=tuple(rules)), *findings).effect is expected


@pytest.mark.parametrize(
    ("rules", "findings", "expected"),
    [
        ((BY_NAME,), (), ALLOW),
        ((BY_NAME,), (WEAK,), ALLOW),
        ((BY_NAME,), (STRONG,), ASK),
        ((QUIET_SHELL,), (), ASK),
        ((rule(ALLOW, tool=("other",)),), (), ASK),
        ((replace(BY_NAME, unless=Match(arguments=(ArgumentTest("/path", under=("/srv",)),))),), (), ASK),
        ((replace(BY_NAME, unless=Match(arguments=(ArgumentTest("/path", under=("/etc",)),))),), (), ALLOW),
    ],
)
def test_strict_asks_for_whatever_is_not_allowed_by_name(
    rules: tuple[Rule, ...], findings: tuple[Finding, ...], expected: Effect
) -> None:
    assert decided(Policy(Preset.STRICT, rules), *findings).effect is expected


UNREADABLE = (ArgumentTest("/path", least=1),)  # a number is asked of a text


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("on_error", [ASK, DENY])
def test_a_rule_that_errs_is_a_voice_of_on_error(effect: Effect, on_error: Effect) -> None:
    erring = Rule("errs", effect, Match(arguments=UNREADABLE))

    decision = decided(Policy(rules=(erring,), on_error=on_error))

    assert decision.effect is on_error
    assert decision.rules[0].why == "the rule could not be evaluated on this call"


@pytest.mark.parametrize("effect", list(Effect))
def test_an_exception_that_errs_makes_its_rule_err(effect: Effect) -> None:
    erring = Rule("errs", effect, unless=Match(arguments=UNREADABLE))

    assert decided(Policy(rules=(erring,))).effect is ASK


def test_a_permission_needs_every_value_and_a_restriction_only_one() -> None:
    one = call(paths=["/srv/a", "/etc/b"])
    inside = Match(findings=("shell.*",), arguments=(ArgumentTest("/paths/*", under=("/srv",)),))

    assert decided(Policy(rules=(Rule("allow", ALLOW, inside),)), STRONG, one=one).effect is ASK
    assert decided(Policy(rules=(Rule("deny", DENY, inside),)), STRONG, one=one).effect is DENY


def test_an_exception_of_a_restriction_needs_every_value() -> None:
    one = call(paths=["/srv/a", "/etc/b"])
    outside = Rule("outside", DENY, unless=Match(arguments=(ArgumentTest("/paths/*", under=("/srv",)),)))

    assert decided(Policy(rules=(outside,)), one=one).effect is DENY
    assert decided(Policy(rules=(outside,)), one=call(paths=["/srv/a"])).effect is ALLOW


@pytest.mark.parametrize(
    ("spent", "amount", "expected"),
    [
        (0, 5, ALLOW),
        (95, 5, ALLOW),
        (95.5, 5, DENY),
        (95, 6, DENY),
        (0, 101, DENY),
        (0, -101, DENY),
        (0, "5", ASK),
        (0, True, ASK),
    ],
)
def test_a_budget_speaks_when_the_call_would_go_beyond_it(spent: float, amount: object, expected: Effect) -> None:
    policy = Policy(budgets=(Budget("pay", 100, 3600, amount="/amount", effect=DENY),))

    assert decided(policy, one=call(amount=amount), spent={"pay": spent}).effect is expected


def test_a_budget_of_calls_leaves_other_calls_alone() -> None:
    policy = Policy(budgets=(Budget("mails", 2, 3600, match=Match(tool=("send_*",))),))

    assert decided(policy, one=call("send_mail"), spent={"mails": 1}).effect is ALLOW
    assert decided(policy, one=call("send_mail"), spent={"mails": 2}).effect is ASK
    assert decided(policy, one=call("read_mail"), spent={"mails": 2}).effect is ALLOW


def test_the_obligations_are_those_of_the_rules_that_ask() -> None:
    rules = (
        Rule("two", ASK, terms=Terms(need=2)),
        Rule("strong", ASK, terms=Terms(strength=4)),
        Rule("elsewhere", ASK, Match(tool=("other",)), terms=Terms(need=9)),
    )

    obligations = decided(Policy(rules=rules)).obligations

    assert (obligations.need, obligations.strength) == (2, 4)


def test_a_decision_names_what_decided() -> None:
    decision = decided(Policy(rules=(QUIET_SHELL,)), STRONG, OTHER)

    assert [(r.name, r.effect, r.why) for r in decision.rules] == [
        ("quiet-shell", ALLOW, "shell.recursive-delete"),
        ("preset.balanced", ASK, "risk score 70, most of it from net.unknown-host"),
    ]
    assert decision.score == 98  # of all findings: quieting changes who asks, not how risky it is


def test_observe_still_says_what_its_rules_would_have_done() -> None:
    decision = decided(Policy(Preset.OBSERVE, (rule(DENY),)), STRONG, OWN)

    assert decision.effect is ALLOW
    assert [(r.name, r.effect) for r in decision.rules] == [
        ("toolguard.own-files", DENY),
        ("r", DENY),
        ("preset.observe", ASK),
    ]


@pytest.mark.guarantee("decide:own-files-denied")
def test_every_built_in_rule_denies_and_names_its_findings() -> None:
    for built_in in BUILT_IN:
        for named in built_in.match.findings:
            decision = decided(Policy(), finding(named))

            assert (decision.effect, decision.rules[0].name) == (DENY, built_in.name)


findings = st.builds(
    finding,
    id=st.sampled_from(["shell.a", "net.b", "path.c", "guard.own-files", "guard.detector-failed"]),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    pointer=st.sampled_from(["/a", "/b"]),
)
rules = st.builds(
    rule,
    st.sampled_from(Effect),
    st.sampled_from("abc"),
    findings=st.sampled_from([(), ("*",), ("shell.*",), ("guard.own-files",)]),
    tool=st.sampled_from([(), ("write_*",), ("other",)]),
    least_score=st.sampled_from([None, 50]),
)


@pytest.mark.guarantee("decide:strictest-wins")
@given(st.lists(rules, max_size=3), st.lists(findings, max_size=4), findings, st.sampled_from(Preset))
def test_one_more_finding_never_lowers_a_decision(
    some_rules: list[Rule], seen: list[Finding], more: Finding, preset: Preset
) -> None:
    # Rules that quiet are left out: a finding may bring its own permission with it, which is their purpose.
    policy = Policy(preset, tuple(r for r in some_rules if r.effect is not ALLOW))

    before, after = decided(policy, *seen), decided(policy, *seen, more)

    assert after.effect >= before.effect
    assert after.score >= before.score


@pytest.mark.guarantee("decide:strictest-wins")
@given(st.lists(rules, max_size=3), rules.filter(lambda r: r.effect is not ALLOW), st.lists(findings, max_size=4))
def test_one_more_restriction_never_lowers_a_decision(some_rules: list[Rule], more: Rule, seen: list[Finding]) -> None:
    before = decided(Policy(rules=tuple(some_rules)), *seen)
    after = decided(Policy(rules=(*some_rules, more)), *seen)

    assert after.effect >= before.effect


@pytest.mark.guarantee("decide:strictest-wins")
@given(st.lists(rules, max_size=4), st.lists(findings, max_size=3), st.sampled_from([Preset.BALANCED, Preset.STRICT]))
def test_no_rule_lifts_a_built_in_denial(some_rules: list[Rule], seen: list[Finding], preset: Preset) -> None:
    assert decided(Policy(preset, tuple(some_rules)), *seen, OWN).effect is DENY
