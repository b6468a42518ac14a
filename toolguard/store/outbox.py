"""Messages on their way to channels: due rows with a lease, filled from the log by a cursor for each channel.

The event is committed with its transition, and the cursor moves in the transaction that makes the rows, so nothing is
lost and a message may be sent twice: its webhook id is the same each time.
"""

from __future__ import annotations

import hashlib
from typing import Final

from toolguard.store import meta
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

BATCH: Final = 200


def has_work(database: Database, endpoint: str) -> bool:
    """Whether `fill` or `lease` would find anything; looking takes no lock that calls wait for."""
    rows = database.read(
        "SELECT (SELECT max(seq) FROM audit_event) > "
        "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?), -1) "
        "OR EXISTS (SELECT 1 FROM outbox WHERE endpoint = ? AND ended IS NULL AND next_at <= ? "
        "AND (lease_until IS NULL OR lease_until <= ?)) AS found",
        (f"outbox:{endpoint}", endpoint, database.now(), database.now()),
    )
    return bool(rows[0]["found"])


def fill(tx: Transaction, endpoint: str) -> int:
    """Make rows for what happened since this endpoint's cursor; how many. A new endpoint begins at the present."""
    key = f"outbox:{endpoint}"
    cursor = meta.held(tx, key)
    last = tx.one("SELECT seq, log_id FROM audit_event ORDER BY seq DESC LIMIT 1")
    if last is None:
        return 0
    if cursor is None:
        meta.keep(tx, key, str(last["seq"]))
        return 0
    rows = tx.all(
        "SELECT seq, kind, request_id FROM audit_event WHERE seq > ? AND request_id IS NOT NULL "
        "AND (kind LIKE 'approval.%' OR kind IN ('execution.claimed', 'execution.ended', 'execution.settled')) "
        "ORDER BY seq LIMIT ?",
        (int(cursor), BATCH),
    )
    for row in rows:
        kind = "approval.created" if row["kind"] == "approval.requested" else "approval.changed"
        name = f"{last['log_id']}.{row['seq']}.{endpoint}"
        webhook_id = "msg_" + hashlib.sha256(name.encode()).hexdigest()[:32]
        tx.execute(
            "INSERT OR IGNORE INTO outbox (request_id, endpoint, kind, webhook_id, created, next_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (row["request_id"], endpoint, kind, webhook_id, tx.now, tx.now),
        )
    meta.keep(tx, key, str(rows[-1]["seq"] if len(rows) == BATCH else last["seq"]))
    return len(rows)


def lease(tx: Transaction, endpoint: str, until: str) -> Row | None:
    """The oldest due message of an endpoint, reserved for this process until then."""
    row = tx.one(
        "SELECT * FROM outbox WHERE endpoint = ? AND ended IS NULL AND next_at <= ? "
        "AND (lease_until IS NULL OR lease_until <= ?) ORDER BY outbox_id LIMIT 1",
        (endpoint, tx.now, tx.now),
    )
    if row is not None:
        tx.execute(
            "UPDATE outbox SET lease_until = ?, attempts = attempts + 1 WHERE outbox_id = ?", (until, row["outbox_id"])
        )
    return row


def end(tx: Transaction, outbox_id: int) -> None:
    """Sent, or given up."""
    tx.execute("UPDATE outbox SET ended = ?, lease_until = NULL WHERE outbox_id = ?", (tx.now, outbox_id))


def again(tx: Transaction, outbox_id: int, at: str) -> None:
    """Not before then."""
    tx.execute("UPDATE outbox SET next_at = ?, lease_until = NULL WHERE outbox_id = ?", (at, outbox_id))


def remember(tx: Transaction, endpoint: str, request_id: str, key: str) -> None:
    """Where a channel put its message about a request, so that it can be updated."""
    meta.keep(tx, f"message:{endpoint}:{request_id}", key)


def remembered(tx: Transaction, endpoint: str, request_id: str) -> str | None:
    return meta.held(tx, f"message:{endpoint}:{request_id}")


def place(database: Database, endpoint: str, request_id: str) -> str | None:
    """The same, for readers."""
    return meta.value(database, f"message:{endpoint}:{request_id}")


def is_new(tx: Transaction, endpoint: str, webhook_id: str) -> bool:
    """Note an incoming message; False when it came before."""
    changed = tx.execute(
        "INSERT OR IGNORE INTO inbound_seen (endpoint, webhook_id, at) VALUES (?, ?, ?)", (endpoint, webhook_id, tx.now)
    )
    return changed.rowcount == 1
