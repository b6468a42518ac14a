"""Arguments that only the application may fill: sees a call in which the model filled them itself.

Some frameworks hide arguments from the model and fill them in (a user's id, a connection). The adapter lists them in
the definition. Leaves alone every tool without such a list, and names inside other arguments.
"""

from __future__ import annotations

from collections.abc import Iterable

from toolguard.core.model import Confidence, Finding, Severity, pointer
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import FindingKind

FORGED = FindingKind(
    "injected.forged",
    Severity.HIGH,
    Confidence.HIGH,
    "the model filled an argument that only the application fills",
    ("CWE-639",),
)
FINDINGS = (FORGED,)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Compare the names of the arguments with the list in the definition."""
    definition = reading.call.definition
    names = definition.rest.get("injected") if definition is not None else None
    for name in names if isinstance(names, list) else ():
        if name in reading.call.arguments:
            yield FORGED.at(f"the model filled `{name}`, which only the application fills", pointer(name))
