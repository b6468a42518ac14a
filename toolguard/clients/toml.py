"""Server entries of TOML files, located to the character.

The one door to tomlkit. Python's own parser says whether a file is sound and where it breaks. tomlkit keeps every
character of a file but tells no positions, so they are measured: each value of interest is swapped for a marker, the
document is written out, and the marker's place in that output, corrected by the lengths swapped before it, is the
value's place in the file. What does not line up exactly is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

import tomlkit
from tomlkit import items
from tomlkit.exceptions import TOMLKitError

from toolguard.clients.entry import SECRET_MEMBERS, Entry, Format, NewMember, Span, refuse
from toolguard.core.model import Json

_MARKER = "toolguard-marker-{:06}-end"
_MARKED = re.compile(r'"toolguard-marker-(\d{6})-end"')


_Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""


def read(text: str, file: str, containers: tuple[tuple[str, ...], ...]) -> tuple[Entry, ...]:
    """The entries below each container, a path of table names.

    Raises ConfigError where the file is not TOML, where a container is no table, and where a value cannot be located.
    """
    document = _parse(text, file)
    found = [
        ((*container, name), entry)
        for container in containers
        for name, entry in _below(document, container, text, file)
    ]
    spans = _locate(text, file, list(_paths(found)))
    return tuple(_entry(text, pointer, entry, spans) for pointer, entry in found)


def _parse(text: str, file: str) -> tomlkit.TOMLDocument:
    try:
        tomllib.loads(text)
        return tomlkit.parse(text)
    except tomllib.TOMLDecodeError as error:
        what, offset = _explained(str(error), text)
        raise refuse(f"not valid TOML: {what}", text, offset, file) from None
    except RecursionError:
        raise refuse("nested too deeply to be read", text, 0, file) from None
    except (TOMLKitError, ValueError) as error:
        raise refuse(f"not valid TOML: {error}", text, 0, file) from None


def _explained(message: str, text: str) -> tuple[str, int]:
    """What is wrong and where, from `Cannot overwrite a value (at line 3, column 14)` or `... (at end of document)`."""
    what, _, where = message.rpartition(" (at ")
    at = re.match(r"line (\d+), column (\d+)", where)
    what = what[:1].lower() + what[1:]
    if at is None:
        return what, len(text)
    return what, sum(len(line) + 1 for line in text.split("\n")[: int(at[1]) - 1]) + int(at[2]) - 1


def _below(
    document: tomlkit.TOMLDocument, container: tuple[str, ...], text: str, file: str
) -> Iterator[tuple[str, Json]]:
    table: Json = document
    for name in container:
        if name not in table:
            return
        table = table[name]
        if not isinstance(table, Mapping):
            raise refuse(f"`{name}` must be a table", text, max(text.find(name), 0), file)
    for name in table:
        yield str(name), table[name]


def _paths(found: list[tuple[tuple[str, ...], Json]]) -> Iterator[_Path]:
    """What must be located: command, args, the elements of args, and what may be secret."""
    for pointer, entry in found:
        if not isinstance(entry, Mapping):
            continue
        if "command" in entry:
            yield (*pointer, "command")
        if isinstance(entry.get("args"), items.Array):
            yield (*pointer, "args")
            for index in range(len(entry["args"])):
                yield (*pointer, "args", index)
        for member in SECRET_MEMBERS:
            if isinstance(entry.get(member), Mapping):
                for name in entry[member]:
                    yield (*pointer, member, str(name))


def _locate(text: str, file: str, paths: list[_Path]) -> dict[_Path, Span]:
    """The span of each value; arrays and their elements in a pass each, since they lie within each other."""
    arrays = [path for path in paths if path[-1] == "args"]
    return _measure(text, file, arrays) | _measure(text, file, [path for path in paths if path[-1] != "args"])


def _measure(text: str, file: str, paths: list[_Path]) -> dict[_Path, Span]:
    document = tomlkit.parse(text)
    originals: list[str] = []
    for number, path in enumerate(paths):
        parent: Json = document
        for key in path[:-1]:
            parent = parent[key]
        originals.append(parent[path[-1]].as_string())
        parent[path[-1]] = _MARKER.format(number)

    spans: dict[_Path, Span] = {}
    shift = 0
    for marked in _MARKED.finditer(document.as_string()):
        number = int(marked[1])
        start = marked.start() + shift
        spans[paths[number]] = Span(start, start + len(originals[number]))
        shift += len(originals[number]) - len(marked.group())
    if [text[spans[path].start : spans[path].end] for path in paths if path in spans] != originals:
        hint = "write its table as [mcp_servers.NAME] with `command` and `args` below"
        raise refuse("a server cannot be located in this layout", text, 0, file, hint)
    return spans


def _entry(text: str, pointer: tuple[str, ...], entry: Json, spans: Mapping[_Path, Span]) -> Entry:
    if not isinstance(entry, Mapping):
        return Entry(pointer, {}, max(text.find(pointer[-1]), 0))
    command, args = spans.get((*pointer, "command")), spans.get((*pointer, "args"))
    inline = isinstance(entry, items.InlineTable)
    return Entry(
        pointer=pointer,
        members=entry.unwrap() if hasattr(entry, "unwrap") else dict(entry),
        at=command.start if command else max(text.find(pointer[-1]), 0),
        command=command,
        args=args,
        elements=tuple(span for path, span in spans.items() if path[:-1] == (*pointer, "args")),
        args_member=_args_member(text, command, args, inline) if command and args else None,
        new_args=_new_args(text, command, inline) if command and "args" not in entry else None,
        secrets=tuple(
            span for path, span in spans.items() if path[:-1] in {(*pointer, member) for member in SECRET_MEMBERS}
        ),
    )


def _args_member(text: str, command: Span, args: Span, inline: bool) -> Span | None:
    """What was added with the args: in an inline table what follows the command, else the line above it."""
    if inline:
        return Span(command.end, args.end) if command.end < args.start else None
    start = text.rfind("\n", 0, args.start) + 1
    end = text.find("\n", args.end) + 1
    return Span(start, end) if end and not text[args.end : end].strip() else None


def _new_args(text: str, command: Span, inline: bool) -> NewMember:
    """In an inline table after the command; else on a line above it, in the same words as the command's line."""
    if inline:
        return NewMember(command.end, ", args = ", "")
    start = text.rfind("\n", 0, command.start) + 1
    key = "args".join(text[start : command.start].rsplit("command", 1))
    return NewMember(start, key, "\r\n" if "\r\n" in text else "\n")


def _quote(value: str) -> str:
    return items.String.from_raw(value).as_string()


TOML = Format(read=read, quote=_quote)
