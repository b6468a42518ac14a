"""Function tools whose names say what follows: locks, doses, jobs, signatures, attacks, services, secrets, forwarding.

Leaves alone the same call when the person asked for it, names that only speak of such a thing (`detect_phishing`), and
every call whose arguments hold a program or SQL: those have detectors that read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.classify import holds_language
from toolguard.core.consequences import consequences
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.session.instructions import stem
from toolguard.detectors.kinds import FindingKind

MEDIUM, HIGH, SURE = Severity.MEDIUM, Severity.HIGH, Confidence.HIGH

FINDINGS: Final = (
    FindingKind("consequence.physical", MEDIUM, SURE, "acts on what protects or can hurt people", ("CWE-1384",)),
    FindingKind("consequence.medical", MEDIUM, SURE, "changes a patient's treatment or record", ("OWASP-LLM06",)),
    FindingKind("consequence.person", MEDIUM, SURE, "decides about a person's money, work or rights", ("OWASP-LLM06",)),
    FindingKind("consequence.attack", MEDIUM, SURE, "says by its name that it attacks or deceives", ("OWASP-LLM06",)),
    FindingKind("consequence.service", MEDIUM, SURE, "takes out or changes what others rely on", ("OWASP-LLM06",)),
    FindingKind("consequence.credentials", MEDIUM, SURE, "shows or makes what opens other doors", ("CWE-522",)),
    FindingKind("consequence.forwards", MEDIUM, SURE, "sends somebody's mail on from now on", ("CWE-200",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """At most one finding of each kind."""
    if holds_language(reading):
        return
    if _scales_to_nothing(reading):
        yield _BY_ID["consequence.service"].at("takes a service down to nothing")
    for one, about in consequences(reading.call):
        kind = _BY_ID[one.finding]
        if one.finding != "consequence.attack" and _asked(facts, about):
            yield kind.at(one.sentence, severity=Severity.LOW)
        else:
            yield kind.at(one.sentence)


_SIZES: Final = frozenset("replicas replica desired_count desired_capacity capacity count size instances nodes".split())


def _scales_to_nothing(reading: Reading) -> bool:
    """`scale_deployment(replicas=0)`."""
    tool = reading.call.tool.lower()
    if "scal" not in tool and "resize" not in tool:
        return False
    return any(key.lower() in _SIZES and value in (0, "0") for key, value in reading.call.arguments.items())


def _asked(facts: Facts, about: frozenset[str]) -> bool:
    """The request speaks of such a thing, or calls for a call of this class.

    People seldom name what they mean ("I'm home, let me in"), so a change of an ordinary class counts as asked for
    while nothing that other people wrote has been read.
    """
    intent, effect = facts.intent, facts.classification.effect_class
    if not intent.known or (intent.asks_only and effect is not EffectClass.READ):
        return False
    words = frozenset(stem(word) for thing in about for word in thing.split("_"))
    if intent.mentions(words):
        return True
    if effect in (EffectClass.READ, EffectClass.UNKNOWN):
        return False
    return intent.calls_for(effect) or (effect is EffectClass.WRITE and not facts.tainted)
