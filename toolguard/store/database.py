"""One SQLite file that many processes append to: locking, durability in two tiers, and nothing about meaning.

Rules, each for a measured reason:
- every write begins with BEGIN IMMEDIATE: a read that turns into a write skips the busy handler;
- an exclusive flock on `<db>.lock` surrounds every write transaction, its COMMIT and the automatic checkpoint in it:
  SQLite's busy handler starves writers, and SQLite before 3.51.3 can lose commits when two connections write and
  checkpoint at one moment (the WAL-reset bug, https://sqlite.org/wal.html);
- order of locks: mutex of this process, flock, BEGIN; at most LOCK_SECONDS in all, then StoreError;
- what a person or a refusal decided is committed with synchronous=FULL. What was allowed without asking is committed
  with NORMAL (it survives kill -9), and its log file is synced within SYNC_SECONDS;
- what was allowed without asking is first one row (spool.py), which every write transaction and every reader settles.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from toolguard.errors import StoreError
from toolguard.store import filelock
from toolguard.store.folder import prepare_folder, store_error, sync_folder
from toolguard.store.sqlite import closed_on_error, sqlite3
from toolguard.store.tail import LATE_SECONDS, Tail
from toolguard.store.transaction import Late, Row, Values, Write

LOCK_SECONDS: Final = 5.0
"""Longer than any write of ours takes; a call that waits longer is refused rather than kept in the dark."""
READ_SECONDS: Final = 0.5
"""How long somebody who reads waits for the lock to settle the spool; a page then shows the newest calls next time."""
CHECKPOINT_PAGES: Final = 1_000
"""Of the write-ahead log, from which the background thread moves them into the database file once calls pause."""
MOST_PAGES: Final = 8_000
"""From which a commit does it itself: 32 MB bound the log of a process that never pauses."""
FOREVER: Final = 1e6
MOST_SPOOLED: Final = 128
"""Calls of one process, never pausing, after which the next one settles the spool; `settle_spool` asks for half."""
SCHEMA_VERSION: Final = 1


class Database:
    """Opens, creates or migrates the file; then `read` and `write`.

    Raises StoreError from every method when the file cannot be used; the caller then lets nothing run.
    """

    def __init__(self, path: Path, *, clock: Callable[[], str], always_full: bool = False) -> None:
        self.path = path
        self._clock = clock
        self._always_full = always_full
        self._mutex = threading.RLock()
        self._late: list[Late] = []
        self._late_since = 0.0
        self._soon: list[str] = []
        """Entries of the spool that may wait for another's commit."""
        self._unmade: list[Callable[[], str]] = []
        """The same, not yet put into words."""
        self._spooled = 0
        """Calls of this process in the spool."""
        self._spooled_at = 0.0
        self._closed = False
        self.background: Callable[[bool], None] = lambda is_idle: None
        """Called on the background thread while there is work, and once more when no calls come: then with True.
        It may hand over work with `later`."""
        self.duty: Callable[[], float] = lambda: FOREVER
        """Called on the background thread; does what is due and says after how many seconds to be called again."""
        from toolguard.store.spool import settle  # which imports this file

        self.settle = settle
        prepare_folder(path.parent)
        is_new = not path.exists()
        with ExitStack() as opened:
            try:
                self._open(opened)
                if is_new:
                    sync_folder(path.parent)
            except (sqlite3.Error, OSError) as error:
                raise store_error(path, error) from error
            opened.pop_all()  # `close` ends them
        self._tail = Tail(self)

    def _open(self, opened: ExitStack) -> None:
        """The lock's file and the connections; `opened` closes what there is of them when one fails."""
        self._lock_fd = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        opened.callback(os.close, self._lock_fd)
        self._full = opened.enter_context(closing(self._connect("FULL")))
        self._migrate()
        self._normal = opened.enter_context(closing(self._connect("NORMAL")))
        self._reader = opened.enter_context(closing(self._connect("OFF", read_only=True)))
        self._watcher = opened.enter_context(closing(self._connect("OFF", read_only=True)))

    def _connect(self, synchronous: str, *, read_only: bool = False) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        with closed_on_error(connection):
            connection.row_factory = sqlite3.Row
            if not read_only:
                if not self.path.stat().st_size:
                    os.chmod(self.path, 0o600)
                    with self._locked():
                        connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA synchronous={synchronous}")
                connection.execute(f"PRAGMA wal_autocheckpoint={MOST_PAGES}")
            for pragma in ("foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", "recursive_triggers=ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA fullfsync=ON")  # does something on macOS only, where fsync alone is not enough
        return connection

    def _migrate(self) -> None:
        found = self._full.execute("PRAGMA user_version").fetchone()[0]
        if found == SCHEMA_VERSION:
            return
        if found > SCHEMA_VERSION:
            raise StoreError(
                f"`{self.path}` was written by a newer toolguard (schema {found}, this one knows {SCHEMA_VERSION})",
                hint="update toolguard, or point TOOLGUARD_HOME at another folder",
            )
        from toolguard.store.migrations import migrate  # sqlite-utils is imported only when it is needed

        with self._mutex, self._locked():
            migrate(self._full, SCHEMA_VERSION)

    def lock(self, patience: float | None = None) -> None:
        """The mutex of this process, then the file's lock. Raises StoreError after LOCK_SECONDS or less."""
        seconds = LOCK_SECONDS if patience is None else patience
        if not self._mutex.acquire(timeout=seconds):
            raise StoreError(f"`{self.path}` is busy", hint="another thread of this process holds it")
        if self._closed:
            self._mutex.release()
            raise StoreError(f"`{self.path}` is closed")
        try:
            filelock.acquire(self._lock_fd, seconds)
        except BaseException:
            self._mutex.release()
            raise

    def unlock(self, *, written: sqlite3.Connection | None) -> None:
        """Let go, in the other order; what the NORMAL tier wrote is synced soon."""
        filelock.release(self._lock_fd)
        self._mutex.release()
        if written is self._normal:
            self._tail.written()

    def take_late(self) -> list[Late]:
        """What waits, for the transaction that it rides with."""
        late, self._late = self._late, []
        return late

    def take_soon(self) -> list[str]:
        """The entries of the spool that wait, for the transaction that settles them."""
        self._make()
        soon, self._soon = self._soon, []
        return soon

    def _make(self) -> None:
        """Put into words what waits for it."""
        with self._mutex:
            while self._unmade:
                make = self._unmade.pop(0)
                # One that cannot be said is lost, so its execution stays unknown; it must not stop every later write.
                with suppress(TypeError, ValueError):
                    self._soon.append(make())

    def give_back(self, late: list[Late], soon: list[str]) -> None:
        """They did not get there."""
        self._late, self._soon = late + self._late, soon + self._soon

    def settled(self) -> None:
        """The spool is empty."""
        self._spooled = 0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        filelock.acquire(self._lock_fd, LOCK_SECONDS)
        try:
            yield
        finally:
            filelock.release(self._lock_fd)

    def write(self, *, full: bool) -> Write:
        """One transaction; an exception inside rolls it back. `full` means: on the disk before this returns.

        Outcomes that waited for a transaction to ride with are written first, so the log keeps its order.
        Raises StoreError on entering or leaving.
        """
        return Write(self, self._full if full or self._always_full else self._normal)

    def put(self, entry: str) -> None:
        """Commit one entry of the spool, and those that waited for it. Raises StoreError; then it is not there."""
        if self._spooled >= MOST_SPOOLED:
            self.flush()
        connection = self._full if self._always_full else self._normal
        self.lock()
        soon, self._soon = self._soon, []
        try:
            at = self.now()
            entries = [*soon, entry]
            # Most often a call and the end of the one before it: one statement is one commit.
            connection.execute(
                f"INSERT INTO spool (at, entry) VALUES {', '.join(['(?, ?)'] * len(entries))}",
                [value for each in entries for value in (at, each)],
            )
        except BaseException as error:
            self.give_back([], soon)
            self.unlock(written=None)
            if isinstance(error, sqlite3.Error | OSError):
                raise store_error(self.path, error) from error
            raise
        self._spooled += 1
        self._spooled_at = time.monotonic()
        self.unlock(written=connection)
        self._tail.waiting()

    def put_soon(self, entry: Callable[[], str]) -> None:
        """Commit one entry of the spool with one of the next commits, or by itself within LATE_SECONDS.

        `entry` makes it, when nobody waits: in `settle_spool`, on the background thread, or for whoever writes tables.
        """
        with self._mutex:
            self._unmade.append(entry)
            self._spooled_at = time.monotonic()
        self._tail.waiting()

    def later(self, outcome: Late) -> None:
        """Write `outcome` with the next transaction, or by itself within LATE_SECONDS."""
        with self._mutex:
            if not self._late:
                self._late_since = time.monotonic()
            self._late.append(outcome)
        self._tail.waiting()

    def flush(self) -> None:
        """Write and settle what waits. Losing an end leaves it unknown at worst, so no sync is paid for it here."""
        if self.is_waiting:
            self._make()  # before the lock, for which other processes wait
            with Write(self, self._normal):
                pass

    def flush_overdue(self) -> None:
        """Write what has waited LATE_SECONDS, and settle the spool once no call came for so long."""
        now = time.monotonic()
        is_late = bool(self._late) and now - self._late_since >= LATE_SECONDS
        if is_late or (self._has_spooled and now - self._spooled_at >= LATE_SECONDS):
            self.flush()

    def settle_spool(self) -> None:
        """Make what is to be put, and settle the spool if it has grown; for a moment in which nobody waits.

        Raises StoreError.
        """
        if self._unmade:
            self._make()
        if self._spooled >= MOST_SPOOLED // 2:
            self.flush()

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to be written or settled."""
        return bool(self._late) or self._has_spooled

    @property
    def _has_spooled(self) -> bool:
        return bool(self._spooled or self._soon or self._unmade)

    @property
    def is_closed(self) -> bool:
        return self._closed

    def now(self) -> str:
        """The time, as transactions write it."""
        return self._clock()

    def read(self, sql: str, values: Values = ()) -> list[Row]:
        """Rows of one statement on the read-only connection."""
        with self._mutex:
            self._settle_first()
            try:
                return self._reader.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise store_error(self.path, error) from error

    def stream(self, sql: str, values: Values = ()) -> Iterator[Row]:
        """Rows one by one on a connection of their own, so that a long read holds up nobody."""
        with self._mutex:
            self._settle_first()
        connection = self._connect("OFF", read_only=True)
        try:
            yield from connection.execute(sql, values)
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error
        finally:
            connection.close()

    def _settle_first(self) -> None:
        """Whoever reads finds every call, those of other processes too; a log that cannot be written stays readable."""
        if self._closed or self._normal.in_transaction or self._full.in_transaction:
            return  # our own transaction settled the spool when it began
        try:
            if self._has_spooled or self._reader.execute("SELECT 1 FROM spool LIMIT 1").fetchone():
                with Write(self, self._normal, READ_SECONDS):
                    pass
        except (StoreError, sqlite3.Error):
            return

    def version(self) -> int:
        """A number that changes when any other connection committed; microseconds, made for polling."""
        with self._mutex:
            try:
                number: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
                return number
            except sqlite3.Error as error:
                raise store_error(self.path, error) from error

    def sync(self) -> None:
        """Bring committed transactions of the NORMAL tier to the disk.

        Opens the write-ahead log, never the database file: closing any descriptor of that one would drop SQLite's
        own POSIX locks (https://sqlite.org/howtocorrupt.html, section 2.2).
        """
        try:
            fd = os.open(f"{self.path}-wal", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # checkpointed and removed: SQLite synced the database file itself
        try:
            getattr(os, "fdatasync", os.fsync)(fd)
        finally:
            os.close(fd)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database file, under the lock as every write, when it has grown."""
        try:
            pages = os.stat(f"{self.path}-wal").st_size // 4096
        except FileNotFoundError:
            return
        if pages >= CHECKPOINT_PAGES:
            with self._mutex, self._locked():
                self._full.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def fold(self) -> None:
        """Move the whole write-ahead log into the database file and cut it: removed contents stand in it, too."""
        try:
            with self._mutex, self._locked():
                self._full.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error

    def close(self) -> None:
        """Write and sync what waits, then close. Safe to call twice."""
        if self._closed:
            return
        self._tail.stop()
        try:
            self.flush()
            self.sync()
        except OSError as error:
            raise store_error(self.path, error) from error
        finally:
            with self._mutex:
                self._closed = True
                # Writers last: only a writer that is the last to close folds the write-ahead log into the database
                # file, and people copy that file alone.
                for connection in dict.fromkeys((self._reader, self._watcher, self._normal, self._full)):
                    connection.close()
                os.close(self._lock_fd)
