"""What a reviewer may allow narrowly for a while: the approved call, with a few places loosened, each by an exact test.

What is not loosened must equal the approved call. INVARIANT: a grant only ever answers `ask`, for the same tool as
defined then, under the same decision, at no higher score (guard/standing.py checks; tests/guard/test_grants.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from toolguard.core.canonical import canonical
from toolguard.core.model import Json
from toolguard.core.targets import Aim, Target, targets
from toolguard.core.urls import parse

DEFAULT_SECONDS: Final = 900
MOST_SECONDS: Final = 8 * 3600
DEFAULT_USES: Final = 10
MOST_USES: Final = 100
OFFERED: Final = 8
"""Places that a reviewer may loosen; more would not be read."""


@dataclass(frozen=True, slots=True)
class GrantLimits:
    """The most that a policy lets a reviewer give."""

    seconds: int = MOST_SECONDS
    uses: int = MOST_USES
    """0: no grants at all."""

    def permits(self, uses: int, seconds: int) -> bool:
        return 1 <= uses <= self.uses and 1 <= seconds <= self.seconds


class Kind(StrEnum):
    """How a loosened place is tested."""

    UNDER = "under"
    """An absolute path at or below a folder, lexically."""
    HOST = "host"
    """A URL of exactly this host and scheme."""
    ANY = "any"
    """Any text: for what is said or written, never for whom or what it reaches."""


@dataclass(frozen=True, slots=True)
class Loosened:
    """One place of the arguments that need not equal the approved call."""

    pointer: str
    kind: Kind
    value: str = ""

    def as_json(self) -> dict[str, Json]:
        return {"pointer": self.pointer, "test": self.kind.value, "value": self.value}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Self:
        return cls(value["pointer"], Kind(value["test"]), value["value"])

    @property
    def sentence(self) -> str:
        name = self.pointer.lstrip("/")
        if self.kind is Kind.UNDER:
            return f"`{name}` anywhere below {self.value}"
        if self.kind is Kind.HOST:
            return f"`{name}` any address at {self.value}"
        return f"`{name}` any text"

    def holds(self, value: Json) -> bool:
        if not isinstance(value, str):
            return False
        if self.kind is Kind.UNDER:
            clean = posixpath.normpath(value)
            climbs = ".." in value.split("/")
            return value.startswith("/") and not climbs and (clean + "/").startswith(self.value.rstrip("/") + "/")
        if self.kind is Kind.HOST:
            return _origin(value) == self.value
        return True


@dataclass(frozen=True, slots=True)
class Predicate:
    """Which calls a grant covers."""

    server: str
    tool: str
    arguments: Json
    """Redacted, as approved."""
    loosened: tuple[Loosened, ...] = ()

    def as_json(self) -> dict[str, Json]:
        return {
            "server": self.server,
            "tool": self.tool,
            "arguments": self.arguments,
            "loosened": [place.as_json() for place in self.loosened],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Self:
        loosened = tuple(Loosened.from_json(place) for place in value["loosened"])
        return cls(value["server"], value["tool"], value["arguments"], loosened)

    def covers(self, server: str, tool: str, arguments: Json) -> bool:
        """Whether a call, its arguments redacted, is one of these. Total."""
        if (server, tool) != (self.server, self.tool):
            return False
        theirs, ours = arguments, self.arguments
        for place in self.loosened:
            steps = [step.replace("~1", "/").replace("~0", "~") for step in place.pointer.split("/")[1:]]
            if not place.holds(_value(theirs, steps)):
                return False
            theirs, ours = _without(theirs, steps), _without(ours, steps)
        return canonical(theirs) == canonical(ours)

    @property
    def sentence(self) -> str:
        """What the reviewer agrees to, in words."""
        if not self.loosened:
            return f"exactly this call of {self.tool} on {self.server}"
        places = "; ".join(place.sentence for place in self.loosened)
        return f"{self.tool} on {self.server}, with {places}; everything else exactly as here"


def offers(arguments: Mapping[str, Json]) -> tuple[Loosened, ...]:
    """The places of a call that a reviewer may loosen, derived from what they hold; computed on redacted arguments."""
    found: list[Loosened] = []
    for target in targets(arguments):
        place = _offer(target, arguments)
        if place is not None:
            found.append(place)
    return tuple(found[:OFFERED])


def _offer(target: Target, arguments: Mapping[str, Json]) -> Loosened | None:
    value = _value(arguments, target.pointer.split("/")[1:])
    if not isinstance(value, str):
        return None
    if target.aim is Aim.TEXT and target.key not in ("code", "script", "command", "sql", "query"):
        return Loosened(target.pointer, Kind.ANY)
    if target.aim is Aim.PLACE:
        origin = _origin(value)
        if origin:
            return Loosened(target.pointer, Kind.HOST, origin)
        folder = posixpath.dirname(posixpath.normpath(value))
        if value.startswith("/") and ".." not in value.split("/") and folder.count("/") >= 2:
            return Loosened(target.pointer, Kind.UNDER, folder)
    return None


def _origin(value: str) -> str:
    """Scheme, host and port of a web address that hides nothing; empty for anything else."""
    link = parse(value) if "://" in value else None
    if link is None or link.scheme not in ("http", "https") or link.disguised or link.has_login or not link.host:
        return ""
    return f"{link.scheme}://{link.host}" + (f":{link.port}" if link.port else "")


def _value(node: Json, steps: Sequence[str]) -> Json:
    for step in steps:
        if isinstance(node, Mapping) and step in node:
            node = node[step]
        elif isinstance(node, list | tuple) and step.isascii() and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node


def _without(node: Json, steps: Sequence[str]) -> Json:
    """A copy in which the value at this place is null."""
    if not steps:
        return None
    if isinstance(node, Mapping):
        return {key: _without(child, steps[1:]) if key == steps[0] else child for key, child in node.items()}
    if isinstance(node, list | tuple):
        return [_without(child, steps[1:]) if str(i) == steps[0] else child for i, child in enumerate(node)]
    return node
