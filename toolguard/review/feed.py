"""Server-Sent Events: one task asks the database whether anything changed, for all who listen.

An event carries the id, state and code of a request; whoever listens reads the rest where the request is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from toolguard.core.canonical import text
from toolguard.errors import StoreError
from toolguard.review.answers import problem
from toolguard.store import audit

if TYPE_CHECKING:
    from toolguard.guard import Guard, RequestView

ASK_EVERY: Final = 0.1
"""Seconds between two looks. A look costs microseconds, and a person notices a delay from about this on."""
KEEP_ALIVE: Final = 15.0
"""Seconds of silence after which a comment is sent, so that a proxy in between keeps the connection."""
LISTENERS: Final = 100
LASTS: Final = 600.0
"""Seconds after which a stream ends. The browser comes back at once, and its session is checked anew."""
WAITING_EVENTS: Final = 256
"""Of a listener that does not read; then its stream ends, and it starts again from its last event."""

Event = tuple[int, str, dict[str, Any]]


class Feed:
    """Changes of approval requests, for any number of listeners."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._closed = False
        self._wanted = asyncio.Event()
        self._watching = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        """A stream that goes on after an event, or starts now.

        The event is `Last-Event-ID` of a browser that comes back, else `after` of the address: a page names the event
        up to which it was drawn, so that nothing falls between drawing and listening.
        """
        if len(self._listeners) >= LISTENERS:
            return problem(503, f"{LISTENERS} listeners are connected already.")
        after = _number(request.headers.get("last-event-id")) or _number(request.query_params.get("after"))
        return StreamingResponse(self._stream(after), media_type="text/event-stream")

    async def _stream(self, after: int | None) -> AsyncIterator[str]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue(WAITING_EVENTS)
        self._listeners.add(queue)
        self._wanted.set()
        ends = asyncio.get_running_loop().time() + LASTS
        try:
            # From here on every change is put into the queue; what happened before is read. Nothing falls in between.
            await self._watching.wait()
            sent = (await run_in_threadpool(audit.head, self._guard.store))[0] if after is None else after
            yield f"retry: 1000\nid: {sent}\n\n"
            for event in await run_in_threadpool(self._changes, sent):
                sent = event[0]
                yield _written(event)
            while asyncio.get_running_loop().time() < ends and not queue.full() and not self._closed:
                try:
                    told = await asyncio.wait_for(queue.get(), KEEP_ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if told is not None and told[0] > sent:
                    sent = told[0]
                    yield _written(told)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every stream; nobody listens after this."""
        self._closed = True
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    async def run(self) -> None:
        """Asks while anybody listens; belongs to the application's lifespan."""
        while True:
            await self._wanted.wait()
            await self._watch()
            # No await since the last look at the listeners: nobody can have joined in between.
            self._wanted.clear()
            self._watching.clear()

    async def _watch(self) -> None:
        seen = version = -1
        while self._listeners:
            try:
                if seen < 0:
                    seen = (await run_in_threadpool(audit.head, self._guard.store))[0]
                    self._watching.set()
                newest = await run_in_threadpool(self._guard.version)
                if newest != version:
                    version = newest
                    for event in await run_in_threadpool(self._changes, seen):
                        seen = event[0]
                        self._tell(event)
            except StoreError:
                pass  # the pages say so themselves; a later look may work again
            await asyncio.sleep(ASK_EVERY)

    def _tell(self, event: Event) -> None:
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(event)

    def _changes(self, after: int) -> list[Event]:
        return [(seq, kind, _brief(view)) for seq, kind, view in self._guard.approvals.feed(after)]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None


def _brief(view: RequestView) -> dict[str, Any]:
    return {"id": view.id, "state": view.state, "code": view.code}


def _written(event: Event) -> str:
    seq, kind, contents = event
    return f"id: {seq}\nevent: {kind}\ndata: {text(contents)}\n\n"
