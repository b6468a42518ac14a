"""The stop switch: what would be asked about is refused until a person releases it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolguard.store import audit, meta
from toolguard.store.database import Database

if TYPE_CHECKING:
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer


class StopSwitch:
    """For every process of one database at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def since(self) -> str | None:
        """When it was turned on; None while it is off."""
        return meta.value(self._database, meta.STOPPED)

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
