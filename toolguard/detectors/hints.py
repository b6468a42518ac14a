"""What a server says of its own tools: sees hints that contradict what the call does, and tools marked destructive.

Hints only ever raise a risk here. Leaves alone tools without hints, and hints that agree with the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import FindingKind

CONTRADICTS: Final = FindingKind(
    "annotation.contradicts",
    Severity.LOW,
    Confidence.HIGH,
    "the server calls this tool read-only, yet the call does more than read",
    ("CWE-451",),
)
DESTRUCTIVE: Final = FindingKind(
    "annotation.destructive",
    Severity.LOW,
    Confidence.MEDIUM,
    "the server itself marks this tool as destructive",
)
FINDINGS: Final = (CONTRADICTS, DESTRUCTIVE)

_QUIET: Final = frozenset({EffectClass.READ, EffectClass.UNKNOWN})


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Compare the hints of the definition with the class of the call."""
    definition = reading.call.definition
    if definition is None or not definition.annotations:
        return
    hints = definition.annotations
    effect = facts.classification.effect_class
    if hints.get("readOnlyHint") is True and effect not in _QUIET:
        yield CONTRADICTS.at(f"the server calls this tool read-only, yet this call would {effect.value}")
    if hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True:
        yield DESTRUCTIVE.at()
