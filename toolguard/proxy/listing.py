"""What the server offers, as far as this connection has seen it listed: pinned page by page, and filtered.

It asks for nothing itself; `Relay` sends the requests and brings the answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolguard.core.model import Json, ToolDefinition
from toolguard.guard import Guard, Pin
from toolguard.proxy import asides


class Listing:
    """The pinned definitions of one server on one connection."""

    def __init__(self, guard: Guard, server: str, launch: Sequence[str]) -> None:
        self._guard, self._server, self._launch = guard, server, tuple(launch)
        self._names: set[str] = set()
        self._changes = 0
        self._fresh_since = -1
        self._listed: set[str] = set()
        """Names of the listing under way, page by page."""
        self._doubled: set[str] = set()
        """Those that it held more than once."""
        self._told: set[str] = set()
        """Of these, what the log says already."""
        self._next_cursor: str | None = None
        self._began_at = 0

    @property
    def is_stale(self) -> bool:
        """The server said that its tools changed, and no whole list was seen since."""
        return self._changes > 0 and self._fresh_since < self._changes

    def changed(self) -> None:
        """The server said that its tools changed."""
        self._changes += 1

    def pin_of(self, tool: str) -> Pin | None:
        """The pinned definition; None for a tool that this connection never saw listed, whatever earlier ones saw."""
        return self._guard.pinned(self._server, tool) if tool in self._names else None

    def page(self, cursor: str | None, result: Json) -> tuple[Json, str | None]:
        """Pin one page of a list; the page without the tools that policy denies outright, and the next cursor.

        Of several tools with one name only the first is pinned and shown: what a client takes for the tool must be what
        is judged. Order and `nextCursor` stay, also on a page that the filter leaves empty.
        """
        tools = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(tools, list):
            return result, None
        following = result.get("nextCursor")
        following = following if isinstance(following, str) else None
        if cursor is None:
            self._began_at = self._changes
            self._listed, self._doubled = set(), set()
        is_in_order = cursor is None or cursor == self._next_cursor
        self._next_cursor = following if is_in_order else None
        is_whole = is_in_order and following is None

        # A page out of order may be one that was seen before, so its names count by themselves.
        first = self._first_of_each(tools, self._listed if is_in_order else set())
        definitions = [definition(tool) for tool in first if _name(tool) is not None]
        report = self._guard.pin(
            self._server, self._launch, definitions, complete=is_whole, doubled=frozenset(self._doubled)
        )
        self._names.update(each.name for each in definitions)
        new = self._doubled - self._told
        if new:
            self._told |= new
            self._guard.record("definition.doubled", {"tools": sorted(new)}, server=self._server)
        if is_whole:
            self._fresh_since = self._began_at
        shown = self._for_client(first, frozenset(report.withheld))
        return (result if shown == tools else {**result, "tools": shown}), following

    def _first_of_each(self, tools: list[Json], listed: set[str]) -> list[Json]:
        """The tools of a page without those whose name was listed before; it is then."""
        first = []
        for tool in tools:
            name = _name(tool)
            if name in listed:
                self._doubled.add(tool["name"])
                continue
            first.append(tool)
            if name is not None:
                listed.add(name)
        return first

    def _for_client(self, tools: list[Json], withheld: frozenset[str]) -> list[Json]:
        policy = self._guard.config.policy
        return [
            asides.asking(tool) if _name(tool) is not None and policy.wants_reason(self._server, tool["name"]) else tool
            for tool in tools
            if _name(tool) not in withheld
        ]


def definition(tool: dict[str, Json]) -> ToolDefinition:
    """A tool as listed; members of an unexpected type stay in `rest`, which the fingerprint covers too."""
    known = {
        "description": str,
        "inputSchema": dict,
        "annotations": dict,
        "title": str,
    }
    sound = {key for key, kind in known.items() if isinstance(tool.get(key), kind)}
    return ToolDefinition(
        name=tool["name"],
        description=tool["description"] if "description" in sound else "",
        input_schema=tool["inputSchema"] if "inputSchema" in sound else {},
        annotations=tool["annotations"] if "annotations" in sound else {},
        title=tool["title"] if "title" in sound else "",
        rest={key: value for key, value in tool.items() if key != "name" and key not in sound},
    )


def _name(tool: Json) -> str | None:
    name = tool.get("name") if isinstance(tool, dict) else None
    return name if isinstance(name, str) else None
