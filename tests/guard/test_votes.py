"""Who may vote, which votes count, and that a deny beats an approve."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.guard.conftest import asked, enrolled
from tests.guard.test_guard import consistent, permit, refusal, vote
from toolguard.core.approvals import RefusalCode
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.quorum import reached
from toolguard.errors import ConfigError
from toolguard.guard import Guard, Reviewer


@pytest.mark.guarantee("vote:deny-wins")
def test_a_deny_beats_an_approval_until_the_claim(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    assert vote(guard, pending, enrolled(guard, "carol"), "deny").accepted

    assert refusal(guard.resume(pending)).code is RefusalCode.DENIED
    assert consistent(guard)


def test_after_the_claim_a_deny_is_told_that_it_came_too_late(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    permit(guard.resume(pending))

    late = vote(guard, pending, reviewer, "deny")

    assert (late.accepted, late.code) == (False, "already_consumed")


def test_a_repeated_vote_answers_as_the_first_time(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)

    assert vote(guard, pending, reviewer).accepted
    assert vote(guard, pending, reviewer).accepted
    assert len(guard.store.read("SELECT * FROM vote")) == 1


def test_who_denied_cannot_approve_afterwards(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(need=2)))
    bob = enrolled(guard, "bob")
    pending = asked(guard)
    vote(guard, pending, bob, "deny")

    assert not vote(guard, pending, bob).accepted


@pytest.mark.guarantee("binding:approved-is-what-runs")
def test_a_vote_for_another_digest_does_not_count(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)

    result = guard.approvals.vote(
        pending.request_id, reviewer, "approve", request_digest="0" * 64, channel="rest", strength=2
    )

    assert (result.accepted, result.code) == (False, "digest_mismatch")


@pytest.mark.guarantee("vote:one-person-once")
def test_two_of_two_needs_two_different_people(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(need=2)))
    bob, carol = enrolled(guard, "bob"), enrolled(guard, "carol")
    pending = asked(guard)

    vote(guard, pending, bob)
    vote(guard, pending, bob)
    assert guard.resume(pending) is pending

    vote(guard, pending, carol)
    permit(guard.resume(pending))
    assert consistent(guard)


def test_only_members_of_the_named_groups_approve_and_everyone_may_deny(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(groups=("dba",))))
    pending = asked(guard)

    assert vote(guard, pending, enrolled(guard, "bob", "web")).code == "not_eligible"
    assert vote(guard, pending, enrolled(guard, "carol", "web"), "deny").accepted


def test_a_channel_too_weak_for_the_rule_cannot_approve(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(strength=4)))
    pending = asked(guard)

    assert vote(guard, pending, enrolled(guard, "bob")).code == "weak_channel"


def test_a_removed_reviewer_has_no_credential_left_and_their_approval_no_longer_counts(guard: Guard) -> None:
    enrolment = guard.reviewers.add("bob")
    bob = guard.reviewers.by_token(enrolment.token)
    assert bob is not None
    pending = asked(guard)
    vote(guard, pending, bob)

    guard.reviewers.remove("bob")

    assert guard.reviewers.by_token(enrolment.token) is None
    assert guard.reviewers.redeem(enrolment.link_code) is None
    assert refusal(guard.resume(pending)).code is RefusalCode.DIGEST_MISMATCH
    guard.reviewers.add("bob")


def test_a_link_signs_in_once(guard: Guard) -> None:
    enrolment = guard.reviewers.add("bob")

    first = guard.reviewers.redeem(enrolment.link_code)
    second = guard.reviewers.redeem(enrolment.link_code)

    assert first is not None
    assert second is None
    reviewer = guard.reviewers.by_session(first[1])
    assert reviewer is not None
    assert reviewer.name == "bob"
    guard.reviewers.sign_out(first[1])
    assert guard.reviewers.by_session(first[1]) is None


@pytest.mark.parametrize("name", ["", " bob", "bob ", "a" * 65, "bob\n", "<b>", "\u202eevil", "bob\x1b[0m"])
def test_a_name_that_a_page_or_terminal_could_misread_is_refused(guard: Guard, name: str) -> None:
    with pytest.raises(ConfigError):
        guard.reviewers.add(name)


def test_two_reviewers_cannot_share_a_name_in_any_case(guard: Guard) -> None:
    guard.reviewers.add("bob")

    with pytest.raises(ConfigError, match="already"):
        guard.reviewers.add("BOB")


@pytest.mark.guarantee("vote:no-agent-credential")
def test_one_credential_kind_never_opens_another_door(guard: Guard) -> None:
    enrolment = guard.reviewers.add("bob")

    assert guard.reviewers.by_session(enrolment.token) is None
    assert guard.reviewers.by_token(enrolment.link_code) is None
    assert guard.reviewers.redeem(enrolment.token) is None


BOTH = frozenset({"dba", "security"})
DBA = frozenset({"dba"})


@pytest.mark.parametrize(
    ("requirement", "people", "enough"),
    [
        ({"need": 1}, [], False),
        ({"need": 1}, [frozenset()], True),
        ({"need": 2}, [DBA], False),
        ({"need": 2}, [DBA, BOTH], True),
        ({"need": 1, "groups": ["dba"]}, [frozenset({"web"})], False),
        ({"need": 2, "groups": ["dba", "security"]}, [DBA, frozenset({"web"})], False),
        ({"need": 2, "each": {"dba": 1, "security": 1}}, [BOTH], False),  # one person in two groups is one person
        ({"need": 2, "each": {"dba": 1, "security": 1}}, [BOTH, DBA], True),  # filling greedily fails here
        ({"need": 2, "each": {"dba": 1, "security": 1}}, [DBA, DBA], False),
        ({"need": 3, "each": {"dba": 2, "security": 1}}, [DBA, BOTH, BOTH], True),
    ],
)
@pytest.mark.guarantee("vote:one-person-once")
def test_a_quorum_is_filled_by_distinct_people(
    requirement: dict[str, object], people: list[frozenset[str]], enough: bool
) -> None:
    assert reached(requirement, people) is enough
