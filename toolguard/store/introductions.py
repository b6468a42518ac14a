"""What servers say of themselves to the model, one row a server."""

from __future__ import annotations

from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction


def find(source: Database | Transaction, server: str) -> Row | None:
    sql = "SELECT * FROM introduction WHERE server = ?"
    rows = source.all(sql, (server,)) if isinstance(source, Transaction) else source.read(sql, (server,))
    return rows[0] if rows else None


def save(tx: Transaction, server: str, mac: str, instructions: str, previous: str | None) -> None:
    """As they are now; `previous` is what nobody has seen replaced yet, None when nothing waits to be accepted."""
    tx.execute(
        "INSERT INTO introduction (server, mac, instructions, previous, first_seen) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (server) DO UPDATE SET mac = excluded.mac, instructions = excluded.instructions, "
        "previous = excluded.previous",
        (server, mac, instructions, previous, tx.now),
    )


def changed(database: Database) -> list[Row]:
    return database.read("SELECT * FROM introduction WHERE previous IS NOT NULL ORDER BY server")


def accept(tx: Transaction, server: str) -> str | None:
    """The keyed digest of what is accepted; None when nothing waits for it."""
    row = tx.one("SELECT mac FROM introduction WHERE server = ? AND previous IS NOT NULL", (server,))
    if row is None:
        return None
    tx.execute("UPDATE introduction SET previous = NULL WHERE server = ?", (server,))
    return str(row["mac"])
