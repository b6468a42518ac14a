"""The `instructions` that a server gives the model, as first seen. They steer the agent as descriptions do, so a change
is a finding about every call of that server until a person accepts it.

The text is kept without secrets, and compared by a keyed digest of the whole.
"""

from __future__ import annotations

from typing import Final

from toolguard.core.secrets.redact import Redactor
from toolguard.detectors.definitions import INSTRUCTIONS, of_instructions
from toolguard.store import audit, introductions
from toolguard.store.database import Database

KEPT: Final = 65_536
"""Characters of the text that are kept; a longer one says so, and still counts whole."""


class Introductions:
    """What every server said of itself; the findings are read once a process."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database, self._redactor = database, redactor
        self._findings: dict[str, tuple[str, ...]] = {}

    def introduced(self, server: str, instructions: str) -> None:
        """The server gave these instructions; empty when it gave none. Raises StoreError."""
        self.forget(server)
        mac = self._redactor.mac(instructions)
        known = introductions.find(self._database, server)
        if known is not None and known["mac"] == mac:
            return
        shown = self._redactor.text(instructions)
        rest = len(shown) - KEPT
        shown = shown if rest <= 0 else f"{shown[:KEPT]}\n[{rest} more characters]"
        with self._database.write(full=True) as tx:
            known = introductions.find(tx, server)
            before = None if known is None else known["previous"] or known["instructions"]
            # Who takes a change back leaves nothing to accept.
            previous = None if before == shown and rest <= 0 else before
            introductions.save(tx, server, mac, shown, previous)
            kind = "server.instructions_pinned" if known is None else "server.instructions_changed"
            told = {"mac": mac, "previous_mac": known["mac"] if known else None, "instructions": shown}
            audit.append(tx, kind, told, server=server)

    def findings(self, server: str) -> tuple[str, ...]:
        """Ids of what is wrong with the instructions of a server. Raises StoreError."""
        if server not in self._findings:
            row = introductions.find(self._database, server)
            found = of_instructions(row["instructions"]) if row is not None else ()
            changed = row is not None and row["previous"] is not None
            self._findings[server] = (INSTRUCTIONS.id, *found) if changed else found
        return self._findings[server]

    def forget(self, server: str) -> None:
        """Look anew: a person may have accepted a change in another process."""
        self._findings.pop(server, None)


def accept(database: Database, server: str, reviewer: str) -> bool:
    """A person accepts the instructions as they are; False when there is no change. Raises StoreError."""
    with database.write(full=True) as tx:
        mac = introductions.accept(tx, server)
        if mac is None:
            return False
        audit.append(tx, "server.instructions_accepted", {"mac": mac}, server=server, reviewer=reviewer, channel="cli")
    return True
