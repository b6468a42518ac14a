"""Characters that a reader cannot see, or would take for another: where they are and what they are called.

A reviewer approves what is on the screen, so a character that draws nothing, turns the text round or looks like
another letter is drawn as a mark with its code point. Ordinary writing in any script gets no mark: letters of
one script in a word, accents, emoji with their joiners.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MarkKind(StrEnum):
    """Why a character is drawn as a mark."""

    CONTROL = "control"
    BIDI = "bidi"
    HIDDEN = "hidden"
    TAG = "tag"
    SPACE = "space"
    PRIVATE = "private"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Mark:
    """One character, or one run of tag characters, that is not drawn as itself."""

    start: int
    end: int
    kind: MarkKind
    label: str
    """Short text drawn in its place (beside it, for a look-alike)."""
    name: str
    """Code point and Unicode name, for the tooltip."""


# Unicode 16, chapter 23.3 and UAX #9: each of these changes the order in which other characters are drawn.
BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Not in category Cf, yet they draw nothing: joiners, fillers, blank Braille, Khmer and Mongolian selectors.
BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc")
TAGS: Final = range(0xE0000, 0xE0080)
VARIATIONS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
STACK: Final = 4
"""Combining marks on one letter; Vietnamese and Hebrew need three, more only smears over the lines around it."""

LOOKS_LIKE: Final[dict[str, str]] = {
    letter: like
    for letters, likes in (
        (
            "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u04cf\u051b\u051d",
            "aeopcyxijshdlqw",
        ),  # Cyrillic, small
        (
            "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405",
            "ABEKMHOPCTXIJS",
        ),  # Cyrillic, capital
        ("\u03bf\u03b1\u03b9\u03bd\u03c1\u03c5\u03ba\u03c7", "oaivpukx"),  # Greek, small
        (
            "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
            "ABEZHIKMNOPTYX",
        ),  # Greek, capital
        ("\u0585\u057d\u0578\u0570", "ounh"),  # Armenian
        ("\u0131\u0251\u0261", "iag"),  # Latin extensions
    )
    for letter, like in zip(letters, likes, strict=True)
}
"""Letters of Cyrillic, Greek, Armenian and Latin extensions that most fonts draw like the ASCII letter."""


def marks(text: str) -> tuple[Mark, ...]:
    """All marks of a text in order; they never overlap. Linear in its length."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return ()
    found = [*_unseen(text), *_alike(text)]
    found.sort(key=lambda mark: mark.start)
    return tuple(found)


def escape(text: str) -> str:
    r"""The text with everything that would get a mark (look-alikes excepted) written as \u escapes, as JSON does."""
    parts: list[str] = []
    last = 0
    for mark in _unseen(text):
        parts.append(text[last : mark.start])
        parts.extend(_json_escape(character) for character in text[mark.start : mark.end])
        last = mark.end
    return "".join(parts) + text[last:]


def warnings(found: Iterable[Mark]) -> tuple[str, ...]:
    """One sentence for each kind of mark, the worst first."""
    found = tuple(found)
    counts = Counter(mark.kind for mark in found)
    sentences = [_counted(counts[kind], singular, plural) for kind, singular, plural in _SENTENCES if counts[kind]]
    return tuple(sentences)


_SENTENCES: Final = (
    (
        MarkKind.BIDI,
        "1 character that changes the reading direction is drawn as a mark",
        "{} characters that change the reading direction are drawn as marks",
    ),
    (
        MarkKind.TAG,
        "1 run of tag characters, invisible elsewhere, is spelled out in its mark",
        "{} runs of tag characters, invisible elsewhere, are spelled out in their marks",
    ),
    (
        MarkKind.HIDDEN,
        "1 invisible character is drawn as a mark",
        "{} invisible characters are drawn as marks",
    ),
    (
        MarkKind.CONTROL,
        "1 control character is drawn as a mark",
        "{} control characters are drawn as marks",
    ),
    (
        MarkKind.ALIKE,
        "1 letter looks like another one and is marked with its code point",
        "{} letters look like others and are marked with their code points",
    ),
    (
        MarkKind.SPACE,
        "1 unusual space is drawn as a mark",
        "{} unusual spaces are drawn as marks",
    ),
    (
        MarkKind.PRIVATE,
        "1 character without a public meaning is drawn as a mark",
        "{} characters without a public meaning are drawn as marks",
    ),
)


def _counted(count: int, singular: str, plural: str) -> str:
    return singular if count == 1 else plural.format(count)


# Letters and digits draw themselves, except the four Hangul fillers; so do the ASCII signs. Only the rest is looked at.
_DOUBTFUL: Final = re.compile("[^\\w\n\t -~]|[\u115f\u1160\u3164\uffa0]")


def _unseen(text: str) -> Iterable[Mark]:
    stacked = skip_to = 0
    last = -1
    for match in _DOUBTFUL.finditer(text):
        at, character = match.start(), match.group()
        if at < skip_to:
            continue
        stacked = stacked if at == last + 1 else 0
        last = at
        if ord(character) in TAGS:
            skip_to = _run_of_tags(text, at)
            yield _tag_mark(text, at, skip_to)
            continue
        category = unicodedata.category(character)
        stacked = stacked + 1 if category in {"Mn", "Me"} else 0
        kind = _kind(character, category, text[at - 1 : at], text[at + 1 : at + 2])
        if kind is None and stacked > STACK:
            kind = MarkKind.HIDDEN
        if kind is not None:
            yield Mark(at, at + 1, kind, _label(character), _named(character))


def _kind(character: str, category: str, before: str, after: str) -> MarkKind | None:
    if character in BIDI:
        return MarkKind.BIDI
    if _joins_letters(character, before, after):
        return None
    if category == "Cc":
        return MarkKind.CONTROL
    if character == "\u200d" or any(ord(character) in block for block in VARIATIONS):
        return None if _joins_emoji(character, before, after) else MarkKind.HIDDEN
    if category in {"Cf", "Zl", "Zp"} or character in BLANK:
        return MarkKind.HIDDEN
    if category == "Zs":
        return MarkKind.SPACE
    if category in {"Co", "Cn", "Cs"}:
        return MarkKind.PRIVATE
    return None


def _joins_emoji(character: str, before: str, after: str) -> bool:
    """Emoji presentation and joined emoji are ordinary writing; a second selector in a row carries hidden bytes."""
    if character == "\ufe0f":
        return bool(before) and (unicodedata.category(before) in {"So", "Sm", "Po"} or before.isdigit())
    if character == "\u200d":
        return bool(after) and unicodedata.category(after) == "So"
    return False


def _joins_letters(character: str, before: str, after: str) -> bool:
    """Persian and the Indic scripts spell with joiners between their letters (Unicode 16, chapter 9.2 and 12.1)."""
    neighbours = {unicodedata.category(c) for c in (before, after) if c}
    return character in "\u200c\u200d" and len(neighbours) > 0 and neighbours <= {"Lo", "Mn", "Mc"}


def _run_of_tags(text: str, at: int) -> int:
    while at < len(text) and ord(text[at]) in TAGS:
        at += 1
    return at


def _tag_mark(text: str, start: int, end: int) -> Mark:
    spelled = "".join(
        chr(ord(character) - 0xE0000) if 0xE0020 <= ord(character) <= 0xE007E else "·" for character in text[start:end]
    )
    return Mark(start, end, MarkKind.TAG, f"tags “{spelled}”", f"{end - start} tag characters that spell “{spelled}”")


# A run of letters; digits and signs end it.
_WORD: Final = re.compile(r"[^\W\d_]+")
_ASCII_LETTER: Final = re.compile("[A-Za-z]")
# Fullwidth digits and letters, and the mathematical alphabets: ASCII to a person in a hurry. Fullwidth punctuation is
# ordinary writing in Chinese and Japanese.
_STYLED: Final = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]")
_LOOKS_LIKE: Final = re.compile(f"[{''.join(LOOKS_LIKE)}]")


def _alike(text: str) -> Iterable[Mark]:
    """Look-alikes in words of mixed script, and whole words of them inside a text that has ASCII letters too."""
    if text.isascii():
        return
    for match in _STYLED.finditer(text):
        like = unicodedata.normalize("NFKC", match.group())
        if like.isascii():
            yield _alike_mark(match.start(), match.group(), like)
    if not _ASCII_LETTER.search(text):
        return
    for word in _WORD.finditer(text):
        letters = word.group()
        if letters.isascii() or not (_ASCII_LETTER.search(letters) or _is_disguise(letters)):
            continue
        for match in _LOOKS_LIKE.finditer(letters):
            yield _alike_mark(word.start() + match.start(), match.group(), LOOKS_LIKE[match.group()])


def _is_disguise(letters: str) -> bool:
    """A word made of nothing but look-alikes; a single letter is no word."""
    return len(letters) > 1 and _LOOKS_LIKE.sub("", letters) == ""


def _alike_mark(at: int, letter: str, like: str) -> Mark:
    return Mark(at, at + 1, MarkKind.ALIKE, _label(letter), f"{_named(letter)}, looks like “{like}”")


def _label(character: str) -> str:
    return f"U+{ord(character):04X}"


def _named(character: str) -> str:
    if ord(character) < 0x20:
        name = _CONTROL_NAMES.get(character, "CONTROL CHARACTER")
    else:
        name = unicodedata.name(character, "unassigned or private")
    return f"{_label(character)} {name}"


_CONTROL_NAMES: Final = {
    "\0": "NULL",
    "\b": "BACKSPACE",
    "\v": "VERTICAL TAB",
    "\f": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x07": "BELL",
}


def _json_escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
