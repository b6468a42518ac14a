"""Breakers stop everything by themselves, only where the policy names them, and a person releases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.guard.conftest import PRINCIPAL, RULES, Clock, asked, call, enrolled
from tests.guard.test_guard import consistent, permit, refusal, vote
from toolguard.config import Config, load
from toolguard.core.approvals import RefusalCode
from toolguard.core.policy.breakers import Breaker, Counted
from toolguard.core.policy.budgets import Scope
from toolguard.core.policy.policy import Policy
from toolguard.guard import Guard, Pending, Permit
from toolguard.store import audit

Open = Callable[..., Guard]


@pytest.fixture
def guard_that_breaks(config: Config, clock: Clock, request: pytest.FixtureRequest) -> Open:
    def make(*breakers: Breaker) -> Guard:
        guard = Guard(replace(config, policy=Policy(rules=RULES, breakers=breakers)), clock=clock)
        request.addfinalizer(guard.close)
        return guard

    return make


DENIALS = Breaker("denials", 3, 600)
ASKS = Breaker("asks", 3, 600, (Counted.ASKED,))


def denied(guard: Guard, times: int, agent: str = "claude", session: str = "files") -> None:
    principal = replace(PRINCIPAL, agent=agent, session=session)
    for number in range(times):
        refusal(guard.begin(call("never_this", principal, number=number)))


def test_without_a_breaker_nothing_stops_by_itself(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks()

    denied(guard, 50)

    assert guard.stop_switch.since is None


def test_enough_denials_stop_everything_that_needs_a_person(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks(DENIALS)
    denied(guard, 2)
    assert isinstance(guard.begin(call(what="attic")), Pending)

    denied(guard, 1)

    assert refusal(guard.begin(call())).code is RefusalCode.STOPPED
    assert isinstance(guard.begin(call("read_file")), Permit)
    stop = guard.stop_switch.current
    assert stop is not None
    assert (stop.reviewer, stop.reason) == (
        "",
        "breaker `denials`: 3 calls of claude were denied within 10 minutes",
    )
    (event,) = audit.read(guard.store, kind="guard.stopped")
    assert (event["agent"], event.get("reviewer"), event["body"]["breaker"]) == ("claude", None, "denials")
    assert consistent(guard)


def test_a_persons_denials_count_too(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks(DENIALS)
    bob = enrolled(guard, "bob")

    for number in range(3):
        vote(guard, asked(guard, what=f"room {number}"), bob, "deny")

    assert guard.stop_switch.since is not None


def test_questions_count_once_each_and_repeats_that_join_one_do_not(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks(ASKS)
    for _ in range(5):
        asked(guard, what="cellar")
    asked(guard, what="attic")
    asked(guard, what="attic")

    asked(guard, what="roof")

    assert guard.stop_switch.since is not None
    assert refusal(guard.begin(call(what="garden"))).code is RefusalCode.STOPPED


def test_a_release_begins_to_count_anew(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks(DENIALS)
    bob = enrolled(guard, "bob")
    denied(guard, 3)
    denied(guard, 5)  # while stopped nothing is counted
    guard.stop_switch.release(bob, "cli")

    denied(guard, 2)
    assert isinstance(guard.begin(call()), Pending)
    denied(guard, 1)

    assert guard.stop_switch.since is not None


def test_what_is_older_than_the_window_does_not_count(guard_that_breaks: Open, clock: Clock) -> None:
    guard = guard_that_breaks(DENIALS)
    denied(guard, 2)
    clock.forward(minutes=11)

    denied(guard, 2)

    assert guard.stop_switch.since is None


@pytest.mark.parametrize(
    ("scope", "stops"),
    [(Scope.AGENT, False), (Scope.SESSION, False), (Scope.ALL, True)],
)
def test_a_breaker_counts_for_each_agent_or_session_or_for_all(
    guard_that_breaks: Open, scope: Scope, stops: bool
) -> None:
    guard = guard_that_breaks(replace(DENIALS, scope=scope))

    denied(guard, 2)
    denied(guard, 1, agent="cursor", session="other")

    assert (guard.stop_switch.since is not None) == stops


def test_an_approved_call_does_not_run_while_a_breaker_holds(guard_that_breaks: Open) -> None:
    guard = guard_that_breaks(DENIALS)
    bob = enrolled(guard, "bob")
    pending = asked(guard)
    vote(guard, pending, bob)
    denied(guard, 3)

    assert refusal(guard.resume(pending)).code is RefusalCode.STOPPED
    guard.stop_switch.release(bob, "cli")
    permit(guard.resume(pending))


def test_a_breaker_is_written_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "toolguard.yaml"
    file.write_text(
        "policy: {breakers: [{name: fence, limit: 5, per: 10m, count: [asked, denied], by: session}]}",
        encoding="utf-8",
    )

    (breaker,) = load(file, tmp_path).policy.breakers

    assert breaker == Breaker("fence", 5, 600, (Counted.ASKED, Counted.DENIED), Scope.SESSION)
