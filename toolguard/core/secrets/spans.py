"""Finds secrets in a text: formats from the table, and values that a name or a context gives away.

One expression over all anchors and contexts is the gate; only where it stops does anything else look. Work is counted:
a text that offers more than ATTEMPTS places is left there, and all that follows counts as one unread secret, so that
nothing hostile buys itself a long scan or a blind spot.

Left alone, because entropy alone is noise: hashes, UUIDs, lock files, images in base 64, public keys, placeholders.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from toolguard.core.regex import BytesPattern, Groups, compile_bytes, compiled, quote
from toolguard.core.secrets.contexts import CONTEXTS, OPENING, QUOTED, SPELLED, UNQUOTED, VALUE_AT
from toolguard.core.secrets.formats import FORMATS, SHORT_ANCHOR, SecretFormat
from toolguard.core.secrets.named_values import rule_of, separates
from toolguard.core.secrets.names import is_secret_variable
from toolguard.core.secrets.values import (
    is_filler,
    is_placeholder,
    is_reference,
    kinds,
    looks_random,
    shannon,
    without_example_words,
)

ATTEMPTS: Final = 900
"""Places in one call that are looked at, 5 to 15 us each; ordinary source code has one in 1500 characters."""

BEFORE: Final = 160
"""Bytes that may stand before the mark of a secret and still belong to it."""

CUT: Final = 16_384
"""Bytes before the end of what is looked at in which a secret may have begun that ends behind it."""

WINDOW: Final = 400
"""Bytes in which a command or a name ends that gives a secret away."""

LARGEST: Final = 2_097_152
"""Bytes of one call that are looked at: 25 ms in the worst case, which is random base 64."""

UNREAD: Final = "unread"
"""Rule of what lies behind the last place that was looked at."""

GENERIC: Final = frozenset({"named-secret", "named-password", "url-password", "header-credential", "user-option"})
"""Rules that go by the context; where a format of the table covers the same place, its name says more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A secret's place in a text, in characters."""

    start: int
    end: int
    rule: str


@dataclass(slots=True)
class Budget:
    """Counted work, shared by all the texts of one call."""

    left: int = ATTEMPTS
    size: int = LARGEST
    """Bytes."""


_Bytes = tuple[int, int, str]


def may_hold_secret(text: str) -> bool:
    """The gate: False means that `find` would find nothing."""
    return len(_encoded(text)) > LARGEST or bool(_quick_gate().found(text))


def find(text: str, budget: Budget | None = None, *, examples: bool = False) -> list[Span]:
    """The secrets in a text, in no order; they may overlap where two rules see one secret.

    With `examples` also those that only a word like "example" inside them makes look like no secret.
    Beyond the budget the rest of the text, from the first place nobody looked at, is one span of the rule UNREAD.
    """
    encoded = _encoded(text)
    budget = budget or Budget()
    if len(encoded) <= budget.size and not _quick_gate().found(text):
        budget.size -= len(encoded)
        return []
    found = _Scan(encoded[: budget.size], budget, examples=examples).run()
    if len(encoded) > budget.size:
        found.append((max(0, budget.size - CUT), len(encoded), UNREAD))
    budget.size = max(0, budget.size - len(encoded))
    if text.isascii():
        return [Span(start, end, rule) for start, end, rule in found]
    return [Span(_characters(encoded, start), _characters(encoded, end), rule) for start, end, rule in found]


def merged(spans: list[Span]) -> tuple[Span, ...]:
    """Spans from left to right without overlap; overlapping ones grow together under the name that says most."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not result or span.start >= result[-1].end:
            result.append(span)
            continue
        last = result[-1]
        rule = span.rule if last.rule in GENERIC else last.rule
        result[-1] = Span(last.start, max(last.end, span.end), rule)
    return tuple(result)


class _Scan:
    """One pass over one text."""

    def __init__(self, text: bytes, budget: Budget, *, examples: bool = False) -> None:
        self.text = text
        self.examples = examples
        self.budget = budget
        self.found: list[_Bytes] = []
        self.done = 0

    def run(self) -> list[_Bytes]:
        gate, at = _gate(), 0
        while (stop := gate.search(self.text, at)) is not None:
            if self.budget.left <= 0:
                self.found.append((max(self.done, stop.start() - BEFORE), len(self.text), UNREAD))
                break
            start, end = stop.span()
            self.budget.left -= 1 + (end - start) // WINDOW  # what matched long may match as long again one step on
            at = self._look(start)
        return self.found

    def _look(self, start: int) -> int:
        """Record what the gate stopped for, if anything; the answer is where to go on."""
        clear = self._is_clear_before(start)
        for span in self._formats(start, clear):
            self.found.append(span)
            self.done = span[1]
            return span[1]
        context = _contexts().match(self.text, start, start + 4 * WINDOW)
        if context is None:
            return start + 1
        self.found += self._context(start, context.end())
        # Only the shortest telling word is passed: what stands behind it may be a format of the table.
        return start + 3 if self.text[start : start + 1].isalpha() else start + 1

    def _formats(self, start: int, clear: bool) -> list[_Bytes]:
        table, lengths = _by_anchor()
        ahead = self.text[start : start + lengths[0]]
        for length in lengths:
            for one in table.get(ahead[:length], ()):
                if (clear or one.before) and (span := self._format(one, start, length)) is not None:
                    return [span]
        return []

    def _format(self, one: SecretFormat, start: int, anchor: int) -> _Bytes | None:
        limit = min(len(self.text), start + one.window)
        pattern = _pattern(one)
        if one.before:
            match = pattern.search(self.text, max(self.done, start - BEFORE), limit)
        else:
            match = pattern.match(self.text, start, limit)
        if match is None:
            return None
        first, last = match.span(1)
        if not first <= start < last or not self._is_clear_before(first):
            return None
        if anchor < SHORT_ANCHOR and not one.before and self._is_inside(first, one):
            return None
        body = self.text[first:start] + self.text[start + anchor : last]
        if one.entropy and (shannon(body) < one.entropy or self._is_filler(body)):
            return None
        if one.entropy and kinds(body) < one.kinds:
            return None
        return first, last, one.id

    def _context(self, start: int, end: int) -> list[_Bytes]:
        stopped_at = self.text[start:end]
        if stopped_at.startswith(b"://"):
            return self._userinfo(start, end) if b":" in stopped_at[3:] else self._user_token(start, end)
        for beginnings, reader in _BY_BEGINNING:
            if stopped_at.startswith(beginnings):
                return reader(self, start)
        if stopped_at[-1:] == b":" and stopped_at[:1].isspace():
            return self._user_option(start, end)
        if stopped_at.startswith(b"/:_"):
            registry = compiled(r"//[^/\s:]+(?:/[^\s:]*)?/:_").search(self.text, max(0, start - 200), start + 3)
            return self._value(b"npmrc-password", end, b"=") if registry is not None else []
        spelled = compiled(SPELLED).match(self.text, start, start + WINDOW)
        if spelled is not None:
            return self._spelled(spelled.end())
        if stopped_at.startswith(b"|"):
            return self._sudo(start)
        if stopped_at[:1] in b"?&;":
            return self._value(b"signature", end, b"=")
        return self._named(start, end)

    def _userinfo(self, start: int, end: int) -> list[_Bytes]:
        colon = self.text.index(b":", start + 3)
        password = self.text[colon + 1 : end - 1]
        if self._is_filler(password) or is_reference(password):
            return []  # even a word is taken: nothing but a password stands there
        return [(colon + 1, end - 1, "url-password")]

    def _spelled(self, at: int) -> list[_Bytes]:
        """Options that follow are none."""
        return self._value(b"--password", at, b"=") if self.text[at : at + 1] not in (b"/", b"-", b" ") else []

    def _user_token(self, start: int, end: int) -> list[_Bytes]:
        token = self.text[start + 3 : end - 1]
        return [(start + 3, end - 1, "url-password")] if looks_random(token, 20) else []

    def _sudo(self, start: int) -> list[_Bytes]:
        """`echo password | sudo -S`: it stands before."""
        line = max(self.text.rfind(b"\n", 0, start), start - 200, 0)
        echo = compiled(r"echo\s+(?:-[a-z]\s+)?[\"']?([^\s\"'|$]{4,128})[\"']?\s*\|").search(self.text, line, start + 1)
        return [(*echo.span(1), "named-password")] if echo is not None else []

    def _private_key(self, start: int) -> list[_Bytes]:
        limit = min(len(self.text), start + 16_384)
        self.budget.left -= 10  # a long window
        closing = compiled(
            r"-----END (?:[A-Z0-9 ]*PRIVATE KEY[A-Z ]*|OpenVPN Static key V1)-----|Private-MAC: [0-9a-f]+"
        ).search(self.text, start, limit)
        if closing is not None:
            end = closing.end()
        else:
            lines = compiled(r"-----BEGIN [A-Z0-9 ]*-----(?:[0-9A-Za-z+/=\s]|\\[nrt])*").match(self.text, start, limit)
            end = lines.end() if lines is not None else limit
        inside = self.text[start + len(b"-----BEGIN PRIVATE KEY") : end]
        letters = inside.translate(None, b" \r\n\\-")
        return [(start, end, "private-key")] if len(letters) >= 40 and not is_filler(letters) else []

    def _jwt(self, start: int) -> list[_Bytes]:
        match = compiled(
            r"(eyJ[0-9A-Za-z_-]{10,})\.(?:e[yw][0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]*)?"
            r"|[0-9A-Za-z_-]*\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,})"
        ).match(self.text, start, start + 16_384)
        if match is None or not self._is_clear_before(start) or not _is_jose_header(match.group(1)):
            return []
        return [(start, match.end(), "jwt")]

    def _private_member(self, start: int) -> list[_Bytes]:
        """The private number of a key in JSON (RFC 7517, RFC 7518 6.2.2 and 6.3.2)."""
        near = self.text[max(0, start - 2048) : start + 2048]
        match = compiled(r"\"d\"\s?:\s?\"([0-9A-Za-z_-]{20,900})\"").match(self.text, start, start + 1024)
        return [(*match.span(1), "private-key")] if match is not None and b'"kty"' in near else []

    def _discord(self, start: int) -> list[_Bytes]:
        match = compiled(
            r"([MNO](?:[0-9A-Za-z_-]{23}|[0-9A-Za-z_-]{25}|[0-9A-Za-z_-]{27})\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40})(?:[^0-9A-Za-z_-]|\z)"
        ).search(self.text, max(self.done, start - 30), start + 60)
        if match is None or not self._is_clear_before(match.start()) or shannon(match.group(1)) < 3.5:
            return []
        return [(*match.span(1), "discord-token")]

    def _user_option(self, start: int, end: int) -> list[_Bytes]:
        """`curl -u name:password`; other programs mean other things by -u."""
        if not compiled(r"(?i:curl|wget|\bhttp)").search(self.text, max(0, start - 400), start + 1):
            return []
        quoted = compiled(r"[\"'{]{0,2}([^\s\"'}]+)").match(self.text, end, end + 256)
        if quoted is not None:
            first, last = quoted.span(1)
            password = self.text[first:last].strip(b"<>[]{}")
            literal = len(password) >= 4 and not is_placeholder(password) and not is_reference(self.text[first:last])
            return [(first, last, "user-option")] if literal else []
        name = compiled(r"[^\s\"':=]+:").search(self.text, max(start, self.text.rfind(b" ", start, end)), end)
        if name is None or not looks_random(name.group()[:-1], 8):
            return []
        return [(name.start(), name.end() - 1, "user-option")]

    def _named(self, start: int, end: int) -> list[_Bytes]:
        text = self.text
        first = last = start + (self.text[start] not in _IN_NAMES)
        while first > 0 and start - first < 60 and (text[first - 1] in _IN_NAMES):
            first -= 1
        while last < end and text[last] in _IN_NAMES:
            last += 1
        while last > start and text[last - 1] in b".-":
            last -= 1
        name = text[first:last]
        if text[last : last + 4].lower() == b" key":  # "the api key is ..."
            name, last = name + b"_key", last + 4
        before = text[first - 1 : first]
        known = name in (b"auth", b"_auth") or b"CONTRIBSYS" in name.upper()
        if not known and not is_secret_variable(name.lstrip(b"-.").decode("ascii")):
            return []
        return self._value(name, last, before)

    def _value(self, name: bytes, at: int, before: bytes) -> list[_Bytes]:
        text = self.text
        if before == b"=":  # the context ended with what ties the value to it
            opening = compiled(OPENING).match(text, at, at + 8)
            separator, value_at = b"=", at if opening is None else opening.end()
            quote_mark = (opening.group(1) if opening is not None else b"") or b""
        else:
            match = compiled(VALUE_AT).match(text, at, at + 120)
            if match is None:
                return []
            separator, value_at, quote_mark = text[at : match.end()], match.end(), match.group(1) or b""
            long = compiled(r"[^\s\"']{20}").match(text, value_at, value_at + 20) is not None
            if not separates(name, before, separator, quote_mark, long):
                return []
        value = compiled(QUOTED if quote_mark else UNQUOTED).match(text, value_at, value_at + 600)
        if value is None:
            return []
        first, last = value.span()
        if not quote_mark and separator.isspace():
            last = first + len(text[first:last].rstrip(b".:!?"))  # a sentence's end, not the secret's
        judged = without_example_words(text[first:last]) if self.examples else text[first:last]
        if (rule := rule_of(name, separator, judged, bool(quote_mark), text[last : last + 1])) is None:
            return []
        return [(first, last, rule)]

    def _is_filler(self, body: bytes) -> bool:
        if not self.examples or not is_filler(body):
            return is_filler(body)
        rest = without_example_words(body)
        return len(rest) < 8 or is_filler(rest)

    def _is_inside(self, at: int, one: SecretFormat) -> bool:
        """A short anchor is the end of a longer word, `favicon.ico-7a38...`, or stands in base 64 by chance."""
        before = self.text[max(0, at - 17) : at]
        if before[-1:] in (b".", b"-", b"_"):
            return True
        return one.length[0] < one.length[1] and compiled(r"[0-9A-Za-z+/]{16}[+/]").fullmatch(before) is not None

    def _is_clear_before(self, at: int) -> bool:
        """No letter or digit before it, unless that belongs to an escape: `\\nghp_...`, `%3Dghp_...`."""
        if at == 0 or not self.text[at - 1 : at].isalnum():
            return True
        return compiled(_ESCAPE).search(self.text[max(0, at - 6) : at]) is not None


_BY_BEGINNING: Final[tuple[tuple[tuple[bytes, ...], Callable[[_Scan, int], list[_Bytes]]], ...]] = (
    ((b"-----BEGIN", b"PuTTY"), _Scan._private_key),
    ((b"eyJ",), _Scan._jwt),
    ((b".",), _Scan._discord),
    ((b'"d"',), _Scan._private_member),
)
"""What reads a context that its first characters tell apart."""
_ESCAPE: Final = r"(?:/bot|\\[nrtbf]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})\z"
_IN_NAMES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


def _is_jose_header(segment: bytes) -> bool:
    try:
        header = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        return False
    return any(member in header for member in (b'"alg"', b'"typ"', b'"enc"', b'"kid"'))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _characters(encoded: bytes, at: int) -> int:
    """Characters before this byte; one that is cut in two counts as behind it."""
    return len(encoded[:at].translate(None, _CONTINUING)) - (0 < at < len(encoded) and encoded[at] in _CONTINUING)


_CONTINUING: Final = bytes(range(0x80, 0xC0))


def _gate_source() -> str:
    return "|".join((*dict.fromkeys(one.gate for one in FORMATS), *CONTEXTS))


@lru_cache(maxsize=1)
def _gate() -> BytesPattern:
    return compile_bytes(_gate_source())


@lru_cache(maxsize=1)
def _quick_gate() -> Groups:
    """The same, for whether at all: a tenth of the time where it is nowhere."""
    return Groups([_gate_source()])


@lru_cache(maxsize=1)
def _contexts() -> BytesPattern:
    """The contexts alone, for a place where the beginning of a format hides one: `secret_key_base`."""
    return compile_bytes("|".join(CONTEXTS))


@lru_cache(maxsize=1)
def _by_anchor() -> tuple[dict[bytes, list[SecretFormat]], list[int]]:
    table: dict[bytes, list[SecretFormat]] = {}
    for one in FORMATS:
        for anchor in one.anchors:
            table.setdefault(anchor.encode(), []).append(one)
    return table, sorted({len(anchor) for anchor in table}, reverse=True)


@cache  # one entry a row of the table
def _pattern(one: SecretFormat) -> BytesPattern:
    anchors = "|".join(quote(anchor) for anchor in sorted(one.anchors, key=len, reverse=True))
    return compile_bytes(f"({one.before}(?:{anchors}){one.body})(?:[^{one.alphabet}]|\\z)")
