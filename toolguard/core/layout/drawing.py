"""Turns a text into lines of coloured pieces, with marks, secrets and findings in place, and folds what is long.

Values only: a piece is plain text and the name of a colour. Every character of the text is in exactly one line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from toolguard.core.layout.highlight import Token
from toolguard.core.layout.visible import Mark, MarkKind, marks

WIDEST: Final = 1_000
"""Characters after which a line is broken on the screen."""
HEAD: Final = 24
TAIL: Final = 6
AROUND: Final = 2
"""Lines that stay unfolded: at the start, at the end, around each finding."""
HEAD_SIZE: Final = 3_000
"""Characters after which the opening ends early."""
POINTED_AT: Final = 100
"""Lines at either end of a long span that stay unfolded; the fold between them says how much it holds."""
CHANGED: Final = 400
"""Changed lines of a diff that stay unfolded."""
CHANGE_SIGNS: Final = frozenset("+-")
ROOM: Final = 3_000
"""Lines that one fold may hold drawn."""
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
    joined: list[Piece] = []
    for index, line in enumerate(Canvas(text).lines()):
        if index and not line.broken:
            joined.append(Piece("↵", "mark", "line break"))
        joined.extend(line.pieces)
    return tuple(joined)


@dataclass(frozen=True, slots=True)
class Row:
    """A line that is not painted yet."""

    canvas: Canvas
    index: int
    sign: str = ""

    @property
    def size(self) -> int:
        start, end, _ = self.canvas.spans[self.index]
        return end - start

    @property
    def is_broken(self) -> bool:
        return self.canvas.spans[self.index][2]

    @property
    def is_pointed_at(self) -> bool:
        return self.sign != "-" and self.index in self.canvas.pointed_at

    def painted(self) -> Line:
        return self.canvas.line(self.index, self.sign)


class Canvas:
    """A text cut into lines. Cutting is cheap and painting is not, so a line is painted only when it is shown."""

    def __init__(
        self,
        text: str,
        found: Sequence[Mark] | None = None,
        *,
        colours: Sequence[Token] = (),
        secrets: Sequence[Token] = (),
        spots: Sequence[tuple[int, int, int]] = (),
        effects: Sequence[tuple[int, str, str]] = (),
        breaks: frozenset[int] = frozenset(),
    ) -> None:
        found = marks(text) if found is None else found
        self.text, self.spots, self.effects = text, spots, effects
        self.runs = [(run, [each.start for each in run]) for run in (colours, secrets, found)]
        self.spans = list(_line_spans(text, breaks))
        self.starts = [start for start, _, _ in self.spans]
        self.pointed_at = frozenset(line for start, end, _ in spots for line in self._lines_of(start, end))

    def rows(self) -> list[Row]:
        return [Row(self, index) for index in range(len(self.spans))]

    def lines(self) -> list[Line]:
        return [self.line(index) for index in range(len(self.spans))]

    def line(self, index: int, sign: str = "") -> Line:
        """One line in pieces: cut at every border of a colour, mark, secret or span."""
        start, end, broken = self.spans[index]
        cuts = {start, end}
        for run, starts in self.runs:
            first = max(bisect_right(starts, start) - 1, 0)
            for each in run[first : bisect_left(starts, end)]:
                cuts.update((each.start, each.end))
        for a, b, _ in self.spots:
            cuts.update((a, b))
        borders = sorted(cut for cut in cuts if start <= cut <= end)
        pieces = tuple(self._piece(a, b) for a, b in pairwise(borders) if b > a)
        after = bisect_left(self.effects, (max(end, start + 1),))
        here = self.effects[bisect_left(self.effects, (start,)) : after]
        return Line(pieces, sign, broken, tuple(dict.fromkeys((effect, sentence) for _, effect, sentence in here)))

    def _lines_of(self, start: int, end: int) -> Iterable[int]:
        first = max(bisect_right(self.starts, start) - 1, 0)
        last = max(bisect_left(self.starts, end), first + 1)
        if last - first <= 2 * POINTED_AT:
            return range(first, last)
        return (*range(first, first + POINTED_AT), *range(last - POINTED_AT, last))

    def _piece(self, start: int, end: int) -> Piece:
        """How one piece is drawn: a secret hides all else, then a mark, then a colour."""
        numbers = tuple(n for a, b, n in self.spots if a < end and start < b)
        ends = tuple(n for _, b, n in self.spots if start < b <= end)
        colour, secret, mark = (self._at(index, start) for index in range(3))
        text = self.text[start:end]
        if isinstance(secret, Token):
            # A span that ends inside a secret cuts it in two; it is named once.
            shown = f"redacted {secret.kind}" if start == secret.start else "…"
            return Piece(shown, "redacted", "taken out before anything was stored", numbers, ends)
        if isinstance(mark, Mark) and mark.kind is MarkKind.ALIKE:
            return Piece(text, "alike", mark.name, numbers, ends)
        if isinstance(mark, Mark):
            return Piece(mark.label if start == mark.start else "…", "mark", mark.name, numbers, ends)
        return Piece(text, colour.kind if isinstance(colour, Token) else "", "", numbers, ends)

    def _at(self, which: int, at: int) -> Token | Mark | None:
        run, starts = self.runs[which]
        index = bisect_right(starts, at) - 1
        return run[index] if index >= 0 and run[index].end > at else None


def _line_spans(text: str, breaks: frozenset[int]) -> Iterable[tuple[int, int, bool]]:
    """Start, end (without the line break) and whether the line only goes on; only `\n` breaks a line."""
    inside = sorted(breaks)
    start = 0
    while True:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        stops = inside[bisect_right(inside, start) : bisect_left(inside, end)] if inside else []
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


def folded(rows: Sequence[Row]) -> tuple[Line | Fold, ...]:
    """The lines with every long stretch that nothing points at folded, in a diff also what stays as it is."""
    shown = _shown(rows)
    body: list[Line | Fold] = []
    room = FOLDED
    at = 0
    for index in (*sorted(shown), len(rows)):
        run = rows[at:index]
        if len(run) <= AROUND:  # folding two lines behind one line helps nobody
            body.extend(row.painted() for row in run)
        else:
            fold = _fold(run, room)
            room -= fold.size if fold.lines else 0
            body.append(fold)
        if index < len(rows):
            body.append(rows[index].painted())
        at = index + 1
    return tuple(body)


def _shown(rows: Sequence[Row]) -> set[int]:
    """Which rows stay outside folds."""
    is_diff = any(row.sign for row in rows[:1])
    shown = set() if is_diff else {*range(_head(rows)), *range(len(rows) - TAIL, len(rows))}
    changed = 0
    for index, row in enumerate(rows):
        changed += row.sign in CHANGE_SIGNS
        if row.is_pointed_at or (row.sign in CHANGE_SIGNS and changed <= CHANGED):
            shown.update(range(index - AROUND, index + AROUND + 1))
    return {index for index in shown or range(HEAD) if 0 <= index < len(rows)}


def _head(rows: Sequence[Row]) -> int:
    """How many lines open the text: HEAD, fewer when they are long."""
    size = 0
    for index, row in enumerate(rows[:HEAD]):
        size += row.size
        if size > HEAD_SIZE:
            return index + 1
    return HEAD


def _fold(run: Sequence[Row], room: int) -> Fold:
    size = sum(row.size for row in run)
    count = sum(not row.is_broken for row in run)
    return Fold(max(count, 1), size, tuple(row.painted() for row in run) if size <= room and count <= ROOM else ())
