"""The machine as a whole: power, processes, disks, load.

Sees what stops or exhausts it or destroys disks. Leaves alone ending one's own jobs, status queries and signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Finding
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import HIGH, LIKELY, MEDIUM, SURE, FindingKind, from_acts, hints_once

FINDINGS: Final = (
    FindingKind("system.stops-machine", HIGH, SURE, "stops or restarts the machine", ("CWE-400",)),
    FindingKind("system.kills", MEDIUM, SURE, "kills programs, possibly other people's", ("CWE-400",)),
    FindingKind("system.destroys-disk", HIGH, SURE, "destroys disks, volumes or file systems", ("CWE-471",)),
    FindingKind("system.mounts", MEDIUM, LIKELY, "attaches or changes a file system", ("CWE-284",)),
    FindingKind("system.exhausts", MEDIUM, SURE, "uses up the machine", ("CWE-400",)),
)


LOOKS_AT: Final = ("acts",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    return hints_once(from_acts(FINDINGS, reading.acts))
