"""Cuts an SQL text into tokens, once for every way in which the usual dialects disagree about this text.

Where quoting ends and comments begin differs by dialect, and a text can hide a statement in the difference. So a text
that holds such a place is read in each way, and what any reading finds counts. A reading that ends inside a quote is a
syntax error in its dialect, but servers run the statements before the error, so what stands before it counts as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

BYTES: Final = 131_072
"""A longer text is not read: comments alone would take 20 ms."""

TOKENS: Final = 12_000
"""More tokens than this, in all readings together, are not read: analysis takes 2 us a token, its budget is 50 ms."""

DOUBTS: Final = 3
"""A text that dialects read differently in more than this many ways is not read: 2 to this power readings."""


class Token(NamedTuple):
    kind: str
    """`word`, `quoted` (an identifier in quotes), `string`, `number`, `op`."""
    text: str
    """Lower case for words, the content for quoted ones, else as written."""
    start: int
    end: int


class Comment(NamedTuple):
    start: int
    end: int
    line: bool
    """Of the kind that ends with the line."""
    executed: bool
    """`/*! ... */`: a comment elsewhere, code to MySQL and MariaDB."""


@dataclass(frozen=True, slots=True)
class Lexed:
    """One reading of a text."""

    tokens: tuple[Token, ...]
    comments: tuple[Comment, ...]
    complete: bool = True
    """False when it ends inside a quote or a comment: an error, after whatever stands before it."""


class TooMuch(Exception):
    """The text is beyond the budget or ambiguous beyond reason."""


# One alternative a token class; groups are named by `kind`. Quotes that never close match `open` and end the reading.
_PARTS: Final = {
    "space": r"\s+",
    "executed": r"/\*M?!\d*",
    "comment": r"/\*.*?\*/",
    "line": r"--[^\n]*",
    "hash": r"\#[^\n]*",
    "escaped": r"[eE]'(?:[^'\\]|\\.|'')*'",
    "triple": r"'''.*?'''|\"\"\".*?\"\"\"",
    "string": r"(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*'",
    "quoted": r'"(?:[^"]|"")*"|`(?:[^`]|``)*`',
    "dollar": r"\$([A-Za-z_]\w*)?\$.*?\$(?(1)\1)\$",
    "number": r"0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?",
    "word": r"[^\W\d][\w$\#]*|[@\#$:]{1,2}\w[\w$\#]*",
    "op": r"::|:=|<=>|<>|<=|>=|!=|\|\||->>|->|[^\s'\"`]",
    "open": r"['\"`]",
}
# MySQL, BigQuery, Snowflake, Spark, ClickHouse: a backslash escapes in every string.
_BACKSLASH: Final = {
    "string": r"(?:[nNbBxXrR]|[uU]&)?'(?:[^'\\]|\\.|'')*'",
    "quoted": r'"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`',
}
# MySQL: two dashes begin a comment only before a space, a control character or the end.
_SPACED_DASHES: Final = {"line": r"--(?=[\s\x00-\x1f]|$)[^\n]*"}
# PostgreSQL, SQL Server, DuckDB nest block comments: found by hand in `_nested`.

(
    _DOUBT_BACKSLASH,
    _DOUBT_HASH,
    _DOUBT_DASHES,
    _DOUBT_NESTED,
    _DOUBT_DOLLAR,
    _DOUBT_TRIPLE,
) = range(6)

_PATTERNS: dict[frozenset[int], re.Pattern[str]] = {}


def _pattern(doubts: frozenset[int]) -> re.Pattern[str]:
    known = _PATTERNS.get(doubts)
    if known is None:
        parts = dict(_PARTS)
        if _DOUBT_BACKSLASH in doubts:
            parts |= _BACKSLASH
        if _DOUBT_DASHES in doubts:
            parts |= _SPACED_DASHES
        for doubt, name in ((_DOUBT_HASH, "hash"), (_DOUBT_TRIPLE, "triple")):
            if doubt not in doubts:
                del parts[name]
        if _DOUBT_DOLLAR in doubts:
            del parts["dollar"]
        # The back reference of `dollar` is by name, since named groups shift the numbers.
        joined = "|".join(f"(?P<{kind}>{part})" for kind, part in parts.items())
        joined = joined.replace(r"\$([A-Za-z_]\w*)?\$.*?\$(?(1)\1)\$", _DOLLAR)
        known = _PATTERNS[doubts] = re.compile(joined, re.DOTALL)
    return known


_DOLLAR: Final = r"\$\$.*?\$\$|\$(?P<tag>[A-Za-z_]\w*)\$.*?\$(?P=tag)\$"
_NESTED: Final = re.compile(r"/\*(?!M?!)(?:(?!\*/).)*?/\*", re.DOTALL)


def _doubts(text: str) -> list[int]:
    """The places of this text that dialects read differently."""
    found = []
    if "\\" in text and ("\\'" in text or '\\"' in text):
        found.append(_DOUBT_BACKSLASH)
    if "#" in text:
        found.append(_DOUBT_HASH)
    if "--" in text and re.search(r"--[^\s]", text):
        found.append(_DOUBT_DASHES)
    if "/*" in text and _NESTED.search(text):
        found.append(_DOUBT_NESTED)
    if "$" in text and re.search(r"\$\w*\$", text):
        found.append(_DOUBT_DOLLAR)
    if "'''" in text or '"""' in text:
        found.append(_DOUBT_TRIPLE)
    return found


def _nested_end(text: str, start: int) -> int:
    """End of a block comment that may hold others; -1 when it never ends."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[start:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return -1


def _lex(text: str, doubts: frozenset[int]) -> Lexed:
    """One reading, up to the first quote or comment that never ends."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    match = _pattern(doubts).match
    position, length, executed = 0, len(text), 0
    while position < length:
        found = match(text, position)
        if found is None or found.lastgroup == "open":
            return Lexed(tuple(tokens), tuple(comments), complete=False)
        kind, start, position = found.lastgroup or "op", position, found.end()
        if kind in _COMMENTS:
            if kind == "comment" and _DOUBT_NESTED in doubts:
                position = _nested_end(text, start)
                if position < 0:
                    return Lexed(tuple(tokens), tuple(comments), complete=False)
            executed += kind == "executed"
            comments.append(Comment(start, position, kind in ("line", "hash"), kind == "executed"))
        elif kind == "op" and text[start] in "*/" and text[start : start + 2] in ("*/", "/*"):
            # The end of an executed comment, or the beginning of one that never ends.
            if not executed or text[start] == "/":
                return Lexed(tuple(tokens), tuple(comments), complete=False)
            executed, position = executed - 1, start + 2
        elif kind != "space":
            tokens.append(_token(kind, found.group(), start, position))
            if len(tokens) > TOKENS:
                raise TooMuch
    return Lexed(tuple(tokens), tuple(comments), complete=not executed)


_COMMENTS: Final = frozenset({"comment", "line", "hash", "executed"})


def _token(kind: str, text: str, start: int, end: int) -> Token:
    if kind == "word":
        return Token("word", text.lower(), start, end)
    if kind == "quoted":
        return Token("quoted", text[1:-1], start, end)
    return Token(kind if kind in ("op", "number") else "string", text, start, end)


def readings(text: str) -> Iterator[Lexed]:
    """Each way in which some dialect reads this text, the standard's way first.

    Raises: TooMuch.
    """
    if len(text) > BYTES:
        raise TooMuch
    doubts = _doubts(text)
    if len(doubts) > DOUBTS:
        raise TooMuch
    total = 0
    for size in range(len(doubts) + 1):
        for chosen in combinations(doubts, size):
            lexed = _lex(text, frozenset(chosen))
            total += len(lexed.tokens)
            if total > TOKENS:
                raise TooMuch
            yield lexed


def has_word(tokens: Sequence[Token], *names: str) -> bool:
    """Whether one of these words stands among the tokens, unquoted."""
    return any(t.text in names and t.kind == "word" for t in tokens)
