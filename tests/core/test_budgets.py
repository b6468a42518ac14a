"""Counting against budgets: windows, owners, bounds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.core.situations import NOBODY, NOON, call, situation
from toolguard.core.model import Json, Principal, ToolCall
from toolguard.core.policy.budgets import COUNTERS, Budget, Ledger, Scope, draw, draws
from toolguard.core.policy.matching import Match
from toolguard.store import spending
from toolguard.store.database import Database

HOURLY = Budget("hourly", 10, 3600)
MONEY = Budget("money", 100, 3600, amount="/amount")


def test_what_was_spent_counts_until_the_window_is_over() -> None:
    ledger = Ledger()
    ledger.add([draw(HOURLY, call(), NOON)])

    assert ledger.spent([HOURLY], call(), NOON) == {"hourly": 1}
    assert ledger.spent([HOURLY], call(), NOON + timedelta(minutes=59)) == {"hourly": 1}
    assert ledger.spent([HOURLY], call(), NOON + timedelta(minutes=62)) == {"hourly": 0}


def test_amounts_add_up_and_a_negative_one_gives_nothing_back() -> None:
    ledger = Ledger()
    for amount in (30, 2.5, -10):
        ledger.add([draw(MONEY, call(amount=amount), NOON)])

    assert ledger.spent([MONEY], call(amount=1), NOON) == {"money": 42.5}


def test_a_call_draws_on_the_budgets_that_are_about_it() -> None:
    mails = Budget("mails", 1, 60, match=Match(tool=("send_*",)))

    assert [one.counter for one in draws([HOURLY, mails], situation(call("read")))] == [HOURLY.key(call())]
    assert len(draws([HOURLY, mails], situation(call("send_mail")))) == 2


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


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"amount": "5"},
        {"amount": True},
        {"amount": None},
        {"amount": [5]},
        {"amount": 10**400},
        {"amount": float("inf")},
        {"amount": float("nan")},
    ],
)
def test_an_amount_that_is_no_number_has_no_cost(arguments: dict[str, Json]) -> None:
    assert MONEY.cost(ToolCall("x", "pay", arguments, NOBODY)) is None


def test_a_ledger_stays_bounded() -> None:
    ledger = Ledger()
    for i in range(COUNTERS + 5):
        ledger.add([draw(HOURLY, one(session=str(i)), NOON)])

    assert ledger.spent([HOURLY], one(session="0"), NOON) == {"hourly": 0}
    assert ledger.spent([HOURLY], one(session=str(COUNTERS)), NOON) == {"hourly": 1}


def test_the_lasting_counters_agree_with_those_in_memory(tmp_path: Path) -> None:
    store = Database(tmp_path / "toolguard.db", clock=lambda: "2026-11-22T12:00:00.000Z")
    ledger = Ledger()

    for minute, amount in ((0, 10), (1, 5), (50, 2.5), (61, 1), (200, 7)):
        now = NOON + timedelta(minutes=minute)
        this = call(amount=amount)
        assert spending.spent(store, [HOURLY, MONEY], this, now) == ledger.spent([HOURLY, MONEY], this, now)
        drawn = [draw(budget, this, now) for budget in (HOURLY, MONEY)]
        ledger.add(drawn)
        with store.write(full=False) as tx:
            spending.add(tx, drawn)

    assert len(store.read("SELECT * FROM budget_use")) == 2  # what is over is forgotten
    store.close()
