"""Which SQLite this is, and whether its known fault concerns us."""

from __future__ import annotations

from toolguard.store.database import Database


def version(database: Database) -> tuple[int, ...]:
    """Of the library that is loaded, not of the file."""
    shown = database.read("SELECT sqlite_version()")[0][0]
    return tuple(int(part) for part in shown.split("."))


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Versions before 3.51.3 can lose commits when two connections write and checkpoint at one moment
    (https://sqlite.org/wal.html, "The WAL-reset bug"); 3.44.6 and 3.50.7 carry the correction too."""
    corrected = version >= (3, 51, 3) or (3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51)
    return not corrected and version >= (3, 7, 0)
