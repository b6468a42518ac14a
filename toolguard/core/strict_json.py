"""Parses JSON in the one way that no other parser can read differently.

Two parsers that disagree about the same bytes are a way around a guard: it judges one call and the tool server
runs another (CVE-2026-27896, GHSA-q382-vc8q-7jhj, GHSA-4gph-2hhr-5mwg). So whatever parsers are known to read
in different ways is refused here, and nothing is repaired: a key that stands twice, NaN and Infinity, numbers
beyond a double, half a surrogate pair, a byte order mark, any encoding but UTF-8.
"""

from __future__ import annotations

import json
import unicodedata
from json import JSONDecodeError
from typing import Final

from toolguard.core.model import Json

MAX_BYTES: Final = 64 * 1024 * 1024
"""A message on a local pipe; 3 MB file contents are ordinary, so the limit only stops what would fill the memory."""
MAX_DEPTH: Final = 64
"""Deeper than any tool schema in use; a reader that recurses is safe up to here."""


class NotStrict(ValueError):
    """The text is not strict JSON; the message says which rule it breaks, in words that hold nothing of the text."""


def parse(raw: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Json:
    """The value of a JSON text.

    Raises: NotStrict.
    """
    if len(raw) > max_bytes:
        raise NotStrict(f"larger than {max_bytes} bytes")
    try:
        # json.loads would also take UTF-16 and UTF-32, which the next reader may not.
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrict("not UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise NotStrict(f"nested deeper than {max_depth}") from None
    except NotStrict:
        raise
    except JSONDecodeError as error:
        raise NotStrict(_what_is_wrong(error, text)) from None
    except ValueError:
        raise NotStrict("an integer with too many digits") from None
    if text.count("{") + text.count("[") > max_depth and _is_deeper_than(max_depth, value):
        raise NotStrict(f"nested deeper than {max_depth}")
    if "\\u" in text or isinstance(raw, str):
        _refuse_lone_surrogates(value)
    return value


def folded(key: str) -> str:
    """What a lenient reader may take a key for: without invisible characters, compatibility forms or case."""
    if key.isascii() and key.isprintable():
        return key.strip().casefold()
    visible = "".join(char for char in key if unicodedata.category(char) not in _INVISIBLE)
    return unicodedata.normalize("NFKC", visible).strip().casefold()


_INVISIBLE: Final = frozenset({"Cc", "Cf", "Mn", "Me"})
"""Control and format characters, and marks that draw onto their neighbour; ignorable characters are among them."""


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("a key stands twice")
    return members


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotStrict("a number beyond the range of a double")
    return number


def _constant(name: str) -> Json:
    raise NotStrict(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _what_is_wrong(error: JSONDecodeError, text: str) -> str:
    if text.startswith("\ufeff"):
        return "starts with a byte order mark"
    return f"not JSON: {error.msg.lower().removesuffix(' at')} at character {error.pos}"


def _is_deeper_than(limit: int, value: Json) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Json) -> list[Json]:
    if isinstance(node, dict):
        return [child for child in node.values() if isinstance(child, dict | list)]
    if isinstance(node, list):
        return [child for child in node if isinstance(child, dict | list)]
    return []


def _refuse_lone_surrogates(value: Json) -> None:
    """Only an escape can bring half a surrogate pair into a text that was UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrict("half a surrogate pair") from None
