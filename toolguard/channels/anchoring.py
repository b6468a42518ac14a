"""Telling witnesses outside how far the log has come: a file, a webhook, a time-stamping authority.

Beside calls, never in their way: a witness that does not answer is told again later, and nothing else changes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from toolguard.channels.sender import Sent, post
from toolguard.channels.webhook import signed_headers
from toolguard.config import secret
from toolguard.config_audit import AnchorSettings
from toolguard.core.canonical import canonical
from toolguard.core.proof import cosignature, signed_note
from toolguard.errors import ConfigError, StoreError
from toolguard.guard import Guard
from toolguard.guard.times import iso, later
from toolguard.store import anchors, timestamps
from toolguard.store import checkpoints as notes
from toolguard.store.anchors import Told
from toolguard.store.transaction import Row

LOOK_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 300.0
"""After a failure, unless witnesses are told more often anyway."""
ANSWER_CHARACTERS: Final = 2_000


def opened(settings: Sequence[AnchorSettings]) -> list[AnchorSettings]:
    """The witnesses of a configuration, with their secrets. Raises ConfigError when one cannot be read."""
    return [
        replace(
            one,
            url=secret(one.url, f"audit.anchors.{one.name}.url"),
            secret=secret(one.secret, f"audit.anchors.{one.name}.secret"),
        )
        for one in settings
    ]


class Anchoring:
    """The loop of one process over all witnesses."""

    def __init__(self, guard: Guard, settings: Sequence[AnchorSettings], clock: Callable[[], datetime]) -> None:
        self._guard = guard
        self._settings = settings
        self._clock = clock
        self._not_before: dict[str, str] = {}

    async def run(self) -> None:
        """Until cancelled. A database that cannot be written now is tried again later."""
        while True:
            for settings in self._settings:
                try:
                    await self.step(settings)
                except StoreError:
                    continue
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self, settings: AnchorSettings) -> Told | None:
        """Tell one witness when that is due; None when it is not. Raises StoreError."""
        every, now = self._guard.config.audit.anchor_every, iso(self._clock())
        size, since = anchors.last(self._guard.store, settings.name)
        newest = notes.newest(self._guard.store)
        waits = since and now < later(since, every)
        if newest is None or newest["size"] <= size or waits or now < self._not_before.get(settings.name, ""):
            return None
        told = await self.tell(settings, newest)
        self._not_before[settings.name] = later(now, min(RETRY_SECONDS, every)) if told.error else ""
        return told

    async def tell(self, settings: AnchorSettings, newest: Row) -> Told:
        """Tell one witness of a checkpoint now, and record how that went. Raises StoreError."""
        ways = {"file": _append, "webhook": _post, "rfc3161": _stamp}
        try:
            told = await ways[settings.kind](settings, newest["note"], self._clock())
        except ConfigError as error:
            told = _failed(settings, newest["note"], str(error))
        redact = self._guard.redactor.text
        told = replace(told, error=redact(told.error))
        if told.kind == "webhook" and not cosignature.lines(told.answer):
            told = replace(told, answer=redact(told.answer))
        with self._guard.store.write(full=True) as tx:
            anchors.record(tx, told, newest["size"])
        return told


def _failed(settings: AnchorSettings, note: str, error: str) -> Told:
    return Told(settings.name, settings.kind, note, error=error)


async def _append(settings: AnchorSettings, note: str, now: datetime) -> Told:
    def append() -> None:
        with Path(settings.path).open("a", encoding="utf-8") as file:
            file.write(note + "\n")
            file.flush()
            os.fsync(file.fileno())

    try:
        await asyncio.to_thread(append)  # a medium that hangs must not hold up the others
    except OSError as error:
        return _failed(settings, note, f"`{settings.path}` cannot be written: {error.strerror}")
    return Told(settings.name, settings.kind, note)


async def _post(settings: AnchorSettings, note: str, now: datetime) -> Told:
    """`audit.checkpoint` by Standard Webhooks. What a witness answers is its receipt; lines that it signed verify."""
    found = signed_note.read(note)
    if found is None:
        return _failed(settings, note, "the newest checkpoint is no signed note")
    checkpoint = found[0]
    body = canonical(
        {
            "type": "audit.checkpoint",
            "timestamp": checkpoint.time,
            "data": {
                "log_id": checkpoint.log_id,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "note": note,
            },
        }
    )
    webhook_id = "msg_" + hashlib.sha256(f"{settings.name}\0{note}".encode()).hexdigest()[:32]
    try:
        headers = signed_headers(settings.secret, webhook_id, int(now.timestamp()), body)
    except ValueError as error:
        return _failed(settings, note, f"its secret is no key: {error}")
    sent = await post(settings.url, body, headers, allowed=settings.allow)
    if not sent.ok:
        return _failed(settings, note, _reason(sent))
    signed = [line for line in cosignature.lines(sent.text) if f"\u2014 {checkpoint.origin} " not in line]
    return Told(settings.name, settings.kind, note, "\n".join(signed) or sent.text[:ANSWER_CHARACTERS])


async def _stamp(settings: AnchorSettings, note: str, now: datetime) -> Told:
    content = note.encode()
    request, nonce = timestamps.query(content)
    headers = {"content-type": timestamps.QUERY_TYPE, "user-agent": "toolguard"}
    sent = await post(settings.url, request, headers, allowed=settings.allow)
    if not sent.ok:
        return _failed(settings, note, _reason(sent))
    try:
        timestamps.answered(sent.content, content, nonce, now)
    except timestamps.NoStamp as error:
        return _failed(settings, note, str(error))
    return Told(settings.name, settings.kind, note, base64.b64encode(sent.content).decode())


def _reason(sent: Sent) -> str:
    return sent.error or f"it answered {sent.status}"
