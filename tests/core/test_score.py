"""The score: monotone, bounded, and never diluted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.policy.policy import ASK_AT
from toolguard.core.score import POINTS, points, score

FINDINGS = st.builds(
    Finding,
    id=st.sampled_from(["a.one", "b.two", "c.three"]),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    message=st.just("seen"),
    pointer=st.sampled_from(["", "/a", "/b"]),
)


@given(st.lists(FINDINGS), FINDINGS)
def test_adding_a_finding_never_lowers_the_score(findings: list[Finding], more: Finding) -> None:
    assert score([*findings, more]) >= score(findings)


@given(st.lists(FINDINGS))
def test_the_score_stays_within_0_and_100_and_order_does_not_matter(findings: list[Finding]) -> None:
    assert 0 <= score(findings) <= 100
    assert score(findings) == score(findings[::-1])


def test_more_severity_or_more_confidence_never_means_fewer_points() -> None:
    for by_confidence in POINTS.values():
        assert list(by_confidence.values()) == sorted(by_confidence.values())
    for confidence in Confidence:
        column = [POINTS[severity][confidence] for severity in Severity]
        assert column == sorted(column)


def test_a_high_finding_of_middling_confidence_asks_alone_and_a_low_one_never_does() -> None:
    assert POINTS[Severity.HIGH][Confidence.MEDIUM] >= ASK_AT
    assert POINTS[Severity.LOW][Confidence.HIGH] < ASK_AT
    assert points(Finding("x.y", Severity.INFO, Confidence.HIGH, "seen")) == 0


def test_the_same_thing_seen_twice_counts_once() -> None:
    finding = Finding("x.y", Severity.MEDIUM, Confidence.MEDIUM, "seen", "/a", 3)

    assert score([finding, finding]) == score([finding])
