"""Two texts line by line: what stays, what goes, what comes. Bounded work, whatever the texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

COMPARED: Final = 1_500
"""Lines on either side that are aligned. difflib needs quadratic time for lines that repeat; beyond this number
the middle is shown as taken away and put in, which is true, if not the shortest way to say it."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    sign: str
    """A space (stays), `-` (goes) or `+` (comes)."""
    index: int
    """Line number, from 0: in the old text for `-`, in the new one otherwise."""


def diff(old: Sequence[str], new: Sequence[str]) -> Iterable[DiffLine]:
    """Every line of both texts, once, in reading order."""
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    yield from (DiffLine(" ", index) for index in range(head))
    yield from _middle(old[head : len(old) - tail], new[head : len(new) - tail], head)
    yield from (DiffLine(" ", index) for index in range(len(new) - tail, len(new)))


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        count += 1
    return count


def _middle(old: Sequence[str], new: Sequence[str], offset: int) -> Iterable[DiffLine]:
    if max(len(old), len(new)) > COMPARED:
        blocks = [("replace", 0, len(old), 0, len(new))]
    else:
        blocks = list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())
    for kind, old_start, old_end, new_start, new_end in blocks:
        if kind == "equal":
            yield from (DiffLine(" ", offset + index) for index in range(new_start, new_end))
            continue
        yield from (DiffLine("-", offset + index) for index in range(old_start, old_end))
        yield from (DiffLine("+", offset + index) for index in range(new_start, new_end))
