"""What nobody has looked into: sees arguments beyond the budget of work and texts that do not parse; both must be
asked about.

Leaves alone everything that was read in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import FindingKind

TOO_LARGE: Final = FindingKind(
    "guard.too-large", Severity.HIGH, Confidence.HIGH, "is too large or too deeply nested to be read", ("CWE-400",)
)
UNREADABLE: Final = FindingKind(
    "guard.unreadable", Severity.MEDIUM, Confidence.HIGH, "cannot be parsed, so nobody has vouched for it", ("CWE-436",)
)
FINDINGS: Final = (TOO_LARGE, UNREADABLE)


LOOKS_AT: Final = ("unread",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    for unread in reading.unread:
        kind = TOO_LARGE if unread.reason in ("too-large", "failed") else UNREADABLE
        yield kind.at(unread.sentence, unread.place.pointer, unread.place.start, unread.place.end)
