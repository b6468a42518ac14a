"""Arguments that a reviewer rewrote: in redacted form, since whoever edits never sees a secret.

A marker may be kept where it stands, or left out. INVARIANT: no marker moves, so an edit cannot carry a secret to where
the agent's own call did not send it, and no secret is typed, so none is stored (tests/core/test_edits.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from toolguard.core.canonical import canonical
from toolguard.core.model import Json, pointer
from toolguard.core.secrets.redact import PARTS, REDACTED, Redactor, unescape

MOST_BYTES: Final = 48 * 1024
"""Of edited arguments in canonical form; the page takes bodies of 64 kB."""


class MovedMarkerError(ValueError):
    """A marker stands where the call as it was asked had no such secret; the message names the place."""


def is_marker(value: Json) -> bool:
    """Whether this stands for a secret; so does everything that only looks like a marker or like parts with one."""
    return isinstance(value, Mapping) and (REDACTED in value or (PARTS in value and parts_of(value) is None))


def parts_of(value: Json) -> list[Json] | None:
    """The texts and markers of a text with secrets in it; None for anything else."""
    parts = value.get(PARTS) if isinstance(value, Mapping) and len(value) == 1 else None
    return parts if isinstance(parts, list) else None


def refusal(edited: Json, asked: Mapping[str, Json], redactor: Redactor) -> str:
    """Why these arguments cannot replace the redacted ones, in words for the reviewer; empty when they can."""
    if is_marker(asked):
        return "these arguments are hidden as a whole, so nobody can rewrite them here"
    if not isinstance(edited, Mapping) or is_marker(edited) or parts_of(edited) is not None:
        return "the arguments of a call are an object"
    try:
        if len(canonical(edited)) > MOST_BYTES:
            return f"edited arguments may have {MOST_BYTES:,} bytes at most"
        if canonical(edited) == canonical(asked):
            return "nothing was changed"
        for _ in _foreign_markers(edited, asked, ""):
            pass
    except MovedMarkerError as error:
        return str(error)
    except (ValueError, RecursionError):
        return "these arguments are no JSON that every reader takes alike"
    bare = _bare(edited)
    if canonical(redactor.redact(_unescaped(bare))) != canonical(bare):
        return "something in it looks like a secret; those may be kept or left out here, not written"
    return ""


def resolved(edited: Json, redacted: Json, plain: Json) -> Any:
    """The edited arguments with each marker replaced by what it stands for in the plain ones.

    `redacted` is the redacted form of `plain`. Raises MovedMarkerError.
    """
    return _resolved(edited, redacted, plain, "")


def _resolved(edited: Json, redacted: Json, plain: Json, at: str) -> Json:
    if canonical(edited) == canonical(redacted):
        return plain
    if is_marker(edited):
        raise MovedMarkerError(f"{at or '/'} holds a secret that the call did not have there")
    parts = parts_of(edited)
    if parts is not None:
        return "".join(_text(part, redacted, plain, at) for part in parts)
    if isinstance(edited, Mapping):
        theirs = redacted if isinstance(redacted, Mapping) and parts_of(redacted) is None else {}
        values = plain if isinstance(plain, Mapping) else {}
        return {
            unescape(key): _resolved(child, theirs.get(key), values.get(unescape(key)), at + pointer(unescape(key)))
            for key, child in edited.items()
        }
    if isinstance(edited, list | tuple):
        padding = (None,) * len(edited)
        olds = [*(redacted if isinstance(redacted, list | tuple) else ()), *padding]
        plains = [*(plain if isinstance(plain, list | tuple) else ()), *padding]
        rows = zip(edited, olds, plains, strict=False)
        return [_resolved(child, old, value, at + pointer(i)) for i, (child, old, value) in enumerate(rows)]
    return edited


def _text(part: Json, redacted: Json, plain: Json, at: str) -> str:
    """One part of an edited text: itself, or the secret that this marker hides in the text as it was."""
    if isinstance(part, str):
        return part
    position = 0
    for old in parts_of(redacted) or ():
        length = len(old) if isinstance(old, str) else int(old[REDACTED]["len"])
        if not isinstance(old, str) and isinstance(plain, str) and canonical(old) == canonical(part):
            return plain[position : position + length]
        position += length
    raise MovedMarkerError(f"{at or '/'} holds a secret that the call did not have there")


def _foreign_markers(edited: Json, asked: Json, at: str) -> Iterator[None]:
    """Raises MovedMarkerError at the first marker that the call as it was asked has not in the same place."""
    if canonical(edited) == canonical(asked):
        return
    kept = [canonical(part) for part in parts_of(asked) or () if not isinstance(part, str)]
    markers = [edited] if is_marker(edited) else [p for p in parts_of(edited) or () if not isinstance(p, str)]
    if any(canonical(marker) not in kept for marker in markers):
        raise MovedMarkerError(f"{at or '/'} holds a secret that the call did not have there")
    if markers or parts_of(edited) is not None:
        return
    if isinstance(edited, Mapping):
        old = asked if isinstance(asked, Mapping) and parts_of(asked) is None else {}
        for key, child in edited.items():
            yield from _foreign_markers(child, old.get(key), at + pointer(unescape(key)))
    elif isinstance(edited, list | tuple):
        olds = asked if isinstance(asked, list | tuple) else ()
        for i, child in enumerate(edited):
            yield from _foreign_markers(child, olds[i] if i < len(olds) else None, at + pointer(i))


def _bare(value: Json) -> Json:
    """A redacted value without its markers: what is left must hold nothing that would be redacted."""
    if is_marker(value):
        return None
    parts = parts_of(value)
    if parts is not None:
        return [part for part in parts if isinstance(part, str)]
    if isinstance(value, Mapping):
        return {key: _bare(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(child) for child in value]
    return value


def _unescaped(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {unescape(key): _unescaped(child) for key, child in value.items()}
    return [_unescaped(child) for child in value] if isinstance(value, list) else value


def holds_secret(value: Json, at: str) -> bool:
    """Whether anything at or below this JSON Pointer into the plain value is hidden in this redacted one."""
    for step in at.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and not is_marker(value) and parts_of(value) is None:
            value = next((child for key, child in value.items() if unescape(key) == name), None)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
    return _hides(value)


def _hides(value: Json) -> bool:
    if is_marker(value):
        return True
    parts = parts_of(value)
    if parts is not None:
        return any(not isinstance(part, str) for part in parts)
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(_hides, inner))


def misfit(schema: Mapping[str, Json], value: Json, at: str = "") -> str:
    """Where a value does not fit the plain part of a tool's schema (type, required, enum, names); empty when it fits.

    What this does not read of JSON Schema is left to the tool, which refuses what it does not take.
    """
    if is_marker(value) or parts_of(value) is not None:
        return ""
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(wanted, list) and not any(_is_of(value, kind) for kind in wanted):
        return f"{at or '/'} must be {' or '.join(map(str, wanted))}"
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return f"{at or '/'} must be one of {', '.join(map(str, choices))}"[:500]
    if isinstance(value, Mapping):
        return _misfit_of_object(schema, value, at)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return next((found for i, child in enumerate(value) if (found := misfit(items, child, at + pointer(i)))), "")
    return ""


def _misfit_of_object(schema: Mapping[str, Json], value: Mapping[str, Json], at: str) -> str:
    properties, required = schema.get("properties"), schema.get("required")
    known: Mapping[str, Json] = properties if isinstance(properties, Mapping) else {}
    names = {unescape(key): child for key, child in value.items()}
    missing = [name for name in required if name not in names] if isinstance(required, list) else []
    if missing:
        return f"{at + pointer(missing[0])} is missing"
    if schema.get("additionalProperties") is False:
        unknown = sorted(set(names) - set(known))
        if unknown:
            return f"{at + pointer(unknown[0])} is no argument of this tool"
    for name, child in names.items():
        inner = known.get(name)
        found = misfit(inner, child, at + pointer(name)) if isinstance(inner, Mapping) else ""
        if found:
            return found
    return ""


_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": Mapping,
    "null": type(None),
}


def _is_of(value: Json, kind: Json) -> bool:
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    found = _KINDS.get(kind) if isinstance(kind, str) else None
    return found is None or isinstance(value, found)
