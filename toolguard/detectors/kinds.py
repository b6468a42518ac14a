"""What a detector declares about each finding it can make; apart from the registry, so that detectors can import it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from toolguard.core.acts import Act
from toolguard.core.model import Confidence, Finding, Severity

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
SURE, LIKELY, MAYBE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW
"""How the tables of findings say it."""


@dataclass(frozen=True, slots=True)
class FindingKind:
    id: str
    severity: Severity
    confidence: Confidence
    sentence: str
    """What it means, for the reviewer; the default message of its findings."""
    tags: tuple[str, ...] = ()
    """CWE or OWASP references, for example `CWE-73`."""

    def at(
        self,
        message: str = "",
        pointer: str = "",
        start: int | None = None,
        end: int | None = None,
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> Finding:
        """A finding of this kind at a place; severity and confidence may be adjusted to what was seen there."""
        return Finding(
            self.id,
            severity or self.severity,
            confidence or self.confidence,
            message or self.sentence,
            pointer,
            start,
            end,
        )


DETECTOR_FAILED = FindingKind(
    "guard.detector-failed",
    HIGH,
    SURE,
    "a detector failed on this call, so nobody has vouched for it",
    ("CWE-703",),
)


def from_acts(kinds: Iterable[FindingKind], acts: Iterable[Act]) -> Iterator[Finding]:
    """The findings of these kinds that the reading of the call has already named, each at its place."""
    if not acts:
        return
    known = {kind.id: kind for kind in kinds}
    for act in acts:
        kind = known.get(act.finding)
        if kind is not None:
            place = act.place
            yield kind.at(
                act.sentence, place.pointer, place.start, place.end, severity=act.severity, confidence=act.confidence
            )


_HINT: Final = frozenset(
    {(Severity.LOW, c) for c in Confidence} | {(Severity.MEDIUM, Confidence.LOW), (Severity.MEDIUM, Confidence.MEDIUM)}
)
"""What does not ask alone under the default policy."""


def hints_once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Each hint once a call: ten ordinary steps of one kind in a script are not ten reasons to ask."""
    seen: set[str] = set()
    for finding in found:
        if (finding.severity, finding.confidence) in _HINT:
            if finding.id in seen:
                continue
            seen.add(finding.id)
        yield finding
