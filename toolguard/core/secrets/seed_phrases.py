"""Finds recovery phrases of wallets (BIP-39): 12, 15, 18, 21 or 24 words in a row, by which anyone can spend.

Without the list of 2048 words, what the list is made of decides: small letters, three to eight of them, no two words
with the same first four, hardly a plural, and none of the little words that every sentence needs.
"""

from __future__ import annotations

from typing import Final

from toolguard.core.regex import compiled
from toolguard.core.secrets.spans import Span

SEED_PHRASE: Final = "seed-phrase"
LONGEST: Final = 65_536
"""Bytes that are looked at."""

_PHRASE: Final = (
    # Alone in a text, a line or a quoted value; numbered words and prose around it are left alone.
    r"(?:\A|[\"'=:>\n])\s{0,3}([a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23})\s{0,3}(?:\z|[\"'<\n.])"
)
_COUNTS: Final = frozenset((12, 15, 18, 21, 24))
_LITTLE: Final = frozenset(
    b"""the and for with are was not but from has had were been our who how its your which their them his her him would
    should here than these those does did could most some many each both may might while using get got set see out
    every per via""".split()
)
"""Words of sentences that are not in the list."""


def find_seed_phrases(text: str) -> list[Span]:
    """Recovery phrases in a text, from left to right."""
    if text.count(" ") + text.count(",") < min(_COUNTS) - 1:
        return []
    encoded = text.encode("ascii", "replace")[:LONGEST]  # a byte a character, so that offsets are characters
    found: list[Span] = []
    at = 0
    while (match := compiled(_PHRASE).search(encoded, at)) is not None:
        start, end = match.span(1)
        if _is_phrase(encoded[start:end].replace(b",", b" ").split()):
            found.append(Span(start, end, SEED_PHRASE))
        at = end
    return found


def _is_phrase(words: list[bytes]) -> bool:
    different = set(words)
    if len(words) not in _COUNTS or different & _LITTLE or len({word[:4] for word in different}) < len(different):
        return False
    return sum(map(_is_inflected, words)) <= len(words) // 6


def _is_inflected(word: bytes) -> bool:
    return word.endswith((b"ing", b"ed", b"ly")) or (word.endswith(b"s") and not word.endswith(b"ss"))
