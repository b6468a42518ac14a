"""Budgets in a running guard: what ran counts, for every process on the database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.guard.conftest import Clock, call, enrolled
from toolguard.config import Config
from toolguard.core.model import Effect
from toolguard.core.policy.budgets import Budget, Scope
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Rule
from toolguard.guard import Guard, Pending, Permit, Refusal

MAILS = Budget("mails", 2, 3600, Scope.AGENT, Match(tool=("send_mail",)), effect=Effect.DENY)
ASK = Rule("ask", Effect.ASK, Match(tool=("risky*",)))


@pytest.fixture
def budgeted(config: Config) -> Config:
    return replace(config, policy=Policy(rules=(ASK,), budgets=(MAILS,)))


def test_the_call_beyond_a_budget_does_not_run_in_any_process(budgeted: Config, clock: Clock) -> None:
    with Guard(budgeted, clock=clock) as one, Guard(budgeted, clock=clock) as other:
        assert isinstance(one.begin(call("send_mail")), Permit)
        assert isinstance(other.begin(call("send_mail")), Permit)

        assert isinstance(one.begin(call("send_mail")), Refusal)
        assert isinstance(one.begin(call("read_mail")), Permit)
        clock.forward(minutes=62)
        assert isinstance(other.begin(call("send_mail")), Permit)


def test_a_refused_call_uses_nothing_up(budgeted: Config, clock: Clock) -> None:
    with Guard(budgeted, clock=clock) as guard:
        for _ in range(5):
            guard.begin(call("send_mail"))
        clock.forward(minutes=62)

        assert isinstance(guard.begin(call("send_mail")), Permit)


def test_an_approved_call_counts_when_it_is_claimed(config: Config, clock: Clock) -> None:
    risky = replace(MAILS, match=Match(tool=("risky*",)), limit=1)
    policy = Policy(rules=(ASK,), budgets=(risky,))
    with Guard(replace(config, policy=policy), clock=clock) as guard:
        reviewer = enrolled(guard, "bob")
        first = guard.begin(call(what="a"))
        second = guard.begin(call(what="b"))
        assert isinstance(first, Pending)
        assert isinstance(second, Pending)  # waiting uses nothing up
        view = guard.approvals.show(first.request_id)
        assert view is not None
        guard.approvals.vote(
            view.id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2
        )

        assert isinstance(guard.resume(first), Permit)

        assert isinstance(guard.begin(call(what="c")), Refusal)
