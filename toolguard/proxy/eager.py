"""An event loop that looks a moment longer before it sleeps.

Messages of one call follow each other within microseconds, while a process that went to sleep needs some twenty to be
woken, and runs a third slower with cold caches. So a wait that comes right after a short one begins by looking, and
gives the processor away between two looks. Where messages are rare, nothing is looked for.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from typing import Final

LOOK_SECONDS: Final = 0.0002
"""How long a wait looks before it sleeps, where the one before it was no longer."""


def new_loop() -> asyncio.SelectorEventLoop:
    """A loop for one client and one server that answer each other at once."""
    return asyncio.SelectorEventLoop(EagerSelector())


class EagerSelector(selectors.DefaultSelector):
    """The platform's selector, with a look before the sleep."""

    _is_busy = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As in the base class."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        began = time.perf_counter()
        if self._is_busy:
            until = began + LOOK_SECONDS
            while time.perf_counter() < until:
                os.sched_yield()
                ready = super().select(0)
                if ready:
                    return ready
        ready = super().select(timeout)
        self._is_busy = time.perf_counter() - began < 2 * LOOK_SECONDS
        return ready
