"""Covering tracks and weakening defences: logs, shell history, firewalls, scanners, marks and times of files.

Leaves alone reading logs, looking at the firewall, and writing logs of one's own project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import Finding
from toolguard.core.paths import Kind, kinds
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import HIGH, LIKELY, SURE, FindingKind, from_acts

FINDINGS: Final = (
    FindingKind("evasion.logs", HIGH, SURE, "deletes or overwrites logs", ("CWE-117",)),
    FindingKind(
        "evasion.history", HIGH, LIKELY, "keeps commands from being recorded, or changes the record", ("CWE-778",)
    ),
    FindingKind("evasion.defences", HIGH, LIKELY, "weakens or changes a protection of the machine", ("CWE-693",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}


LOOKS_AT: Final = ("acts", "changes")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    yield from from_acts(FINDINGS, reading.acts)
    for use in reading.files:
        if use.op in (FileOp.WRITE, FileOp.DELETE, FileOp.MODE, FileOp.OWNER):
            yield from _covers(use)


def _covers(use: FileUse) -> Iterator[Finding]:
    found = kinds(use.path)
    place = use.place
    if Kind.LOGS in found and not (use.append and use.content is None):
        yield _BY_ID["evasion.logs"].at(
            f"{_VERBS[use.op]} the log {use.path[:200]}", place.pointer, place.start, place.end
        )
    if Kind.HISTORY in found:
        yield _BY_ID["evasion.history"].at(
            f"{_VERBS[use.op]} the record of commands {use.path[:200]}", place.pointer, place.start, place.end
        )


_VERBS: Final = {
    FileOp.WRITE: "writes to",
    FileOp.DELETE: "deletes",
    FileOp.MODE: "changes the mode of",
    FileOp.OWNER: "changes the owner of",
}
