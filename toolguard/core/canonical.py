"""One byte string for one value: canonical JSON `tg-c14n/1`, and the digests that stand on it.

`tg-c14n/1` is RFC 8785 (JSON Canonicalization Scheme) with one difference: an integer beyond 2^53 - 1 is written
as its exact digits. RFC 8785 rounds there, so two calls with different 64-bit ids would share a fingerprint.
The only door to orjson.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from toolguard.core.model import Json, Principal, ToolCall, ToolDefinition

MAX_DEPTH: Final = 200
"""Deeper values are refused; the wire allows 64 (core/strict_json.py), markers of redaction add a few."""


def canonical(value: Json) -> bytes:
    """The canonical bytes of a JSON value.

    Raises ValueError for what JSON cannot say: NaN, infinities, lone surrogates, keys that are no strings,
    or nesting beyond MAX_DEPTH.
    """
    if _is_plain(value, MAX_DEPTH):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            pass  # an integer beyond 64 bits, or a lone surrogate: the exact path below tells them apart
    parts: list[str] = []
    _write(value, parts)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise ValueError("text with a lone surrogate") from error


def canonical_flat(value: Mapping[str, str | int]) -> bytes:
    """`canonical` of one object with ASCII keys and values that are text or 64-bit integers, without looking."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def text(value: Json) -> str:
    """`canonical` as text."""
    return canonical(value).decode()


def parse(encoded: bytes | str) -> Json:
    """JSON that we wrote ourselves. Never for judging: it keeps the last of two equal keys."""
    return orjson.loads(encoded)


def compact(value: Json) -> bytes:
    """JSON without spaces, keys in their own order, for messages on a wire.

    Raises ValueError for what JSON cannot say.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        # An integer beyond 64 bits, which is legal JSON and in use as an id, or a lone surrogate, which is not.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def compact_text(value: Json) -> str:
    """JSON on one line, for what no digest covers."""
    return orjson.dumps(value).decode()


def pretty(value: Json) -> str:
    """Indented JSON for people, keys in their own order."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def digest(tag: str, value: Json) -> str:
    """Lower-case hex SHA-256 over tag, NUL, canonical JSON. The tag keeps digests of different kinds apart."""
    return hashlib.sha256(tag.encode() + b"\0" + canonical(value)).hexdigest()


def definition_fingerprint(server: str, launch: Sequence[str], definition: ToolDefinition) -> str:
    """What a tool is: its server, how that is launched, and everything the server says of the tool."""
    return digest(
        "toolguard/definition/v1",
        {"server": server, "launch": list(launch), "definition": definition.as_json()},
    )


def call_fingerprint(call: ToolCall, redacted_arguments: Json, redacted_params: Json) -> str:
    """What a call is. `_meta` and the wording of a justification stay outside: they differ from try to try."""
    return call_fingerprint_of(
        call.server, call.tool, call.definition_fp, redacted_arguments, redacted_params, call.principal
    )


def call_fingerprint_of(
    server: str,
    tool: str,
    definition_fp: str,
    redacted_arguments: Json,
    redacted_params: Json,
    principal: Principal,
) -> str:
    return digest(
        "toolguard/call/v1",
        {
            "server": server,
            "tool": tool,
            "definition": definition_fp,
            "arguments": redacted_arguments,
            "params": redacted_params,
            "principal": principal.as_json(),
        },
    )


_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def binding_code(request_digest: str) -> str:
    """Six letters for people to compare, like `K7Q-2MX`: the first 30 bits in Crockford's base 32."""
    bits = int(hashlib.sha256(b"toolguard/code/v1\0" + request_digest.encode()).hexdigest()[:8], 16) >> 2
    letters = "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(25, -1, -5))
    return f"{letters[:3]}-{letters[3:]}"


_LEAVES: Final = frozenset({str, int, bool, type(None)})


def _is_plain(value: Json, depth: int) -> bool:  # noqa: C901 - flat on purpose: it runs over every call
    """Whether orjson's sorted output equals RFC 8785: no floats, and keys whose UTF-16 order is their UTF-8 order."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        return True
    if depth == 0:
        raise ValueError("nested too deeply")
    if kind is dict:
        for key, child in value.items():
            if type(key) is not str:
                raise ValueError("a key that is no string")
            if not key.isascii() and max(key) >= "\ud800":
                return False
            if type(child) not in _LEAVES and not _is_plain(child, depth - 1):
                return False
        return True
    if kind is list:
        for child in value:  # noqa: SIM110 - a generator would cost more than the look
            if type(child) not in _LEAVES and not _is_plain(child, depth - 1):
                return False
        return True
    return isinstance(value, str | int)


def _write(value: Json, out: list[str], depth: int = MAX_DEPTH) -> None:  # noqa: C901 - one branch a JSON type
    if depth == 0:
        raise ValueError("nested too deeply")
    if value is None:
        out.append("null")
    elif value is True:
        out.append("true")
    elif value is False:
        out.append("false")
    elif isinstance(value, str):
        out.append(_string(value))
    elif isinstance(value, int):
        out.append(str(value))
    elif isinstance(value, float):
        out.append(_number(value))
    elif isinstance(value, Mapping):
        out.append("{")
        for index, key in enumerate(sorted(value, key=_utf16)):
            out.append("," if index else "")
            out.append(_string(key))
            out.append(":")
            _write(value[key], out, depth - 1)
        out.append("}")
    elif isinstance(value, list | tuple):
        out.append("[")
        for index, child in enumerate(value):
            out.append("," if index else "")
            _write(child, out, depth - 1)
        out.append("]")
    else:
        raise ValueError(f"{type(value).__name__} is not JSON")


def _utf16(key: str) -> bytes:
    """RFC 8785 section 3.2.3 sorts keys by UTF-16 code units."""
    if not isinstance(key, str):
        raise ValueError("a key that is no string")  # noqa: TRY004 - one kind of error for all that is not JSON
    return key.encode("utf-16-be", "surrogatepass")


def _string(value: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise ValueError("text with a lone surrogate") from error


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 6.1.6.1.20), which RFC 8785 section 3.2.2.3 prescribes."""
    if not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if value == 0:
        return "0"
    if value < 0:
        return "-" + _number(-value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + (fraction if fraction != "0" else "")).lstrip("0")
    leading = len(whole.lstrip("0")) if whole != "0" else -(len(fraction) - len(fraction.lstrip("0")))
    point = leading + int(exponent or 0)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = point - 1
    sign = "+" if power > 0 else "-"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{sign}{abs(power)}"
