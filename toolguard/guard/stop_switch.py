"""The stop switch: what would be asked about is refused until a person releases it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolguard.store import audit, meta
from toolguard.store.database import Database

if TYPE_CHECKING:
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that is in force."""

    since: str
    reviewer: str
    """Empty when a breaker of the policy turned it on."""
    reason: str


class StopSwitch:
    """For every process of one database at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def since(self) -> str | None:
        """When it was turned on; None while it is off."""
        return meta.value(self._database, meta.STOPPED)

    @property
    def current(self) -> Stop | None:
        """The stop in force with who turned it on and why, as the log has it; None while it is off."""
        since = self.since
        if since is None:
            return None
        found = audit.read(self._database, limit=1, newest_first=True, kind="guard.stopped")
        event = found[0] if found else {}
        return Stop(since, event.get("reviewer") or "", (event.get("body") or {}).get("reason") or "")

    def stop(self, reviewer: Reviewer, reason: str, channel: Channel) -> None:
        """Raises StoreError."""
        with self._database.write(full=True) as tx:
            meta.keep(tx, meta.STOPPED, tx.now)
            audit.append(tx, "guard.stopped", {"reason": reason}, reviewer=reviewer.name, channel=channel)

    def release(self, reviewer: Reviewer, channel: Channel) -> None:
        """Raises StoreError."""
        with self._database.write(full=True) as tx:
            meta.drop(tx, meta.STOPPED)
            audit.append(tx, "guard.released", {}, reviewer=reviewer.name, channel=channel)
