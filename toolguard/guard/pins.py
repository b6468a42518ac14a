"""Tool definitions as first seen. A change, or a tool that appears later, is a finding until a person accepts it.

On first sight of a server its definitions are trusted and add no points; pinning is by server and tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

from toolguard.core.canonical import definition_fingerprint, parse, pretty, text
from toolguard.core.layout.visible import escape
from toolguard.core.model import Json, ToolDefinition
from toolguard.guard.names import Names
from toolguard.store import audit, introductions, records
from toolguard.store.database import Database
from toolguard.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known of one tool."""

    definition: ToolDefinition
    fingerprint: str
    change: str = ""
    """Empty as long as it is what was seen first or accepted; else `changed` or `added`."""


@dataclass(frozen=True, slots=True)
class PinReport:
    """What a listing brought."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    """Tools that policy denies whatever their arguments; clients do not see them."""


class Pins:
    """The pinned definitions of each server: read once, compared with every listing, written down when they change."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self._known: dict[str, dict[str, Pin]] = {}
        self._shadowed: dict[str, frozenset[str]] = {}
        self._doubled: dict[str, frozenset[str]] = {}
        self._first_listing: set[str] = set()
        """Servers whose very first listing is still under way, page by page."""

    def of(self, server: str) -> dict[str, Pin]:
        if server not in self._known:
            self._known[server] = {
                row["tool"]: Pin(_definition(parse(row["definition"])), row["def_fp"], row["change"])
                for row in records.pins(self._database, server)
            }
        return self._known[server]

    def shadowed(self, server: str) -> frozenset[str]:
        """Names of its tools that another server offers too: an agent may mean the other one."""
        if server not in self._shadowed:
            self._shadowed[server] = records.shadowed_tools(self._database, server)
        return self._shadowed[server]

    def doubled(self, server: str) -> frozenset[str]:
        """Names under which the server listed more than one tool, as far as this process saw."""
        return self._doubled.get(server, frozenset())

    def forget(self, server: str) -> None:
        """Read the pins anew: a person may have accepted a change in another process."""
        self._known.pop(server, None)
        self._shadowed.pop(server, None)

    def news(
        self,
        server: str,
        launch: Sequence[str],
        definitions: Sequence[ToolDefinition],
        *,
        complete: bool,
        doubled: frozenset[str] = frozenset(),
    ) -> dict[str, Pin]:
        """What this page of a listing brings that is not pinned yet; `complete` says that it was the last page.

        `doubled` are names that this listing held more than once so far; only the first definition of each is given.
        """
        doubled = frozenset(map(self._names.of, doubled))
        self._doubled[server] = doubled if complete else doubled | self.doubled(server)
        known = self.of(server)
        if not known:
            self._first_listing.add(server)
        is_first = server in self._first_listing
        if complete:
            self._first_listing.discard(server)
        found: dict[str, Pin] = {}
        for offered in definitions:
            fingerprint = definition_fingerprint(server, launch, offered)
            definition = self._names.without_secrets(offered)
            old = known.get(definition.name)
            if old is None:
                found[definition.name] = Pin(definition, fingerprint, "" if is_first else "added")
            elif old.fingerprint != fingerprint:
                # A new launch command alone is the operator's doing: it ends open approvals, since the fingerprint
                # covers it, but it is no change of the tool.
                same = old.definition.as_json() == definition.as_json()
                found[definition.name] = Pin(definition, fingerprint, old.change if same else "changed")
        return found

    def save(self, transaction: Transaction, server: str, found: dict[str, Pin]) -> None:
        """Write the news with their events, in the caller's transaction."""
        known = self.of(server)
        for tool, pin in found.items():
            old = known.get(tool)
            previous = text(old.definition.as_json()) if old is not None and pin.change == "changed" else None
            records.save_pin(
                transaction,
                {
                    "server": server,
                    "tool": tool,
                    "def_fp": pin.fingerprint,
                    "definition": text(pin.definition.as_json()),
                    "first_seen": transaction.now,
                    "change": pin.change,
                    "previous": previous,
                },
            )
            kind = "definition.changed" if pin.change == "changed" else "definition.pinned"
            audit.append(
                transaction,
                kind,
                {
                    "definition_fp": pin.fingerprint,
                    "previous_fp": old.fingerprint if old else None,
                    "change": pin.change,
                },
                server=server,
                tool=tool,
            )

    def remember(self, server: str, found: dict[str, Pin]) -> None:
        """After the commit: the news are known."""
        self._shadowed.clear()
        self.of(server).update(found)


@dataclass(frozen=True, slots=True)
class Change:
    """A definition, or a server's instructions, that nobody has accepted yet."""

    server: str
    tool: str
    """Empty for the instructions of the server."""
    change: str
    """`changed`, `added` or `instructions`."""
    lines: tuple[str, ...]
    """The difference to the definition before, as a unified diff of JSON with hidden characters written out."""

    def as_json(self) -> dict[str, Json]:
        return {"server": self.server, "tool": self.tool, "change": self.change, "diff": list(self.lines)}


def differences(database: Database, server: str, tool: str) -> list[str]:
    """How this tool and its server's instructions differ from what was accepted, as lines for people."""
    found = [each for each in changes(database) if each.server == server and each.tool in (tool, "")]
    return [line for each in found for line in each.lines]


def changes(database: Database) -> list[Change]:
    """What waits to be accepted, over all servers."""
    found = []
    for row in records.changed_pins(database):
        before = pretty(parse(row["previous"])) if row["previous"] else ""
        now = pretty(parse(row["definition"]))
        found.append(Change(row["server"], row["tool"], row["change"], _difference(before, now)))
    for row in introductions.changed(database):
        lines = _difference(row["previous"], row["instructions"])
        found.append(Change(row["server"], "", "instructions", lines))
    return found


def _difference(before: str, now: str) -> tuple[str, ...]:
    return tuple(unified_diff(escape(before).splitlines(), escape(now).splitlines(), "before", "now", lineterm="", n=1))


def accept(database: Database, server: str, tool: str, reviewer: str) -> bool:
    """A person accepts a definition as it is now; False when there is nothing to accept. Raises StoreError."""
    with database.write(full=True) as tx:
        fingerprint = records.accept_pin(tx, server, tool)
        if fingerprint is None:
            return False
        contents = {"definition_fp": fingerprint}
        audit.append(tx, "definition.accepted", contents, server=server, tool=tool, reviewer=reviewer, channel="cli")
    return True


def _definition(value: Json) -> ToolDefinition:
    return ToolDefinition(
        name=value["name"],
        description=value["description"],
        input_schema=value["inputSchema"],
        annotations=value["annotations"],
        title=value["title"],
        rest=value["rest"],
    )
