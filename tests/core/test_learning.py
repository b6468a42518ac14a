"""Learned rules: as narrow as what was approved, and never over anything that was denied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.situations import NOBODY, NOON, facts_of, finding
from toolguard.config_file import rule as rule_of
from toolguard.config_schema.policy import RuleSection
from toolguard.core.canonical import canonical
from toolguard.core.decide import covers, decide
from toolguard.core.model import Classification, Effect, EffectClass, Finding, Json, ToolCall
from toolguard.core.policy.learning import Learned, Recorded, as_source, learn
from toolguard.core.policy.matching import Answer, ArgumentTest, Match
from toolguard.core.policy.policy import Policy, Preset, Rule

OUTSIDE = finding("path.outside-roots")


def record(
    arguments: dict[str, Json],
    is_approved: bool | None = True,
    *,
    tool: str = "write_file",
    findings: tuple[Finding, ...] = (OUTSIDE,),
    name: str = "ap_1",
) -> Recorded:
    call = ToolCall("files", tool, arguments, NOBODY)
    return Recorded(name, call, Classification(EffectClass.WRITE), findings, facts_of(call), NOON, is_approved)


def only_rule(learned: Learned) -> Rule:
    (proposal,) = learned.proposals
    return proposal.rule


def paths(*names: str) -> list[Recorded]:
    return [record({"path": name}) for name in names]


@pytest.mark.parametrize(
    ("records", "test"),
    [
        (paths("/srv/a/1", "/srv/a/1", "/srv/a/1"), ArgumentTest("/path", one_of=("/srv/a/1",))),
        (paths("/srv/a/1", "/srv/a/2", "/srv/b"), ArgumentTest("/path", one_of=("/srv/a/1", "/srv/a/2", "/srv/b"))),
        (paths(*(f"/srv/a/{i}" for i in range(9))), ArgumentTest("/path", under=("/srv/a",))),
        ([record({"n": n}) for n in (3, 9, 1, 4.5, 7, 2, 8)], ArgumentTest("/n", least=1, most=9)),
        ([record({"c": c}) for c in ["ls"] * 4 + [f"rm {i}" for i in range(9)]], ArgumentTest("/c", one_of=("ls",))),
        ([record({"l": [{"x": 1}, {"x": 2}]})] * 3, ArgumentTest("/l/*/x", one_of=(1, 2))),
    ],
)
def test_a_rule_is_as_narrow_as_what_was_approved(records: list[Recorded], test: ArgumentTest) -> None:
    rule = only_rule(learn(records, Policy()))

    assert rule.effect is Effect.ALLOW
    assert rule.match == Match(
        server=("files",),
        tool=("write_file",),
        classes=(EffectClass.WRITE,),
        findings=("path.outside-roots",),
        most_score=70,
        arguments=(test,),
        closed=True,
    )


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (paths("/srv/a", "/srv/a"), "approved 2 of the 3 times"),
        (paths(*(f"/{i}/a" for i in range(9))), "the values of /path differ too much"),
        (paths(*(f"/srv/../{i}" for i in range(9))), "differ too much"),
        ([record({"c": f"text {i}"}) for i in range(9)], "differ too much"),
        ([record({"c": "x" * 500})] * 3, "differ too much"),
        ([record({"k": {"$redacted": {"rule": "github-token", "mac": "x"}}})] * 3, "holds a secret"),
        ([record({"p": 1}, tool="any*")] * 3, "read as a pattern"),
    ],
)
def test_what_cannot_be_learned_is_said(records: list[Recorded], words: str) -> None:
    learned = learn(records, Policy())

    assert learned.proposals == ()
    assert words in learned.left_out[0]


def test_only_what_a_person_approved_speaks_for_a_rule() -> None:
    unanswered = [record({"path": "/srv/a"}, None)] * 9

    assert learn(unanswered, Policy()) == Learned((), ())


def test_what_a_rule_asks_about_is_not_learned_since_no_allow_rule_would_lift_it() -> None:
    asks = Policy(rules=(Rule("asks", Effect.ASK, Match(tool=("write_file",))),))

    assert learn(paths("/srv/a", "/srv/a", "/srv/a"), asks) == Learned((), ())


def test_under_strict_a_call_without_a_finding_is_allowed_by_name() -> None:
    records = [record({"path": "/srv/a"}, findings=())] * 3

    rule = only_rule(learn(records, Policy(Preset.STRICT)))

    one = records[0]
    after = decide(one.call, one.classification, (), one.facts, Policy(Preset.STRICT, (rule,)), NOON)
    assert after.effect is Effect.ALLOW


@pytest.mark.parametrize(
    "denied",
    [
        {"path": "/srv/a/5"},
        {"path": "/srv/a/secret"},
    ],
)
def test_a_rule_that_would_have_let_a_denied_call_through_is_not_proposed(denied: dict[str, Json]) -> None:
    records = [record({"path": f"/srv/a/{i}"}) for i in range(9)] + [record(denied, False, name="ap_no")]

    learned = learn(records, Policy())

    assert learned.proposals == ()
    assert "it would have let ap_no through, which was denied" in learned.left_out[0]


def test_a_denied_call_elsewhere_hinders_nothing() -> None:
    denied = [record({"path": "/srv/b/1"}, False), record({"path": "/srv/a/1"}, False, tool="delete_file")]

    assert learn([record({"path": "/srv/a/1"})] * 3 + denied, Policy()).proposals


values = st.sampled_from([1, 2, 99, "a", "/srv/data/x", "/srv/data/y", "/srv/data/../x", None, True, ["a"], {"b": 1}])
records = st.lists(
    st.builds(
        record,
        st.dictionaries(st.sampled_from(["path", "n"]), values, max_size=2),
        st.sampled_from([True, True, False, None]),
        tool=st.sampled_from(["write_file", "send"]),
        findings=st.sampled_from([(OUTSIDE,), (OUTSIDE, finding("net.host")), ()]),
    ),
    max_size=25,
)


@given(records, st.sampled_from([Preset.BALANCED, Preset.STRICT]))
def test_no_proposal_ever_covers_a_denied_call(seen: list[Recorded], preset: Preset) -> None:
    for proposal in learn(seen, Policy(preset), at_least=1).proposals:
        for one in seen:
            if one.is_approved is False:
                assert covers(proposal.rule, one.situation) is Answer.NO


@given(records, st.sampled_from([Preset.BALANCED, Preset.STRICT]))
def test_a_proposal_lets_through_what_speaks_for_it(seen: list[Recorded], preset: Preset) -> None:
    for proposal in learn(seen, Policy(preset), at_least=1).proposals:
        policy = Policy(preset, (proposal.rule,))
        supported = [one for one in seen if covers(proposal.rule, one.situation) is Answer.YES]
        assert len(supported) >= len(proposal.approved)
        for one in supported:
            after = decide(one.call, one.classification, one.findings, one.facts, policy, NOON)
            assert after.effect is Effect.ALLOW


@given(records)
def test_a_proposal_is_written_as_it_is_meant(seen: list[Recorded]) -> None:
    for proposal in learn(seen, Policy(), at_least=1).proposals:
        written = RuleSection.model_validate_json(canonical(as_source(proposal.rule)))

        assert rule_of(written) == proposal.rule
