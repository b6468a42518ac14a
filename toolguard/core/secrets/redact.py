"""Takes secrets out of what is written, shown or sent, and leaves a marker that still binds the call to their value.

A string that is a secret becomes `{"$redacted": {"rule": "github-token", "len": 40, "mac": "k1:<hex>"}}`; a secret
inside a longer text splits it into `{"$parts": [text, marker, text]}`. The mac is HMAC-SHA256 under a key that lives
beside the database, never in it: equal secrets give equal markers, which is what makes an identical retry
recognisable, and without the key a marker confirms no guess.

INVARIANT: the mapping is injective up to collisions of the mac, so two calls that differ never share a redacted form.
Keys `$redacted` and `$parts` that arrive from outside get one more `$`, so a marker cannot be forged. Held by
tests/core/test_redact.py.

Total: whatever fails on the way, the answer is a marker over the whole value and its bare shape, never the value.
Not found: secrets split over several strings, unknown formats without a telling name beside them, personal data.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote as percent_encode

from toolguard.core import regex
from toolguard.core.model import Json
from toolguard.core.secrets.contexts import CONTEXTS, VALUE_AT
from toolguard.core.secrets.formats import FORMATS
from toolguard.core.secrets.names import TELLING, is_secret_name, normal
from toolguard.core.secrets.personal import find_personal
from toolguard.core.secrets.spans import Budget, Span, find, may_hold_secret, merged
from toolguard.core.secrets.values import looks_random

REDACTED: Final = "$redacted"
PARTS: Final = "$parts"

_TAG: Final = b"toolguard/redact/v1"
_SHORTEST_KNOWN: Final = 6
"""Characters; a shorter value from the configuration stands in too many innocent texts."""
_SHAPE_DEPTH: Final = 8
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="


class Redactor:
    """Redacts under one key; frozen after construction and free to share between threads."""

    def __init__(
        self,
        key: bytes,
        key_id: str = "k1",
        extra_keys: Iterable[str] = (),
        known_values: Mapping[str, str] | None = None,
        *,
        personal: bool = False,
    ) -> None:
        """`known_values` are name -> value, for example of the upstream servers' environment; those are used whose
        name is that of a secret or whose value looks like one, so a folder's path may be handed in as well.
        `personal` takes out card numbers, bank accounts and social security numbers, too."""
        self._key = key
        self._key_id = key_id
        self._extra_keys = frozenset(normal(name) for name in extra_keys)
        self._known = _Known(known_values or {})
        self._personal = personal
        told = (*sorted(self._extra_keys), *sorted(self._known.rules), str(personal))
        self.digest: Final = hashlib.sha256(
            "\n".join((*map(repr, FORMATS), *CONTEXTS, VALUE_AT, *TELLING, *told)).encode()
        ).hexdigest()
        """Of the rules, not of the known values: what an auditor compares."""

    def redact(self, value: Json) -> Json:
        """The value with markers in place of secrets; the value itself where there is nothing to take out. Total."""
        try:
            walk = _Walk(self._extra_keys)
            walk.visit(value)
            if not walk.suspicious and not self._may_hold_secret("\n".join(walk.texts)):
                return value
            return self._redact(value, Budget())
        except Exception:  # noqa: BLE001 - whatever broke, nothing of the value may leave
            return self._unreadable(value)

    def text(self, text: str) -> str:
        """A plain text with visible placeholders instead of secrets, for prompts, errors and logs. Total."""
        try:
            spans = self.spans(text)
        except Exception:  # noqa: BLE001 - as above
            return "[redacted text]"
        pieces: list[str] = []
        at = 0
        for span in spans:
            pieces += (text[at : span.start], f"[redacted {span.rule}]")
            at = span.end
        return "".join((*pieces, text[at:])) if spans else text

    def spans(self, text: str, budget: Budget | None = None) -> tuple[Span, ...]:
        """Where the secrets of a text stand, in characters, from left to right, without overlap."""
        personal = find_personal(text) if self._personal else []
        return merged(self._known.find(text) + find(text, budget) + personal)

    def mac(self, secret: str) -> str:
        """The keyed digest that a marker of this secret carries, to answer "was it this value?"."""
        return self._mac(_TAG, _bytes(secret))

    def _may_hold_secret(self, text: str) -> bool:
        return self._personal or may_hold_secret(text) or self._known.may_occur(text)

    def _redact(self, value: Json, budget: Budget) -> Json:
        if isinstance(value, str):
            return self._string(value, budget)
        if isinstance(value, Mapping):
            return self._object(value, budget)
        if isinstance(value, list | tuple):
            return [self._redact(child, budget) for child in value]
        return value

    def _object(self, value: Mapping[str, Json], budget: Budget) -> Json:
        if any(self.spans(key, budget) for key in value if len(key) >= _SHORTEST_KNOWN):
            return self._whole("key-of-object", value)
        told = next((value[key] for key in _NAME_MEMBERS if isinstance(value.get(key), str)), "")
        return {
            _escape(key): self._named(child, budget)
            if self._is_secret_name(key) or (key in _VALUE_MEMBERS and told and self._is_secret_name(told))
            else self._redact(child, budget)
            for key, child in value.items()
        }

    def _named(self, value: Json, budget: Budget) -> Json:
        """What stands under the name of a secret: every scalar of it is one, except what says nothing."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(value, str):
            return self._marker("key-name", value)
        if isinstance(value, int | float):
            return self._whole("key-name", value)
        if isinstance(value, list | tuple):
            return [self._named(child, budget) for child in value]
        return self._redact(value, budget)

    def _string(self, text: str, budget: Budget) -> Json:
        spans = self.spans(text, budget)
        if not spans:
            return text
        if len(spans) == 1 and spans[0].start == 0 and spans[0].end == len(text):
            return self._marker(spans[0].rule, text)
        parts: list[Json] = []
        at = 0
        for span in spans:
            if span.start > at:
                parts.append(text[at : span.start])
            parts.append(self._marker(span.rule, text[span.start : span.end]))
            at = span.end
        if at < len(text):
            parts.append(text[at:])
        return {PARTS: parts}

    def _marker(self, rule: str, secret: str) -> Json:
        return {REDACTED: {"rule": rule, "len": len(secret), "mac": self.mac(secret)}}

    def _whole(self, rule: str, value: Json) -> Json:
        return {REDACTED: {"rule": rule, "mac": self._mac(_TAG + b"/json", _flat(value))}}

    def _unreadable(self, value: Json) -> Json:
        mac = self._mac(_TAG + b"/json", _flat(value))
        return {REDACTED: {"rule": "unreadable", "mac": mac, "shape": _shape(value, _SHAPE_DEPTH)}}

    def _mac(self, tag: bytes, message: bytes) -> str:
        digest = hmac.digest(self._key, tag + b"\0" + message, "sha256")
        return f"{self._key_id}:{digest.hex()}"

    def _is_secret_name(self, key: str) -> bool:
        return is_secret_name(key) or (bool(self._extra_keys) and normal(key) in self._extra_keys)


_NAME_MEMBERS: Final = ("name", "key", "variable", "header")
_VALUE_MEMBERS: Final = ("value", "val", "secret_value")
"""`{"name": "API_KEY", "value": "..."}`: lists of variables, headers and cookies spell a secret's name as a value."""


class _Walk:
    """One pass over a value that collects what the gate must look at."""

    __slots__ = ("_extra_keys", "suspicious", "texts")

    def __init__(self, extra_keys: frozenset[str]) -> None:
        self._extra_keys = extra_keys
        self.suspicious = False
        self.texts: list[str] = []

    def visit(self, value: Json) -> None:
        stack = [value]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                self.texts.append(node)
            elif node is None or isinstance(node, int | float):
                continue
            elif isinstance(node, dict | Mapping):
                for key, child in node.items():
                    if (
                        key in _VALUE_MEMBERS
                        or key[:1] == "$"
                        or is_secret_name(key)
                        or (self._extra_keys and normal(key) in self._extra_keys)
                    ):
                        self.suspicious = True
                    if len(key) >= _SHORTEST_KNOWN:
                        self.texts.append(key)
                    stack.append(child)
            elif isinstance(node, list | tuple):
                stack.extend(node)
            else:
                raise TypeError("not JSON")


class _Known:
    """Secrets that the configuration gives us, found as they are and in the encodings they travel in."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._rule_of: dict[bytes, str] = {}
        self._encoded: set[bytes] = set()
        self.rules: list[str] = []
        for name, value in values.items():
            if len(value) >= _SHORTEST_KNOWN and (is_secret_name(name) or looks_random(value)):
                rule = f"known:{name}"
                self.rules.append(rule)
                for form in _forms(value):
                    self._rule_of.setdefault(form, rule)
                self._encoded.update(_in_base64(_bytes(value)))
        longest_first = sorted(self._rule_of, key=lambda form: (-len(form), form))
        self._pattern = (
            regex.compile_bytes("|".join(regex.quote(form) for form in longest_first)) if longest_first else None
        )

    def may_occur(self, text: str) -> bool:
        return self._pattern is not None and self._pattern.search(_bytes(text)) is not None

    def find(self, text: str) -> list[Span]:
        found: list[Span] = []
        encoded = _bytes(text)
        at = 0
        while self._pattern is not None and (match := self._pattern.search(encoded, at)) is not None:
            first, at = match.span()
            if match.group() in self._encoded:  # letters around it still hold a few bits of the value
                first = max(first - 3, len(encoded[:first].rstrip(_BASE64)))
                at = min(at + 3, len(encoded) - len(encoded[at:].lstrip(_BASE64)))
            start = len(encoded[:first].decode("utf-8", "surrogatepass"))
            length = len(encoded[first:at].decode("utf-8", "surrogatepass"))
            found.append(Span(start, start + length, self._rule_of[match.group()]))
        return found


def _forms(value: str) -> Iterable[bytes]:
    """A value as it is, percent-encoded, JSON-escaped, in hex, and in base 64 at each of the three alignments."""
    raw = _bytes(value)
    yield raw
    yield percent_encode(value, safe="", errors="replace").encode()
    yield value.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "surrogatepass")
    if len(raw) < 8:
        return  # short pieces in base 64 or hex would match by chance
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterable[bytes]:
    """The letters of base 64 that stand for this value alone, wherever it starts in what was encoded."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # Letters that mix bits of the value with bits of its neighbours are cut off at both ends.
        first = (0, 2, 3)[shift]
        last = len(encoded) - (0, 3, 2)[(shift + len(raw)) % 3]
        yield encoded[first:last]
        yield encoded[first:last].translate(bytes.maketrans(b"+/", b"-_"))


def readable(value: Json) -> Json:
    """A redacted value for people: markers as `[redacted github-token, 40 characters]`, outside keys as they came."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            if isinstance(marker := value.get(REDACTED), Mapping):
                return _words(marker)
            if isinstance(parts := value.get(PARTS), list | tuple):
                return "".join(part if isinstance(part, str) else str(readable(part)) for part in parts)
        return {unescape(key): readable(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [readable(child) for child in value]
    return value


def _words(marker: Mapping[str, Json]) -> str:
    length = marker.get("len")
    return f"[redacted {marker.get('rule', 'secret')}{f', {length} characters' if length else ''}]"


@lru_cache(maxsize=1024)
def _escape(key: str) -> str:
    return "$" + key if key[:1] == "$" and key.lstrip("$") in ("redacted", "parts") else key


def unescape(key: str) -> str:
    """A key of a redacted object as it came."""
    return key[1:] if key[:2] == "$$" and key.lstrip("$") in ("redacted", "parts") else key


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _flat(value: Json) -> bytes:
    """An injective encoding of any value at any depth; canonical JSON refuses depth and lone surrogates."""
    out: list[bytes] = []
    stack: list[Json | _Mark] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, _Mark):
            out.append(node)
        elif isinstance(node, Mapping):
            stack.append(_Mark(b"}"))
            for key in sorted(node, key=str):
                stack += (node[key], str(key))
            out.append(b"{%d:" % len(node))
        elif isinstance(node, list | tuple):
            stack.append(_Mark(b"]"))
            stack.extend(reversed(node))
            out.append(b"[%d:" % len(node))
        elif isinstance(node, str):
            encoded = _bytes(node)
            out.append(b"s%d:%s" % (len(encoded), encoded))
        else:
            encoded = repr(node).encode()
            out.append(b"%s%d:%s" % (type(node).__name__.encode(), len(encoded), encoded))
    return b"".join(out)


class _Mark(bytes):
    """A closing bracket among the values that wait to be encoded."""


def _shape(value: Json, depth: int) -> Json:
    """Types, lengths and counts; no key, since a key may be the secret that could not be looked for."""
    if isinstance(value, str):
        return f"string of {len(value)}"
    if isinstance(value, Mapping):
        return {"object": [_shape(child, depth - 1) for child in list(value.values())[:64]] if depth else len(value)}
    if isinstance(value, list | tuple):
        return [_shape(child, depth - 1) for child in value[:64]] if depth else f"list of {len(value)}"
    return type(value).__name__
