"""Shell commands as such: sees commands that run what nobody can see, hand a shell to somebody else, or multiply.

Leaves alone commands that only talk about such things (`echo`, `grep`, here-documents given to `cat`) and what a shell
does all day: pipes, loops, functions, variables whose values the text itself settles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Finding
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import CRITICAL, HIGH, LIKELY, LOW, MEDIUM, SURE, FindingKind, from_acts, hints_once

FINDINGS: Final = (
    FindingKind("shell.runs-download", CRITICAL, LIKELY, "runs code straight from the network", ("CWE-494",)),
    FindingKind("shell.runs-hidden", HIGH, LIKELY, "runs code that cannot be seen in the call", ("CWE-506",)),
    FindingKind("shell.reverse-shell", CRITICAL, SURE, "hands a shell to somebody else", ("CWE-553",)),
    FindingKind("shell.opens-shell", MEDIUM, SURE, "opens a shell for somebody to type into", ("CWE-78",)),
    FindingKind("shell.fork-bomb", CRITICAL, SURE, "starts copies of itself without end", ("CWE-400",)),
    FindingKind("shell.dynamic-command", HIGH, LIKELY, "decides only when it runs which program runs", ("CWE-78",)),
    FindingKind("shell.privileged", LOW, SURE, "runs with the rights of another user", ("CWE-250",)),
)


LOOKS_AT: Final = ("acts",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    return hints_once(from_acts(FINDINGS, reading.acts))
