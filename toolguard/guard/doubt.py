"""A log that is not the one that was checkpointed: cut, rewritten, or restored from a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolguard.store import audit, meta
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database

if TYPE_CHECKING:
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer


class Doubt:
    """While there is one, approvals are not claimed: a claim that was cut from the log could run twice."""

    def __init__(self, database: Database, checkpoints: Checkpoints) -> None:
        self._database = database
        self._checkpoints = checkpoints

    def noted(self) -> str:
        """Why the log is in doubt, recorded the first time; empty when it is not. Raises StoreError."""
        doubt = self._checkpoints.contradiction()
        if doubt and meta.value(self._database, meta.DOUBT) != doubt:
            with self._database.write(full=True) as tx:
                meta.keep(tx, meta.DOUBT, doubt)
                audit.append(tx, "log.rolled_back", {"what": doubt})
        return doubt

    def confirm(self, reviewer: Reviewer, reason: str, channel: Channel) -> bool:
        """A person knows why (a restored backup); claims work again. False when there was nothing to confirm.

        Raises StoreError.
        """
        doubt = self._checkpoints.contradiction()
        if not doubt:
            return False
        with self._database.write(full=True) as tx:
            meta.drop(tx, meta.DOUBT)
            contents = {"what": doubt, "reason": reason}
            audit.append(tx, "log.confirmed", contents, reviewer=reviewer.name, channel=channel)
            self._checkpoints.write(tx)
        return True
