"""The call against its session: sees a call that does what a result told the agent to do, not what the person asked.

Leaves alone calls whose class and targets are in the person's request, reads without a foreign target, and values taken
from results when nothing in the session speaks to the agent: most honest work acts on what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from toolguard.core.classify import holds_language, tells_plainly
from toolguard.core.model import Confidence, EffectClass, Finding, Severity
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.session.instructions import Instruction, content_words, stem
from toolguard.core.session.memory import Origin
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

PROGRAM: Final = 2_000
"""Characters of a command whose words tell what it is about."""

SHORTEST: Final = 4
"""A value of no more characters may stand in another one by chance."""

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


@dataclass(frozen=True, slots=True)
class _Deed:
    """The call as its session sees it."""

    effect: EffectClass
    subject: frozenset[str]
    """Stems of what it is about: of the tool's name, or of a command's words."""
    is_program: bool
    """It runs commands, code or SQL. Imperatives about those fill every manual, so only a text that speaks to the
    agent counts against it."""
    found: tuple[Target, ...]
    aimed: tuple[tuple[Target, Origin], ...]
    called_for: bool
    """The request plausibly needs such a call."""
    grounded: bool
    """The request asks for such a call, and names each whom it reaches."""


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """What the session says about this call."""
    effect = facts.classification.effect_class
    # Against a reading call only what speaks to the agent counts, and that is known without reading all that waits.
    if not (facts.spoken_to if effect is READ else facts.instructions or facts.intent.asks_only or effect in _GRAVE):
        return
    deed = _deed(reading, facts)
    told = tuple(_told(facts, deed)) if facts.instructions else ()
    yield from told or _leaves(facts, deed)
    if deed.effect in _GRAVE:
        yield from _foreign(facts, deed)
    asked = deed.called_for or facts.intent.hands_over or facts.intent.mentions(deed.subject)
    if _only_asked(reading, facts, deed):
        sentence = "the request only asks for an answer, and this call would change something"
        yield UNASKED.at(sentence, severity=Severity.MEDIUM, confidence=Confidence.HIGH)
    elif deed.effect in _GRAVE and not deed.is_program and not asked:
        yield UNASKED.at()


_STEPS: Final = frozenset(
    """click type press hover scroll drag select navigate goto focus resize wait cd memory memories todo todos plan
    think thought scratchpad cache context entity entities observation observations""".split()
)
"""Words of tools by which an agent gets to an answer: steps through a page, its own notes."""
_BEGINS: Final = frozenset(
    "open start begin init initialize initialise launch load connect login switch checkout".split()
)
_PLACES: Final = frozenset(
    """browser page tab window session app url link site chat search query thread env environment notebook kernel
    terminal debugger branch repo repository file folder project workspace""".split()
)
"""What an agent opens or starts on the way."""


def _only_asked(reading: Reading, facts: Facts, deed: _Deed) -> bool:
    """A change in answer to a question. Programs and written files are judged by what they hold."""
    if not facts.intent.asks_only or deed.is_program:
        return False
    if deed.effect in (READ, EffectClass.UNKNOWN, EffectClass.EXECUTE):
        return False
    if reading.files and deed.effect is EffectClass.WRITE:
        return False
    words = frozenset(split_name(reading.call.tool))
    on_the_way = words & _STEPS or (words & _BEGINS and words & _PLACES)
    return not on_the_way and tells_plainly(reading.call)


def _deed(reading: Reading, facts: Facts) -> _Deed:
    effect = facts.classification.effect_class
    found = targets(reading.call.arguments)
    aimed = tuple((one, facts.origin_of(one.value)) for one in found if one.aim is not Aim.TEXT)
    is_program = holds_language(reading)
    if is_program and facts.instructions:
        subject = content_words(" ".join(fragment.text[:PROGRAM] for fragment in reading.fragments[:4]))
    else:
        subject = _subject(reading.call.tool)
    mentioned = facts.intent.mentions(subject)
    called_for = mentioned if effect is EffectClass.UNKNOWN else facts.intent.calls_for(effect)
    reached = [
        origin
        for one, origin in aimed
        if one.aim in (Aim.RECIPIENT, Aim.ACCOUNT) or (one.aim is Aim.PLACE and not _is_local(effect, one.value))
    ]
    grounded = facts.intent.known and called_for and mentioned and all(origin.kind == "prompt" for origin in reached)
    grounded = grounded or _is_written_where_asked(facts, effect, aimed)
    return _Deed(effect, subject, is_program, found, aimed, called_for, grounded)


@lru_cache(maxsize=1024)
def _subject(tool: str) -> frozenset[str]:
    return frozenset(stem(w) for w in split_name(tool) if w not in VERBS and len(w) > 2)


def _is_written_where_asked(facts: Facts, effect: EffectClass, aimed: tuple[tuple[Target, Origin], ...]) -> bool:
    """A folder made, a file saved, a page filled in at the very places that the request names."""
    if effect is not EffectClass.WRITE or not facts.intent.known or not facts.intent.calls_for(effect):
        return False
    places = [origin for one, origin in aimed if one.aim in (Aim.PLACE, Aim.RECIPIENT, Aim.ACCOUNT)]
    return bool(places) and all(origin.kind == "prompt" for origin in places)


def _is_local(effect: EffectClass, place: str) -> bool:
    """A file of one's own: writing it reaches nobody."""
    return effect is EffectClass.WRITE and "://" not in place and not place.startswith("www.")


def _told(facts: Facts, deed: _Deed) -> Iterator[Finding]:
    """At most one finding: the newest instruction that this call carries out."""
    values = {one.value.casefold(): one for one in deed.found if len(one.value) > 1}
    new = {value: one for value, one in values.items() if not facts.said(value)}
    for told in reversed(facts.instructions):
        hit = next((one for value, one in new.items() if _names(told, value)), None)
        if told.strong:
            if _obeys(deed, told, hit):
                yield _finding(FOLLOWS, told, hit)
                return
        elif deed.effect is not READ and not deed.is_program and _is_suspect(facts, deed, told, hit):
            yield _finding(SUGGESTED, told, hit)
            return


def _does(deed: _Deed, told: Instruction) -> bool:
    return bool(told.effects & _KIN.get(deed.effect, frozenset()))


def _obeys(deed: _Deed, told: Instruction, hit: Target | None) -> bool:
    """The call does what a text that speaks to the agent says, by its values, its verb or its subject."""
    speaks = bool(deed.subject & told.words)
    if deed.effect is READ:
        # A read is a way out where it names a place, and a step on the way where it fetches what was ordered.
        if hit is None or (hit.aim is Aim.TEXT and not deed.is_program):
            return False
        return hit.aim in (Aim.PLACE, Aim.TEXT) or speaks
    if hit is not None:
        return True
    fits = (_does(deed, told) and speaks) if deed.is_program else (_does(deed, told) or speaks)
    return fits and not deed.grounded


def _is_suspect(facts: Facts, deed: _Deed, told: Instruction, hit: Target | None) -> bool:
    """An ordinary imperative counts when the request calls for nothing of the kind, or speaks of something else.

    Where the request is not known, it counts when it names whom the call reaches.
    """
    if not _does(deed, told):
        return False
    fits = hit is not None or deed.effect in _GRAVE or bool(deed.subject & told.words)
    if fits and not deed.called_for and not facts.intent.hands_over:
        return True
    if not facts.intent.known:
        return hit is not None and hit.aim in (Aim.RECIPIENT, Aim.ACCOUNT)
    about = {word[:TOPIC] for word in told.words if word not in VERBS}
    asked = {word[:TOPIC] for word in facts.intent.words}
    return hit is not None and not facts.intent.delegates and not about & asked


def _leaves(facts: Facts, deed: _Deed) -> Iterator[Finding]:
    """Private data, a text that speaks to the agent, and a way out: each alone is daily work."""
    speaker = next((one for one in facts.instructions if one.strong), None)
    if speaker is None or not facts.private_read or deed.effect not in (EffectClass.SEND, EffectClass.GRANT):
        return
    if not deed.grounded:
        yield TAINTED.at(f"{TAINTED.sentence} ({speaker.tool}, line {speaker.line})")


def _names(told: Instruction, value: str) -> bool:
    """The instruction names this value, or the value holds what it names."""
    if value in told.values:
        return True
    return len(value) > SHORTEST and any(
        (value in named or named in value) for named in told.values if len(named) > SHORTEST
    )


def _foreign(facts: Facts, deed: _Deed) -> Iterator[Finding]:
    """A payee read where others write is worth a look, unless the person named the source; a recipient is a reply."""
    for one, origin in deed.aimed:
        if origin.kind != "result" or one.aim not in (Aim.RECIPIENT, Aim.ACCOUNT):
            continue
        message = f"this {one.aim} came from {origin.tool}, line {origin.line}, not from the request"
        if deed.effect is not EffectClass.SPEND:
            if origin.untrusted:
                yield FOREIGN.at(message, one.pointer)
        elif origin.untrusted and not _is_named(facts, origin):
            yield FOREIGN.at(message, one.pointer, severity=Severity.MEDIUM, confidence=Confidence.HIGH)
        else:
            yield FOREIGN.at(message, one.pointer, confidence=Confidence.HIGH)
        return


def _is_named(facts: Facts, origin: Origin) -> bool:
    """The request names what the source was asked for: `bill.txt` of `read_file(/in/bill.txt)`."""
    asked_for = origin.tool.partition("(")[2].removesuffix(")").casefold()
    return len(asked_for) > 2 and (facts.said(asked_for) or facts.said(asked_for.rpartition("/")[2] or asked_for))


def _finding(kind: FindingKind, told: Instruction, hit: Target | None) -> Finding:
    quoted = " ".join(told.text.split())[:120]
    message = f"{kind.sentence}: “{quoted}” ({told.tool}, line {told.line})"
    return kind.at(message, hit.pointer if hit else "")
