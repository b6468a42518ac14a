"""Counting against budgets: windows, owners, bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.situations import NOBODY, NOON, call
from toolguard.core.budgets import COUNTERS, Budget, Ledger, Scope
from toolguard.core.model import Json, Principal, ToolCall

HOURLY = Budget("hourly", 10, 3600)
MONEY = Budget("money", 100, 3600, amount="/amount")


def test_what_was_spent_counts_until_the_window_is_over() -> None:
    ledger = Ledger()
    ledger.add(HOURLY, call(), NOON)

    assert ledger.spent(HOURLY, call(), NOON) == 1
    assert ledger.spent(HOURLY, call(), NOON + timedelta(minutes=59)) == 1
    assert ledger.spent(HOURLY, call(), NOON + timedelta(minutes=62)) == 0


def test_amounts_add_up_and_a_negative_one_gives_nothing_back() -> None:
    ledger = Ledger()
    for amount in (30, 2.5, -10):
        ledger.add(MONEY, call(amount=amount), NOON)

    assert ledger.spent(MONEY, call(amount=1), NOON) == 42.5


def one(tool: str = "pay", agent: str = "a", person: str = "p", session: str = "s", server: str = "x") -> ToolCall:
    return ToolCall(server, tool, {}, Principal(agent, person, session))


@pytest.mark.parametrize(
    ("scope", "other", "is_shared"),
    [
        (Scope.SESSION, one(session="t"), False),
        (Scope.SESSION, one(tool="refund"), True),
        (Scope.SESSION, one(agent="b"), False),
        (Scope.AGENT, one(session="t"), True),
        (Scope.AGENT, one(agent="b"), False),
        (Scope.TOOL, one(agent="b", session="t"), True),
        (Scope.TOOL, one(tool="refund"), False),
        (Scope.TOOL, one(server="y"), False),
        (Scope.ALL, one("refund", "b", "q", "t", "y"), True),
    ],
)
def test_a_scope_says_whose_calls_are_added_up(scope: Scope, other: ToolCall, is_shared: bool) -> None:
    budget = Budget("b", 1, 60, scope)

    assert (budget.key(one()) == budget.key(other)) is is_shared


@pytest.mark.parametrize("arguments", [{}, {"amount": "5"}, {"amount": True}, {"amount": None}, {"amount": [5]}])
def test_an_amount_that_is_no_number_has_no_cost(arguments: dict[str, Json]) -> None:
    assert MONEY.cost(ToolCall("x", "pay", arguments, NOBODY)) is None


def test_a_ledger_survives_a_round_trip_and_stays_bounded() -> None:
    ledger = Ledger()
    for i in range(COUNTERS + 5):
        ledger.add(HOURLY, one(session=str(i)), NOON)

    again = Ledger.from_json(ledger.to_json())

    assert len(again.to_json()) == COUNTERS
    assert again.spent(HOURLY, one(session="0"), NOON) == 0
    assert again.spent(HOURLY, one(session=str(COUNTERS)), NOON) == 1
