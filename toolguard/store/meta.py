"""Single values about this database."""

from __future__ import annotations

from typing import Final

from toolguard.store.database import Database
from toolguard.store.transaction import Transaction

POLICY: Final = "policy_digest"
"""Of the policy that was loaded last."""
AUDIT_KEY: Final = "audit_key"
"""Number of the key that signs checkpoints; absent until the first rotation."""
STOPPED: Final = "stopped_since"
DOUBT: Final = "log_doubt"
"""Why the log is not the one that was checkpointed, once somebody noticed."""


def value(database: Database, key: str) -> str | None:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (key,))
    return rows[0]["value"] if rows else None


def held(tx: Transaction, key: str) -> str | None:
    row = tx.one("SELECT value FROM meta WHERE key = ?", (key,))
    return str(row["value"]) if row is not None else None


def keep(tx: Transaction, key: str, value: str) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def drop(tx: Transaction, key: str) -> None:
    tx.execute("DELETE FROM meta WHERE key = ?", (key,))
