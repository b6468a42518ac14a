"""Reads SQL: what each statement does, to which tables, and which of its parts are not those of a read."""

from __future__ import annotations

from dataclasses import dataclass

from toolguard.core.model import EffectClass


@dataclass(frozen=True, slots=True)
class Hazard:
    """A part of an SQL text that makes it more than an ordinary statement of its kind."""

    what: str
    """`file-access`, `command`, `network`, `no-where`... the last part of a finding's id."""
    detail: str
    start: int
    end: int


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


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL text, read."""

    statements: tuple[Statement, ...]
    hazards: tuple[Hazard, ...] = ()
    parsed: bool = True
    """False when no reading is certain; then it must not pass for a read."""


def read_sql(text: str, dialect: str | None = None) -> Sql:
    """What this text would do. Total: what cannot be read is marked so."""
    return Sql((), (), parsed=False)
