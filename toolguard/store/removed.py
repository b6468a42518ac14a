"""Contents that are gone: an event that came later must say so, else somebody took them by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from toolguard.store.report import Problem, Report

KEPT_FOR_GOOD: Final = (
    "log.",
    "key.",
    "policy.",
    "reviewer.",
    "credential.",
    "grant.",
    "guard.",
    "retention.",
    "anchor.",
)
"""Beginnings of kinds whose contents no retention takes: without them the rest could not be verified."""
REMOVING: Final = ("retention.applied", "retention.erased")


class Ranges:
    """Numbers in order as few ranges; memory grows with gaps, not with numbers."""

    def __init__(self, ranges: Iterable[Iterable[int]] = ()) -> None:
        self.all: list[list[int]] = [list(pair) for pair in ranges]

    def add(self, number: int) -> None:
        """Numbers come in rising order."""
        if self.all and self.all[-1][1] == number - 1:
            self.all[-1][1] = number
        else:
            self.all.append([number, number])


class Removed:
    """Collects what is missing and what the log says was removed."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._missing = Ranges()
        self._told: list[tuple[int, int]] = []

    def miss(self, seq: int, kind: str) -> None:
        self._missing.add(seq)
        self._report.removed += 1
        if kind.startswith(KEPT_FOR_GOOD):
            self._report.problems.append(Problem(seq, f"has lost its contents, which `{kind}` never may"))

    def tell(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if row["kind"] in REMOVING:
            for first, last in body.get("ranges", ()):
                if last >= row["seq"]:
                    self._report.problems.append(Problem(row["seq"], "removes contents of events that came later"))
                self._told.append((first, last))

    def end(self) -> None:
        told = sorted(self._told)
        at, reached = 0, 0
        for first, last in self._missing.all:
            number = first
            while number <= last:
                while at < len(told) and told[at][0] <= number:
                    reached = max(reached, told[at][1])
                    at += 1
                if reached < number:
                    what = "has lost its contents, and no retention covers it"
                    self._report.problems.append(Problem(number, what))
                    number += 1
                else:
                    number = reached + 1
