"""Standing approvals: narrow, expiring, counted, revocable. Counting is one statement, so no race overshoots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

COLUMNS: Final = (
    "grant_id", "server", "tool", "predicate", "sentence", "agent", "person", "session", "def_fp", "decision_key",
    "created", "reviewer", "not_before", "not_after", "max_uses", "max_score", "from_request",
)  # fmt: skip
_INSERT: Final = f'INSERT INTO "grant" ({", ".join(COLUMNS)}) VALUES ({", ".join(":" + name for name in COLUMNS)})'
_LIVE: Final = "revoked_at IS NULL AND not_before <= :now AND not_after > :now AND uses < max_uses"


def insert(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_INSERT, values)


def live_for(tx: Transaction, **bound: str | int) -> list[Row]:
    """Live grants that bind the same principal, tool, definition and decision, at no lower score."""
    return tx.all(
        f'SELECT * FROM "grant" WHERE {_LIVE} AND server = :server AND tool = :tool AND agent = :agent '
        "AND person = :person AND session = :session AND def_fp = :def_fp AND decision_key = :decision_key "
        "AND max_score >= :score ORDER BY created",
        {"now": tx.now, **bound},
    )


def use(tx: Transaction, grant_id: str) -> bool:
    """Count one use; False when it has ended meanwhile."""
    changed = tx.execute(
        f'UPDATE "grant" SET uses = uses + 1 WHERE grant_id = :grant_id AND {_LIVE}',
        {"now": tx.now, "grant_id": grant_id},
    )
    return changed.rowcount == 1


def revoke(tx: Transaction, grant_id: str) -> Row | None:
    """End a grant at once; None when it has ended, or never was."""
    changed = tx.execute(
        f'UPDATE "grant" SET revoked_at = :now WHERE grant_id = :grant_id AND {_LIVE}',
        {"now": tx.now, "grant_id": grant_id},
    )
    return find(tx, grant_id) if changed.rowcount == 1 else None


def find(source: Transaction | Database, grant_id: str) -> Row | None:
    sql = 'SELECT * FROM "grant" WHERE grant_id = ?'
    if isinstance(source, Transaction):
        return source.one(sql, (grant_id,))
    rows = source.read(sql, (grant_id,))
    return rows[0] if rows else None


def every(database: Database, *, live_only: bool) -> list[Row]:
    where = f"WHERE {_LIVE}" if live_only else ""
    values = {"now": database.now()} if live_only else {}
    return database.read(f'SELECT * FROM "grant" {where} ORDER BY created DESC', values)


def of_request(database: Database, request_id: str) -> Row | None:
    rows = database.read('SELECT * FROM "grant" WHERE from_request = ?', (request_id,))
    return rows[0] if rows else None


def of_tool(tx: Transaction, server: str, tool: str) -> list[Row]:
    return tx.all(
        f'SELECT * FROM "grant" WHERE {_LIVE} AND server = :server AND tool = :tool',
        {"now": tx.now, "server": server, "tool": tool},
    )
