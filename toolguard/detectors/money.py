"""Payments and orders: sees money that leaves where nobody asked for it, and sums that stand out.

Leaves alone a purchase that the person's request calls for, in a sum that it names or that is ordinary.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.classify import holds_language
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.targets import Aim, targets
from toolguard.core.verbs import split_name
from toolguard.detectors.kinds import FindingKind

LARGE: Final = 10_000
"""From here a sum stands out in any of the large currencies; the limit at which banks report cash, too."""

_COUNTS: Final = frozenset({"quantity", "qty", "limit", "number", "count"})
"""Words of parameters that count things, not money."""

SPENDS: Final = FindingKind(
    "money.spends",
    Severity.LOW,
    Confidence.HIGH,
    "spends money or makes a binding order",
    ("OWASP-LLM06",),
)
LARGE_SUM: Final = FindingKind(
    "money.large-sum",
    Severity.MEDIUM,
    Confidence.LOW,
    "moves a large sum",
    ("OWASP-LLM06",),
)
INVENTED_SUM: Final = FindingKind(
    "money.unstated-sum",
    Severity.LOW,
    Confidence.MEDIUM,
    "the sum is neither in the request nor in anything that was read",
    ("OWASP-LLM09",),
)
FINDINGS: Final = (SPENDS, LARGE_SUM, INVENTED_SUM)


LOOKS_AT: Final = ("effects",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a call that spends."""
    if facts.classification.effect_class is not EffectClass.SPEND or holds_language(reading):
        return
    if facts.intent.known and facts.intent.calls_for(EffectClass.SPEND):
        yield SPENDS.at()
    else:
        why = "the request does not call for it" if facts.intent.known else "we do not know what the person asked"
        yield SPENDS.at(f"{SPENDS.sentence}, and {why}", severity=Severity.MEDIUM, confidence=Confidence.HIGH)
    for one in targets(reading.call.arguments):
        counted = _COUNTS.intersection(split_name(one.key))
        sum_ = _number(one.value) if one.aim is Aim.AMOUNT and not counted else None
        if sum_ is None:
            continue
        if abs(sum_) >= LARGE:
            yield LARGE_SUM.at(f"moves a large sum: {one.value[:40]}", one.pointer)
        if facts.intent.known and facts.origin_of(one.value).kind == "nowhere":
            yield INVENTED_SUM.at(pointer=one.pointer)


def _number(text: str) -> float | None:
    try:
        return float(text.strip(" $€£¥").replace(",", ""))
    except ValueError:
        return None
