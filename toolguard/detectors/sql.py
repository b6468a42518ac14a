"""SQL statements: sees what destroys, escalates, reaches outside the database or hides behind a read.

Leaves alone reads of ordinary tables, rows that are added, and changes that a WHERE narrows down: these are daily work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import Place
from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.sql.parse import Sql
from toolguard.detectors.kinds import HIGH, LIKELY, LOW, MEDIUM, SURE, FindingKind, hints_once

_KINDS: Final[tuple[tuple[str, Severity, Confidence, str, tuple[str, ...]], ...]] = (
    ("drop", HIGH, SURE, "destroys a table, a database or all rows of one", ("CWE-471",)),
    ("drop-small", LOW, SURE, "removes an index, a view or a temporary table", ()),
    ("whole-table", HIGH, SURE, "changes or deletes every row, since no WHERE narrows it down", ("CWE-471",)),
    ("alter", MEDIUM, SURE, "changes a table in a way that loses columns, constraints or its owner", ("CWE-471",)),
    ("account", HIGH, SURE, "changes who may do what in the database", ("CWE-269",)),
    (
        "account-rows",
        MEDIUM,
        SURE,
        "sets a password or gives a role in a table that an application knows its users by",
        ("CWE-269",),
    ),
    ("money-rows", MEDIUM, SURE, "changes where somebody is paid, or a balance or salary by much", ("CWE-840",)),
    ("trail-rows", MEDIUM, SURE, "changes or deletes what a log says that somebody did", ("CWE-778",)),
    ("role", HIGH, SURE, "acts under another role", ("CWE-269",)),
    ("settings", HIGH, LIKELY, "changes settings that protections of the database rest on", ("CWE-15",)),
    ("server", HIGH, LIKELY, "steers the database server or other people's connections", ("CWE-400",)),
    ("lock", MEDIUM, SURE, "takes or releases locks that others wait for", ("CWE-667",)),
    ("wait", HIGH, LIKELY, "makes the database wait or burn time: a probe, or a way to stall it", ("CWE-400",)),
    ("command", HIGH, SURE, "runs a program, a procedure or code inside the database", ("CWE-78",)),
    ("code-object", HIGH, LIKELY, "creates or changes something that runs later or opens a way out", ("CWE-94",)),
    ("procedural", HIGH, LIKELY, "runs a block of procedural code", ("CWE-94",)),
    ("network", HIGH, SURE, "makes the database server connect to somewhere else", ("CWE-918",)),
    ("file-access", HIGH, SURE, "reads or writes files of the database server", ("CWE-73",)),
    ("local-file", LOW, SURE, "reads a data file beside the database", ()),
    ("credentials", HIGH, SURE, "reads where the database keeps password hashes", ("CWE-522",)),
    ("secret-column", MEDIUM, SURE, "reads what is named like a password, a key or a token", ("CWE-522",)),
    ("stacked", MEDIUM, SURE, "holds several statements; a check of the first one misses the rest", ("CWE-89",)),
    ("hidden-statement", HIGH, SURE, "hides a writing statement inside what begins as a read", ("CWE-89",)),
    ("select-into", MEDIUM, SURE, "begins as a read and creates a table", ()),
    ("version-comment", HIGH, SURE, "hides code in a comment that MySQL executes", ("CWE-89",)),
    ("cut-off", MEDIUM, SURE, "ends in a comment right behind a text value, as injected values do", ("CWE-89",)),
    ("union", MEDIUM, SURE, "appends rows of an unrelated table, as injected values do", ("CWE-89",)),
    ("tautology", MEDIUM, SURE, "holds a condition that is always true, as injected values do", ("CWE-89",)),
    ("unknown-statement", MEDIUM, SURE, "begins with a word that we do not know", ()),
    ("unknown-function", LOW, SURE, "calls a function that we do not know", ()),
    ("writing-function", MEDIUM, SURE, "calls a function whose name says that it changes something", ()),
    ("unread", HIGH, LIKELY, "cannot be read with certainty", ("CWE-436",)),
    ("narrowed-delete", MEDIUM, LIKELY, "deletes the rows that its WHERE picks", ()),
    ("narrowed-update", LOW, SURE, "changes the rows that its WHERE picks", ()),
)  # fmt: skip

FINDINGS: Final = tuple(
    FindingKind(f"sql.{name}", severity, confidence, sentence, tags)
    for name, severity, confidence, sentence, tags in _KINDS
)
_BY_NAME: Final = {kind.id.removeprefix("sql."): kind for kind in FINDINGS}


LOOKS_AT: Final = ("sql",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings for each SQL text of the call."""
    return hints_once(_found(reading))


def _found(reading: Reading) -> Iterator[Finding]:
    for fragment, sql in reading.sql:
        yield from _hazards(sql, fragment.place, fragment.nested)
        yield from _narrowed(sql, fragment.place, fragment.nested)


def _hazards(sql: Sql, place: Place, nested: bool) -> Iterator[Finding]:
    for hazard in sql.hazards:
        kind = _BY_NAME[hazard.what]
        message = f"the SQL {kind.sentence}: {hazard.detail}"
        yield kind.at(message, place.pointer, *_span(place, nested, hazard.start, hazard.end))


def _narrowed(sql: Sql, place: Place, nested: bool) -> Iterator[Finding]:
    for statement in sql.statements:
        verb = statement.kind.rpartition(" ")[2]
        if verb in ("delete", "update", "merge") and not (statement.everything or statement.temporary):
            kind = _BY_NAME["narrowed-delete" if verb == "delete" else "narrowed-update"]
            table = f": {statement.tables[0]}" if statement.tables else ""
            message = f"the SQL {kind.sentence}{table}"
            yield kind.at(
                message,
                place.pointer,
                *_span(place, nested, statement.start, statement.end),
            )


def _span(place: Place, nested: bool, start: int, end: int) -> tuple[int | None, int | None]:
    """Spans count in the argument; SQL inside a shell command has only the command's place."""
    return (place.start, place.end) if nested else ((place.start or 0) + start, (place.start or 0) + end)
