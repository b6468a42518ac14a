"""Instructions in what the agent writes: sees texts that tell another agent, or the next reader, to drop its orders.

Leaves alone prompts, agents' configuration and advice to agents: only setting aside somebody else's orders counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.classify import holds_language
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.claims import LONGEST, planted
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import FindingKind

SHORTEST: Final = 16
"""No text of fewer characters can hold such an order."""

PLANTS: Final = FindingKind(
    "planting.instructions",
    Severity.MEDIUM,
    Confidence.HIGH,
    "writes or sends a text that tells an agent to drop its orders or limits",
    ("OWASP-LLM01", "CWE-1427"),
)
FINDINGS: Final = (PLANTS,)


LOOKS_AT: Final = ("effects",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """One finding for each argument that holds such a text."""
    if facts.classification.effect_class is EffectClass.READ or holds_language(reading):
        return
    left = LONGEST
    for where, text in reading.texts:
        if len(text) < SHORTEST or left <= 0:
            continue
        left -= len(text)
        span = planted(text)
        if span is not None:
            yield PLANTS.at(pointer=where, start=span[0], end=span[1])
