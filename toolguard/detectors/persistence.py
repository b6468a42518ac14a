"""What will run again by itself: start files, services, timers, hooks, preloads, registry.

Leaves alone reading and listing them, and services that are only asked for their state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import Finding
from toolguard.core.paths import Kind, kinds
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import HIGH, LIKELY, FindingKind, from_acts

FINDINGS: Final = (
    FindingKind("persistence.startup", HIGH, LIKELY, "makes something run at start or login", ("CWE-506",)),
    FindingKind(
        "persistence.service", HIGH, LIKELY, "installs or changes something that starts by itself", ("CWE-506",)
    ),
    FindingKind("persistence.schedule", HIGH, LIKELY, "makes something run later by itself", ("CWE-506",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}


LOOKS_AT: Final = ("acts", "changes")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    yield from from_acts(FINDINGS, reading.acts)
    for use in reading.files:
        if use.op in (FileOp.WRITE, FileOp.MODE, FileOp.OWNER) and Kind.STARTUP in kinds(use.path):
            yield from _starts(use)


def _starts(use: FileUse) -> Iterator[Finding]:
    place = use.place
    kind = _BY_ID["persistence.schedule" if "cron" in use.path or "/at" in use.path else "persistence.startup"]
    yield kind.at(f"changes {use.path[:200]}, which runs by itself later", place.pointer, place.start, place.end)
