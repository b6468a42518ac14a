"""So many calls, or so much of an amount, in a window of time: the data, the counting, and nothing that keeps it.

Whoever judges calls keeps one `Ledger` (or its JSON) and tells `decide` what has been spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from toolguard.core.canonical import digest
from toolguard.core.matching import Match, select
from toolguard.core.model import Effect, Json, ToolCall
from toolguard.core.terms import Terms, plain


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
        return digest("toolguard/budget-key/v1", [self.name, self.scope.value, *owner])

    def cost(self, call: ToolCall) -> float | None:
        """What the call uses up; None when the amount cannot be read, which makes the budget ask."""
        if not self.amount:
            return 1.0
        values = select(call.arguments, self.amount)
        if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            return None
        # A negative amount gives nothing back: a refund must not buy room for another payment.
        return float(sum(abs(v) for v in values))


SLOTS: Final = 60
"""Parts of a window that are counted as one, so that a counter is bounded. A part counts until all of it is over."""
COUNTERS: Final = 10_000
"""Counters that a ledger keeps; beyond that, those unused for longest go first."""


class Ledger:
    """What was spent when; bounded, without a clock of its own."""

    def __init__(self) -> None:
        self._slots: dict[str, dict[int, float]] = {}

    def spent(self, budget: Budget, call: ToolCall, now: datetime) -> float:
        """What the counter that this call draws on has used up in the window that ends now."""
        oldest = _slot(budget, now) - SLOTS
        return sum(n for slot, n in self._slots.get(budget.key(call), {}).items() if slot >= oldest)

    def add(self, budget: Budget, call: ToolCall, now: datetime) -> None:
        """The call ran: it has used up its cost."""
        key, slot = budget.key(call), _slot(budget, now)
        counter = self._slots.pop(key, {})
        kept = {at: n for at, n in counter.items() if at >= slot - SLOTS}
        kept[slot] = kept.get(slot, 0.0) + (budget.cost(call) or 0.0)
        self._slots[key] = kept
        while len(self._slots) > COUNTERS:
            del self._slots[next(iter(self._slots))]

    def to_json(self) -> dict[str, Json]:
        return {key: {str(at): n for at, n in slots.items()} for key, slots in self._slots.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Mapping[str, float]]) -> Self:
        ledger = cls()
        ledger._slots = {k: {int(at): float(n) for at, n in v.items()} for k, v in value.items()}
        return ledger


def _slot(budget: Budget, now: datetime) -> int:
    return int(now.timestamp() * SLOTS // budget.seconds)
