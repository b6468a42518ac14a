"""How people's attention is spent, counted from requests and calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.guard.conftest import PRINCIPAL, Clock, asked, call, enrolled
from tests.guard.test_edits import edited
from tests.guard.test_guard import DONE, permit, refusal, vote
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Rule
from toolguard.guard import Guard, Pending, Reviewer
from toolguard.guard.figures import Figures, figures, proposals


def of(guard: Guard, clock: Clock, span: str = "1h", agent: str | None = None) -> Figures:
    guard.store.flush()
    return figures(guard.store, span, agent, clock())


def test_nothing_yet_is_nothing_and_no_error(guard: Guard, clock: Clock) -> None:
    found = of(guard, clock)

    assert (found.asked, found.decided, found.median_seconds, found.rules, found.rates) == (0, 0, None, (), ())
    assert len(found.calls) == 12


def test_times_shares_and_outcomes_are_those_of_the_decisions(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    for seconds, choice in ((5, "approve"), (30, "approve"), (600, "deny")):
        pending = asked(guard, what=f"room {seconds}")
        clock.forward(seconds=seconds)
        vote(guard, pending, reviewer, choice)
    asked(guard, what="left")

    found = of(guard, clock)

    assert (found.asked, found.approved, found.denied, found.median_seconds) == (4, 2, 1, 30)
    assert [count for _, count in found.times] == [1, 1, 0, 1, 0, 0]
    assert sum(part.counts["other"] for part in found.pauses) == 1


def test_calls_are_counted_by_effect_agent_and_time(guard: Guard, clock: Clock) -> None:
    guard.finish(permit(guard.begin(call("read_file"))), DONE)
    refusal(guard.begin(call("never_this", replace(PRINCIPAL, agent="cursor"))))
    clock.forward(minutes=20)
    asked(guard)

    found = of(guard, clock)

    assert {rate.agent: dict(rate.counts) for rate in found.rates} == {
        "claude": {"allow": 1, "ask": 1, "deny": 0},
        "cursor": {"allow": 0, "ask": 0, "deny": 1},
    }
    busy = [dict(part.counts) for part in found.calls if any(part.counts.values())]
    assert busy == [{"allow": 1, "ask": 0, "deny": 1}, {"allow": 0, "ask": 1, "deny": 0}]
    assert sum(sum(part.counts.values()) for part in of(guard, clock, agent="cursor").calls) == 1


def test_what_is_older_than_the_span_is_not_counted(guard: Guard, clock: Clock) -> None:
    asked(guard)
    clock.forward(hours=3)

    assert of(guard, clock).asked == 0
    assert of(guard, clock, "24h").asked == 1


def test_a_request_that_an_edit_replaced_is_one_question(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    view = edited(guard, asked(guard), reviewer, what="attic")
    guard.approvals.vote(view.id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2)

    found = of(guard, clock)

    assert (found.asked, found.approved) == (1, 1)


def test_rules_show_what_became_of_their_questions(guard_with: Callable[..., Guard], clock: Clock) -> None:
    guard = guard_with(
        Rule("notes", Effect.ASK, Match(tool=("risky_note",))), Rule("rooms", Effect.ASK, Match(tool=("risky_room",)))
    )
    bob = enrolled(guard, "bob")
    for number in range(3):
        for tool, choice in (("risky_note", "approve"), ("risky_room", "approve" if number else "deny")):
            pending = guard.begin(call(tool, number=number))
            assert isinstance(pending, Pending)
            vote(guard, pending, bob, choice)

    rules = {rule.name: rule for rule in of(guard, clock).rules}

    assert (rules["notes"].approved, rules["notes"].is_always_approved) == (3, True)
    assert (rules["rooms"].approved, rules["rooms"].denied, rules["rooms"].is_always_approved) == (2, 1, False)


@pytest.mark.parametrize(("denied", "count"), [(False, 1), (True, 0)])
def test_what_was_always_approved_is_proposed_as_a_rule(
    guard_with: Callable[..., Guard], clock: Clock, denied: bool, count: int
) -> None:
    guard = guard_with(Rule("unrelated", Effect.DENY, Match(tool=("never",))))
    bob = enrolled(guard, "bob")
    found = of(guard, clock)
    for number in range(4):
        pending = guard.begin(replace(call("run_shell"), arguments={"command": "rm -rf /srv/data/customers"}))
        assert isinstance(pending, Pending)
        vote(guard, pending, bob, "deny" if denied and number == 3 else "approve")
        if not denied or number < 3:
            guard.finish(permit(guard.resume(pending)), DONE)

    assert len(proposals(guard.store, guard.config.policy, found.since).proposals) == count
