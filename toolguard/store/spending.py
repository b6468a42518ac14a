"""What budgets have used up, for every process that shares the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from toolguard.core.model import ToolCall
from toolguard.core.policy.budgets import Budget, Draw, draw
from toolguard.store.database import Database
from toolguard.store.transaction import Transaction

_SPENT = "SELECT total(amount) AS spent FROM budget_use WHERE counter = ? AND slot >= ?"
_DRAW = (
    "INSERT INTO budget_use (counter, slot, amount) VALUES (?, ?, ?) "
    "ON CONFLICT (counter, slot) DO UPDATE SET amount = amount + excluded.amount"
)
_FORGET = "DELETE FROM budget_use WHERE counter = ? AND slot < ?"


def spent(database: Database, budgets: Iterable[Budget], call: ToolCall, now: datetime) -> dict[str, float]:
    """By name of the budget: what the counter that this call draws on has used up in the window that ends now."""
    found = {}
    for budget in budgets:
        here = draw(budget, call, now)
        found[budget.name] = float(database.read(_SPENT, (here.counter, here.oldest))[0]["spent"])
    return found


def add(tx: Transaction, draws: Iterable[Draw]) -> None:
    """The call runs, in the transaction that says so; slots whose time is over are forgotten."""
    for one in draws:
        tx.execute(_DRAW, (one.counter, one.slot, one.amount))
        tx.execute(_FORGET, (one.counter, one.oldest))


def drawn(tx: Transaction, last: Draw) -> float:
    """What a counter holds in the window that ends with this draw."""
    row = tx.one(_SPENT, (last.counter, last.oldest))
    return float(row["spent"]) if row is not None else 0.0


def forget(tx: Transaction, counter: str) -> None:
    """The counter begins anew."""
    tx.execute("DELETE FROM budget_use WHERE counter = ?", (counter,))
