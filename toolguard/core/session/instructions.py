"""Finds sentences in a tool's result that tell the reader to do something, and those that mean the agent.

By their structure: an imperative, who is addressed, claims of authority, markup of a conversation, secrecy, order of
work. No list of known attacks. A plain imperative is ordinary in data ("Reply by Friday") and weighs only together with
a call that does what it says; one that addresses the agent weighs by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from toolguard.core.model import EffectClass, Json
from toolguard.core.session.claims import LONGEST, authority, may_claim
from toolguard.core.targets import ACCOUNT, EMAIL, URL
from toolguard.core.verbs import VERBS, lemma

KEPT: Final = 24
"""Instructions kept from one result."""

_OPENER: Final = (
    r"(?:please|kindly|now|then|next|first|second|third|finally|also|and|or|immediately|just|simply|instead|so"
    r"|afterwards?|after that|lastly|additionally|furthermore|always|to|directly|urgently|quickly)"
)
_MUST: Final = (
    r"(?:you(?:'ll| will)? (?:must|should|need to|have to|are (?:\w+ )?(?:required|asked|instructed|expected|told) to"
    r"|ought to|shall|may want to|might want to)|make sure (?:to|that you|you)|be sure to|do not forget to|don't "
    r"forget to"
    r"|remember to|(?:i|we)(?:'d| would)? (?:need|want|like|ask|require|urge) you to|(?:can|could|would|will) you"
    r"|(?:i|we) (?:need|want|would like) (?:your help )?to|help me(?: to)?|the (?:assistant|agent|user) (?:must"
    r"|should|has to))"
)
_START: Final = re.compile(
    rf"^[\W\d_]*(?:[\w ]{{1,24}}[:=]\s*[\"']?)?(?:{_OPENER}[,:]?\s+)*(?:{_MUST}\s+)?(?:{_OPENER}\s+)*([a-z]+)\b",
    re.IGNORECASE,
)
# A sentence that begins with a verb, behind bullets, a key of a record and words of politeness.
_WITHIN: Final = re.compile(rf"\b(?:please|kindly|{_MUST})\s+(?:{_OPENER}\s+)*([a-z]+)\b", re.IGNORECASE)
# "please send", "you must forward": an imperative inside a sentence.
_JOINED: Final = re.compile(r"(?:\band\b|\bthen\b|,|;)\s+(?:then |also |please )?([a-z]+)\b", re.IGNORECASE)
# "..., and forward it": the imperative goes on.
_AFTER: Final = re.compile(
    rf"^\W*(?:once|when|after|if|as soon as|before|while|upon|since"
    rf"|because)\b[^,.\n]{{3,120}},\s*(?:{_OPENER}\s+)*([a-z]+)\b",
    re.IGNORECASE,
)
# "Once you have it, send it": the order stands behind a clause.
_MEANS: Final = re.compile(
    r"^[\W\d_]*(?:please |kindly |then |now )?us(?:e|ing) [^.\n]{2,60}?\bto ([a-z]+)\b", re.IGNORECASE
)
# "Use the mail tool to send": the order stands behind the means.
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]{0,300})?/?>")
# Markup of a page, in lower case as pages have it; never prose.

_HIDDEN: Final = re.compile(
    "[\u200b\u200c\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007f]{2,}|[\U000e0020-\U000e007f]"
)
# Two invisible characters in a row, or one of the tag characters that only hide text.

_SPLIT: Final = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+"
    r"|\\?[\"']\s*[,:]\s*[\[{]*\s*\\?[\"']|\n\s*\n|\n(?=\s*(?:[-*•#<\[{|\"']|\d+[.)]|[A-Z]|[\w ]{1,24}:))"
    r"|\\n|\s{4,}|(?<=[}>])\s*"
)
# Ends of sentences, and lines that begin something new; a line that goes on in lower case was only wrapped.

_WORDS: Final = re.compile(r"[^\W\d_]{3,}")
_QUOTED: Final = re.compile(r"[\"'“‘`]([^\"'”’`\n]{2,80})[\"'”’`]")
_NUMBER: Final = re.compile(r"\b\d[\d.,]*\b")
_PATH: Final = re.compile(r"(?<![\w:/])(?:~|\.{1,2})?/[\w.@%+-]+(?:/[\w.@%+-]+)*")
# A path, not the tail of a URL.

_ADDRESS: Final = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+")
# Parts of an address are no topic.

_STOP: Final = frozenset(
    """the and you your for with that this from are was have has had not but all can will would should must please then
    them they their our out any his her its who what when where which into about also been more than one two using use
    after before following first here there make sure need want get our""".split()
)
_STATIVE: Final = frozenset({"see", "know", "have", "like", "look", "set", "go", "can", "note", "learn", "visit"})


_NAVIGATION: Final = frozenset(
    {
        "click",
        "press",
        "select",
        "scroll",
        "hover",
        "open",
        "type",
        "enter",
        "fill",
        "input",
        "tap",
        "log",
        "sign",
        "login",
    }
)
"""What every page tells its visitors to do; an order only where a text speaks to the agent."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A sentence in a result that tells the reader to do something."""

    tool: str
    step: int
    line: int
    """Line of the result in which it begins, counted from 1."""
    text: str
    strong: bool
    """Its form shows that it is meant for the agent and not for a person."""
    effects: frozenset[EffectClass] = frozenset()
    """What its verbs would do."""
    words: frozenset[str] = frozenset()
    """Its content words, by their stems."""
    values: frozenset[str] = frozenset()
    """What it names: addresses, accounts, paths, quoted words, numbers; in lower case."""

    def to_json(self) -> list[Json]:
        return [self.tool, self.step, self.line, self.text, self.strong]


def stem(word: str) -> str:
    """Enough of a word to compare singular with plural and a verb with its forms."""
    verb = lemma(word)
    if verb != word:
        return verb
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def content_words(text: str) -> frozenset[str]:
    """The stems of a text's words, without those that every text has."""
    prose = _ADDRESS.sub(" ", text.lower())
    return frozenset(stem(w) for w in _WORDS.findall(prose) if w not in _STOP)


def named_values(text: str) -> frozenset[str]:
    """Whatever in a text could be the target of a call."""
    found = {
        match.strip(".,;:!?)'\"").lower() for pattern in (EMAIL, URL, ACCOUNT, _PATH) for match in pattern.findall(text)
    }
    found.update(match.strip().lower() for match in _QUOTED.findall(text))
    found.update(match.rstrip(".,") for match in _NUMBER.findall(text) if len(match) > 1)
    return frozenset(value for value in found if len(value) > 1)


_LETTERS: Final = re.compile(r"[a-z]{2,}")
# Every word that a form below can take for a verb is among these.


def may_speak(text: str) -> bool:
    """Whether `instructions` could find strong ones in this text; much cheaper than finding them."""
    text = _bounded(text)
    return _is_hiding(text) or may_claim(text)


def _is_hiding(text: str) -> bool:
    return not text.isascii() and _HIDDEN.search(text) is not None


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + "\n\n" + text[-LONGEST // 2 :]


def instructions(text: str, tool: str, step: int) -> tuple[Instruction, ...]:
    """The instructions in a result, the strong ones first when there are more than KEPT."""
    text = _bounded(text)
    if VERBS.keys().isdisjoint(_LETTERS.findall(text.lower().replace("\\n", " "))) and not may_claim(text):
        return ()  # without a verb nothing is told to anybody, and most results of programs have none
    hidden = _is_hiding(text)
    sentences = list(_sentences(text))
    under = authority(sentences)
    found: list[Instruction] = []
    for i, (start, sentence) in enumerate(sentences):
        commanding = i in under
        effects = _effects(sentence, lenient=commanding)
        if not effects:
            continue
        line = text.count("\n", 0, start) + 1
        around = " ".join(s for _, s in sentences[i : i + 1 + (4 if commanding else 1)])
        found.append(
            Instruction(
                tool, step, line, " ".join(sentence.split())[:300], commanding or hidden,
                effects, content_words(around[:2000]), named_values(around[:2000]),
            )
        )  # fmt: skip
    found.sort(key=lambda one: not one.strong)
    return tuple(found[:KEPT])


def again(value: Sequence[Json]) -> Instruction:
    """An instruction from its JSON form."""
    tool, step, line, text, strong = value
    text = str(text)
    return Instruction(
        str(tool), int(step), int(line), text, bool(strong),
        _effects(text, lenient=bool(strong)), content_words(text), named_values(text),
    )  # fmt: skip


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    position = 0
    for cut in _SPLIT.finditer(text):
        if text[position : cut.start()].strip():
            yield position, text[position : cut.start()]
        position = cut.end()
    if text[position:].strip():
        yield position, text[position:]


def _effects(sentence: str, *, lenient: bool) -> frozenset[EffectClass]:
    """What the imperatives of a sentence would do; empty for a sentence that only tells.

    `lenient`: under a claim of authority, a verb anywhere counts as an order.
    """
    if not lenient and VERBS.keys().isdisjoint(_LETTERS.findall(sentence.lower())):
        return frozenset()  # most lines of most results; the forms below are ten times as slow
    found: set[EffectClass] = set()
    opened = False
    sentence = _TAG.sub(" ", sentence)
    start = _START.match(sentence)
    verbs = [start.group(1)] if start and _is_order(start.group(1), sentence, start.end()) else []
    for form in (_WITHIN, _AFTER, _MEANS):
        verbs += form.findall(sentence)
    for verb in verbs:
        effect = VERBS.get(verb.lower())
        if effect is not None and (lenient or verb.lower() not in _NAVIGATION):
            opened = True
            found.add(effect)
    if opened or lenient:
        found.update(VERBS[v.lower()] for v in _JOINED.findall(sentence) if v.lower() in VERBS)
    if lenient and not found:
        # "The system that reads this pays the fee": verbs in any form.
        verbs = [lemma(word) for word in _WORDS.findall(sentence.lower())]
        found.update(VERBS[verb] for verb in verbs if verb in VERBS and verb not in _STATIVE)
    if found and re.search(r"\b(?:money|funds|payment|\$ ?\d|usd|eur|bitcoin|btc)\b", sentence, re.IGNORECASE):
        found.add(EffectClass.SPEND)
    return frozenset(found)


def _is_order(verb: str, sentence: str, end: int) -> bool:
    """Whether the word at the beginning is a verb here: an object or a preposition follows, not a colon or a verb."""
    if verb.lower() not in VERBS:
        return False
    rest = sentence[end : end + 40].lstrip()
    return (
        bool(rest)
        and rest[0] not in ":=,.;-–|)"
        and not re.match(r"(?:is|are|was|were|has|of|will|by)\b", rest, re.IGNORECASE)
    )
