"""Messages to people: sees mail to many at once and recipients that the agent made up.

Leaves alone a message to one person or a few, wherever their addresses came from: replies are daily work, and what a
stranger's text ordered is the session detector's business.
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

MANY: Final = 15
"""Recipients from which a message is a mailing."""

_EVERYONE: Final = frozenset(
    {"everyone", "everybody", "all", "@all", "@everyone", "@channel", "@here", "all-staff", "*"}
)

_MASS: Final = frozenset("bulk mass broadcast blast newsletter campaign mailing announcement announce everyone".split())
"""Words in the names of tools that write to many."""

MAILING: Final = FindingKind(
    "message.mailing",
    Severity.MEDIUM,
    Confidence.HIGH,
    "goes to many people at once, and cannot be taken back",
    ("OWASP-LLM06",),
)
INVENTED: Final = FindingKind(
    "message.invented-recipient",
    Severity.LOW,
    Confidence.HIGH,
    "the recipient's address is neither in the request nor in anything that was read",
    ("OWASP-LLM09",),
)
SENDS: Final = FindingKind(
    "message.sends",
    Severity.LOW,
    Confidence.LOW,
    "says something to somebody in the person's name",
    ("OWASP-LLM06",),
)
FINDINGS: Final = (MAILING, INVENTED, SENDS)


LOOKS_AT: Final = ("effects",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a call that sends."""
    if facts.classification.effect_class is not EffectClass.SEND or holds_language(reading):
        return
    yield SENDS.at()
    to = [one for one in targets(reading.call.arguments) if one.aim is Aim.RECIPIENT]
    if len({one.value for one in to}) >= MANY:
        yield MAILING.at(f"goes to {len(to)} recipients at once, and cannot be taken back", to[0].pointer)
    if _MASS.intersection(split_name(reading.call.tool)):
        yield MAILING.at(severity=Severity.LOW if facts.intent.known else Severity.MEDIUM)
    for one in to:
        if one.value.casefold().strip() in _EVERYONE:
            yield MAILING.at(f"goes to {one.value}, and cannot be taken back", one.pointer)
            break
    for one in to:
        if facts.intent.known and "@" in one.value[1:] and facts.origin_of(one.value).kind == "nowhere":
            yield INVENTED.at(f"nothing so far named the recipient {one.value[:80]}", one.pointer)
            break
