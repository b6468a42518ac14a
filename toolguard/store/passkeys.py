"""Reviewers' passkeys: public keys and counters, nothing secret. A removed one stays, for the votes it cast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

COLUMNS: Final = (
    "credential_id", "reviewer_id", "public_key", "cose", "rp_id", "origin", "aaguid", "label", "sign_count",
    "created",
)  # fmt: skip
_INSERT: Final = f"INSERT INTO passkey ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)})"


def insert(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_INSERT, values)


def find(tx: Transaction, credential_id: str) -> Row | None:
    return tx.one("SELECT * FROM passkey WHERE credential_id = ?", (credential_id,))


def live_of(database: Database, reviewer_id: str, rp_id: str, origin: str) -> list[Row]:
    """A reviewer's passkeys that were made on this page."""
    return database.read(
        "SELECT * FROM passkey WHERE reviewer_id = ? AND rp_id = ? AND origin = ? AND ended IS NULL ORDER BY created",
        (reviewer_id, rp_id, origin),
    )


def end(tx: Transaction, credential_id: str) -> bool:
    changed = tx.execute(
        "UPDATE passkey SET ended = ? WHERE credential_id = ? AND ended IS NULL", (tx.now, credential_id)
    )
    return changed.rowcount == 1


def end_all(tx: Transaction, reviewer_id: str) -> None:
    tx.execute("UPDATE passkey SET ended = ? WHERE reviewer_id = ? AND ended IS NULL", (tx.now, reviewer_id))


def counted(tx: Transaction, credential_id: str, sign_count: int) -> None:
    tx.execute("UPDATE passkey SET sign_count = ? WHERE credential_id = ?", (sign_count, credential_id))
