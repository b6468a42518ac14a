"""What this process remembers beside a guard, for runs that are executed again. All of it may be lost at any time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from toolguard.core.model import Principal
from toolguard.guard import Guard, Permit

LIMIT: Final = 256
"""Entries of each kind; an older call then says that it ran already, without its result."""


@dataclass(frozen=True, slots=True)
class Again:
    """The call ran before; this is what came of it."""

    result: Any


class Kept:
    """Results and open executions of one guard. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[str, Again] = OrderedDict()
        self._paused: OrderedDict[str, Permit] = OrderedDict()
        self._heard: OrderedDict[Principal, str] = OrderedDict()

    def keep(self, key: str, result: Any) -> None:
        """The result of the call with this transport key."""
        self._put(self._results, key, Again(result))

    def of(self, key: str) -> Again | None:
        with self._lock:
            return self._results.get(key)

    def pause(self, permit: Permit) -> None:
        """The tool of this execution paused the run."""
        self._put(self._paused, permit.execution_id, permit)

    def paused(self, execution_id: str) -> Permit | None:
        """The execution that paused, once: whoever asks enters it."""
        with self._lock:
            return self._paused.pop(execution_id, None)

    def is_news(self, principal: Principal, prompt: str) -> bool:
        """Whether this conversation's last known request was another one; it is this one from now on."""
        with self._lock:
            is_known = self._heard.get(principal) == prompt
        self._put(self._heard, principal, prompt)
        return not is_known

    def _put(self, memory: OrderedDict[Any, Any], key: Any, value: Any) -> None:
        with self._lock:
            memory[key] = value
            memory.move_to_end(key)
            while len(memory) > LIMIT:
                memory.popitem(last=False)


_lock: Final = threading.Lock()
_all: WeakKeyDictionary[Guard, Kept] = WeakKeyDictionary()


def kept_of(guard: Guard) -> Kept:
    """The memory beside this guard; all its tools share one."""
    with _lock:
        found = _all.get(guard)
        if found is None:
            found = _all[guard] = Kept()
        return found


def open_guards() -> list[Guard]:
    """Guards of this process that have guarded a tool and are not closed."""
    with _lock:
        return [guard for guard in _all if not guard.store.is_closed]
