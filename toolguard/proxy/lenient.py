"""JSON-RPC messages of a server, read as leniently as its client may read them: what it can read must be looked at."""

from __future__ import annotations

import json
from typing import Final

from toolguard.core import strict_json
from toolguard.core.canonical import parse
from toolguard.core.model import Json


def read(line: bytes) -> Json:
    """A server's line as parsed; None when it is no JSON-RPC message, a list when it is a batch of them."""
    try:
        value = parse(line)
    except ValueError:
        # What stricter parsers refuse, clients may still read: NaN, half surrogates, bytes that are no UTF-8.
        try:
            loose = json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None)
            value = parse(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list):
        return value if value and all(_is_message(each) for each in value) else None
    return value if _is_message(value) else None


def _is_message(value: Json) -> bool:
    return isinstance(value, dict) and "jsonrpc" in value and not value.keys().isdisjoint(_KINDS)


_KINDS: Final = frozenset({"method", "result", "error"})


def is_strict(line: bytes) -> bool:
    """Whether every parser reads this line in the same way."""
    try:
        strict_json.parse(line)
    except strict_json.NotStrict:
        return False
    return True
