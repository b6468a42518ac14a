"""Reads a call: which argument holds which language, each parsed once; everything that judges looks only at this.

Total: `read` never raises. What is too large or cannot be parsed is listed in `unread` and must be asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from toolguard.core import roles
from toolguard.core.acts import NOWHERE, Act, Contact, FileOp, FileUse, Place
from toolguard.core.model import Json, ToolCall, pointer
from toolguard.core.roles import Language
from toolguard.core.shell.collect import Collector, argv
from toolguard.core.sql.parse import Sql, read_sql

__all__ = ["Fragment", "Language", "Reading", "Unread", "read"]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A string of the arguments, or a piece of code inside one, and its language."""

    language: Language
    text: str
    place: Place
    dialect: str = ""
    nested: bool = False
    """It stood inside another language, for example SQL after `psql -c`; its place is then that of the whole
    command.
    """


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
    """What this call would do, as far as its arguments say so. Total: what is beyond the budget or unparsable is
    `unread`.
    """
    leaves, complete = _leaves(call.arguments)
    texts = tuple([(where, text) for where, text, _ in leaves])
    if not complete:
        return Reading(
            call,
            unread=(Unread("too-large", "the arguments are too large or too deeply nested to be read", NOWHERE),),
            texts=texts,
        )
    try:
        return _Read(call, roles.of_call(call)).all(leaves, texts)
    except Exception as error:  # noqa: BLE001 - a text that breaks our reading must be asked about, whatever broke
        failed = Unread("failed", f"reading the arguments failed ({type(error).__name__})", NOWHERE)
        return Reading(call, unread=(failed,), texts=texts)


MAX_CHARACTERS: Final = 1_500_000
MAX_LEAVES: Final = 3_000
MAX_LEVELS: Final = 64
FLAT: Final = 16
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
# Counted work (bytes, nodes, depth) that keeps the worst argument under 50 ms.


def _leaves(arguments: Mapping[str, Json]) -> tuple[list[tuple[str, str, str]], bool]:
    """(pointer, text, name of the nearest key) of every string, and whether all of it is within the budget."""
    if len(arguments) <= FLAT and _SCALARS.issuperset(map(type, arguments.values())):
        # The usual call: a few arguments, none of them nested.
        flat = [(pointer(name), value, str(name)) for name, value in arguments.items() if type(value) is str]
        return flat, sum([len(text) for _, text, _ in flat]) <= MAX_CHARACTERS
    found: list[tuple[str, str, str]] = []
    stack: list[tuple[str, str, Json, int]] = [("", "", arguments, 0)]
    visited = characters = 0
    while stack:
        where, key, node, level = stack.pop()
        visited += 1
        if visited > MAX_LEAVES or level > MAX_LEVELS:
            return found, False
        if isinstance(node, str):
            characters += len(node)
            if characters > MAX_CHARACTERS:
                return found, False
            found.append((where, node, key))
        elif isinstance(node, Mapping):
            if len(node) > MAX_LEAVES:
                return found, False
            stack.extend(
                (where + pointer(name), str(name), child, level + 1) for name, child in reversed(list(node.items()))
            )
        elif isinstance(node, list | tuple):
            if len(node) > MAX_LEAVES:
                return found, False
            stack.extend((where + pointer(i), key, node[i], level + 1) for i in range(len(node) - 1, -1, -1))
    return found, True


class _Read:
    """The reading of one call, under way."""

    def __init__(self, call: ToolCall, tool: roles.Tool) -> None:
        self.call, self.tool = call, tool
        self.fragments: list[Fragment] = []
        self.sql: list[tuple[Fragment, Sql]] = []
        self.collector = Collector()

    def all(self, leaves: list[tuple[str, str, str]], texts: tuple[tuple[str, str], ...]) -> Reading:
        joined = self._argv()
        for where, text, key in leaves:
            if text and not (joined and where.partition("/")[2].partition("/")[0] in joined):
                self._leaf(where, text, key)
        self._http(leaves)
        collected = self.collector
        for language, text, place in collected.nested:
            if language == "sql":
                self._statements(text, place, "", nested=True)
        return Reading(
            self.call,
            tuple(self.fragments),
            tuple(collected.acts),
            tuple(collected.files),
            tuple(collected.contacts),
            tuple(self.sql),
            tuple(Unread(reason, sentence, place) for reason, sentence, place in collected.unread),
            texts,
        )

    def _argv(self) -> set[str]:
        """A program and its words apart: `{"command": "rm", "args": ["-rf", "/"]}`, or a list of words."""
        arguments = self.call.arguments
        for key, value in arguments.items():
            shown = roles.of_parameter(self.tool, key)
            if shown is not Language.SHELL:
                continue
            rest = next(
                (
                    arguments[name]
                    for name in ("args", "argv", "arguments", "params")
                    if name != key and isinstance(arguments.get(name), list | str)
                ),
                None,
            )
            words = (
                [str(part) for part in value]
                if isinstance(value, list) and all(isinstance(part, str | int) for part in value)
                else None
            )
            if words and (self.tool.runs_shell or key in ("argv", "cmd", "command")):
                text, place = " ".join(words), Place(pointer(key))
                self.fragments.append(Fragment(Language.SHELL, text, place))
                if len(words) > 1 and all(" " not in word for word in words[:1]):
                    self.collector.command(argv(words), place)
                else:
                    for word in words:
                        self.collector.text("shell", word, place)
                return {key.replace("~", "~0").replace("/", "~1")}
            if isinstance(value, str) and rest and " " not in value.strip():
                extra = [str(part) for part in rest] if isinstance(rest, list) else rest.split()
                place = Place(pointer(key))
                self.fragments.append(Fragment(Language.SHELL, " ".join([value, *extra]), place))
                self.collector.command(argv([value, *extra]), place)
                return {key, "args", "argv", "arguments", "params"}
        return set()

    def _leaf(self, where: str, text: str, key: str) -> None:
        language = roles.of_value(self.tool, key, text)
        if language is Language.TEXT:
            if len(text) < 4096 and "://" in text[:12] and roles.is_url(text):
                place = Place(where, 0, len(text))
                self.fragments.append(Fragment(Language.URL, text, place))
                self._link(text, place)
            return
        place = Place(where, 0, len(text))
        dialect = self.tool.dialect(self.call.arguments) if language is Language.CODE else ""
        if language is Language.CODE and dialect in _SHELL_DIALECTS:
            language = _SHELL_DIALECTS[dialect]
        self.fragments.append(Fragment(language, text, place, dialect))
        if language is Language.SHELL:
            self.collector.shell(text, place, spans=True)
        elif language is Language.SQL:
            self._statements(text, place, self.tool.sql_dialect, nested=False)
        elif language is Language.URL:
            self._link(text, place)
        elif language is Language.PATH:
            self._path(text, place, key)
        else:
            self.collector.text(dialect or language.value, text, place)

    def _statements(self, text: str, place: Place, dialect: str, *, nested: bool) -> None:
        fragment = Fragment(Language.SQL, text, place, dialect, nested)
        if nested:
            self.fragments.append(fragment)
        self.sql.append((fragment, read_sql(text, dialect or None)))

    def _path(self, text: str, place: Place, key: str) -> None:
        op, filtered = roles.file_op(self.tool, key)
        recursive = op is FileOp.DELETE and any(
            self.call.arguments.get(name) is True for name in ("recursive", "recurse", "force")
        )
        content = self._content() if op is FileOp.WRITE else None
        self.collector.use(
            FileUse(
                op,
                text,
                place,
                recursive,
                filtered,
                append=op is FileOp.WRITE and content is None,
                content=content,
                program=self.call.tool,
            )
        )

    def _content(self) -> str | None:
        for name in (
            "content",
            "contents",
            "text",
            "file_text",
            "new_string",
            "new_str",
            "body",
            "insert_text",
            "data",
            "new_text",
            "code",
            "source",
            "new_source",
        ):
            value = self.call.arguments.get(name)
            if isinstance(value, str):
                return value
        edits = self.call.arguments.get("edits")
        if isinstance(edits, list):
            return "\n".join(
                str(e.get("newText") or e.get("new_string") or "") for e in edits[:100] if isinstance(e, Mapping)
            )
        return None

    def _link(self, text: str, place: Place) -> None:
        if text.startswith("file:"):
            self.collector.use(FileUse(roles.file_op(self.tool, "path")[0], text, place, program=self.call.tool))
            return
        method = self.call.arguments.get("method") or self.call.arguments.get("http_method")
        verb = str(method).upper()[:10] if isinstance(method, str) else self.tool.http_method
        self.collector.use(Contact(text, place, verb, body=self._body(), program="tool"))

    def _body(self) -> str | None:
        """What the call would send along, as text."""
        for name in ("body", "data", "payload", "json", "content", "frames", "message", "form"):
            value = self.call.arguments.get(name)
            if value:
                return value if isinstance(value, str) else str(value)[:20_000]
        return None

    def _http(self, leaves: list[tuple[str, str, str]]) -> None:
        """Host and port given apart from each other."""
        arguments = self.call.arguments
        if self.collector.contacts:
            return
        for name in ("host", "hostname", "ip", "ip_address", "domain", "server_address", "remote_host"):
            value = arguments.get(name)
            if isinstance(value, str) and roles.is_host(value):
                port = arguments.get("port")
                address = f"//{value}:{port}" if isinstance(port, int | str) and str(port).isdigit() else f"//{value}"
                self.collector.contacts.append(
                    Contact(address, Place(pointer(name), 0, len(value)), self.tool.http_method, program="setting")
                )


_SHELL_DIALECTS: Final = {
    "shell": Language.SHELL,
    "bash": Language.SHELL,
    "sh": Language.SHELL,
    "zsh": Language.SHELL,
    "powershell": Language.POWERSHELL,
    "pwsh": Language.POWERSHELL,
    "python": Language.PYTHON,
    "python3": Language.PYTHON,
    "py": Language.PYTHON,
    "sql": Language.SQL,
    "cmd": Language.CMD,
    "batch": Language.CMD,
}
