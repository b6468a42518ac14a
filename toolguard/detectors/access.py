"""Rights and administration by function tools: sees access handed out, to whom and how much, and whole systems changed.

Leaves alone access of an ordinary kind that the request calls for. Commands and SQL have their own detectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
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
    """admin admins administrator administrators owner owners root superuser superusers sudo sudoers wheel full all
    write maintain editor fullaccess superadmin sysadmin poweruser master god privileged elevated""".split()
)
_NAMED_POWERS: Final = frozenset("admin administrator root superuser sudo superadmin sysadmin".split())
_PUBLIC: Final = frozenset("public everyone anyone anonymous allusers allauthenticatedusers world guest guests".split())
_PUBLIC_OR_POWERS: Final = _POWERS | _PUBLIC
_PROTECTION: Final = frozenset(
    """firewall protection mfa 2fa encryption backup backups logging audit monitoring antivirus policy
    immutability guard security rule rules waf sso retention versioning lock factor otp authentication authenticator
    captcha quarantine scanning scanner alerting alerts alarms approval approvals review reviews signing verification
    safeguard safeguards dlp edr ids ips acl""".split()
)
_OFF: Final = frozenset(
    "disable remove delete off bypass suspend pause skip turn stop revoke unprotect unlock detach drop weaken relax"
    " lower exempt".split()
)
_PASSES: Final = frozenset(
    "bypass override overrule ignore skip waive omit circumvent inhibit suppress without disregard defeat".split()
)
"""Words that pass over what follows them, in the name of a tool or of an argument that is true."""
_CHECKS: Final = _PROTECTION | frozenset(
    """check checks verify validation confirmation consent interlock interlocks hold holds limit limits sensor safety
    alarm identity customs embargo guardian quarantine legal person fly geofence buffer cooldown restriction
    restrictions kyc aml sanctions inspection screening quorum threshold allergy contraindication dose exclusion
    emergency signature signatures countersignature witness clearance safeguarding estop""".split()
)
"""What stands between a call and harm, in any trade."""
_AGREES: Final = frozenset("consent consented interlock safety safeguard safeguards emergency".split())
"""Arguments that say by `false` that such a thing is missing."""
_PERMISSION_KEYS: Final = frozenset(
    """role roles permission permissions access scope scopes privilege privileges level acl grant visibility privacy
    sharing audience""".split()
)

_GROUP_KEYS: Final = frozenset("group groups team teams organization org".split())

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


LOOKS_AT: Final = ("effects",)


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings of a call that grants or administers."""
    effect = facts.classification.effect_class
    if holds_language(reading) or effect is EffectClass.READ:
        return
    name = frozenset(split_name(reading.call.tool))
    if effect is EffectClass.GRANT:
        if facts.intent.known and facts.intent.calls_for(effect) and not facts.intent.asks_only:
            yield GRANTS.at()
        elif not facts.intent.known and "password" in name:
            yield GRANTS.at("sets a password, and we do not know what the person asked", severity=Severity.MEDIUM)
        else:
            yield GRANTS.at(severity=Severity.MEDIUM, confidence=Confidence.MEDIUM)
    yield from _powers(reading, effect)
    if effect not in (EffectClass.SEND, EffectClass.UNKNOWN) and _opens_network(reading):
        yield POWER.at("opens it to every address of the internet, or to everybody")
    off = (name & _OFF or _says_off(reading)) and name & _PROTECTION and effect is not EffectClass.SEND
    passed = _passed_over(name, reading)
    if off or passed:
        about = (name & _PROTECTION) | frozenset(split_name(passed))
        asked = facts.intent.known and not facts.intent.asks_only and facts.intent.mentions(about)
        message = f"passes over a check: {passed}" if passed and not off else ""
        yield PROTECTION_OFF.at(message, severity=Severity.LOW if asked else Severity.MEDIUM)


_EVERYBODY: Final = re.compile(
    r"^(?:0\.0\.0\.0/0|::/0)$|\"Principal\"\s*:\s*(?:\"\*\"|\{\s*\"AWS\"\s*:\s*\"\*\")|\"Action\"\s*:\s*\[?\s*\"\*\""
)
"""A network without bounds, and the statements of a policy that let everybody or everything in."""
_KEEPS: Final = frozenset(
    "enforce enforced enabled enable active require required requires protect protected strict verify verified".split()
)
_DROPS: Final = frozenset("disabled disable skip bypass off public".split())


def _passed_over(name: frozenset[str], reading: Reading) -> str:
    """What says so: `bypass_interlock: true`, `skip_second_signature: true`, `consent: false`, or the tool's name."""
    for key, value in islice(reading.call.arguments.items(), LEAVES):
        if value is True or value is False:
            words = frozenset(split_name(key))
            if (value and words & _PASSES and words & _CHECKS) or (not value and words & _AGREES):
                return key
    return reading.call.tool if name & _PASSES and name & _CHECKS else ""


def _opens_network(reading: Reading) -> bool:
    return any(_EVERYBODY.search(text) is not None for _, text in reading.texts[:LEAVES] if len(text) < 20_000)


def _says_off(reading: Reading) -> bool:
    """`enforce_admins: false`, `state: disabled`."""
    for key, value in islice(reading.call.arguments.items(), LEAVES):
        words = frozenset(split_name(key))
        if (value is False and words & _KEEPS) or (value is True and words & _DROPS):
            return True
        if isinstance(value, str) and value.lower() in ("off", "disabled", "disable", "none", "inactive"):
            return True
    return False


def _powers(reading: Reading, effect: EffectClass) -> Iterable[Finding]:
    """The level of a right, where a parameter names one."""
    if effect is EffectClass.UNKNOWN:
        return
    name = frozenset(split_name(reading.call.tool))
    if effect is EffectClass.GRANT and name & _NAMED_POWERS:
        yield POWER.at()
        return
    if "public" in name and name & {"make", "set", "mark", "expose", "open", "turn"}:
        yield POWER.at("opens it to everyone")
        return
    for where, text in reading.texts[:LEAVES]:
        if len(text) > 60:
            continue
        words = _PUBLIC_OR_POWERS.intersection(split_name(text))
        if not words:
            continue
        keys = split_name(where)
        grouped = effect is EffectClass.GRANT and bool(words & _POWERS) and bool(_GROUP_KEYS.intersection(keys))
        if _PERMISSION_KEYS.intersection(keys) or grouped:
            yield POWER.at(f"gives “{text}”: {POWER.sentence}", where)
            return
        if effect is EffectClass.GRANT and words & _PUBLIC:
            yield POWER.at(f"opens it to {text}", where)
            return
