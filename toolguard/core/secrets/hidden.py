"""Secrets that no single string shows: cut into neighbouring strings, or encoded once. All work is counted.

Only what hiding cannot explain away is looked for: an issuer's format that appears when pieces are joined, and formats
or named values that appear when base64, hexadecimal digits or percent signs are decoded. Two layers are not undone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from toolguard.core.secrets.formats import FORMATS
from toolguard.core.secrets.spans import UNREAD, Budget, find, may_hold_secret, merged

Texts = Sequence[tuple[str, str]]
"""(pointer, text) of string leaves in document order."""

PIECES: Final = 200
"""Leaves that may be pieces of one secret."""
RUN: Final = 6
"""Neighbours that are joined, beside a whole list."""
LONGEST_PIECE: Final = 400
JOINED: Final = 16_384
"""Characters of all joined pieces together."""
ENCODED: Final = 500
"""Encoded stretches of one call that are decoded, and places in them that are looked at: 5 ms of work at most."""
LONGEST_TEXT: Final = 65_536
"""Characters of a text in which encoded stretches are looked for."""
ATTEMPTS: Final = 200
"""Places in joined pieces that are looked at."""

_WHOLE_PIECE: Final = re.compile(r"[\w.~+/=:|$-]+", re.ASCII)
_SPLITTABLE: Final = {
    # Long beginnings only, since short ones come about by chance at a seam; an address is joined for other reasons.
    one.id
    for one in FORMATS
    if min(map(len, one.anchors)) >= 4 and not one.before and one.entropy
}
_STRETCH: Final = re.compile(r"[A-Za-z0-9+/_-]{20,8192}={0,2}")
_PERCENT: Final = re.compile(r"[^\s\"'<>?#&]{0,2048}%[0-9A-Fa-f]{2}[^\s\"'<>?#&]{0,2048}")  # one parameter
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")
_PRINTABLE: Final = frozenset((*range(32, 127), 9, 10, 13))


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret that stands in the arguments under cover."""

    pointer: str
    start: int
    end: int
    rule: str


def split_secrets(texts: Texts) -> Iterator[Hidden]:
    """Secrets that appear when neighbouring strings are joined; each at the piece in which it begins."""
    if len(texts) < 2 or len(texts) > PIECES:
        return
    runs = list(_runs(texts))
    if not runs or not may_hold_secret("\n".join(joined for _, joined, _ in runs)):
        return
    budget, seen = Budget(ATTEMPTS), set()
    for pointer, joined, seams in runs:
        for span in find(joined, budget, examples=True):
            first = joined[: seams[0]]
            if span.rule not in _SPLITTABLE or pointer in seen or not span.start < seams[0] or span.end <= seams[-1]:
                continue
            if not any(one.start == span.start for one in find(first, budget, examples=True)):
                seen.add(pointer)
                yield Hidden(pointer, span.start, seams[0], span.rule)


def _runs(texts: Texts) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """(pointer of the first piece, joined text, where the pieces meet)."""
    left = JOINED
    for group in _groups(texts):
        for first in range(len(group) - 1):
            ends = {*range(first + 2, min(len(group), first + RUN) + 1), *([len(group)] if first == 0 else [])}
            for last in sorted(ends):
                pieces = [text for _, text in group[first:last]]
                size = sum(map(len, pieces))
                if size < 16:
                    continue
                left -= size
                if left < 0:
                    return
                seams = [len(pieces[0])]
                for piece in pieces[1:-1]:
                    seams.append(seams[-1] + len(piece))
                yield group[first][0], "".join(pieces), tuple(seams)


def _groups(texts: Texts) -> list[list[tuple[str, str]]]:
    """Siblings in one object or list, and the same member of each object in a list; only what can be a piece."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for pointer, text in texts:
        if not 0 < len(text) <= LONGEST_PIECE or _WHOLE_PIECE.fullmatch(text) is None:
            continue
        parent, _, key = pointer.rpartition("/")
        groups.setdefault((parent, ""), []).append((pointer, text))
        above, _, index = parent.rpartition("/")
        if index.isdigit():
            groups.setdefault((above, key), []).append((pointer, text))
    return [group for group in groups.values() if len(group) > 1]


def may_be_encoded(text: str) -> bool:
    """The gate for `encoded_secrets`."""
    return "%" in text[:LONGEST_TEXT] or _STRETCH.search(text, 0, LONGEST_TEXT) is not None


def encoded_secrets(pointer: str, text: str, budget: Budget) -> Iterator[Hidden]:
    """Secrets that appear when what is encoded in a text is decoded; each at the encoded stretch. The budget is one for
    all texts of a call.
    """
    for start, end, plain in _decoded(text[:LONGEST_TEXT], budget):
        for span in merged(find(plain, budget, examples=True)):
            if span.rule != UNREAD:
                yield Hidden(pointer, start, end, span.rule)
                break


def _decoded(text: str, budget: Budget) -> Iterator[tuple[int, int, str]]:
    for match in _STRETCH.finditer(text):
        start, end = match.span()
        if text[end : end + 1] == "." or text[max(0, start - 1) : start] == ".":
            continue  # a part of a signed token
        budget.left -= 1
        if budget.left < 0:
            return
        plain = _plain(match.group())
        if plain:
            yield start, end, plain
    for match in _percent_encoded(text, budget):
        raw = unquote_to_bytes(match.group())
        if set(raw) <= _PRINTABLE:
            yield *match.span(), raw.decode("ascii")


def _percent_encoded(text: str, budget: Budget) -> Iterator[re.Match[str]]:
    """Only where there is a percent sign is the expression tried, which would be slow on a text without one."""
    at = 0
    while budget.left > 0:
        budget.left -= 1
        sign = text.find("%", at)
        match = _PERCENT.match(text, _beginning(text, sign, at)) if sign >= 0 else None
        if match is not None:
            yield match
        if sign < 0:
            return
        at = match.end() if match is not None else sign + 1


def _beginning(text: str, at: int, lowest: int) -> int:
    """Where the parameter begins in which this character stands."""
    first = at
    while first > lowest and at - first < 1024 and text[first - 1] not in " \t\r\n\"'<>?#&":
        first -= 1
    return first


def _plain(stretch: str) -> str:
    """The readable text that it encodes, else nothing: chance makes that of hardly any other word."""
    try:
        if _HEX.fullmatch(stretch):
            raw = bytes.fromhex(stretch)
        else:
            bare = stretch.rstrip("=").translate(_URL_SAFE)
            raw = base64.b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return ""
    return raw.decode("ascii") if len(raw) >= 12 and set(raw) <= _PRINTABLE else ""


_URL_SAFE: Final = str.maketrans("-_", "+/")
