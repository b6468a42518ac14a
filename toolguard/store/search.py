"""Full-text search over the log, in a file of its own beside the database: it can be deleted and is then made anew.

Filled by whoever searches and by `toolguard serve`, never by a process that calls pass through: it reads the log by
number in short reads, so no call waits for it. What retention removes leaves the index, too.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.errors import StoreError
from toolguard.store import audit, filelock
from toolguard.store.database import Database
from toolguard.store.sqlite import closed_on_error, sqlite3

FILE: Final = "search.db"
VERSION: Final = 1
_BATCH: Final = 2_000
WAIT_SECONDS: Final = 30.0
"""For whoever fills the index; it does so for a second at a time."""
_CACHED_KB: Final = 64_000
_COLUMNS: Final = ("kind", "agent", "person", "session", "server", "tool", "reviewer", "call_id", "request_id",
                   "execution_id", "outcome")  # fmt: skip
_DIGEST: Final = re.compile(r"[0-9a-f]{32,}")
"""Salts and digests: nobody looks for them as words, and they would be most of the vocabulary. Digests of redacted
values carry the number of their key in front (`k1:...`), so these are found."""
_WORDS: Final = re.compile(r"[^\s\"]+")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought."""

    events: list[dict[str, Json]]
    """The newest first."""
    behind: int
    """Events that the index does not cover yet."""


class SearchIndex:
    """One process fills it at a time; any number read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path.with_name(FILE)

    def catch_up(self, seconds: float) -> int:
        """Index what is new, for at most so long; how many events are left. Another process that does it already is
        not waited for. Raises StoreError."""
        with self._open() as index, self._alone() as is_ours:
            end = time.monotonic() + seconds
            while is_ours and self._step(index):
                if time.monotonic() >= end:
                    break
            return audit.head(self._database)[0] - _reached(index)

    def _step(self, index: sqlite3.Connection) -> bool:
        """Index one batch; whether there may be more."""
        rows = self._database.read(
            "SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) WHERE e.seq > ? "
            "ORDER BY e.seq LIMIT ?",
            (_reached(index), _BATCH),
        )
        if not rows:
            return False
        index.execute("BEGIN IMMEDIATE")
        index.executemany(
            "INSERT INTO event_text (rowid, text) VALUES (?, ?)", ((r["seq"], _text(dict(r))) for r in rows)
        )
        index.execute("INSERT OR REPLACE INTO reached (id, seq) VALUES (1, ?)", (rows[-1]["seq"],))
        index.execute("COMMIT")
        return len(rows) == _BATCH

    def find(self, text: str, limit: int) -> list[int]:
        """Numbers of the events that hold every word, the newest first; a word ending in `*` begins so. Raises
        StoreError."""
        query = _query(text)
        if not query:
            return []
        with self._open() as index:
            rows = index.execute(
                "SELECT rowid FROM event_text WHERE event_text MATCH ? ORDER BY rowid DESC LIMIT ?", (query, limit)
            )
            return [row[0] for row in rows]

    def forget_contents(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """These events lose their contents, and the index the words of them; `settle` takes these out of its file.

        An index that cannot do so is deleted, and made anew by whoever searches. Raises nothing.
        """
        if not self.path.exists():
            return
        try:
            with self._open() as index, self._waiting():
                reached = _reached(index)
                known = [row for row in rows if row["seq"] <= reached]
                index.execute("PRAGMA secure_delete=ON")
                index.execute("BEGIN IMMEDIATE")
                # A table without contents of its own is told what it indexed (https://sqlite.org/fts5.html#the_delete_command).
                index.executemany(
                    "INSERT INTO event_text (event_text, rowid, text) VALUES ('delete', ?, ?)",
                    ((row["seq"], _text(row)) for row in known),
                )
                index.executemany(
                    "INSERT INTO event_text (rowid, text) VALUES (?, ?)",
                    ((row["seq"], _text({**row, "body": None})) for row in known),
                )
                index.execute("COMMIT")
        except (StoreError, sqlite3.Error):
            self.forget()

    def settle(self) -> None:
        """Write the index anew without what it was told to forget: a word that is gone must not stand in its file."""
        if not self.path.exists():
            return
        try:
            with self._open() as index, self._waiting():
                index.execute("PRAGMA secure_delete=ON")
                index.execute("INSERT INTO event_text (event_text) VALUES ('optimize')")
                index.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (StoreError, sqlite3.Error):
            self.forget()

    def forget(self) -> None:
        """Delete the file; it is made anew."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(FILE + suffix).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            connection = self._connected()
            yield connection
        except sqlite3.Error as error:
            raise StoreError(f"`{self.path}` cannot be used: {error}", hint="delete it; it is made anew") from error
        finally:
            if connection is not None:
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        _create_private(self.path)
        with closed_on_error(sqlite3.connect(self.path, isolation_level=None, timeout=5)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=OFF", f"cache_size=-{_CACHED_KB}", "trusted_schema=OFF"):
                connection.execute(f"PRAGMA {pragma}")
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION or not self._is_of_this_log(
                connection
            ):
                with self._alone():
                    connection.executescript(_SCHEMA)
                    connection.execute("INSERT INTO log (log_id) VALUES (?)", (self._log_id(),))
                    connection.execute(f"PRAGMA user_version={VERSION}")
        return connection

    def _is_of_this_log(self, connection: sqlite3.Connection) -> bool:
        """A restored or replaced log gets an index of its own."""
        row = connection.execute("SELECT log_id FROM log").fetchone()
        return row is not None and row[0] == self._log_id() and _reached(connection) <= audit.head(self._database)[0]

    def _log_id(self) -> str:
        rows = self._database.read("SELECT log_id FROM audit_event WHERE seq = 1")
        return str(rows[0]["log_id"]) if rows else ""

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Nobody else fills the index meanwhile. Raises StoreError when somebody does not end."""
        fd = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            filelock.acquire(fd, WAIT_SECONDS)
            yield
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether nobody else fills the index; holds others off until the end."""
        fd = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield filelock.try_once(fd)
        finally:
            os.close(fd)


_SCHEMA: Final = """
DROP TABLE IF EXISTS event_text; DROP TABLE IF EXISTS reached; DROP TABLE IF EXISTS log;
CREATE VIRTUAL TABLE event_text USING fts5 (text, content='', columnsize=0, tokenize="unicode61 remove_diacritics 2");
CREATE TABLE reached (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE log (log_id TEXT NOT NULL);
"""


def search(database: Database, text: str, *, limit: int = 100, patience: float = 0.5) -> Found:
    """Events that hold every word of the text, after bringing the index up to date for at most `patience` seconds.

    Raises StoreError.
    """
    index = SearchIndex(database)
    behind = index.catch_up(patience)
    numbers = index.find(text, limit)
    if not numbers:
        return Found([], behind)
    marks = ", ".join("?" * len(numbers))
    rows = database.read(
        f"SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) WHERE e.seq IN ({marks}) "
        "ORDER BY e.seq DESC",
        numbers,
    )
    return Found([audit.event(row) for row in rows], behind)


def _query(text: str) -> str:
    """The words as the index takes them: quoted, since its own language has operators."""
    terms = []
    for word in _WORDS.findall(text):
        bare = word.rstrip("*")
        if any(char.isalnum() for char in bare):
            terms.append(f'"{bare}"' + ("*" if word.endswith("*") else ""))
    return " ".join(terms)


def _reached(index: sqlite3.Connection) -> int:
    row = index.execute("SELECT seq FROM reached").fetchone()
    return int(row[0]) if row is not None else 0


def _text(row: Mapping[str, Any]) -> str:
    """Every text of the event that somebody may look for."""
    words = [str(row[name]) for name in _COLUMNS if row[name] is not None]
    pending: list[Json] = [parse(row["body"])] if row["body"] else []
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and not _DIGEST.fullmatch(value):
            words.append(value)
    return "\n".join(words)


def _create_private(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
