"""Many things at once by function tools: sees containers deleted, deletions without end, exports of everything.

Leaves alone the removal of single small things (a message, an alarm, an item) and reads of pages and lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.classify import holds_language
from toolguard.core.model import Confidence, EffectClass, Finding, Reach, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.session.instructions import stem
from toolguard.core.verbs import VERBS, split_name
from toolguard.detectors.kinds import FindingKind

_CONTAINERS: Final = frozenset(
    """repository repo database db schema table collection bucket container volume disk snapshot backup project
    workspace     organization org account tenant subscription cluster server instance vm machine namespace
        environment deployment
    stack domain zone vault drive folder directory mailbox calendar board team user users customer customers
    topic index dataset warehouse site app application service pipeline branch group vault keyspace node""".split()
)
"""What holds other things, or what others rest on."""

_MOVES: Final = frozenset({"move", "rename", "mv"})
"""A file that moves is deleted in one place; nothing is lost."""

_EXPORTS: Final = frozenset("export dump backup download extract archive".split())
_ALL: Final = frozenset("all everything bulk entire whole batch mass purge wipe every".split())
MANY: Final = 20
"""Items of one deletion from which a person would want to see the list."""

CONTAINER: Final = FindingKind(
    "bulk.delete-container",
    Severity.MEDIUM,
    Confidence.HIGH,
    "deletes something that holds other things, with all that is in it",
    ("CWE-471", "OWASP-LLM06"),
)
MANY_DELETED: Final = FindingKind(
    "bulk.delete-many",
    Severity.HIGH,
    Confidence.MEDIUM,
    "deletes many things at once",
    ("CWE-471", "OWASP-LLM06"),
)
EXPORT: Final = FindingKind(
    "bulk.export",
    Severity.LOW,
    Confidence.HIGH,
    "takes out everything at once",
    ("CWE-200",),
)
FINDINGS: Final = (CONTAINER, MANY_DELETED, EXPORT)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a function tool that deletes or exports in bulk."""
    if holds_language(reading):
        return
    effect = facts.classification.effect_class
    name = split_name(reading.call.tool)
    if effect is EffectClass.DELETE and not _MOVES.intersection(name):
        yield from _deleted(reading, facts, frozenset(name))
    elif _EXPORTS.intersection(name) and (_ALL.intersection(name) or facts.classification.reach is Reach.ALL):
        yield EXPORT.at()


def _deleted(reading: Reading, facts: Facts, name: frozenset[str]) -> Iterable[Finding]:
    about = frozenset(stem(word) for word in name if word not in VERBS)
    asked = facts.intent.known and facts.intent.calls_for(EffectClass.DELETE) and facts.intent.mentions(about)
    longest = max((len(v) for v in reading.call.arguments.values() if isinstance(v, list)), default=0)
    if name & _ALL or facts.classification.reach is Reach.ALL or longest >= MANY:
        yield MANY_DELETED.at(confidence=Confidence.LOW if asked else Confidence.MEDIUM)
    elif name & _CONTAINERS:
        thing = next(iter(name & _CONTAINERS))
        yield CONTAINER.at(
            f"deletes a {thing} with all that is in it", severity=Severity.LOW if asked else Severity.MEDIUM
        )
