"""The only door to google-re2: regular expressions whose time grows linearly, whatever is written and read.

Two kinds come in. `compile_pattern` is for expressions that people wrote (policy, configuration): they work on text and
count characters. `compile_bytes` is for our own tables: they work on bytes, each byte a character, because RE2 works on
UTF-8 and would otherwise convert the whole text at every step of a scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, Protocol, cast

import re2  # type: ignore[import-untyped]  # the wheel brings no types

LARGEST_PATTERN: Final = 4096
"""Characters of an expression from outside; longer ones are lists in disguise and belong in a set."""

LONGEST_TEXT: Final = 262_144
"""Bytes searched at once; longer texts are searched in windows that overlap by OVERLAP."""

OVERLAP: Final = 4096

_CONTINUING: Final = bytes(range(0x80, 0xC0))


class PatternError(ValueError):
    """An expression that RE2 does not take; the message says why, in RE2's words."""


class BytesMatch(Protocol):
    """What a search in bytes gives."""

    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...
    def group(self, group: int = 0) -> bytes: ...


class BytesPattern(Protocol):
    """An expression over bytes."""

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> BytesMatch | None: ...
    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> BytesMatch | None: ...
    def fullmatch(self, text: bytes, pos: int = 0, endpos: int | None = None) -> BytesMatch | None: ...


class Pattern:
    """An expression over text, from outside. Unpaired surrogates in the text match nothing."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str) -> None:
        if len(source) > LARGEST_PATTERN:
            raise PatternError(f"longer than {LARGEST_PATTERN} characters")
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(source.encode("utf-8"), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise PatternError(_reason(error)) from error
        self.source = source

    def search(self, text: str) -> tuple[int, int] | None:
        """The span of the first match, in characters."""
        return next(self.spans(text), None)

    def fullmatch(self, text: str) -> bool:
        """Whether the expression covers the whole text."""
        return self._compiled.fullmatch(text.encode("utf-8", "surrogatepass")) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of all matches that do not overlap, in characters, from left to right."""
        encoded = text.encode("utf-8", "surrogatepass")
        at = characters = 0
        for start, end in self._byte_spans(encoded):
            first = characters + _length(encoded, at, start)
            last = first + _length(encoded, start, end)
            yield first, last
            at, characters = end, last

    def _byte_spans(self, encoded: bytes) -> Iterator[tuple[int, int]]:
        done = 0
        for window in range(0, max(1, len(encoded)), LONGEST_TEXT - OVERLAP):
            limit = min(len(encoded), window + LONGEST_TEXT)
            for match in self._compiled.finditer(encoded, max(window, done), limit):
                start, end = match.span()
                if start >= done:
                    yield start, end
                    done = max(done, end)
            if limit == len(encoded):
                return


def compile_pattern(source: str) -> Pattern:
    """An expression that a person wrote. Raises PatternError."""
    return Pattern(source)


def compile_bytes(source: str) -> BytesPattern:
    """An expression of our own tables, in Latin-1, over bytes. Raises PatternError, which then is our mistake."""
    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return cast("BytesPattern", re2.compile(source.encode("latin-1"), options))
    except re2.error as error:
        raise PatternError(_reason(error)) from error


@cache
def compiled(source: str) -> BytesPattern:
    """The same, compiled once: for expressions that stand in the code, and not for secrets, since it forgets none."""
    return compile_bytes(source)


class Groups:
    """Expressions of our own tables, over bytes, all looked for in one pass: which of them a text holds.

    Raises PatternError, which then is our mistake.
    """

    __slots__ = ("_set",)

    def __init__(self, sources: Iterable[str]) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        try:
            for source in sources:
                self._set.Add(source.encode("latin-1"))
        except re2.error as error:
            raise PatternError(_reason(error)) from error
        self._set.Compile()

    def found(self, text: str) -> frozenset[int]:
        """The numbers of the expressions that occur, counted from 0."""
        return frozenset(self._set.Match(text.encode("utf-8", "surrogatepass")) or ())


def quote(literal: str | bytes) -> str:
    """An expression over bytes that matches exactly this text."""
    raw = literal.encode("utf-8", "surrogatepass") if isinstance(literal, str) else literal
    return "".join(chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\x{byte:02x}" for byte in raw)


def _length(encoded: bytes, start: int, end: int) -> int:
    """Characters in a slice that starts and ends at characters: bytes that do not continue one."""
    return len(encoded[start:end].translate(None, _CONTINUING))


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first) or "not an expression"
