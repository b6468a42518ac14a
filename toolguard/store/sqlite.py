"""Which SQLite: the one of the extra `sqlite` where it is installed, else Python's own. The only door to either.

Before 3.51.3 SQLite can lose commits when two connections write and checkpoint at one moment; our file lock keeps them
apart, and the extra brings a version without the fault. sqlite-utils makes the same choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

__all__ = ["closed_on_error", "sqlite3"]


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """While a new connection is set up: a file that is no database leaves none of ours open."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
