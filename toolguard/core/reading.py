"""Reads a call: which argument holds which language, each parsed once; everything that judges looks only at this.

Total: `read` never raises. What is too large or cannot be parsed is listed in `unread` and must be asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from toolguard.core.acts import Act, Contact, FileUse, Place
from toolguard.core.model import ToolCall
from toolguard.core.sql import Sql


class Language(StrEnum):
    """What an argument is written in."""

    SHELL = "shell"
    POWERSHELL = "powershell"
    CMD = "cmd"
    SQL = "sql"
    PYTHON = "python"
    CODE = "code"
    """Another programming language; `Fragment.dialect` names it."""
    URL = "url"
    PATH = "path"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A string of the arguments, or a piece of code inside one, and its language."""

    language: Language
    text: str
    place: Place
    dialect: str = ""
    nested: bool = False
    """It stood inside another language, for example SQL after `psql -c`; its place is then that of the whole command."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that nobody has looked into."""

    reason: str
    """`too-large`, `not-parsed`, `dynamic` or `encoded`."""
    sentence: str
    place: Place


@dataclass(frozen=True, slots=True)
class Reading:
    """A call as read."""

    call: ToolCall
    fragments: tuple[Fragment, ...] = ()
    acts: tuple[Act, ...] = ()
    files: tuple[FileUse, ...] = ()
    contacts: tuple[Contact, ...] = ()
    sql: tuple[tuple[Fragment, Sql], ...] = ()
    unread: tuple[Unread, ...] = ()
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Every string leaf with its pointer, as `model.strings` gives them."""


def read(call: ToolCall) -> Reading:
    """What this call would do, as far as its arguments say so. Total."""
    return Reading(call)
