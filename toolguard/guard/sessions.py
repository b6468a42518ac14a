"""Memories of conversations: kept in this process, written down now and then, so that a restarted proxy knows them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Final

from toolguard.core.canonical import compact_text, parse
from toolguard.core.model import Principal
from toolguard.core.session.memory import Session
from toolguard.store import records
from toolguard.store.database import Database
from toolguard.store.transaction import Late, Transaction

KEPT: Final = 256
"""Conversations in memory; the one used longest ago leaves first and is read back when it returns."""
SAVE_SECONDS: Final = 2.0
"""While calls keep coming, a memory of 100 kB is written at most this often; it is also written as soon as they pause,
at every request for approval, and at the end. A crash in between forgets at most so much."""


class Sessions:
    """Hold `lock` while using a memory: calls of one conversation may come on several threads.

    Never speak to the database while you hold it: its transactions take this lock inside their own (`save`).
    """

    def __init__(self, database: Database) -> None:
        self.lock = threading.RLock()
        self._database = database
        self._memories: OrderedDict[Principal, Session] = OrderedDict()
        self._unsaved: dict[Principal, float] = {}
        """Changed memories, with when the first change after the last writing was."""
        database.background = self.save_due

    def of(self, principal: Principal) -> Session:
        """The memory of this conversation, from this process, the database, or new."""
        with self.lock:
            memory = self._memories.get(principal)
            if memory is not None:
                self._memories.move_to_end(principal)
                return memory
        found = self.as_stored(principal)
        with self.lock:
            memory = self._memories.setdefault(principal, found)
            left = self._memories.popitem(last=False) if len(self._memories) > KEPT else None
            is_unsaved = left is not None and self._unsaved.pop(left[0], None) is not None
        if left is not None and is_unsaved:
            principal_left, text = left[0], compact_text(left[1].to_json())
            self._database.later(lambda tx: records.save_memory(tx, principal_left, text))
        return memory

    def as_stored(self, principal: Principal) -> Session:
        """The memory as the process that serves this conversation wrote it down last."""
        kept = records.load_memory(self._database, principal)
        return Session.from_json(parse(kept)) if kept else Session()

    def touched(self, principal: Principal) -> None:
        """The memory changed."""
        self._unsaved.setdefault(principal, time.monotonic())

    def save(self, transaction: Transaction, principal: Principal) -> None:
        with self.lock:
            if self._unsaved.pop(principal, None) is not None and principal in self._memories:
                records.save_memory(transaction, principal, compact_text(self._memories[principal].to_json()))

    def save_due(self, is_idle: bool) -> None:
        """Write memories that changed SAVE_SECONDS ago, or all that changed, with the next transaction."""
        now = time.monotonic()
        with self.lock:
            due = [one for one, since in self._unsaved.items() if is_idle or now - since >= SAVE_SECONDS]
        for principal in due:
            self._database.later(_saving(self, principal))

    def save_all(self) -> None:
        """Write every changed memory with the next transaction."""
        self.save_due(is_idle=True)


def _saving(sessions: Sessions, principal: Principal) -> Late:
    return lambda transaction: sessions.save(transaction, principal)
