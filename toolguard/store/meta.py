"""Single values about this database."""

from __future__ import annotations

from toolguard.store.database import Database, Transaction


def value(database: Database, key: str) -> str | None:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (key,))
    return rows[0]["value"] if rows else None


def keep(tx: Transaction, key: str, value: str) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
