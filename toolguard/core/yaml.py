"""YAML 1.2 into plain values that know where they stood. The only door to ruamel.yaml.

Never builds objects: values are made here, from a table of the six tags that JSON knows. Size, depth and the copies
that aliases make are bounded, so that a small file cannot become a large value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from toolguard.core.model import Json, pointer
from toolguard.errors import ConfigError

SIZE: Final = 1_000_000
"""Characters of a file."""
NODES: Final = 50_000
"""Values in a document, copies by aliases counted: ten lines of nested aliases make a billion ("billion laughs")."""
DEPTH: Final = 64
"""Levels of nesting, as on the wire."""

_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file."""

    value: Json
    keys: Mapping[str, Mark]
    """By JSON Pointer: where the key stands, or the item for a member of a list."""
    values: Mapping[str, Mark]
    """By JSON Pointer: where the value stands."""


def parse(text: str, file: str) -> Document:
    """One document. Raises ConfigError with the place; `file` is only named in it."""
    if len(text) > SIZE:
        raise ConfigError(f"the file is larger than {SIZE:,} characters", file=file)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise ConfigError(_problem(error), file=file, **place) from error
    except YAMLError as error:  # a character that YAML does not allow
        raise ConfigError(str(error).partition("\n")[0], file=file) from error
    except RecursionError as error:
        raise ConfigError(f"nested deeper than {DEPTH} levels", file=file) from error
    except (ValueError, AssertionError, AttributeError, IndexError, KeyError, TypeError) as error:
        # ruamel.yaml lets these through on some malformed directives, tags and escapes; found by fuzzing.
        raise ConfigError(f"not YAML 1.2: {error}", file=file) from error
    builder = _Builder(file)
    value = builder.build(node, "", 0) if node is not None else None
    return Document(value, builder.keys, builder.values)


class _Builder:
    """Turns nodes into values and remembers where they stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[str, Mark] = {}
        self.values: dict[str, Mark] = {}
        self._built = 0

    def build(self, node: Node, at: str, depth: int) -> Json:
        self._built += 1
        if self._built > NODES:
            self._fail(node, f"more than {NODES:,} values, copies by aliases counted")
        if depth > DEPTH:
            self._fail(node, f"nested deeper than {DEPTH} levels, or inside itself")
        self.values[at] = _mark(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, at, depth)
        if isinstance(node, SequenceNode):
            return self._sequence(node, at, depth)
        return self._scalar(node)

    def _mapping(self, node: MappingNode, at: str, depth: int) -> Json:
        if str(node.tag) != _TAG + "map":
            self._fail(node, f"tags build objects and are not allowed: `{node.tag}`")
        found: dict[str, Json] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode) or str(key.tag) not in _SCALARS:
                self._fail(key, "a key must be a word")
            if key.value in found:
                self._fail(key, f"`{key.value}` stands here twice")
            below = at + pointer(key.value)
            self.keys[below] = _mark(key)
            found[key.value] = self.build(child, below, depth + 1)
        return found

    def _sequence(self, node: SequenceNode, at: str, depth: int) -> Json:
        if str(node.tag) != _TAG + "seq":
            self._fail(node, f"tags build objects and are not allowed: `{node.tag}`")
        found: list[Json] = []
        for i, child in enumerate(node.value):
            below = at + pointer(i)
            self.keys[below] = _mark(child)
            found.append(self.build(child, below, depth + 1))
        return found

    def _scalar(self, node: Node) -> Json:
        read = _SCALARS.get(str(node.tag))
        if read is None:
            self._fail(node, f"tags build objects and are not allowed: `{node.tag}`")
        try:
            return read(node.value)
        except ValueError:
            self._fail(node, f"cannot be read as a value: {node.value[:40]!a}")

    def _fail(self, node: Node, message: str) -> NoReturn:
        mark = _mark(node)
        raise ConfigError(message, file=self.file, line=mark.line, column=mark.column)


def _mark(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(digits)


def _number(text: str) -> float:
    number = float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    return number


def _text(text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("half a character: it has no UTF-8 form")
    return text


_SCALARS: Final[Mapping[str, Callable[[str], Json]]] = {
    _TAG + "str": _text,
    _TAG + "int": _integer,
    _TAG + "float": _number,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "null": lambda _: None,
    _TAG + "timestamp": str,  # a date is text here; who wants a time parses it
}


def _problem(error: MarkedYAMLError) -> str:
    """ruamel.yaml's words on one line."""
    parts = [part for part in (error.context, error.problem) if part]
    return " ".join(", ".join(parts).split()) or "not YAML 1.2"
