"""The registry: an explicit ordered list, no scanning. A detector reports, it never decides.

To add one: its file, one line in ALL, and tests/cases/<name>.yaml; tests/test_detectors.py names what was forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from types import ModuleType
from typing import Final

from toolguard.core.acts import FileOp
from toolguard.core.model import EffectClass, Finding
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors import (
    access,
    bulk,
    code,
    consequences,
    definitions,
    evasion,
    hints,
    identity,
    infrastructure,
    injected,
    messages,
    money,
    network,
    own,
    paths,
    persistence,
    personal_data,
    planting,
    secrets,
    session,
    shell,
    sql,
    system,
    unread,
)
from toolguard.detectors.kinds import DETECTOR_FAILED, FindingKind

__all__ = ["ALL", "FindingKind", "inspect", "kinds"]

Inspect = Callable[[Reading, Facts], Iterable[Finding]]

ALL: Final[tuple[ModuleType, ...]] = (
    own,
    unread,
    shell,
    code,
    paths,
    network,
    infrastructure,
    identity,
    persistence,
    evasion,
    system,
    definitions,
    hints,
    injected,
    sql,
    money,
    access,
    bulk,
    consequences,
    messages,
    secrets,
    personal_data,
    planting,
    session,
)
"""Modules with `FINDINGS: tuple[FindingKind, ...]` and `inspect(reading, facts)`; the order is the order of reports.

One that finds nothing in a call that has none of some parts says so: `LOOKS_AT` names these parts.
"""

_OF_READING: Final = ("acts", "files", "contacts", "sql", "unread")
_PARTS: Final = {name: 1 << bit for bit, name in enumerate((*_OF_READING, "changes", "effects"))}
"""What of a call a detector may look at: parts of its reading; `changes`, files that it does not only read; `effects`,
a class that is more than reading."""


@lru_cache(maxsize=256)
def _wanted(detectors: tuple[ModuleType, ...], present: int) -> tuple[ModuleType, ...]:
    """The detectors that may find something in a call with these parts."""
    looks_at = {one: sum(_PARTS[name] for name in getattr(one, "LOOKS_AT", ())) for one in detectors}
    return tuple(one for one in detectors if not looks_at[one] or looks_at[one] & present)


def inspect(reading: Reading, facts: Facts) -> tuple[Finding, ...]:
    """Run every detector over one call. Total: a detector that raises becomes a HIGH finding, so the call asks."""
    found: list[Finding] = []
    for detector in _wanted(ALL, _present(reading, facts)):
        try:
            found.extend(detector.inspect(reading, facts))
        except Exception as error:  # noqa: BLE001 - a crash in one detector must make things stricter, whatever it is
            name = detector.__name__.rpartition(".")[2]
            found.append(DETECTOR_FAILED.at(f"the {name} detector failed ({type(error).__name__})"))
    return tuple(found)


def _present(reading: Reading, facts: Facts) -> int:
    """The parts that this call has, as bits."""
    present = 0 if facts.classification.effect_class is EffectClass.READ else _PARTS["effects"]
    for name in _OF_READING:
        if getattr(reading, name):
            present |= _PARTS[name]
    if reading.files and any(use.op not in _READS for use in reading.files):
        present |= _PARTS["changes"]
    return present


_READS: Final = (FileOp.READ, FileOp.LIST)


def kinds() -> dict[str, FindingKind]:
    """Every finding id that can be reported, with its documentation."""
    declared = [DETECTOR_FAILED] + [kind for detector in ALL for kind in detector.FINDINGS]
    return {kind.id: kind for kind in declared}
