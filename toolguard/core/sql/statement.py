"""What a reading of SQL says: its statements, and the parts that make one more than ordinary for its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.core.model import EffectClass

READ: Final = EffectClass.READ

GRAVEST: Final = (
    EffectClass.EXECUTE,
    EffectClass.GRANT,
    EffectClass.ADMINISTER,
    EffectClass.DELETE,
    EffectClass.SPEND,
    EffectClass.SEND,
    EffectClass.WRITE,
    EffectClass.UNKNOWN,
    READ,
)
"""From the class one would rather be asked about; several in one call are shown as the gravest."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """A part of an SQL text that makes it more than an ordinary statement of its kind."""

    what: str
    """The last part of a finding's id: `file-access`, `command`, `whole-table`..."""
    detail: str
    """The words that show it, for the sentence."""
    start: int
    end: int


def hazard(what: str, detail: str, start: int, end: int) -> Hazard:
    """One with its words cut to what a sentence can hold."""
    return Hazard(what, detail[:80], start, end)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement."""

    kind: str
    """Leading keywords in lower case: `select`, `drop table`, `delete`."""
    effect_class: EffectClass
    tables: tuple[str, ...] = ()
    """What it reads or changes; the changed ones first."""
    start: int = 0
    end: int = 0
    everything: bool = False
    """It reaches every row or the object as a whole: no WHERE, or one that is always true."""
    temporary: bool = False
    """It touches only tables that end with the session or serve to try things out."""


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL text, read."""

    statements: tuple[Statement, ...]
    hazards: tuple[Hazard, ...] = ()
    parsed: bool = True
    """False when no reading is certain; then it must not pass for a read."""

    @property
    def effect_class(self) -> EffectClass:
        """The gravest of the statements' classes."""
        classes = {statement.effect_class for statement in self.statements}
        return next(
            (c for c in GRAVEST if c in classes),
            READ if self.parsed else EffectClass.UNKNOWN,
        )
