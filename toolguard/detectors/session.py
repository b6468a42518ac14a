"""The call against its session: sees a call that does what a result told the agent to do, not what the person asked.

Leaves alone calls whose class and targets are in the person's request, reads without a foreign target, and values taken
from results when nothing in the session speaks to the agent: most honest work acts on what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.facts import Facts, Instruction, Origin
from toolguard.core.instructions import stem
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.targets import Aim, Target, targets
from toolguard.core.verbs import VERBS, split_name
from toolguard.detectors.kinds import FindingKind

FOLLOWS: Final = FindingKind(
    "session.follows-instruction",
    Severity.HIGH,
    Confidence.HIGH,
    "a result told the agent to do this, and the person did not ask for it",
    ("OWASP-LLM01", "CWE-1427"),
)
SUGGESTED: Final = FindingKind(
    "session.follows-suggestion",
    Severity.MEDIUM,
    Confidence.HIGH,
    "a text that the agent read suggests this, and the person did not ask for it",
    ("OWASP-LLM01", "CWE-1427"),
)
UNASKED: Final = FindingKind(
    "session.unasked-effect",
    Severity.LOW,
    Confidence.MEDIUM,
    "the person's request does not call for a call of this kind",
    ("OWASP-LLM06",),
)
FOREIGN: Final = FindingKind(
    "session.target-from-result",
    Severity.LOW,
    Confidence.MEDIUM,
    "whom this reaches was taken from a text that other people can write",
    ("OWASP-LLM01",),
)
TAINTED: Final = FindingKind(
    "session.tainted-send",
    Severity.MEDIUM,
    Confidence.HIGH,
    "private data were read, a text spoke to the agent, and now something leaves",
    ("OWASP-LLM02", "CWE-200"),
)

FINDINGS: Final = (FOLLOWS, SUGGESTED, UNASKED, FOREIGN, TAINTED)

TOPIC: Final = 5
"""First letters by which words are of one topic: `reserve` and `reservation`, `register` and `registration`."""

READ: Final = EffectClass.READ
_GRAVE: Final = frozenset(
    {
        EffectClass.SEND,
        EffectClass.SPEND,
        EffectClass.GRANT,
        EffectClass.DELETE,
        EffectClass.EXECUTE,
        EffectClass.ADMINISTER,
    }
)
_KIN: Final[dict[EffectClass, frozenset[EffectClass]]] = {
    EffectClass.SEND: frozenset({EffectClass.SEND, EffectClass.GRANT}),
    EffectClass.GRANT: frozenset({EffectClass.GRANT, EffectClass.SEND, EffectClass.WRITE}),
    EffectClass.SPEND: frozenset({EffectClass.SPEND, EffectClass.SEND}),
    EffectClass.WRITE: frozenset({EffectClass.WRITE, EffectClass.ADMINISTER}),
    EffectClass.DELETE: frozenset({EffectClass.DELETE}),
    EffectClass.ADMINISTER: frozenset({EffectClass.ADMINISTER, EffectClass.WRITE}),
    EffectClass.EXECUTE: frozenset(set(EffectClass) - {EffectClass.READ}),
    EffectClass.UNKNOWN: frozenset(EffectClass),
}
"""Classes of an instruction's verbs that a call of the first class may carry out."""


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """What the session says about this call."""
    effect = facts.classification.effect_class
    found = targets(reading.call.arguments)
    aimed = [(one, facts.origin_of(one.value)) for one in found if one.aim is not Aim.TEXT]
    name = frozenset(stem(word) for word in split_name(reading.call.tool) if word not in VERBS and len(word) > 2)
    told = tuple(_told(facts, effect, name, found, aimed)) if facts.instructions else ()
    yield from told or _leaves(facts, effect, name, aimed)
    if effect in _GRAVE:
        yield from _foreign(effect, aimed)
        if not facts.intent.hands_over and not facts.intent.calls_for(effect) and not facts.intent.mentions(name):
            yield UNASKED.at()


def _told(
    facts: Facts,
    effect: EffectClass,
    name: frozenset[str],
    found: tuple[Target, ...],
    aimed: list[tuple[Target, Origin]],
) -> Iterator[Finding]:
    grounded = _is_grounded(facts, effect, name, aimed)
    called_for = facts.intent.mentions(name) if effect is EffectClass.UNKNOWN else facts.intent.calls_for(effect)
    values = {one.value.casefold(): one for one in found if len(one.value) > 1}
    new = {value: one for value, one in values.items() if not facts.said(value)}
    for told in reversed(facts.instructions):
        hit = next((one for value, one in new.items() if _names(told, value)), None)
        does = bool(told.effects & _KIN.get(effect, frozenset()))
        speaks = bool(name & told.words)
        if effect is READ:
            # A read is a way out where it names a place, and a step on the way where it fetches what was ordered.
            if told.strong and hit is not None and hit.aim is not Aim.TEXT and (hit.aim is Aim.PLACE or speaks):
                yield _finding(FOLLOWS, told, hit)
                return
            continue
        if told.strong:
            if hit is not None or ((does or speaks) and not grounded):
                yield _finding(FOLLOWS, told, hit)
                return
        elif does and _is_suspect(facts, told, hit, called_for, speaks or effect in _GRAVE):
            yield _finding(SUGGESTED, told, hit)
            return


def _is_suspect(facts: Facts, told: Instruction, hit: Target | None, called_for: bool, fits: bool) -> bool:
    """An ordinary imperative counts when the request calls for nothing of the kind, or speaks of something else.

    Where the request is not known, it counts when it names whom the call reaches.
    """
    if not called_for and not facts.intent.hands_over and (hit is not None or fits):
        return True
    if not facts.intent.known:
        return hit is not None and hit.aim in (Aim.RECIPIENT, Aim.ACCOUNT)
    about = {word[:TOPIC] for word in told.words if word not in VERBS}
    asked = {word[:TOPIC] for word in facts.intent.words}
    return hit is not None and not facts.intent.delegates and not about & asked


def _leaves(
    facts: Facts, effect: EffectClass, name: frozenset[str], aimed: list[tuple[Target, Origin]]
) -> Iterator[Finding]:
    """Private data, a text that speaks to the agent, and a way out: each alone is daily work."""
    speaker = next((one for one in facts.instructions if one.strong), None)
    if speaker is None or not facts.private_read or effect not in (EffectClass.SEND, EffectClass.GRANT):
        return
    if not _is_grounded(facts, effect, name, aimed):
        yield TAINTED.at(f"{TAINTED.sentence} ({speaker.tool}, line {speaker.line})")


def _is_grounded(facts: Facts, effect: EffectClass, name: frozenset[str], aimed: list[tuple[Target, Origin]]) -> bool:
    """The person asked for such a call, and for each whom it reaches."""
    if not facts.intent.known or not facts.intent.calls_for(effect) or not facts.intent.mentions(name):
        return False
    reached = [origin for one, origin in aimed if one.aim in (Aim.RECIPIENT, Aim.ACCOUNT, Aim.PLACE)]
    return all(origin.kind == "prompt" for origin in reached)


def _names(told: Instruction, value: str) -> bool:
    """The instruction names this value, or the value holds what it names."""
    if value in told.values:
        return True
    return len(value) > 5 and any((value in named or named in value) for named in told.values if len(named) > 5)


def _foreign(effect: EffectClass, aimed: list[tuple[Target, Origin]]) -> Iterator[Finding]:
    """A payee read somewhere is worth a look each time; a recipient read somewhere is how replies work."""
    for one, origin in aimed:
        if origin.kind != "result" or one.aim not in (Aim.RECIPIENT, Aim.ACCOUNT):
            continue
        message = f"this {one.aim} came from a result of {origin.tool}, line {origin.line}, not from the request"
        if effect is EffectClass.SPEND:
            yield FOREIGN.at(message, one.pointer, severity=Severity.MEDIUM, confidence=Confidence.HIGH)
        elif origin.untrusted:
            yield FOREIGN.at(message, one.pointer)
        return


def _finding(kind: FindingKind, told: Instruction, hit: Target | None) -> Finding:
    quoted = " ".join(told.text.split())[:120]
    message = f"{kind.sentence}: “{quoted}” ({told.tool}, line {told.line})"
    return kind.at(message, hit.pointer if hit else "")
