"""Many things at once by function tools: sees containers deleted, deletions without end, exports of everything.

Leaves alone the removal of single small things (a message, an alarm, an item) and reads of pages and lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
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
    topic index dataset warehouse site app application service pipeline branch group vault keyspace node record
    records patient patients employee invoice transaction log logs audit trash bin inbox webhook certificate
    subscription campaign contract policy release chart stack infrastructure ledger evidence archive playlist
    album thread conversation catalog store listing product wallet key""".split()
)
"""What holds other things, or what others rest on."""

_MOVES: Final = frozenset({"move", "rename", "mv"})
"""A file that moves is deleted in one place; nothing is lost."""

_EXPORTS: Final = frozenset("export dump backup download extract archive".split())
_ALL: Final = frozenset(
    "all everything bulk entire whole batch mass purge wipe every many multiple flushall flushdb nuke".split()
)
_WHOLE: Final = frozenset("terraform helm pulumi cloudformation kubectl k8s kubernetes openstack".split())
"""Tools whose smallest object holds others."""
_SELECTS: Final = frozenset({"filter", "query", "where", "selector", "criteria", "match", "condition"})
_ENDS: Final = frozenset("cancel close reject archive update modify change set reassign lock unlock merge".split())
_STORED: Final = frozenset(
    "database db table schema users customers contacts employees patients messages emails".split()
)
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
MANY_CHANGED: Final = FindingKind(
    "bulk.change-many",
    Severity.MEDIUM,
    Confidence.HIGH,
    "changes or cancels many things at once",
    ("CWE-471", "OWASP-LLM06"),
)
FINDINGS: Final = (CONTAINER, MANY_DELETED, EXPORT, MANY_CHANGED)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a function tool that deletes or exports in bulk."""
    if holds_language(reading):
        return
    effect = facts.classification.effect_class
    name = split_name(reading.call.tool)
    if effect is EffectClass.DELETE and not _MOVES.intersection(name):
        yield from _deleted(reading, facts, frozenset(name))
    elif _ENDS.intersection(name) and _ALL.intersection(name) and effect is not EffectClass.READ:
        yield MANY_CHANGED.at(severity=Severity.LOW if facts.intent.known else Severity.MEDIUM)
    elif _takes_all(frozenset(name), facts):
        yield EXPORT.at(severity=Severity.LOW if facts.intent.known else Severity.MEDIUM)
    elif effect not in (EffectClass.READ, EffectClass.UNKNOWN) and _names_all(reading):
        asked = facts.intent.known and not facts.intent.asks_only
        yield MANY_CHANGED.at(severity=Severity.LOW if asked else Severity.MEDIUM)


def _takes_all(name: frozenset[str], facts: Facts) -> bool:
    if not _EXPORTS & name:
        return False
    return bool(_ALL & name) or facts.classification.reach is Reach.ALL or ("dump" in name and bool(_STORED & name))


def _deleted(reading: Reading, facts: Facts, name: frozenset[str]) -> Iterable[Finding]:
    about = frozenset(stem(word) for word in name if word not in VERBS)
    asked = facts.intent.known and facts.intent.calls_for(EffectClass.DELETE) and facts.intent.mentions(about)
    longest = max((len(v) for v in reading.call.arguments.values() if isinstance(v, list)), default=0)
    if name & _ALL or facts.classification.reach is Reach.ALL or longest >= MANY or _selects_all(reading):
        yield MANY_DELETED.at(confidence=Confidence.LOW if asked else Confidence.MEDIUM)
    elif things := (name | _kind_named(reading)) & _CONTAINERS or name & _WHOLE:
        thing = min(things)
        yield CONTAINER.at(
            f"deletes a {thing} with all that is in it", severity=Severity.LOW if asked else Severity.MEDIUM
        )


def _selects_all(reading: Reading) -> bool:
    """`all: true`, or a filter that is there and picks everything."""
    arguments = reading.call.arguments
    return arguments.get("all") is True or any(
        key.lower() in _SELECTS and value in ({}, [], "", "*", "{}", "1=1", "true") for key, value in arguments.items()
    )


def _names_all(reading: Reading) -> bool:
    """`lift: "ALL"`, `cells: ["*"]`, `all_sites: true`: no single thing is meant."""
    for key, value in islice(reading.call.arguments.items(), 100):
        words = split_name(key)
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(one, str) and one.casefold() in _EVERYTHING and _OF_VIEW.isdisjoint(words):
            return True
        if value is True and words[:1] == ("all",):
            return True
    return False


_EVERYTHING: Final = frozenset({"*", "all", "everyone", "everybody", "everything"})
_OF_VIEW: Final = frozenset(
    """status state filter sort order type kind category categories field fields column columns include format view
    mode tab language select visibility notify permission permissions""".split()
)
"""Words of arguments whose "all" says how much is shown or meant, not what is changed."""


def _kind_named(reading: Reading) -> frozenset[str]:
    """`delete(resource="namespace")`: what kind of thing a general tool deletes."""
    named = [reading.call.arguments.get(key) for key in ("resource", "resource_type", "type", "kind", "object_type")]
    return frozenset(word for value in named if isinstance(value, str) for word in split_name(value[:60]))
