"""Verifying a database file, or an export of one, with everything that can speak for or against it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from toolguard.store import lines
from toolguard.store.checkpoints import kept_note
from toolguard.store.copies import Tables, read_copy
from toolguard.store.verify import Problem, Report, verify
from toolguard.store.verify_anchors import Anchor, Trust


def verify_file(path: Path, anchors: Iterable[Anchor] = (), trust: Trust = Trust()) -> Report:
    """The report over the log, its tables, its own checkpoints and the one in the file beside it; writes nothing.

    `anchors` were kept outside; `trust` says whose signatures count. Raises StoreError when the file cannot be read.
    """
    if lines.is_export(path):
        return _verify_export(path, anchors, trust)
    kept = kept_note(path.parent)  # read first: the log may grow meanwhile, and must then lead beyond it
    with read_copy(path) as copy:
        notes = [*copy.notes, kept] if kept and kept not in copy.notes else copy.notes
        tables = copy.tables or Tables({})
        report = verify(
            copy.events,
            state=tables.states,
            votes=tables.votes,
            keys=tables.keys,
            checkpoints=tables.checkpoints,
            notes=notes,
            anchors=anchors,
            trust=trust,
        )
        report.waiting = copy.waiting
        if copy.damage:
            report.problems.append(Problem(None, f"the database file is damaged: {copy.damage}"))
        return report


def _verify_export(path: Path, anchors: Iterable[Anchor], trust: Trust) -> Report:
    try:
        with lines.read_export(path) as copy:
            report = verify(copy.events, start=copy.start, notes=copy.notes, anchors=anchors, trust=trust)
    except lines.MalformedError as error:
        return Report(problems=[Problem(None, str(error))])
    if not report.is_part and list(copy.start.keys) != report.keys:
        report.problems.append(Problem(None, "the manifest names other keys than the log"))
    return report
