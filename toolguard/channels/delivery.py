"""Brings what happens to requests to every channel: at least once, in order, until the deadline.

One process delivers at a time for each message (a lease), and any process can take over after a crash.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from toolguard.channels.message import Message
from toolguard.channels.reminders import raise_due
from toolguard.channels.sender import Sent
from toolguard.core.approvals import RequestState
from toolguard.errors import StoreError
from toolguard.guard import Guard
from toolguard.guard.times import later
from toolguard.store import audit, outbox, reminders
from toolguard.store.transaction import Row, Transaction

BACKOFF: Final = (0.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before each further attempt; the last one repeats until the deadline."""
LEASE_SECONDS: Final = 30.0
"""Longer than one attempt takes (channels/sender.py allows 10)."""
LOOK_SECONDS: Final = 0.2
REST_SECONDS: Final = 1.0
GONE: Final = 410


class Channel(Protocol):
    """One way to reach reviewers."""

    name: str

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Try once. `before` is what an earlier message about the same request returned beside its result."""


@dataclass(frozen=True, slots=True)
class _Due:
    row: Row
    message: Message | None = None
    """None when there is nothing left to say."""
    before: str | None = None


class Delivery:
    """The loop of one process over all channels."""

    def __init__(
        self,
        guard: Guard,
        channels: Sequence[Channel],
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._guard = guard
        self._channels = channels
        self._clock = clock
        self._chance = chance
        self._gone: set[str] = set()
        self._reminded = {settings.name for settings in guard.config.channels if settings.when == "reminded"}

    async def run(self) -> None:
        """Until cancelled. A database that cannot be written now is tried again later.

        Looking costs others something (the database first settles what calls have left), so it is done when anything
        was committed, and otherwise once in REST_SECONDS for what becomes due by itself.
        """
        seen, rested = -1, 0.0
        while True:
            try:
                version = await asyncio.to_thread(self._guard.version)
                busy = (version != seen or rested >= REST_SECONDS) and await self._round()
            except StoreError:
                version, busy = -1, False
            if version != seen or rested >= REST_SECONDS:
                seen, rested = version, 0.0
            if not busy:
                await asyncio.sleep(LOOK_SECONDS)
                rested += LOOK_SECONDS

    async def _round(self) -> bool:
        """One message of each channel; whether there was any."""
        if self._guard.config.reminders:
            await asyncio.to_thread(raise_due, self._guard)
        return any([await self.step(channel) for channel in self._channels])

    async def step(self, channel: Channel) -> bool:
        """Send one due message of a channel; False when there is none. Raises StoreError.

        The database is spoken to on a thread: it may be busy, and what else this loop serves must not wait for it.
        """
        if channel.name in self._gone:
            return False
        due = await asyncio.to_thread(self._due, channel)
        if due is None:
            return False
        if due.message is not None:
            sent, key = await channel.send(due.message, self._clock().timestamp(), due.before)
            await asyncio.to_thread(self._record, channel, due.row, due.message, sent, key)
        return True

    def _due(self, channel: Channel) -> _Due | None:
        store = self._guard.store
        if not outbox.has_work(store, channel.name):
            return None
        with store.write(full=False) as tx:
            outbox.fill(tx, channel.name)
            row = outbox.lease(tx, channel.name, later(tx.now, LEASE_SECONDS))
            before = outbox.remembered(tx, channel.name, row["request_id"]) if row is not None else None
            if row is not None and self._is_not_for(tx, channel, row):
                outbox.end(tx, row["outbox_id"])
                return _Due(row)
        if row is None:
            return None
        request = self._guard.approvals.show(row["request_id"])
        kind, _, reminder = row["kind"].partition(" ")
        if request is None or (kind != "approval.changed" and request.state != RequestState.PENDING):
            with store.write(full=False) as tx:
                outbox.end(tx, row["outbox_id"])  # overtaken by its outcome, which has a message of its own
            return _Due(row)
        told = "approval.changed" if reminder else kind
        message = Message(told, row["webhook_id"], request, self._guard.approvals.link(request.id), reminder)
        return _Due(row, message, before)

    def _is_not_for(self, tx: Transaction, channel: Channel, row: Row) -> bool:
        """Some channels hear of a request only once a reminder named them."""
        return channel.name in self._reminded and not reminders.reached(tx, channel.name, row["request_id"])

    def _record(self, channel: Channel, row: Row, message: Message, sent: Sent, key: str | None) -> None:
        request = message.request
        with self._guard.store.write(full=False) as tx:
            if key is not None:
                outbox.remember(tx, channel.name, request.id, key)
            at = later(tx.now, self._pause(row, sent))
            too_late = request.state == RequestState.PENDING and at >= request.decide_by
            over = sent.ok or sent.status == GONE or too_late or row["attempts"] + 1 >= len(BACKOFF) * 4
            if over:
                outbox.end(tx, row["outbox_id"])
            else:
                outbox.again(tx, row["outbox_id"], at)
            audit.append(
                tx,
                "delivery.sent" if sent.ok else "delivery.failed",
                {
                    "kind": message.kind,
                    "reminder": message.reminder or None,
                    "webhook_id": message.id,
                    "attempt": row["attempts"] + 1,
                    "status": sent.status,
                    "error": self._guard.redactor.text(sent.error),
                    "gives_up": over and not sent.ok,
                    "audit": message.witness,
                },
                request_id=request.id,
                channel=channel.name,
            )
        if sent.status == GONE:
            self._gone.add(channel.name)

    def _pause(self, row: Row, sent: Sent) -> float:
        planned = BACKOFF[min(row["attempts"] + 1, len(BACKOFF) - 1)]
        wanted = max(planned, sent.retry_after or 0.0)
        return wanted * (1 + 0.2 * self._chance())
