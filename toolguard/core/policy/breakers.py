"""So many calls that were asked about or denied in a window of time, and then everything stops until a person looks.

An agent that runs into walls again and again is confused or tries the fence; people who are asked too often say yes
without reading. A policy without breakers never stops by itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.model import Principal
from toolguard.core.policy.budgets import SLOTS, Draw, Scope
from toolguard.core.policy.terms import plain


class Counted(StrEnum):
    """What a breaker counts."""

    ASKED = "asked"
    """Calls that a person would have to answer; a repeat that joins an open request is not counted."""
    DENIED = "denied"
    """Calls that a rule or a person denied."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Trips when `limit` calls were counted within so many seconds."""

    name: str
    limit: int
    seconds: int
    counts: tuple[Counted, ...] = (Counted.DENIED,)
    scope: Scope = Scope.AGENT
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest("toolguard/breaker/v1", plain(asdict(self))))

    def draw(self, principal: Principal, seconds: float) -> Draw:
        """One call, counted at this moment (since the epoch)."""
        owner = {
            Scope.SESSION: (principal.agent, principal.person, principal.session),
            Scope.AGENT: (principal.agent, principal.person),
        }.get(self.scope, ())
        key = digest("toolguard/breaker-key/v1", [self.name, self.seconds, self.scope.value, *owner])
        return Draw(key, int(seconds * SLOTS // self.seconds), 1.0)

    def sentence(self, agent: str) -> str:
        """Why everything stopped, for people."""
        what = " or ".join(counted.value for counted in self.counts)
        whose = {Scope.ALL: "all agents", Scope.SESSION: f"one session of {agent}"}.get(self.scope, agent)
        return f"breaker `{self.name}`: {self.limit} calls of {whose} were {what} within {_length(self.seconds)}"


_UNITS: Final = ((3600, "hour"), (60, "minute"), (1, "second"))


def _length(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
