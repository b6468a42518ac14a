"""Whatever was sent to the reviewers' side and refused is an event: too large, unreadable, from elsewhere, by nobody.

Who answers for a refusal records it (a vote that did not count, an unsigned callback) and says so in the scope; what is
left is recorded here. Anybody who reaches the port can be refused, so beyond MOST a minute refusals are counted, and
the next event says how many there were.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toolguard.core.approvals import RefusalCode
from toolguard.errors import StoreError
from toolguard.review.shield import SAFE

if TYPE_CHECKING:
    from toolguard.guard import Guard

MOST: Final = 60
"""Events a minute."""
NOTED: Final = "toolguard.noted"
_PATH_LENGTH: Final = 200
_PROBLEM_BYTES: Final = 4_096
_RECORDED_BY_VOTING: Final = frozenset(RefusalCode)


class Noting:
    """Wraps the application, outside of everything that refuses."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app = app
        self._guard = guard
        self._minute = ""
        self._written = 0
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self.app(scope, receive, send)
            return
        seen: dict[str, Any] = {"status": 0, "problem": False, "body": b""}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                seen["problem"] = (b"content-type", b"application/problem+json") in message["headers"]
            elif seen["problem"] and len(seen["body"]) < _PROBLEM_BYTES:
                seen["body"] += message.get("body", b"")
            if seen["status"] >= 400 and message["type"] == "http.response.body" and not message.get("more_body"):
                await self._note(scope, seen)  # before the last byte, so that whoever was refused can rely on it
            await send(message)

        await self.app(scope, receive, sending)

    async def _note(self, scope: Scope, seen: dict[str, Any]) -> None:
        code = _code(seen["body"]) if seen["problem"] else ""
        if scope.get(NOTED) or code in _RECORDED_BY_VOTING or not self._may_write():
            return
        contents = {
            "method": scope["method"],
            "path": str(scope["path"])[:_PATH_LENGTH],
            "status": seen["status"],
            "code": code,
            "left_out_before": self._left_out,
        }
        try:
            await run_in_threadpool(self._guard.record, "review.refused", contents, channel="web")
        except StoreError:
            return  # nothing was decided, so nothing depends on this event
        self._left_out = 0

    def _may_write(self) -> bool:
        minute = self._guard.now().strftime("%H:%M")
        if minute != self._minute:
            self._minute, self._written = minute, 0
        self._written += 1
        if self._written > MOST:
            self._left_out += 1
        return self._written <= MOST


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body).get("code", ""))
    except ValueError:
        return ""
