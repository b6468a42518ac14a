"""Reading a database without touching it: for the verifier, on the live file or on an auditor's copy.

One transaction for everything, so that rows and tables are of the same moment while others keep writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from toolguard.errors import StoreError
from toolguard.store.audit import COLUMNS
from toolguard.store.sqlite import closed_on_error, sqlite3

_COLUMNS: Final = {*COLUMNS, "body"}
_REQUIRED: Final = {"log_id", "ts", "kind", "body_hash", "prev_hash", "row_hash"}
_TYPES: Final = {name: str if name in _REQUIRED else str | int | None for name in _COLUMNS}
_EVENTS = "SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) ORDER BY e.seq"
_CHECKPOINTS = "SELECT size, root, head, frontier, note FROM audit_checkpoint ORDER BY size"
_STATES = "SELECT request_id, state FROM approval_request"
_KEYS = (
    "SELECT credential_id, public_key FROM passkey UNION ALL "
    "SELECT i.subject, r.name FROM identity i JOIN reviewer r USING (reviewer_id) WHERE i.kind = 'v1a'"
)
# Whoever was removed voted under the name that they had then (store/people.py: disable).
_VOTES = (
    "SELECT v.request_id, replace(r.name, ' (removed ' || r.reviewer_id || ')', ''), v.choice, v.vote_digest "
    "FROM vote v JOIN reviewer r USING (reviewer_id)"
)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a part of a log begins; the whole log begins with the defaults."""

    first: int = 1
    prev_hash: str = "0" * 64
    tree: tuple[str, ...] = ()
    """The hashes of the complete subtrees before the part, the largest first."""
    keys: tuple[str, ...] = ()
    """Public keys that the part itself may not name."""


WHOLE: Final = Start()


class Kept(NamedTuple):
    """A row of the table of checkpoints."""

    size: int
    root: str
    head: str
    frontier: str
    note: str


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables say beside the log; the log must lead to the same."""

    states: Mapping[str, str]
    """The state of each approval request."""
    votes: frozenset[tuple[str, str, str, str]] = frozenset()
    """Request, reviewer's name, choice and digest of every vote."""
    keys: frozenset[tuple[str, str]] = frozenset()
    """Credential id and public key of every passkey; public key and reviewer of every key of signed callbacks."""
    checkpoints: Sequence[Kept] = ()
    """What stands beside each note: messages show its root, and the next checkpoint begins at its frontier."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The log as it stood at one moment."""

    events: Iterator[Mapping[str, Any]]
    """Every event with its body, in order, one at a time."""
    tables: Tables | None
    """None for an export, which has no tables."""
    notes: list[str]
    """The log's signed checkpoints, oldest first."""
    start: Start = WHOLE
    waiting: int = 0
    """Entries of the spool: committed, and not yet in the log (spool.py)."""
    damage: str = ""
    """What SQLite itself finds wrong with the file, for example an index that is not that of its table."""


@contextmanager
def read_copy(path: Path) -> Iterator[Copy]:
    """Open a database file for reading only. Raises StoreError, also later, when it is damaged or not ours."""
    try:
        with opened_for_reading(path) as connection:
            connection.execute("BEGIN")
            states = {str(row["request_id"]): str(row["state"]) for row in connection.execute(_STATES)}
            checkpoints = [Kept(*row) for row in connection.execute(_CHECKPOINTS)]
            votes = frozenset(_texts(row) for row in connection.execute(_VOTES))
            keys = frozenset(_texts(row) for row in connection.execute(_KEYS))
            tables = Tables(states, votes, keys, checkpoints)
            notes = [str(kept.note) for kept in checkpoints]
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            damage = "" if found == "ok" else found
            waiting = int(connection.execute("SELECT count(*) FROM spool").fetchone()[0])
            yield Copy(map(_plain, connection.execute(_EVENTS)), tables, notes, waiting=waiting, damage=damage)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # damaged text comes as either
        raise StoreError(f"`{path}` cannot be read as toolguard's database: {error}") from error


@contextmanager
def opened_for_reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing. Raises sqlite3.Error."""
    connection = _connect(path)
    try:
        yield connection
    finally:
        connection.close()


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    """An event as it stands. In a damaged file a value may be what no event holds; it is told as another text, so that
    its hash does not fit. Raises sqlite3.Error when a column is gone."""
    found = dict(row)
    if found.keys() != _COLUMNS or not isinstance(found["seq"], int):
        raise sqlite3.DatabaseError("the table of events has other columns than events have")
    return {name: value if isinstance(value, _TYPES[name]) else repr(value) for name, value in found.items()}


def _texts(row: sqlite3.Row) -> Any:
    return tuple(map(str, row))


def _connect(path: Path) -> sqlite3.Connection:
    """A file beside its write-ahead log is read with it; a lone file in a folder we cannot write, as it is."""
    address = path.absolute().as_uri()
    try:
        return _opened(f"{address}?mode=ro")
    except sqlite3.OperationalError:
        if path.with_name(path.name + "-wal").exists():
            raise
        return _opened(f"{address}?mode=ro&immutable=1")


def _opened(address: str) -> sqlite3.Connection:
    with closed_on_error(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return connection
