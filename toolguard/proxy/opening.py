"""Stands in for the relay in the first moments, while the guard is still being loaded.

The handshake passes, as the relay would pass it: it is never judged. Everything else waits, in order. Then the
relay takes over and hears all of it, what has passed already included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from toolguard.core.canonical import parse
from toolguard.proxy import messages
from toolguard.proxy.messages import Id, Notification, Request

if TYPE_CHECKING:  # what takes over is imported meanwhile
    from toolguard.proxy.relay import Relay

HANDSHAKE: Final = frozenset({"initialize", "server/discover", "notifications/initialized"})


class Opening:
    """The messages before the relay is there."""

    def __init__(self, to_client: Callable[[bytes], None], to_server: Callable[[bytes], None]) -> None:
        self._to_client, self._to_server = to_client, to_server
        self._asked: set[Id] = set()
        self._passed: list[tuple[str, bytes | None]] = []
        self._waiting: list[tuple[str, bytes | None]] = []

    def from_client(self, line: bytes | None) -> None:
        message = None if line is None or self._waits("client") else messages.read(line)
        if line is None or not isinstance(message, Request | Notification) or message.method not in HANDSHAKE:
            self._waiting.append(("client", line))
            return
        if isinstance(message, Request):
            self._asked.add(message.id)
        self._passed.append(("client", line))
        self._to_server(line)

    def from_server(self, line: bytes | None) -> None:
        if line is None or self._waits("server") or not self._is_awaited(line):
            self._waiting.append(("server", line))
            return
        self._passed.append(("server", line))
        self._to_client(line)

    def hand_over(self, relay: Relay, muted: Callable[[bool], None]) -> None:
        """Let the relay hear everything; `muted` says whether what it sends has been sent already."""
        muted(True)
        _tell(relay, self._passed)
        muted(False)
        _tell(relay, self._waiting)

    # What the end of either side means for the relay; here nothing was sent that could be lost.

    @property
    def is_busy(self) -> bool:
        return True

    @property
    def is_listing(self) -> bool:
        """Whoever leaves now has sent messages that still wait."""
        return True

    def client_left(self) -> None: ...

    def server_left(self, why: str) -> None: ...

    def tend(self) -> None: ...

    def _waits(self, side: str) -> bool:
        return any(sender == side for sender, _ in self._waiting)

    def _is_awaited(self, line: bytes) -> bool:
        """Whether the line answers the handshake."""
        try:
            message = parse(line)
        except ValueError:
            return False
        if not isinstance(message, dict) or "method" in message:
            return False
        answered = messages.as_id(message.get("id"))
        return answered in self._asked


def _tell(relay: Relay, lines: list[tuple[str, bytes | None]]) -> None:
    for sender, line in lines:
        (relay.from_client if sender == "client" else relay.from_server)(line)
