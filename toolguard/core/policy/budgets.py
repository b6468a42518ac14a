"""So many calls, or so much of an amount, in a window of time: the data, the counting, and nothing that keeps it.

Whoever judges calls keeps the counters and tells `decide` what has been spent. Calls that are judged at the same moment
by several processes may together go beyond a budget by what they draw.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.model import Effect, ToolCall
from toolguard.core.policy.matching import Answer, Match, Situation, select
from toolguard.core.policy.terms import Terms, plain


class Scope(StrEnum):
    """Whose calls a budget adds up."""

    SESSION = "session"
    AGENT = "agent"
    TOOL = "tool"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Budget:
    """So much in any window of so many seconds; a call that would go beyond it meets `effect`."""

    name: str
    limit: float
    seconds: int
    scope: Scope = Scope.SESSION
    match: Match = Match()
    amount: str = ""
    """JSON Pointer of the amount that each call uses up; empty counts calls."""
    effect: Effect = Effect.ASK
    terms: Terms = Terms()
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest("toolguard/budget/v1", plain(asdict(self))))

    def key(self, call: ToolCall) -> str:
        """Names the counter that this call draws on."""
        who = call.principal
        owner = {
            Scope.SESSION: (who.agent, who.person, who.session),
            Scope.AGENT: (who.agent, who.person),
            Scope.TOOL: (call.server, call.tool),
            Scope.ALL: (),
        }[self.scope]
        return digest("toolguard/budget-key/v1", [self.name, self.seconds, self.scope.value, *owner])

    def cost(self, call: ToolCall) -> float | None:
        """What the call uses up; None when the amount cannot be read, which makes the budget ask."""
        if not self.amount:
            return 1.0
        values = select(call.arguments, self.amount)
        if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            return None
        # A negative amount gives nothing back: a refund must not buy room for another payment.
        try:
            total = float(sum(abs(v) for v in values))
        except OverflowError:
            return None
        return total if isfinite(total) else None


SLOTS: Final = 60
"""Parts of a window that are counted as one, so that a counter is bounded. A part counts until all of it is over."""
COUNTERS: Final = 10_000
"""Counters that a ledger keeps; beyond that, those unused for longest go first."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What one call uses up of one counter."""

    counter: str
    slot: int
    """Part of time, counted from the epoch in the window's own length."""
    amount: float

    @property
    def oldest(self) -> int:
        """The first slot that still counts at the moment of this draw."""
        return self.slot - SLOTS


def draw(budget: Budget, call: ToolCall, now: datetime) -> Draw:
    """What the call would use up of this budget; an amount that cannot be read counts as nothing."""
    return Draw(budget.key(call), int(now.timestamp() * SLOTS // budget.seconds), budget.cost(call) or 0.0)


def draws(budgets: Iterable[Budget], s: Situation) -> tuple[Draw, ...]:
    """What the call uses up when it runs: of every budget that is about it."""
    about = (budget for budget in budgets if budget.match.answer(s, every=False) is not Answer.NO)
    return tuple(draw(budget, s.call, s.now) for budget in about)


class Ledger:
    """What was spent when, in memory; bounded, without a clock of its own. store/spending.py is the lasting one."""

    def __init__(self) -> None:
        self._slots: dict[str, dict[int, float]] = {}

    def spent(self, budgets: Iterable[Budget], call: ToolCall, now: datetime) -> dict[str, float]:
        """By name of the budget: what the counter that this call draws on has used up in the window that ends now."""
        found = {}
        for budget in budgets:
            here = draw(budget, call, now)
            counter = self._slots.get(here.counter, {})
            found[budget.name] = sum(amount for slot, amount in counter.items() if slot >= here.oldest)
        return found

    def add(self, spent: Iterable[Draw]) -> None:
        """The call ran."""
        for one in spent:
            counter = self._slots.pop(one.counter, {})
            kept = {slot: amount for slot, amount in counter.items() if slot >= one.oldest}
            kept[one.slot] = kept.get(one.slot, 0.0) + one.amount
            self._slots[one.counter] = kept
        while len(self._slots) > COUNTERS:
            del self._slots[next(iter(self._slots))]
