"""Reviewers, their identities and credentials. Of a secret only the SHA-256 is kept: it is random, 160 bits or more."""

from __future__ import annotations

import hashlib
from typing import Final

from toolguard.store import passkeys
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

COLUMNS: Final = "r.reviewer_id, r.name, r.groups, r.enabled, r.created"


def secret_hash(secret: str) -> str:
    return hashlib.sha256(b"toolguard/credential/v1\0" + secret.encode("utf-8", "surrogatepass")).hexdigest()


def add(tx: Transaction, reviewer_id: str, name: str, groups: str) -> None:
    tx.execute(
        "INSERT INTO reviewer (reviewer_id, name, groups, enabled, created) VALUES (?, ?, ?, 1, ?)",
        (reviewer_id, name, groups, tx.now),
    )


def identify(tx: Transaction, reviewer_id: str, kind: str, subject: str) -> None:
    """Say that this outside identity is this reviewer; one identity belongs to one person."""
    tx.execute(
        "INSERT INTO identity (kind, subject, reviewer_id) VALUES (?, ?, ?) "
        "ON CONFLICT (kind, subject) DO UPDATE SET reviewer_id = excluded.reviewer_id",
        (kind, subject, reviewer_id),
    )


def unidentify(tx: Transaction, reviewer_id: str, kind: str, subject: str) -> None:
    tx.execute("DELETE FROM identity WHERE kind = ? AND subject = ? AND reviewer_id = ?", (kind, subject, reviewer_id))


def is_identity(tx: Transaction, kind: str, subject: str, reviewer_id: str) -> bool:
    found = tx.one(
        "SELECT 1 FROM identity WHERE kind = ? AND subject = ? AND reviewer_id = ?", (kind, subject, reviewer_id)
    )
    return found is not None


def regroup(tx: Transaction, reviewer_id: str, groups: str) -> None:
    tx.execute("UPDATE reviewer SET groups = ? WHERE reviewer_id = ?", (groups, reviewer_id))


def by_name(source: Transaction | Database, name: str) -> Row | None:
    sql = f"SELECT {COLUMNS} FROM reviewer r WHERE name = ?"
    if isinstance(source, Transaction):
        return source.one(sql, (name,))
    rows = source.read(sql, (name,))
    return rows[0] if rows else None


def by_identity(source: Database, kind: str, subject: str) -> Row | None:
    rows = source.read(
        f"SELECT {COLUMNS} FROM reviewer r JOIN identity i USING (reviewer_id) "
        "WHERE i.kind = ? AND i.subject = ? AND r.enabled = 1",
        (kind, subject),
    )
    return rows[0] if rows else None


def identities(source: Database | Transaction, reviewer_id: str) -> list[Row]:
    sql = "SELECT kind, subject FROM identity WHERE reviewer_id = ? ORDER BY kind, subject"
    return source.all(sql, (reviewer_id,)) if isinstance(source, Transaction) else source.read(sql, (reviewer_id,))


def everyone(database: Database) -> list[Row]:
    return database.read(f"SELECT {COLUMNS} FROM reviewer r WHERE enabled = 1 ORDER BY name")


def disable(tx: Transaction, reviewer_id: str) -> None:
    """Votes of the past keep their author; the name becomes free, every credential and identity ends."""
    tx.execute(
        "UPDATE reviewer SET enabled = 0, name = name || ' (removed ' || reviewer_id || ')' WHERE reviewer_id = ?",
        (reviewer_id,),
    )
    tx.execute("UPDATE credential SET ended = ? WHERE reviewer_id = ? AND ended IS NULL", (tx.now, reviewer_id))
    tx.execute("DELETE FROM identity WHERE reviewer_id = ?", (reviewer_id,))
    passkeys.end_all(tx, reviewer_id)


def add_credential(tx: Transaction, reviewer_id: str, kind: str, secret: str, expires: str | None = None) -> None:
    tx.execute(
        "INSERT INTO credential (secret_hash, reviewer_id, kind, created, expires) VALUES (?, ?, ?, ?, ?)",
        (secret_hash(secret), reviewer_id, kind, tx.now, expires),
    )


def by_credential(source: Database, kind: str, secret: str, now: str) -> Row | None:
    """The reviewer whose live credential this is."""
    rows = source.read(
        f"SELECT {COLUMNS} FROM credential c JOIN reviewer r USING (reviewer_id) "
        "WHERE c.secret_hash = ? AND c.kind = ? AND c.ended IS NULL AND r.enabled = 1 "
        "AND (c.expires IS NULL OR c.expires > ?)",
        (secret_hash(secret), kind, now),
    )
    return rows[0] if rows else None


def by_live_credential(tx: Transaction, kind: str, secret: str) -> Row | None:
    """The same inside a transaction, without spending it."""
    return tx.one(
        f"SELECT {COLUMNS} FROM credential c JOIN reviewer r USING (reviewer_id) "
        "WHERE c.secret_hash = ? AND c.kind = ? AND c.ended IS NULL AND r.enabled = 1 "
        "AND (c.expires IS NULL OR c.expires > ?)",
        (secret_hash(secret), kind, tx.now),
    )


def use_up(tx: Transaction, kind: str, secret: str) -> Row | None:
    """Spend a one-time credential: its reviewer the first time, None ever after."""
    changed = tx.execute(
        "UPDATE credential SET used = :now, ended = :now WHERE secret_hash = :hash AND kind = :kind "
        "AND ended IS NULL AND (expires IS NULL OR expires > :now)",
        {"now": tx.now, "hash": secret_hash(secret), "kind": kind},
    )
    if changed.rowcount != 1:
        return None
    return tx.one(
        f"SELECT {COLUMNS} FROM credential c JOIN reviewer r USING (reviewer_id) "
        "WHERE c.secret_hash = ? AND r.enabled = 1",
        (secret_hash(secret),),
    )


def end_credential(tx: Transaction, kind: str, secret: str) -> None:
    tx.execute(
        "UPDATE credential SET ended = ? WHERE secret_hash = ? AND kind = ? AND ended IS NULL",
        (tx.now, secret_hash(secret), kind),
    )
