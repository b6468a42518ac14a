"""Arguments in redacted form as a list of leaves: what stands where, and what to call that place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from toolguard.core.layout.highlight import Token
from toolguard.core.model import Json, pointer

Leaf = tuple[str, Json]
"""A JSON Pointer and the value there."""


def top(at: str) -> str:
    """The top-level argument that a leaf belongs to, in one spelling."""
    return _unescaped(at.split("/")[1]).lower().replace("-", "_") if at else ""


def below(role: str, at: str) -> str:
    """The role's name, and below it the way to the leaf."""
    return " › ".join((role, *map(_unescaped, at.split("/")[2:])))


def label(at: str) -> str:
    return " › ".join(_unescaped(step) for step in at.split("/")[1:]) or "arguments"


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def leaves(value: Json, at: str = "") -> Iterable[Leaf]:
    """Leaves in document order; an empty list or object is a leaf too, since its being empty is worth seeing."""
    stack: list[Leaf] = [(at, value)]
    while stack:
        where, node = stack.pop()
        if isinstance(node, Mapping) and node:
            stack.extend((where + pointer(str(key)), child) for key, child in reversed(list(node.items())))
        elif isinstance(node, list | tuple) and node:
            stack.extend((where + pointer(i), node[i]) for i in range(len(node) - 1, -1, -1))
        else:
            yield where, node


def without_markers(value: Json, at: str, found: dict[str, list[Token]]) -> Json:
    """Arguments with each marker of redaction replaced by as many letters as the secret had, and where they stand.

    So a finding's span, counted in the text as it was, still points at the same words.
    """
    if isinstance(value, Mapping):
        if len(value) == 1:
            if "$redacted" in value:
                return _stand_in((value,), at, found)
            if isinstance(parts := value.get("$parts"), list):
                return _stand_in(parts, at, found)
        return {
            (key := _unstuffed(str(name))): without_markers(child, at + pointer(key), found)
            for name, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_markers(child, at + pointer(index), found) for index, child in enumerate(value)]
    return value


def _unstuffed(key: str) -> str:
    """A key that looked like a marker got one more `$` when it came in."""
    return key[1:] if key.startswith("$$") and key.lstrip("$") in {"redacted", "parts"} else key


def _stand_in(parts: Sequence[Json], at: str, found: dict[str, list[Token]]) -> str:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        marker = part.get("$redacted") if isinstance(part, Mapping) else None
        marker = marker if isinstance(marker, Mapping) else {}
        length = marker.get("len")
        size = min(length, 4096) if isinstance(length, int) and length > 0 else 8
        rule = str(marker.get("rule", "secret"))
        found.setdefault(at, []).append(Token(len(text), len(text) + size, rule))
        text += "x" * size
    return text


def literal(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return str(value)
