"""Spans of calls on their way to an OpenTelemetry collector, made from the log as it grows: OTLP/HTTP with JSON
(opentelemetry.io/docs/specs/otlp, "OTLP/HTTP").

The log is read beside calls, so that a collector that hangs or refuses touches none. A cursor stands in the database:
what happened while nobody sent is sent later, and a span may come twice, with the same ids, after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from toolguard.channels.sender import Sent, post
from toolguard.config import secret
from toolguard.config_audit import TraceSettings
from toolguard.core.canonical import compact, parse
from toolguard.core.exports import otlp
from toolguard.core.model import Json
from toolguard.core.secrets.redact import readable
from toolguard.errors import StoreError
from toolguard.guard import Guard
from toolguard.store import audit, meta

LOOK_SECONDS: Final = 1.0
BATCH: Final = 512
"""Events that are read at once; a call has three or more."""
RETRY_SECONDS: Final = (1.0, 5.0, 30.0, 60.0)
RETRYABLE: Final = frozenset({0, 429, 502, 503, 504})
"""Statuses after which the protocol lets a sender try again; 0 is no answer. After any other the spans are dropped."""
CURSOR: Final = "traces"


def opened(settings: TraceSettings) -> TraceSettings:
    """The collector with its secrets. Raises ConfigError when one cannot be read."""
    headers = {name: secret(value, f"audit.traces.headers.{name}") for name, value in settings.headers.items()}
    return replace(settings, headers=headers)


class Tracing:
    """The loop of one process."""

    def __init__(self, guard: Guard, settings: TraceSettings, version: str) -> None:
        self._guard = guard
        self._settings = settings
        self._version = version
        self._spans = otlp.Spans(with_arguments=settings.arguments)
        self._read, self._sent = self._resumed()
        self._failures = 0
        self._waiting: list[dict[str, Json]] = []

    def _resumed(self) -> tuple[int, int]:
        """From where to read, and up to which event spans were sent. A collector that is new begins at the present."""
        store = self._guard.store
        kept = meta.value(store, CURSOR)
        if kept is None:
            head = audit.head(store)[0]
            return head, head
        read, sent = parse(kept)
        return int(read), int(sent)

    async def run(self, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
        """Until cancelled. A database that cannot be read now is tried again later."""
        while True:
            try:
                pause = await self.step()
            except StoreError:
                pause = LOOK_SECONDS
            if pause:
                await sleep(pause)

    async def step(self) -> float:
        """Send what is new; after how many seconds to look again, 0 when there may be more. Raises StoreError."""
        store = self._guard.store
        events = [] if self._waiting else audit.read(store, after=self._read, limit=BATCH)
        for event in events:
            event["body"] = readable(event["body"])
            span = self._spans.take(event)
            if span is not None and event["seq"] > self._sent:
                self._waiting.append(span)
            self._read = event["seq"]
        if self._waiting and not await self._send():
            return RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
        if events or self._sent < self._read:
            self._keep()
        return 0.0 if len(events) == BATCH else LOOK_SECONDS

    async def _send(self) -> bool:
        """Whether these spans are done with: taken, or refused for good."""
        body = compact(otlp.request(self._waiting, self._version))
        headers = {"content-type": "application/json", "user-agent": "toolguard", **self._settings.headers}
        sent = await post(self._settings.url, body, headers, allowed=self._settings.allow)
        if sent.status in RETRYABLE:
            self._failures += 1
            if self._failures == 1:
                self._note(sent, gives_up=False)
            return False
        rejected = _rejected(sent)
        if rejected or not sent.ok:
            self._note(sent, gives_up=True, rejected=rejected)
        self._failures = 0
        self._waiting = []
        return True

    def _note(self, sent: Sent, *, gives_up: bool, rejected: int = 0) -> None:
        contents = {"status": sent.status, "error": sent.error, "spans": len(self._waiting), "gives_up": gives_up}
        self._guard.record("traces.failed", {**contents, "rejected": rejected})

    def _keep(self) -> None:
        """Read on from the oldest call that is still open, and send nothing twice."""
        self._sent = self._read
        oldest = self._spans.oldest_open
        start = self._read if oldest is None else min(oldest - 1, self._read)
        with self._guard.store.write(full=False) as tx:
            meta.keep(tx, CURSOR, f"[{start},{self._sent}]")


def _rejected(sent: Sent) -> int:
    """Spans that the collector took the request of and left out, as it says itself (`partialSuccess`)."""
    try:
        partial = parse(sent.text)["partialSuccess"]
        return int(partial.get("rejectedSpans") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
