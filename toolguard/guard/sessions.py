"""Memories of conversations: kept in this process, written down now and then, so that a restarted proxy knows them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from toolguard.core.canonical import parse, text
from toolguard.core.facts import Session
from toolguard.core.model import Principal
from toolguard.store import records
from toolguard.store.database import Database, Transaction

KEPT: Final = 256
"""Conversations in memory; the one used longest ago leaves first and is read back when it returns."""
SAVE_EVERY: Final = 20
"""Calls between two writings of one memory; also written at every request for approval and at the end."""


class Sessions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._memories: OrderedDict[Principal, Session] = OrderedDict()
        self._unsaved: dict[Principal, int] = {}

    def of(self, principal: Principal) -> Session:
        """The memory of this conversation, from this process, the database, or new."""
        memory = self._memories.get(principal)
        if memory is None:
            kept = records.load_memory(self._database, principal)
            memory = Session.from_json(parse(kept)) if kept else Session()
            self._memories[principal] = memory
            if len(self._memories) > KEPT:
                self._let_go()
        else:
            self._memories.move_to_end(principal)
        return memory

    def _let_go(self) -> None:
        principal, memory = self._memories.popitem(last=False)
        if self._unsaved.pop(principal, 0):
            self._database.later(lambda tx: records.save_memory(tx, principal, text(memory.to_json())))

    def touched(self, principal: Principal) -> None:
        """The memory changed; write it when enough has gathered."""
        count = self._unsaved.get(principal, 0) + 1
        self._unsaved[principal] = count
        if count >= SAVE_EVERY:
            self._database.later(lambda tx: self.save(tx, principal))

    def save(self, transaction: Transaction, principal: Principal) -> None:
        if self._unsaved.pop(principal, 0) and principal in self._memories:
            records.save_memory(transaction, principal, text(self._memories[principal].to_json()))

    def save_all(self) -> None:
        for principal in list(self._unsaved):
            self._database.later(lambda tx, p=principal: self.save(tx, p))  # type: ignore[misc]  # lambda default
