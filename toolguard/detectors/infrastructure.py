"""Commands of platforms: version control, containers, clouds, databases' own tools, queues, package managers, services.

Sees what deletes, discards, rewrites, publishes, applies or stops. Leaves alone listing, showing, building, testing,
dry runs and `--help`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from toolguard.core.acts import FileOp
from toolguard.core.model import Finding
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import HIGH, LIKELY, LOW, MEDIUM, SURE, FindingKind, from_acts, hints_once

FINDINGS: Final = (
    FindingKind("infrastructure.deletes", HIGH, LIKELY, "deletes or stops something of a platform", ("CWE-471",)),
    FindingKind(
        "infrastructure.discards-work", MEDIUM, SURE, "throws away work that was not saved elsewhere", ("CWE-471",)
    ),
    FindingKind(
        "infrastructure.rewrites-history", HIGH, LIKELY, "overwrites history that other people have", ("CWE-471",)
    ),
    FindingKind("infrastructure.applies", MEDIUM, SURE, "changes real infrastructure", ("CWE-284",)),
    FindingKind("infrastructure.publishes", MEDIUM, SURE, "publishes something that others will use", ("CWE-200",)),
    FindingKind("infrastructure.removes-packages", MEDIUM, SURE, "removes installed packages", ("CWE-471",)),
    FindingKind(
        "infrastructure.privileged-container", HIGH, SURE, "gives a container rights over this machine", ("CWE-250",)
    ),
    FindingKind("infrastructure.stops-service", MEDIUM, SURE, "stops a service that others may need", ("CWE-400",)),
    FindingKind("infrastructure.reads-secrets", LOW, SURE, "reads a stored secret", ("CWE-522",)),
    FindingKind("infrastructure.moves-money", HIGH, SURE, "moves money or coins", ("OWASP-LLM06",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}
_KERNEL_RUNS: Final = re.compile(r"/(?:release_agent|notify_on_release|uevent_helper|core_pattern)$")
"""Files of the kernel that name a program which it runs, or say when: outside of any container, with all rights."""


LOOKS_AT: Final = ("acts", "changes")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    yield from hints_once(from_acts(FINDINGS, reading.acts))
    named = {use.path: use for use in reading.files if use.op is FileOp.WRITE and _KERNEL_RUNS.search(use.path)}
    for use in named.values():
        place = use.place
        yield _BY_ID["infrastructure.privileged-container"].at(
            f"makes the kernel run a program outside of any container by way of {use.path[:200]}",
            place.pointer,
            place.start,
            place.end,
        )
