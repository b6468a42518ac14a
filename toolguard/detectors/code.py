"""Programs handed to interpreters: sees evaluation of hidden text, native calls, recording, encryption of files.

What a program does to files and to the network is reported by the detectors of those. Leaves alone computing, printing,
plotting, reading and writing of project files, and fixed commands that are harmless by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Finding
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import LIKELY, LOW, MEDIUM, SURE, FindingKind, from_acts, hints_once

FINDINGS: Final = (
    FindingKind("code.evaluates", MEDIUM, SURE, "runs a text as code", ("CWE-95",)),
    FindingKind("code.spawns", MEDIUM, LIKELY, "runs a program that is chosen only when it runs", ("CWE-78",)),
    FindingKind("code.native", MEDIUM, LIKELY, "calls native code", ("CWE-111",)),
    FindingKind("code.deserialises", LOW, SURE, "loads data that can run code", ("CWE-502",)),
    FindingKind("code.records", MEDIUM, SURE, "records what is typed, shown, said or copied", ("CWE-359",)),
    FindingKind("code.encrypts", MEDIUM, SURE, "encrypts files", ("CWE-311",)),
)


LOOKS_AT: Final = ("acts",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    return hints_once(from_acts(FINDINGS, reading.acts))
