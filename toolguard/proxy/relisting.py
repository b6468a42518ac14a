"""Lists a server's tools for the proxy itself, while the calls that need it wait in order.

It happens before a call to a tool that the client never had listed, and after the server said that its tools
changed. The requests carry ids of ours; their answers never reach the client.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from toolguard.core.canonical import compact
from toolguard.core.model import Json
from toolguard.proxy.listing import Listing
from toolguard.proxy.messages import Id, Request
from toolguard.proxy.wire import Flight, Wire

OWN_PREFIX: Final = "toolguard:"
"""Of the ids of requests that the proxy makes."""
LIST_SECONDS: Final = 30.0
"""How long calls wait for a server to list its tools; a server that is still starting may need most of it."""
MAX_PAGES: Final = 1000
"""A server that never ends its list must not keep a call forever."""
_MODERN_PREFIX: Final = "io.modelcontextprotocol/"


class Relisting:
    """At most one listing of ours, and the calls that wait for it."""

    def __init__(self, wire: Wire, listing: Listing, connection: str, judge: Callable[[Flight, bool], None]) -> None:
        """`judge` is called for each call that waited, in order, with whether the tools are known as they are now."""
        self._wire, self._listing, self._judge = wire, listing, judge
        self._prefix = f"{OWN_PREFIX}{connection}:"
        self._waiting: deque[Flight] = deque()
        self._request: Request | None = None
        """The call that made us list; its protocol is the one we speak."""
        self._id = ""
        self._count = self._pages = 0
        self._cursor: str | None = None

    @property
    def is_under_way(self) -> bool:
        return self._request is not None

    def needed_for(self, request: Request) -> bool:
        """Whether this call must wait: for tools that nobody listed here, or behind calls that wait already."""
        return self.is_under_way or self._listing.is_stale or self._listing.pin_of(request.params["name"]) is None

    def wait(self, flight: Flight) -> None:
        """Judge this call after the tools are listed."""
        self._waiting.append(flight)
        self.begin(flight.request)

    def begin(self, request: Request) -> None:
        """List now, in the protocol of this request, unless it is being done."""
        if self._request is None:
            self._request, self._pages = request, 0
            self._ask(None)

    def drop(self, id: Id) -> bool:
        """Forget a waiting call that was cancelled; whether it waited here."""
        for flight in self._waiting:
            if flight.request.id == id:
                self._waiting.remove(flight)
                return True
        return False

    def took(self, response: dict[str, Json]) -> bool:
        """Whether this answer of the server was for us."""
        if self._request is None or response.get("id") != self._id:
            return False
        following = self._listing.page(self._cursor, response["result"])[1] if "result" in response else None
        if following is not None and following != self._cursor and self._pages < MAX_PAGES:
            self._ask(following)
        else:
            self._end()
        return True

    def stop(self) -> None:
        """Nobody waits any more: the server is gone."""
        self._waiting.clear()
        self._request = None

    def _ask(self, cursor: str | None) -> None:
        self._count += 1
        self._pages += 1
        self._cursor, self._id = cursor, f"{self._prefix}{self._count}"
        params: dict[str, Json] = {} if cursor is None else {"cursor": cursor}
        if self._request is not None and self._request.is_modern:
            meta = self._request.meta
            params["_meta"] = {key: value for key, value in meta.items() if key.startswith(_MODERN_PREFIX)}
        own_id = self._id
        self._wire.later(LIST_SECONDS, lambda: self._give_up(own_id))
        self._wire.to_server(compact({"jsonrpc": "2.0", "id": own_id, "method": "tools/list", "params": params}))

    def _give_up(self, own_id: str) -> None:
        if self._request is not None and self._id == own_id:
            self._end()

    def _end(self) -> None:
        """The listing ended, for better or worse."""
        self._request = None
        waiting, self._waiting = self._waiting, deque()
        is_known = not self._listing.is_stale
        for flight in waiting:
            self._judge(flight, is_known)
