"""Rights and administration by function tools: sees access handed out, to whom and how much, and whole systems changed.

Leaves alone access of an ordinary kind that the request calls for. Commands and SQL have their own detectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from toolguard.core.classify import holds_language
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.verbs import split_name
from toolguard.detectors.kinds import FindingKind

LEAVES: Final = 500
"""Strings of the arguments that are looked at."""

_POWERS: Final = frozenset(
    "admin administrator owner root superuser sudo wheel full all write maintain editor fullaccess".split()
)
_PUBLIC: Final = frozenset("public everyone anyone anonymous allusers allauthenticatedusers world guest guests".split())
_PUBLIC_OR_POWERS: Final = _POWERS | _PUBLIC
_PROTECTION: Final = frozenset(
    """firewall protection mfa 2fa encryption backup backups logging audit monitoring antivirus policy
    immutability guard security rule rules waf sso retention versioning lock""".split()
)
_OFF: Final = frozenset("disable remove delete off bypass suspend pause skip turn stop revoke unprotect unlock".split())
_PERMISSION_KEYS: Final = frozenset(
    "role roles permission permissions access scope scopes privilege level acl grant".split()
)

GRANTS: Final = FindingKind(
    "access.grants",
    Severity.LOW,
    Confidence.HIGH,
    "gives somebody access or a right",
    ("CWE-269", "OWASP-LLM06"),
)
POWER: Final = FindingKind(
    "access.power",
    Severity.MEDIUM,
    Confidence.HIGH,
    "gives rights of an administrator or owner, or opens something to everyone",
    ("CWE-269", "CWE-732"),
)
PROTECTION_OFF: Final = FindingKind(
    "access.protection-off",
    Severity.MEDIUM,
    Confidence.HIGH,
    "switches off something that protects: a lock, a log, a backup, a second factor",
    ("CWE-693",),
)
FINDINGS: Final = (GRANTS, POWER, PROTECTION_OFF)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a call that grants or administers."""
    effect = facts.classification.effect_class
    if holds_language(reading) or effect is EffectClass.READ:
        return
    name = frozenset(split_name(reading.call.tool))
    if effect is EffectClass.GRANT:
        if facts.intent.known and facts.intent.calls_for(effect):
            yield GRANTS.at()
        else:
            yield GRANTS.at(severity=Severity.MEDIUM, confidence=Confidence.MEDIUM)
    yield from _powers(reading, effect)
    if name & _OFF and name & _PROTECTION and effect is not EffectClass.SEND:
        asked = facts.intent.known and facts.intent.mentions(name & _PROTECTION)
        yield PROTECTION_OFF.at(severity=Severity.LOW if asked else Severity.MEDIUM)


def _powers(reading: Reading, effect: EffectClass) -> Iterable[Finding]:
    """The level of a right, where a parameter names one."""
    if effect is EffectClass.UNKNOWN:
        return
    for where, text in reading.texts[:LEAVES]:
        if len(text) > 60:
            continue
        words = _PUBLIC_OR_POWERS.intersection(split_name(text))
        if not words:
            continue
        if _PERMISSION_KEYS.intersection(split_name(where)):
            yield POWER.at(f"gives “{text}”: {POWER.sentence}", where)
            return
        if effect is EffectClass.GRANT and words & _PUBLIC:
            yield POWER.at(f"opens it to {text}", where)
            return
