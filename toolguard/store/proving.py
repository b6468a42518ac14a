"""Verifying a database file with everything that can speak for or against it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from toolguard.store.checkpoints import kept_note
from toolguard.store.copies import read_copy
from toolguard.store.verify import Report, verify


def verify_file(path: Path, anchors: Iterable[str] = ()) -> Report:
    """The report over the log, its tables, its own checkpoints and the one in the file beside it; writes nothing.

    `anchors` are texts that were kept outside. Raises StoreError when the file cannot be read.
    """
    kept = kept_note(path.parent)  # read first: the log may grow meanwhile, and must then lead beyond it
    with read_copy(path) as copy:
        notes = [*copy.notes, kept] if kept and kept not in copy.notes else copy.notes
        return verify(copy.events, state=copy.states, notes=notes, anchors=anchors)
