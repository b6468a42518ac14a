"""One write transaction under the locks, and what rides with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolguard.store.folder import store_error
from toolguard.store.sqlite import sqlite3

if TYPE_CHECKING:  # a write asks its database for the locks, and the database makes its writes
    from toolguard.store.database import Database

Row = sqlite3.Row
Values = Sequence[Any] | Mapping[str, Any]
Late = Callable[["Transaction"], None]


class Transaction:
    """One write transaction. Its time is read after the lock: a wait must not make an expired thing look young."""

    __slots__ = ("_connection", "after_commit", "head", "now")

    def __init__(self, connection: sqlite3.Connection, now: str) -> None:
        self._connection = connection
        self.now = now
        self.head: tuple[int, str, str] | None = None
        """End of the audit log as this transaction has left it; never outlives the transaction."""
        self.after_commit: list[Callable[[], None]] = []
        """Done once the commit holds, still under the lock."""

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def one(self, sql: str, values: Values = ()) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: Values = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()


class Write:
    """A write transaction under the locks, as a context; a class, since a generator costs each call 3 us more."""

    __slots__ = ("_connection", "_database", "_late", "_patience", "_soon", "_transaction")

    def __init__(self, database: Database, connection: sqlite3.Connection, patience: float | None = None) -> None:
        self._database, self._connection, self._patience = database, connection, patience

    def __enter__(self) -> Transaction:
        database = self._database
        database.lock(self._patience)
        self._late, self._soon = database.take_late(), list[str]()
        try:
            self._soon = database.take_soon()
            self._connection.execute("BEGIN IMMEDIATE")
            self._transaction = Transaction(self._connection, database.now())
            database.settle(self._transaction, self._soon)
            for outcome in self._late:
                outcome(self._transaction)
        except BaseException as error:
            self._undo(error)
            raise
        return self._transaction

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._undo(error)
            return
        try:
            self._connection.execute("COMMIT")
            for done in self._transaction.after_commit:
                done()
        except BaseException as failure:
            self._undo(failure)
            raise
        self._database.settled()
        self._database.unlock(written=self._connection)

    def _undo(self, error: BaseException) -> None:
        """Nothing of it happened; what rode with it waits again. Raises StoreError for what SQLite or the disk said."""
        database = self._database
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        finally:
            database.give_back(self._late, self._soon)
            database.unlock(written=None)
        if isinstance(error, sqlite3.Error | OSError):
            raise store_error(database.path, error) from error
