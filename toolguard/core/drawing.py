"""Turns a text into lines of coloured pieces, with marks, secrets and findings in place, and folds what is long.

Values only: a piece is plain text and the name of a colour. Every character of the text is in exactly one line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from toolguard.core.highlight import Token
from toolguard.core.visible import Mark, MarkKind, marks

WIDEST: Final = 1_000
"""Characters after which a line is broken on the screen."""
HEAD: Final = 24
TAIL: Final = 6
AROUND: Final = 2
"""Lines that stay unfolded: at the start, at the end, around each finding."""
HEAD_SIZE: Final = 3_000
"""Characters after which the opening ends early."""
FOLDED: Final = 60_000
"""Characters a part may fold; of a longer one, the fold names the length and the exact JSON has the text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest drawn thing."""

    text: str
    kind: str = ""
    """A token's kind, `redacted`, or `mark` (`alike` for a look-alike, which is drawn beside its mark)."""
    title: str = ""
    numbers: tuple[int, ...] = ()
    """The findings that point here."""
    ends: tuple[int, ...] = ()
    """Those of them whose span ends with this piece."""


@dataclass(frozen=True, slots=True)
class Line:
    pieces: tuple[Piece, ...]
    sign: str = ""
    """`+` or `-` in a diff."""
    broken: bool = False
    """Goes on from the line above: the argument has no line break here."""
    effects: tuple[tuple[str, str], ...] = ()
    """Class and sentence of what starts on this line."""

    @property
    def size(self) -> int:
        return sum(len(piece.text) for piece in self.pieces)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The findings whose span ends on this line."""
        return tuple(dict.fromkeys(number for piece in self.pieces for number in piece.ends))


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines behind a click; without `lines` when even that would be too much for a page."""

    count: int
    size: int
    lines: tuple[Line, ...] = ()


def inline(text: str) -> tuple[Piece, ...]:
    """One foreign text without colours, with its marks; line breaks are drawn as a sign."""
    lines = draw(text)
    joined: list[Piece] = []
    for index, line in enumerate(lines):
        if index and not line.broken:
            joined.append(Piece("↵", "mark", "line break"))
        joined.extend(line.pieces)
    return tuple(joined)


def draw(
    text: str,
    colours: Sequence[Token] = (),
    secrets: Sequence[Token] = (),
    spots: Sequence[tuple[int, int, int]] = (),
    effects: Sequence[tuple[int, str, str]] = (),
    breaks: frozenset[int] = frozenset(),
) -> list[Line]:
    """The text cut into lines, and each line into pieces at every border of a colour, mark, secret or span."""
    found = marks(text)
    cuts = {0, len(text)}
    for run in (colours, secrets, found):
        cuts.update(place for each in run for place in (each.start, each.end))
    cuts.update(place for start, end, _ in spots for place in (start, end))
    borders = sorted(cut for cut in cuts if 0 <= cut <= len(text))
    painter = _Painter(text, colours, secrets, found, spots)
    lines = []
    for start, end, broken in _line_spans(text, breaks):
        inner = borders[bisect_right(borders, start) : bisect_left(borders, end)]
        pieces = tuple(painter.piece(a, b) for a, b in pairwise((start, *inner, end)) if b > a)
        here = tuple(dict.fromkeys((c, s) for at, c, s in effects if start <= at < max(end, start + 1)))
        lines.append(Line(pieces, broken=broken, effects=here))
    return lines


def _line_spans(text: str, breaks: frozenset[int]) -> Iterable[tuple[int, int, bool]]:
    """Start, end (without the line break) and whether the line only goes on; only `\n` breaks a line."""
    inside = sorted(breaks)
    start = 0
    while True:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        stops = list(inside[bisect_right(inside, start) : bisect_left(inside, end)])
        at = start
        for stop in (*stops, end):
            while stop - at > WIDEST:
                yield at, at + WIDEST, at > start
                at += WIDEST
            yield at, stop, at > start
            at = stop
        if end >= len(text):
            return
        start = end + 1


class _Painter:
    """Decides how one piece of a text is drawn: a secret hides all else, then a mark, then a colour."""

    def __init__(
        self,
        text: str,
        colours: Sequence[Token],
        secrets: Sequence[Token],
        found: Sequence[Mark],
        spots: Sequence[tuple[int, int, int]],
    ) -> None:
        self.text, self.spots = text, spots
        self.runs = [(run, [each.start for each in run]) for run in (colours, secrets, found)]

    def piece(self, start: int, end: int) -> Piece:
        numbers = tuple(n for a, b, n in self.spots if a < end and start < b)
        ends = tuple(n for _, b, n in self.spots if start < b <= end)
        colour, secret, mark = (self._at(index, start) for index in range(3))
        text = self.text[start:end]
        if isinstance(secret, Token):
            # A span that ends inside a secret cuts it in two; it is named once.
            named = f"redacted {secret.kind}" if start == secret.start else "…"
            return Piece(named, "redacted", "taken out before anything was stored", numbers, ends)
        if isinstance(mark, Mark) and mark.kind is MarkKind.ALIKE:
            return Piece(text, "alike", mark.name, numbers, ends)
        if isinstance(mark, Mark):
            label = mark.label if start == mark.start else "…"
            return Piece(label, "mark", mark.name, numbers, ends)
        return Piece(text, colour.kind if isinstance(colour, Token) else "", "", numbers, ends)

    def _at(self, which: int, at: int) -> Token | Mark | None:
        run, starts = self.runs[which]
        index = bisect_right(starts, at) - 1
        return run[index] if index >= 0 and run[index].end > at else None


def folded(lines: Sequence[Line]) -> tuple[Line | Fold, ...]:
    """The lines with every long stretch that nothing points at folded, in a diff also what stays as it is."""
    is_diff = any(line.sign for line in lines)
    shown = set() if is_diff else {*range(_head(lines)), *range(len(lines) - TAIL, len(lines))}
    for index, line in enumerate(lines):
        if any(piece.numbers for piece in line.pieces) or (is_diff and line.sign.strip()):
            shown.update(range(index - AROUND, index + AROUND + 1))
    if is_diff and not shown:
        shown = set(range(HEAD))
    body: list[Line | Fold] = []
    run: list[Line] = []
    room = FOLDED
    last: tuple[Line | None, ...] = (*lines, None)
    for index, next_line in enumerate(last):
        if next_line is not None and index not in shown:
            run.append(next_line)
            continue
        if len(run) <= AROUND:  # folding two lines behind one line helps nobody
            body.extend(run)
        elif run:
            fold = _fold(run, room)
            room -= fold.size if fold.lines else 0
            body.append(fold)
        run = []
        if next_line is not None:
            body.append(next_line)
    return tuple(body)


def _head(lines: Sequence[Line]) -> int:
    """How many lines open the text: HEAD, fewer when they are long."""
    size = 0
    for index, line in enumerate(lines[:HEAD]):
        size += line.size
        if size > HEAD_SIZE:
            return index + 1
    return HEAD


def _fold(run: Sequence[Line], room: int) -> Fold:
    size = sum(line.size for line in run)
    count = sum(not line.broken for line in run)
    return Fold(max(count, 1), size, tuple(run) if size <= room else ())
