"""What clients' hooks said of calls that proxies are about to see. Short-lived; the log keeps what was used."""

from __future__ import annotations

from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction


def save(tx: Transaction, key: str, prompt: str | None, justification: str | None) -> None:
    """The newest word about a call with this key."""
    tx.execute(
        "INSERT OR REPLACE INTO foretold (key, at, prompt, justification) VALUES (?, ?, ?, ?)",
        (key, tx.now, prompt, justification),
    )


def forget(tx: Transaction, before: str) -> None:
    tx.execute("DELETE FROM foretold WHERE at < ?", (before,))


def find(database: Database, key: str, since: str) -> Row | None:
    rows = database.read("SELECT prompt, justification FROM foretold WHERE key = ? AND at >= ?", (key, since))
    return rows[0] if rows else None
