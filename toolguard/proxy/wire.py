"""What the relay needs of the outside, so that it runs the same on pipes and in a test's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolguard.core.model import Principal
from toolguard.proxy.messages import Request

if TYPE_CHECKING:  # the guard is imported while the server starts
    from toolguard.guard import Permit


@dataclass(frozen=True, slots=True)
class Wire:
    """Two directions, standard error, and a clock."""

    to_client: Callable[[bytes], None]
    """Takes one line without its newline."""
    to_server: Callable[[bytes], None]
    to_stderr: Callable[[bytes], None]
    clock: Callable[[], float]
    """Seconds that never go back."""
    later: Callable[[float, Callable[[], None]], object]
    """Call something after so many seconds."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind this proxy, and on whose behalf it is called."""

    name: str
    launch: tuple[str, ...]
    """The command line that started it; part of every definition's fingerprint."""
    trusted: bool
    principal: Principal


@dataclass(slots=True)
class Flight:
    """A request of the client that has no answer yet."""

    request: Request
    sent_at: float = 0.0
    permit: Permit | None = None
    """Of a tool call that was sent."""
    is_cancelled: bool = False
    """The client no longer waits for the answer of a call that was sent."""
    is_lost: bool = False
    """Cancelled, and the server did not answer in time: its end is recorded as unknown."""
