"""What a person's request calls for: classes of effects, words, and whether it leaves the choice to a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from toolguard.core.model import EffectClass
from toolguard.core.session.instructions import content_words
from toolguard.core.verbs import VERBS, WEAK, lemma

READ, WRITE, DELETE, EXECUTE = EffectClass.READ, EffectClass.WRITE, EffectClass.DELETE, EffectClass.EXECUTE
SEND, SPEND, GRANT, ADMINISTER = EffectClass.SEND, EffectClass.SPEND, EffectClass.GRANT, EffectClass.ADMINISTER

_WORD: Final = re.compile(r"[a-z]+")

_EVERYDAY: Final[dict[EffectClass, str]] = {
    SEND: """tell inform let remind contact write message email text reply answer respond thank congratulate wish ask
        apologize register signup submit enter fill invite""",
    SPEND: """book reserve order buy rent hire subscribe settle owe bill invoice pay checkout exchange return
        upgrade top
        refund""",
    WRITE: """need want plan arrange organize note make write draft book reserve order exchange return cancel join
        download invite reply move set fill enter submit put finish complete register""",
    DELETE: "cancel clean free",
    GRANT: "share invite add give let join",
    EXECUTE: "use test build debug solve fix compile start open",
    ADMINISTER: "fix set turn start stop switch change update",
}
"""What people say when they want such a thing done, beside the verbs themselves."""

_LEADS: Final = frozenset(
    """to and then please or you i we can could would will should must also just help kindly now by not after before
    let's     lets want need help me us it them so if first next finally also for about without when while""".split()
)
"""Words after which a word that can be a noun is a verb."""

_KIN: Final = {
    SEND: (SEND,),
    GRANT: (GRANT,),
    SPEND: (SPEND,),
    WRITE: (WRITE, SPEND, ADMINISTER),
    DELETE: (DELETE,),
    ADMINISTER: (ADMINISTER, WRITE),
    EXECUTE: (EXECUTE, ADMINISTER),
}
"""A request for the first plausibly calls for any of these."""

_DELEGATES: Final = re.compile(
    r"\b(?:follow|do|perform|execute|carry out|take care of|handle|act on|process|check off|work through"
    r"|complete|finish)\b"
    r"[^.\n]{0,40}\b(?:instructions?|actions?|tasks?|steps?|to-?dos?|list|it says|errands|checklist|asked|asks"
    r"|everything|procedure|runbook|guide|readme|manual|sop|wiki|docs|documentation|policy|protocol|tutorial)\b"
    r"|\bfollowing (?:the|our|your|my|sop|these|this)\b|\b(?:run|work|go) (?:the|through|down|by) [^.\n]{0,40}"
    r"\b(?:runbook|queue|backlog|checklist|list|playbook|sop)\b|\band do (?:it|them|that|so)\b"
    r"|\b(?:with|by) the steps in\b",
    re.IGNORECASE,
)
# "Do what is on my to-do list": the text that will be read decides.
_POINTS: Final = re.compile(
    r"\b(?:apply|implement|complete|finish)\b[^.\n]{0,60}\b(?:requests?|items?|guidelines?|suggestions?"
    r"|recommendations?)\b"
    r"|\b(?:listed|described|given|written|specified|mentioned|outlined|stated|detailed|included|requested)\b "
    r"(?:\w+ ){0,2}"
    r"(?:in|on|by|at|there)\b|\baccording(?:ly)?\b|\b(?:he|she|they|it|email|message|page|file|document) "
    r"(?:asks?|asked|"
    r"says?|said|requests?|requested|wants?|tells?|told|explains?|indicates?|describes?)\b|\breply\b|\brespond\b"
    r"|\b(?:exactly )?as (?:in|on|by|per) (?:the|our|your|my|their)\b|\b(?:address|account|number|link|place)s? "
    r"(?:given|named|listed)\b|\b(?:that|which) (?:was|were|is|are) (?:approved|agreed|requested|asked)\b",
    re.IGNORECASE,
)
# "Pay it as described in the bill": details come from the text that will be read.

_SYNONYMS: Final = (
    frozenset("meeting appointment event calendar schedule session call lunch dinner reminder agenda".split()),
    frozenset("email mail message letter inbox reply note respond".split()),
    frozenset("money payment transaction transfer bill rent invoice refund fund pay".split()),
    frozenset("file document report notes folder directory drive list".split()),
    frozenset("web website webpage page site link url article blog form internet browse subscribe".split()),
    frozenset("user person member people employee colleague friend participant".split()),
    frozenset("slack channel workspace chat message dm post".split()),
    frozenset("reservation booking flight hotel room ticket trip travel".split()),
    frozenset("download attachment save".split()),
)
_SENSES: Final[dict[str, frozenset[str]]] = {}
for _group in _SYNONYMS:
    for _word in _group:
        _SENSES[_word] = _SENSES.get(_word, frozenset()) | _group


@dataclass(frozen=True, slots=True)
class Intent:
    """What the person's words call for."""

    known: bool = False
    """There is a request, in a language whose verbs we know."""
    effects: frozenset[EffectClass] = frozenset()
    words: frozenset[str] = frozenset()
    delegates: bool = False
    """The request says to do what some text will say."""
    hands_over: bool = False
    """The request takes details, or everything, from some text that will be read."""
    asks_only: bool = False
    """The request is nothing but a question, or asks for something to be shown."""

    def calls_for(self, effect: EffectClass) -> bool:
        """Whether such a request plausibly needs an effect of this class. Unknown requests call for anything."""
        return not self.known or effect in self.effects or effect in (READ, EffectClass.UNKNOWN)

    def mentions(self, name: frozenset[str]) -> bool:
        """Whether the request speaks of what a tool of this name is about."""
        return any(word in self.words or self.words & _SENSES.get(word, frozenset()) for word in name)


def intent_of(prompt: str) -> Intent:
    """Total: an empty or foreign request is one that we do not know."""
    text = prompt.lower()
    effects = set(_asked(text))
    words = set(_WORD.findall(text))
    wanted = frozenset(kin for effect in effects for kin in _KIN.get(effect, (effect,)))
    delegates = _DELEGATES.search(text) is not None
    ascii_share = sum(1 for c in text if c.isascii()) / len(text) if text else 0
    return Intent(
        known=bool(words & _FUNCTION_WORDS) and ascii_share > 0.8 and len(words) > 2,
        effects=wanted,
        words=content_words(text),
        delegates=delegates,
        hands_over=delegates or _POINTS.search(text) is not None,
        asks_only=not delegates and _asks_only(text),
    )


QUESTION: Final = 400
"""Characters of a request; who writes more also says what should be done."""
_CLAUSE: Final = re.compile(r"[^\n]+?(?:[.?!;]+(?=\s|\Z)|\n|\Z)")
_ABBREVIATED: Final = re.compile(r"\b(mr|mrs|ms|dr|prof|st|no|nr|vs|approx|e\.g|i\.e)\.(?=\s)")
_GREETING: Final = frozenset("hi hello hey dear thanks thank you please ok okay good morning evening so and".split())
_LEAD: Final = re.compile(
    r"(?:(?:hi|hello|hey|please|kindly|now|then|also|first|next|just|ok|okay|so|and|but|quickly|thanks)\b[\s,:]*"
    r"|(?:can|could|would|will) you\b\s*|i(?:'d| would) like (?:you )?to\b\s*|i (?:want|need)(?: you)? to\b\s*"
    r"|(?:let|help) me\b\s*(?:to\b\s*)?)*"
)
_WH: Final = re.compile(r"(?:what|when|where|which|who|whose|whom|why|how)\b(?! (?:about|if|don't|not)\b)")
_AUXILIARY: Final = re.compile(
    r"(?:is|are|was|were|am|do|does|did|has|have|had|any\w*|can|could|may|should|would|will)\b(?! (?:you|we|not)\b)"
)
_SHOWS: Final = re.compile(
    r"(?:show|list|read|find|search|look(?! after)|see|display|fetch|get(?! rid\b|.*\bto\b)"
    r"|check(?! (?:\w+ )?(?:in|out|off)\b)|summari[sz]e|describe|explain|compare|count|retrieve|view|calculate|estimate"
    r"|proofread|analy[sz]e|identify|determine|name|(?:give|tell|read) (?:me|us))\b"
)
_GOES_ON: Final = re.compile(
    r"(?:(?:,|\b(?:and|then|so|or)\b)\s*)+"
    r"(?:(?:please|also|just|finally|afterwards|next|to|if so|proceed with|proceed to|you|we|i)\s+)*"
    r"([a-z]+)"
)
# "What does it cost, and book it": where a question goes on with something to be done.
_TO: Final = re.compile(r"\bto\s+([a-z]+)")


def _asks_only(text: str) -> bool:
    """Every sentence is a question or wants something shown. A statement is neither: it may answer the agent."""
    if len(text) > QUESTION:
        return False
    asks = False
    for clause in map(str.strip, _CLAUSE.findall(_ABBREVIATED.sub(r"\1", text))):
        start = _LEAD.match(clause)
        said = clause[start.end() :] if start is not None else clause
        if _GREETING.issuperset(_WORD.findall(said)):
            continue
        is_question = _WH.match(said) or (clause.endswith("?") and _AUXILIARY.match(said))
        if not is_question and not _SHOWS.match(said):
            return False
        # "Get somebody to take her home"; in a question it is what the person asks about.
        goes_on = [*_GOES_ON.finditer(said), *(() if is_question else _TO.finditer(said))]
        if any(_wants_done(found.group(1)) for found in goes_on):
            return False
        asks = True
    return asks


_DOES: Final = frozenset("do act handle proceed carry take follow deal process fix solve".split())


def _wants_done(word: str) -> bool:
    verb = lemma(word)
    return VERBS.get(verb, READ) is not READ or bool(_EVERYDAY_OF.get(verb)) or verb in _DOES


def _asked(text: str) -> Iterator[EffectClass]:
    """The effects of the verbs of a request; words that can be nouns count where a verb stands."""
    before, gap = "", True
    if _BUSINESS.search(text):
        yield SPEND
    if "rid of" in text:
        yield DELETE
    for found, after in _with_next(text):
        word = lemma(found.group())
        verbal = gap or before in _LEADS or found.group().endswith("ing")
        between = text[found.end() : found.end() + 2]
        # "send me", "tell us": what comes back is a reply, nothing leaves.
        to_me = after in ("me", "us")
        if verbal or word not in WEAK:
            effect = VERBS.get(word)
            if effect is not None and not (to_me and effect in (SEND, GRANT, WRITE)):
                yield effect
        if verbal and not to_me:
            yield from _EVERYDAY_OF.get(word, ())
        before, gap = found.group(), any(mark in between for mark in '.,;:!?\n("')


_BUSINESS: Final = re.compile(
    r"\b(?:plac|mak|execut|put|submit|arrang|orchestrat|finali[sz]|secur|complet|process|initiat|confirm"
    r"|do)\w*\b[^.\n]{0,30}?"
    r"\b(?:orders?|payments?|purchases?|reservations?|bookings?|bids?|transfers?|deposits?|donations?|shares"
    r"|tickets?)\b"
)
# "Place an order", "arrange the booking": the noun says that money moves.


def _with_next(text: str) -> Iterator[tuple[re.Match[str], str]]:
    found = list(_WORD.finditer(text))
    for i, one in enumerate(found):
        yield one, found[i + 1].group() if i + 1 < len(found) else ""


_EVERYDAY_OF: Final[dict[str, tuple[EffectClass, ...]]] = {
    word: tuple(effect for effect, text in _EVERYDAY.items() if word in text.split())
    for text in _EVERYDAY.values()
    for word in text.split()
}

_FUNCTION_WORDS: Final = frozenset(
    "the a to of and in for on is my me with i you please this that it from what how at an all".split()
)
"""Words by which English is recognised."""
