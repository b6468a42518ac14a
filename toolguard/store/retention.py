"""Removing contents while the log stays provable: hashes and headers stay, and an event says what went and why.

Contents of requests that are open, of executions whose end is unknown, and of what a legal hold covers are never
removed; nor are those without which nothing could be verified (store/removed.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolguard.core.canonical import parse, text
from toolguard.core.model import Json
from toolguard.store import audit, foretold
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.removed import KEPT_FOR_GOOD, Ranges
from toolguard.store.search import SearchIndex
from toolguard.store.transaction import Transaction

SUBJECTS: Final = ("person", "agent", "session", "server", "request_id", "call_id")
"""Columns by which contents can be held or erased."""
_OF_SESSION: Final = ("person", "agent", "session")
FOREVER: Final = "9999"
"""Later than every moment."""
_BATCH: Final = 5_000
"""Events a transaction: calls in between wait some 50 ms at most."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What one run removed."""

    events: int
    ranges: list[list[int]]


def holds(database: Database) -> dict[str, dict[str, str]]:
    """The legal holds in force by name, each with the columns that it covers; read from the log itself."""
    found: dict[str, dict[str, str]] = {}
    for row in database.read(
        "SELECT e.kind, b.body FROM audit_event e JOIN audit_body b USING (seq) "
        "WHERE e.kind IN ('retention.held', 'retention.freed') ORDER BY e.seq"
    ):
        body = parse(row["body"])
        if row["kind"] == "retention.held":
            found[body["name"]] = dict(body["subject"])
        else:
            found.pop(body["name"], None)
    return found


def hold(database: Database, name: str, subject: Mapping[str, str], reason: str, **columns: str | None) -> None:
    """Keep everything of this subject, of all when it is empty, until the hold is freed. Raises StoreError."""
    _checked(subject)
    with database.write(full=True) as tx:
        audit.append(tx, "retention.held", {"name": name, "subject": dict(subject), "reason": reason}, **columns)


def free(database: Database, name: str, reason: str, **columns: str | None) -> bool:
    """End a hold; False when there is none of that name. Raises StoreError."""
    if name not in holds(database):
        return False
    with database.write(full=True) as tx:
        audit.append(tx, "retention.freed", {"name": name, "reason": reason}, **columns)
    return True


def retain(
    database: Database,
    checkpoints: Checkpoints,
    *,
    before: str = "",
    keep_bytes: int | None = None,
    reason: str = "",
    **columns: str | None,
) -> Removal:
    """Remove contents older than a moment, or the oldest until at most so many bytes are left. Raises StoreError."""
    condition, values = ("e.ts < ?", [before]) if before else ("e.seq <= ?", [_last_beyond(database, keep_bytes or 0)])
    rule: dict[str, Json] = {"before": before} if before else {"keep_bytes": keep_bytes}
    made = _remove(database, checkpoints, "retention.applied", condition, values, rule, reason, columns)
    if before:
        _forget_sessions(database, "at < ?", [before])
    return made


def erase(
    database: Database, checkpoints: Checkpoints, subject: Mapping[str, str], reason: str, **columns: str | None
) -> Removal:
    """Remove the contents of one subject, and what its sessions remember. Its name stays in the headers, which the
    chain covers. Raises StoreError."""
    _checked(subject)
    condition = " AND ".join(f"e.{name} = ?" for name in subject)
    made = _remove(
        database, checkpoints, "retention.erased", condition, list(subject.values()), dict(subject), reason, columns
    )
    people = {name: value for name, value in subject.items() if name in _OF_SESSION}
    if people and people.keys() == subject.keys():
        _forget_sessions(database, " AND ".join(f"{name} = ?" for name in people), list(people.values()))
    return made


def _remove(
    database: Database,
    checkpoints: Checkpoints,
    kind: str,
    condition: str,
    values: list[Any],
    rule: Mapping[str, Json],
    reason: str,
    columns: Mapping[str, str | None],
) -> Removal:
    total, told, reached = 0, list[list[int]](), 0
    index = SearchIndex(database)
    while True:
        # Looked for beside the writers, with a connection of its own: over a large log that takes a second.
        found = list(
            database.stream(
                f"SELECT e.seq FROM audit_event e JOIN audit_body b USING (seq) WHERE ({condition}) AND e.seq > ? "
                "ORDER BY e.seq LIMIT ?",
                [*values, reached, _BATCH],
            )
        )
        if not found:
            break
        reached = found[-1]["seq"]
        rows = _remove_batch(database, checkpoints, [row["seq"] for row in found], kind, rule, reason, columns)
        if rows:
            index.forget_contents(rows)
            total, told = total + len(rows), told + _ranges(rows)
    if total:
        index.settle()
        database.fold()
    return Removal(total, told)


def _remove_batch(
    database: Database,
    checkpoints: Checkpoints,
    numbers: list[int],
    kind: str,
    rule: Mapping[str, Json],
    reason: str,
    columns: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    """Remove the contents of those of these events that nothing keeps, with the event that says so; what they were."""
    kept, kept_values = _kept(database)
    with database.write(full=True) as tx:
        rows = [
            dict(row)
            for row in tx.all(
                "SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq) "
                f"WHERE e.seq IN (SELECT value FROM json_each(?)) AND NOT ({kept}) ORDER BY e.seq",
                [text(numbers), *kept_values],
            )
        ]
        if not rows:
            return []
        gone = text([row["seq"] for row in rows])
        tx.execute("DELETE FROM audit_body WHERE seq IN (SELECT value FROM json_each(?))", (gone,))
        _empty_tables(tx, {(r["session"], r["call_id"]) for r in rows}, {r["request_id"] for r in rows})
        contents = {"ranges": _ranges(rows), "removed": len(rows), "subject": dict(rule), "reason": reason}
        audit.append(tx, kind, contents, **columns)
        checkpoints.write(tx)
    return rows


def _ranges(rows: Iterable[Mapping[str, Any]]) -> list[list[int]]:
    ranges = Ranges()
    for row in rows:
        ranges.add(row["seq"])
    return ranges.all


def _kept(database: Database) -> tuple[str, list[str]]:
    """The condition under which contents stay, with its values."""
    clauses = [f"e.kind LIKE '{beginning}%'" for beginning in KEPT_FOR_GOOD]
    clauses.append(
        "coalesce(e.request_id, '') IN (SELECT request_id FROM approval_request WHERE state IN ('pending', 'approved'))"
    )
    clauses.append(
        "coalesce(e.call_id, '') IN (SELECT call_id FROM execution WHERE state IN ('claimed', 'dispatched', 'unknown'))"
    )
    values: list[str] = []
    for subject in holds(database).values():
        clauses.append(" AND ".join(f"coalesce(e.{name}, '') = ?" for name in subject) or "1")
        values += subject.values()
    return " OR ".join(f"({clause})" for clause in clauses), values


def _forget_sessions(database: Database, condition: str, values: list[str]) -> None:
    """What sessions remember, but for those that a hold may cover."""
    held, held_values = ["0"], list[str]()
    for subject in holds(database).values():
        known = {name: value for name, value in subject.items() if name in _OF_SESSION}
        held.append(" AND ".join(f"{name} = ?" for name in known) or "1")
        held_values += known.values()
    with database.write(full=True) as tx:
        clauses = " OR ".join(f"({clause})" for clause in held)
        tx.execute(f"DELETE FROM session_memory WHERE ({condition}) AND NOT ({clauses})", [*values, *held_values])
        foretold.forget(tx, FOREVER)


def _empty_tables(
    tx: Transaction, calls: Iterable[tuple[str | None, str | None]], requests: Iterable[str | None]
) -> None:
    """What the tables repeat of the contents goes with them."""
    for session, call_id in calls:
        if session is not None and call_id is not None:
            tx.execute("UPDATE call SET headline = '' WHERE session = ? AND call_id = ?", (session, call_id))
            tx.execute("UPDATE execution SET error = NULL WHERE execution_id = 'ex_' || substr(?, 4)", (call_id,))
    for request_id in filter(None, requests):
        row = tx.one("SELECT shown FROM approval_request WHERE request_id = ?", (request_id,))
        if row is not None:
            emptied = text({**parse(row["shown"]), **_EMPTY})
            tx.execute(
                "UPDATE approval_request SET shown = ?, offers = '[]', end_reason = '' WHERE request_id = ?",
                (emptied, request_id),
            )
        tx.execute("UPDATE vote SET reason = '', evidence = NULL WHERE request_id = ?", (request_id,))


_EMPTY: Final[Mapping[str, Json]] = {
    "arguments": {}, "params": {}, "headline": "Contents removed by retention", "target": "", "findings": [],
    "prompt": None, "justification": None, "definition": None, "facts": [], "history": [], "before": {}, "earlier": "",
    "differences": [], "edited": None,
}  # fmt: skip


def _last_beyond(database: Database, keep_bytes: int) -> int:
    """The newest event whose contents no longer fit into so many bytes, counted from the newest; 0 when all fit."""
    left = keep_bytes
    for row in database.stream("SELECT seq, length(body) AS size FROM audit_body ORDER BY seq DESC"):
        left -= row["size"]
        if left < 0:
            return int(row["seq"])
    return 0


def _checked(subject: Mapping[str, str]) -> None:
    unknown = subject.keys() - set(SUBJECTS)
    if unknown:
        raise ValueError(f"no subject `{', '.join(sorted(unknown))}`")
