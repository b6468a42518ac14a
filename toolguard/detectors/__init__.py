"""The registry: an explicit ordered list, no scanning. A detector reports, it never decides.

To add one: its file, one line in ALL, and tests/cases/<name>.yaml; tests/test_detectors.py names what was forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType
from typing import Final

from toolguard.core.model import Finding
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

One that finds nothing where some parts of a reading are empty says so: `LOOKS_AT` names these parts.
"""

_PARTS: Final = {name: 1 << bit for bit, name in enumerate(("acts", "files", "contacts", "sql", "unread"))}


@cache  # one entry a detector
def _wanted(detector: ModuleType) -> int:
    """The parts that a detector looks at, as bits; 0 for one that always looks."""
    return sum(_PARTS[name] for name in getattr(detector, "LOOKS_AT", ()))


def inspect(reading: Reading, facts: Facts) -> tuple[Finding, ...]:
    """Run every detector over one call. Total: a detector that raises becomes a HIGH finding, so the call asks."""
    found: list[Finding] = []
    present = 0
    for name, bit in _PARTS.items():
        if getattr(reading, name):
            present |= bit
    for detector in ALL:
        wanted = _wanted(detector)
        if wanted and not wanted & present:
            continue
        try:
            found.extend(detector.inspect(reading, facts))
        except Exception as error:  # noqa: BLE001 - a crash in one detector must make things stricter, whatever it is
            name = detector.__name__.rpartition(".")[2]
            found.append(DETECTOR_FAILED.at(f"the {name} detector failed ({type(error).__name__})"))
    return tuple(found)


def kinds() -> dict[str, FindingKind]:
    """Every finding id that can be reported, with its documentation."""
    declared = [DETECTOR_FAILED] + [kind for detector in ALL for kind in detector.FINDINGS]
    return {kind.id: kind for kind in declared}
