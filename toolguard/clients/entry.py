"""One server in a client's configuration: what it says, and where in the text it says so.

Offsets count characters of the file's text without its byte order mark. The two formats have one door each
(`jsonc.py`, `toml.py`); what is done to an entry is decided in `wrap.py` and knows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from toolguard.core.model import Json
from toolguard.errors import ConfigError

SECRET_MEMBERS: Final = ("env", "headers", "http_headers")
"""Members of an entry whose values are credentials more often than not, so they are never shown."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NewMember:
    """How the text of a member that is not there yet would be written."""

    at: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A server as one client's file configures it."""

    pointer: tuple[str, ...]
    """The names that lead to it from the top of the file; the last one is the server's."""
    members: Mapping[str, Json]
    """The entry, decoded; empty when it is not an object."""
    at: int
    """Where the entry's value starts."""
    command: Span | None = None
    args: Span | None = None
    elements: tuple[Span, ...] = ()
    """Where each element of `args` stands; empty as well when `args` is not an array."""
    args_member: Span | None = None
    """What to cut to be rid of the member `args`, separator included; None when that cannot be done cleanly."""
    new_args: NewMember | None = None
    """How to add `args` when it is absent."""
    secrets: tuple[Span, ...] = ()

    @property
    def name(self) -> str:
        return self.pointer[-1]

    @property
    def argv(self) -> list[Json]:
        """What the client starts; elements may be anything that the file holds."""
        arguments = self.members.get("args", [])
        return [self.members.get("command"), *(arguments if isinstance(arguments, list) else [])]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Format:
    """A configuration format, as much of it as editing needs."""

    read: Callable[[str, str, tuple[tuple[str, ...], ...]], tuple[Entry, ...]]
    """(text, file name for messages, containers) -> entries in the order of the file; raises ConfigError."""
    quote: Callable[[str], str]
    """A string as a literal of the format."""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; they must not overlap."""
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda one: (one.span.start, one.span.end)):
        pieces += [text[position : edit.span.start], edit.text]
        position = edit.span.end
    return "".join([*pieces, text[position:]])


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def refuse(message: str, text: str, offset: int, file: str, hint: str = "") -> ConfigError:
    """The error for something wrong at `offset`."""
    line, column = place(text, offset)
    return ConfigError(
        message, file=file, line=line, column=column, hint=hint or "correct it in an editor; nothing was changed"
    )
