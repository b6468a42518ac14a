"""The background thread of a database: it writes what waits, settles the spool, syncs, and does what is due."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from toolguard.errors import StoreError
from toolguard.store.sqlite import sqlite3

if TYPE_CHECKING:  # the database has its tail, not the other way round
    from toolguard.store.database import Database

SYNC_SECONDS: Final = 0.15
"""With the sync itself this stays below the 200 ms that the documentation promises."""
LATE_SECONDS: Final = 0.01
"""How long what may wait waits for a transaction to ride with; a pause of so long settles the spool."""


class Tail:
    """The thread that writes outcomes nobody gave a ride and syncs the NORMAL tier.

    While calls keep coming it wakes on its own rhythm and is never signalled, so the path of a call pays nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = threading.Condition()
        self._asleep = True
        self._stopped = False
        self._unsynced_since: float | None = None
        self._duty_at = 0.0
        self._thread: threading.Thread | None = None

    def written(self) -> None:
        if self._unsynced_since is None:
            self._unsynced_since = time.monotonic()
        self._rouse()

    def waiting(self) -> None:
        self._rouse()

    def _rouse(self) -> None:
        if not self._asleep:
            return
        with self._wake:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="toolguard-store", daemon=True)
                self._thread.start()
            self._asleep = False
            self._wake.notify()

    def _run(self) -> None:
        while not self._stopped:
            with self._wake:
                pause = max(0.0, self._duty_at - time.monotonic()) if self._asleep else LATE_SECONDS
                self._wake.wait(pause)
            try:
                self._work()
            except (StoreError, OSError, sqlite3.Error):
                # What waits stays queued and is tried again; calls fail closed by themselves, since each one needs
                # its own commit first.
                continue

    def _work(self) -> None:
        database, now = self._database, time.monotonic()
        database.background(False)
        database.flush_overdue()
        if now >= self._duty_at:
            self._duty_at = now + database.duty()
        if self._unsynced_since is not None:
            if now - self._unsynced_since >= SYNC_SECONDS:
                self._unsynced_since = None
                try:
                    database.sync()
                except OSError:
                    self._unsynced_since = now  # tried again, while calls fail closed by their own commits
                    raise
            return
        if not self._asleep:
            database.background(True)
            database.flush()
            database.checkpoint()
        with self._wake:
            self._asleep = self._is_quiet()

    def _is_quiet(self) -> bool:
        return self._unsynced_since is None and not self._database.is_waiting and not self._stopped

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._asleep = False
            self._wake.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
