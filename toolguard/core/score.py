"""From findings to one number, so that every point of it has a reason.

The rule is this table and one line: points are probabilities that a reviewer would want to see the call, and
they combine as 1 - product(1 - p). Many weak hints never outrank one certain disaster by accident, and one
certain disaster is not diluted. Adding a finding never lowers the score.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.model import Confidence, Finding, Severity

POINTS: Final[dict[Severity, dict[Confidence, int]]] = {
    # Hundredths. MEDIUM with HIGH confidence is the weakest finding that asks alone under `balanced` (40).
    Severity.INFO: {Confidence.LOW: 0, Confidence.MEDIUM: 0, Confidence.HIGH: 0},
    Severity.LOW: {Confidence.LOW: 4, Confidence.MEDIUM: 8, Confidence.HIGH: 15},
    Severity.MEDIUM: {Confidence.LOW: 15, Confidence.MEDIUM: 25, Confidence.HIGH: 42},
    Severity.HIGH: {Confidence.LOW: 30, Confidence.MEDIUM: 50, Confidence.HIGH: 70},
    Severity.CRITICAL: {Confidence.LOW: 50, Confidence.MEDIUM: 75, Confidence.HIGH: 92},
}


def points(finding: Finding) -> int:
    """Hundredths that one finding contributes, before combination."""
    return POINTS[finding.severity][finding.confidence]


def score(findings: Iterable[Finding]) -> int:
    """0-100. Of findings with the same id and place only the strongest counts: a second look is no second reason."""
    strongest: dict[tuple[str, str, int | None], int] = {}
    for finding in findings:
        place = (finding.id, finding.pointer, finding.start)
        strongest[place] = max(points(finding), strongest.get(place, 0))
    remaining = 1.0
    for p in sorted(strongest.values()):  # sorted: the last bit of a product must not depend on the order of reports
        remaining *= 1 - p / 100
    return round(100 * (1 - remaining))
