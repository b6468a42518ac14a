"""The words in which every language is read: what a call would do to files, to the network and to everything else.

A shell command, a Python program and a file tool all end up as the same three kinds of value, so a detector is
written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from toolguard.core.model import Confidence, EffectClass, Reach, Severity


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the arguments something was seen."""

    pointer: str = ""
    start: int | None = None
    end: int | None = None


NOWHERE = Place()


class FileOp(StrEnum):
    """What is done to a path."""

    READ = "read"
    LIST = "list"
    WRITE = "write"
    DELETE = "delete"
    MODE = "mode"
    OWNER = "owner"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class FileUse:
    """One path and what would happen to it."""

    op: FileOp
    path: str
    place: Place = NOWHERE
    recursive: bool = False
    """The whole tree below it."""
    filtered: bool = False
    """Only some of what lies below it: a search with conditions."""
    append: bool = False
    remote: bool = False
    """On another machine or in a container: declared roots say nothing about it."""
    privileged: bool = False
    content: str | None = None
    """What would be written, where the call says so."""
    program: str = ""
    """The command, function or tool that does it."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One party on the network and what would pass between."""

    address: str
    """A URL or a host, as written."""
    place: Place = NOWHERE
    method: str = "GET"
    sends: tuple[str, ...] = ()
    """Files whose content would leave."""
    body: str | None = None
    """Text that would leave, where the call says it."""
    saves_to: str = ""
    listens: bool = False
    """Waits for others to connect instead of connecting."""
    program: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Anything else that a call would do, taken from a table of commands and functions."""

    effect_class: EffectClass
    sentence: str
    """What it does, for the reviewer: starts in lower case, no full stop."""
    finding: str = ""
    """Id of the finding that it amounts to; empty when it is ordinary."""
    target: str = ""
    reach: Reach = Reach.UNKNOWN
    reversible: bool | None = None
    place: Place = NOWHERE
    program: str = ""
    severity: Severity | None = None
    """Differs from the finding's usual severity here."""
    confidence: Confidence | None = None
