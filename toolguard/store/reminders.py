"""Which reminders fell due, each once for a request, and their messages on the way to the channels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

KIND: Final = "approval.reminded"
"""Of an outbox row; the reminder's name follows."""
_WAITING: Final = (
    "SELECT request_id FROM approval_request r WHERE state = 'pending' AND decide_by > ? AND {moment} <= ? "
    "AND NOT EXISTS (SELECT 1 FROM reminder m WHERE m.request_id = r.request_id AND m.name = ?)"
)


def due_after(database: Database, name: str, created: str) -> list[str]:
    """Requests that were made before a moment and wait still."""
    rows = database.read(_WAITING.format(moment="created"), (database.now(), created, name))
    return [row["request_id"] for row in rows]


def due_before(database: Database, name: str, decide_by: str) -> list[str]:
    """Requests whose time is over by a moment, though not yet."""
    rows = database.read(_WAITING.format(moment="decide_by"), (database.now(), decide_by, name))
    return [row["request_id"] for row in rows]


def raise_once(tx: Transaction, row: Row, name: str, endpoints: Iterable[str]) -> bool:
    """Note the reminder and give it to the outbox; False when another process was faster."""
    noted = tx.execute(
        "INSERT OR IGNORE INTO reminder (request_id, name, at) VALUES (?, ?, ?)", (row["request_id"], name, tx.now)
    )
    if noted.rowcount != 1:
        return False
    for endpoint in endpoints:
        webhook_id = "msg_" + hashlib.sha256(f"{row['request_id']}.{name}.{endpoint}".encode()).hexdigest()[:32]
        tx.execute(
            "INSERT OR IGNORE INTO outbox (request_id, endpoint, kind, webhook_id, created, next_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (row["request_id"], endpoint, f"{KIND} {name}", webhook_id, tx.now, tx.now),
        )
    return True


def reached(tx: Transaction, endpoint: str, request_id: str) -> bool:
    """Whether a reminder of this request went to this endpoint."""
    row = tx.one(
        "SELECT 1 FROM outbox WHERE request_id = ? AND endpoint = ? AND kind LIKE ? LIMIT 1",
        (request_id, endpoint, f"{KIND} %"),
    )
    return row is not None
