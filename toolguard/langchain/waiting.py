"""Calls that are held until people answer or the time is over: in the caller's thread, or on the event loop.

INVARIANT: a caller that was cancelled, in whatever way, leaves nothing behind that could still run the tool
(tests/langchain/test_cancelling.py).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from toolguard.core.approvals import RefusalCode
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal
from toolguard.langchain import refusing, telling

POLL_SECONDS: Final = 0.05
"""A look at the database's version costs microseconds; people do not notice this delay."""
LOOK_SECONDS: Final = 1.0
"""Time alone can end an approval; nothing changes in the database then until somebody looks."""


def wait(guard: Guard, pending: Pending, seconds: float, config: Any, notice: telling.Notice) -> Permit | Refusal:
    """Hold the calling thread until people answer or the time is over."""
    watch = Watch(guard, pending, seconds)
    try:
        telling.tell(notice, config)
        while (answer := watch.look()) is None:
            time.sleep(POLL_SECONDS)
    except BaseException:
        leave(guard, pending)
        raise
    return answer


async def await_answer(
    guard: Guard, pending: Pending, seconds: float, config: Any, notice: telling.Notice
) -> Permit | Refusal:
    """The same on the event loop: a cancelled caller leaves at once, and nothing of the call is left to run."""
    watch = Watch(guard, pending, seconds)
    try:
        await telling.atell(notice, config)
        while (answer := watch.look()) is None:  # noqa: ASYNC110 - the answer comes from another process
            await asyncio.sleep(POLL_SECONDS)
    except BaseException:
        leave(guard, pending)
        raise
    return answer


class Watch:
    """One call that is held."""

    def __init__(self, guard: Guard, pending: Pending, seconds: float) -> None:
        self._guard = guard
        self._pending = pending
        self._until = time.monotonic() + seconds
        self._seen = -1
        self._seen_at = float("-inf")

    def look(self) -> Permit | Refusal | None:
        """The answer, the settling text when the time is over, or None while people may still decide."""
        now = time.monotonic()
        try:
            version = self._guard.version()
        except StoreError as error:
            return refusing.own_fault(str(error))
        if version != self._seen or now - self._seen_at >= LOOK_SECONDS or now >= self._until:
            self._seen, self._seen_at = version, now
            answer = self._guard.resume(self._pending)
            if not isinstance(answer, Pending):
                return answer
        if now < self._until:
            return None
        leave(self._guard, self._pending)
        return settled(self._pending)


def leave(guard: Guard, pending: Pending) -> None:
    """The waiter is gone. The request lives on; an identical call later attaches to it."""
    try:
        guard.detach(pending)
    except StoreError:
        return  # only a count for display


def settled(pending: Pending) -> Refusal:
    """Nobody decided while the call was held."""
    return Refusal(
        RefusalCode.EXPIRED, pending.settle_text, (), pending.request_id, pending.code, retry=True,
        decision=pending.decision,
    )  # fmt: skip
