"""Bars for the page of figures, as numbers that a template writes into SVG. Pure; the server draws, no script does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from toolguard.guard.figures import Part

WIDTH: Final = 400
LEFT: Final = 34
BASE: Final = 142
TOP: Final = 14
"""Of the drawing, whose height the template knows: labels stand below the base."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    """Class of its colour."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with everything that says the same in words."""

    id: str
    title: str
    words: str
    bars: tuple[Bar, ...]
    most: int
    """Of the axis."""
    labels: tuple[tuple[float, str, str], ...]
    """Place, anchor and text below the bars."""
    kinds: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The table that stands for the drawing."""

    @property
    def is_empty(self) -> bool:
        return not self.bars


def over_time(name: str, title: str, parts: Sequence[Part], kinds: Sequence[str]) -> Chart:
    """Stacked bars, one for each part of the span."""
    sums = {kind: sum(part.counts[kind] for part in parts) for kind in kinds}
    most = max((sum(part.counts.values()) for part in parts), default=0)
    step = (WIDTH - LEFT) / len(parts)
    bars = [bar for i, part in enumerate(parts) for bar in _stack(LEFT + i * step, step, part, kinds, most)]
    span = [_moment(part.start, parts) for part in parts]
    middle = len(parts) // 2
    return Chart(
        name,
        title,
        f"{sum(sums.values())} in all: " + ", ".join(f"{count} {kind}" for kind, count in sums.items()),
        tuple(bars),
        most,
        (
            (LEFT, "start", span[0]),
            (LEFT + (middle + 0.5) * step, "middle", span[middle]),
            (WIDTH, "end", span[-1]),
        ),
        tuple(kinds),
        ("from", *kinds),
        tuple(
            (when, *(str(part.counts[kind]) for kind in kinds))
            for when, part in zip(span, parts, strict=True)
            if any(part.counts.values())
        ),
    )


def _stack(x: float, step: float, part: Part, kinds: Sequence[str], most: int) -> list[Bar]:
    bars, y, width = [], float(BASE), max(1.0, step * 0.78)
    for kind in kinds:
        count = part.counts[kind]
        if count:
            height = (BASE - TOP) * count / most
            y -= height
            when = part.start.astimezone().strftime("%d %b %H:%M")
            bars.append(_bar(x + (step - width) / 2, y, width, height, kind, f"from {when}: {count} {kind}"))
    return bars


def counted(name: str, title: str, what: str, counts: Sequence[tuple[str, int]]) -> Chart:
    """One bar for each name."""
    most, total = max(count for _, count in counts), sum(count for _, count in counts)
    step = (WIDTH - LEFT) / len(counts)
    width = step * 0.6
    bars = [
        _bar(
            LEFT + i * step + (step - width) / 2,
            BASE - (BASE - TOP) * count / most,
            width,
            (BASE - TOP) * count / most,
            "ask",
            f"{label}: {count}",
        )
        for i, (label, count) in enumerate(counts)
        if count
    ]
    return Chart(
        name,
        title,
        f"{total} {what}: " + ", ".join(f"{count} {label}" for label, count in counts if count),
        tuple(bars),
        most,
        tuple((LEFT + (i + 0.5) * step, "middle", _short(label)) for i, (label, _) in enumerate(counts)),
        (),
        ("time", what),
        tuple((label, str(count)) for label, count in counts),
    )


def _bar(x: float, y: float, width: float, height: float, kind: str, sentence: str) -> Bar:
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind, sentence)


_SHORT: Final[Mapping[str, str]] = {"under": "<", "over": ">"}


def _short(label: str) -> str:
    word, _, rest = label.partition(" ")
    return f"{_SHORT.get(word, word)} {rest}"


def _moment(start: datetime, parts: Sequence[Part]) -> str:
    """As much of a time as the span needs."""
    local = start.astimezone()
    days = (parts[-1].start - parts[0].start).days
    return local.strftime("%H:%M" if days < 1 else "%d %b %H:%M" if days < 8 else "%d %b")


def length(seconds: float | None) -> str:
    """`42 s`, `3 min`, `2 h`; empty for none."""
    if seconds is None:
        return ""
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"
