# ruff: noqa: SIM905 - lists of words read better as text than as a column of quotes
"""What a person's request calls for: classes of effects, words, and whether it hands the choice to what will be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from toolguard.core.instructions import content_words
from toolguard.core.model import EffectClass
from toolguard.core.verbs import VERBS, lemma

READ, WRITE, DELETE, EXECUTE = EffectClass.READ, EffectClass.WRITE, EffectClass.DELETE, EffectClass.EXECUTE
SEND, SPEND, GRANT, ADMINISTER = EffectClass.SEND, EffectClass.SPEND, EffectClass.GRANT, EffectClass.ADMINISTER

_WORD: Final = re.compile(r"[a-z]+")

_EVERYDAY: Final[dict[EffectClass, str]] = {
    SEND: """tell inform let remind contact write message email text reply answer respond thank congratulate wish ask
        apologize register signup submit enter fill invite""",
    SPEND: "book reserve order buy get rent hire subscribe settle owe bill invoice money pay checkout exchange return upgrade",
    WRITE: """need want plan arrange organize meeting appointment event reminder todo alarm note make write draft book
        reserve order get exchange return cancel join download invite reply move set""",
    DELETE: "cancel clean rid free",
    GRANT: "share invite add give let join access",
    EXECUTE: "use test build debug solve fix compile start open",
    ADMINISTER: "fix set turn start stop switch change update",
}
"""What people say when they want such a thing done, beside the verbs themselves."""

_KIN: Final = {
    SEND: (SEND, GRANT),
    GRANT: (GRANT, SEND),
    SPEND: (SPEND,),
    WRITE: (WRITE, SPEND, ADMINISTER),
    DELETE: (DELETE,),
    ADMINISTER: (ADMINISTER, WRITE),
    EXECUTE: (EXECUTE, ADMINISTER),
}
"""A request for the first plausibly calls for any of these."""

_HANDS_OVER: Final = re.compile(
    r"\b(?:follow|do|perform|execute|complete|carry out|take care of|handle|act on|apply|implement|finish|process|check off)\b"
    r"[^.\n]{0,60}\b(?:instructions?|actions?|tasks?|steps?|to-?dos?|list|requests?|it says|items?|errands|checklist|asked|"
    r"guidelines?|suggestions?|recommendations?|everything)\b",
    re.I,
)
# "Do what is on my to-do list": the text that will be read decides.

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
    hands_over: bool = False
    """The request says to do what some text will say."""

    def calls_for(self, effect: EffectClass) -> bool:
        """Whether an effect of this class is what such a request plausibly needs. Unknown requests call for anything."""
        return not self.known or effect in self.effects or effect in (READ, EffectClass.UNKNOWN)

    def mentions(self, name: frozenset[str]) -> bool:
        """Whether the request speaks of what a tool of this name is about."""
        return any(word in self.words or self.words & _SENSES.get(word, frozenset()) for word in name)


def intent_of(prompt: str) -> Intent:
    """Total: an empty or foreign request is one that we do not know."""
    text = prompt.lower()
    words = {lemma(word) for word in _WORD.findall(text)}
    effects = {VERBS[word] for word in words if word in VERBS}
    for effect, everyday in _EVERYDAY.items():
        if words.intersection(everyday.split()):
            effects.add(effect)
    wanted = frozenset(kin for effect in effects for kin in _KIN.get(effect, (effect,)))
    ascii_share = sum(1 for c in text if c.isascii()) / len(text) if text else 0
    return Intent(
        known=bool(words & _COMMON) and ascii_share > 0.8 and len(words) > 2,
        effects=wanted,
        words=content_words(text),
        hands_over=_HANDS_OVER.search(text) is not None,
    )


_COMMON: Final = frozenset("the a to of and in for on is my me with i you please this that it from what how at an all".split())
"""Words by which English is recognised."""
