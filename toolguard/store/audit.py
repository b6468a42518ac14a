"""Appending to the audit log and reading it. Each event is hashed over its predecessor, in the caller's transaction.

row_hash = SHA-256("toolguard/event/v1" NUL canonical(header)), header = every column but row_hash with nulls left out,
so that a column added later changes no old hash. body_hash = SHA-256("toolguard/body/v1" NUL body); each body carries a
random salt, so that after its removal the hash confirms no guess. The head is never cached between transactions.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Self

from toolguard.core.canonical import canonical, canonical_flat, parse
from toolguard.core.model import Json
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

VERSION: Final = 1
COLUMNS: Final = (
    "seq", "v", "log_id", "ts", "kind", "agent", "person", "session", "server", "tool", "reviewer", "channel",
    "call_id", "request_id", "execution_id", "grant_id", "effect", "score", "outcome", "call_fp", "policy_digest",
    "body_hash", "prev_hash", "row_hash",
)  # fmt: skip
_INSERT: Final = f"INSERT INTO audit_event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
BACKWARDS_SECONDS: Final = 2.0
"""How far time servers may correct a clock without a word in the log."""
GENESIS: Final = "0" * 64
"""prev_hash of the first event."""


class Body:
    """The contents of an event, made into bytes before the lock is taken."""

    __slots__ = ("hash", "text")

    def __init__(self, contents: Mapping[str, Json]) -> None:
        encoded = canonical({**contents, "salt": secrets.token_hex(16)})
        self.text = encoded.decode()
        self.hash = _body_hash(encoded)

    @classmethod
    def again(cls, text: str) -> Self:
        """A body that was made before, from its text."""
        self = cls.__new__(cls)
        self.text, self.hash = text, _body_hash(text.encode())
        return self


def _body_hash(encoded: bytes) -> str:
    return hashlib.sha256(b"toolguard/body/v1\0" + encoded).hexdigest()


def append(transaction: Transaction, kind: str, body: Body | Mapping[str, Json], **columns: str | int | None) -> int:
    """Record one event and return its sequence number.

    INVARIANT: every state change of guard/ calls this in its own transaction (`test_no_decision_without_its_event`).
    """
    contents = body if isinstance(body, Body) else Body(body)
    if transaction.head is None:
        transaction.head = _head(transaction)
    last, prev_hash, log_id = transaction.head
    seq = last + 1
    header: dict[str, Any] = {
        "seq": seq,
        "v": VERSION,
        "log_id": log_id,
        "ts": transaction.now,
        "kind": kind,
        "body_hash": contents.hash,
        "prev_hash": prev_hash,
    }
    header.update((name, value) for name, value in columns.items() if value is not None)
    row_hash = hashlib.sha256(b"toolguard/event/v1\0" + canonical_flat(header)).hexdigest()
    header["row_hash"] = row_hash
    transaction.execute(_INSERT, list(map(header.get, COLUMNS)))
    transaction.execute("INSERT INTO audit_body (seq, body) VALUES (?, ?)", (seq, contents.text))
    transaction.head = (seq, row_hash, log_id)
    return seq


def _head(transaction: Transaction) -> tuple[int, str, str]:
    """The end of the log. A clock that somebody set back is noted first: times of the log then rise no more."""
    row = transaction.one("SELECT seq, row_hash, log_id, ts FROM audit_event ORDER BY seq DESC LIMIT 1")
    if row is None:
        return 0, GENESIS, secrets.token_hex(16)
    transaction.head = (row["seq"], row["row_hash"], row["log_id"])
    if transaction.now < row["ts"] and _seconds_between(transaction.now, row["ts"]) > BACKWARDS_SECONDS:
        append(transaction, "clock.regressed", {"newest": row["ts"], "now": transaction.now})
    return transaction.head


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def is_empty(tx: Transaction) -> bool:
    return tx.one("SELECT 1 FROM audit_event LIMIT 1") is None


def head(database: Database) -> tuple[int, str]:
    """Sequence number and hash of the newest event; (0, GENESIS) for an empty log."""
    rows = database.read("SELECT seq, row_hash FROM audit_event ORDER BY seq DESC LIMIT 1")
    return (rows[0]["seq"], rows[0]["row_hash"]) if rows else (0, GENESIS)


def newest_time(database: Database) -> str:
    """Time of the newest event, empty for an empty log."""
    rows = database.read("SELECT ts FROM audit_event ORDER BY seq DESC LIMIT 1")
    return rows[0]["ts"] if rows else ""


def event(row: Row) -> dict[str, Json]:
    """An event as JSON: the header's columns, and the body where it was kept."""
    shown = {name: row[name] for name in COLUMNS if row[name] is not None}
    shown["body"] = parse(row["body"]) if row["body"] else None
    return shown


_FILTERS: Final = frozenset(COLUMNS[4:16]) | {"effect"}


def read(
    database: Database, *, after: int = 0, limit: int = 100, newest_first: bool = False, **where: str | None
) -> list[dict[str, Json]]:
    """Events with seq > after (or, newest first, seq < after when after > 0) that match every given column."""
    clauses, values = [], []
    if after:
        clauses.append("e.seq < ?" if newest_first else "e.seq > ?")
        values.append(after)
    for name, wanted in where.items():
        if name not in _FILTERS:
            raise ValueError(f"no filter `{name}`")
        if wanted is not None:
            clauses.append(f"e.{name} = ?")
            values.append(wanted)  # type: ignore[arg-type]  # values mixes the seq with texts
    condition = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    order = "DESC" if newest_first else "ASC"
    rows = database.read(
        f"SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) {condition} "
        f"ORDER BY e.seq {order} LIMIT ?",
        [*values, limit],
    )
    return [event(row) for row in rows]


def stream(database: Database) -> Iterator[dict[str, Any]]:
    """Every row with its body, in order."""
    rows = database.stream("SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) ORDER BY e.seq")
    return (dict(row) for row in rows)
