"""Finds sentences in a tool's result that tell the reader to do something, and those that mean the agent.

By their structure: an imperative, who is addressed, claims of authority, markup of a conversation, secrecy, order of
work. No list of known attacks. A plain imperative is ordinary in data ("Reply by Friday") and weighs only together with
a call that does what it says; one that addresses the agent weighs by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from toolguard.core.model import EffectClass, Json
from toolguard.core.targets import ACCOUNT, EMAIL, URL
from toolguard.core.verbs import VERBS, lemma

LONGEST: Final = 65_536
"""Characters of a result that are read: its first and last halves."""

BLOCK: Final = 12
"""Sentences behind a mark of authority that belong to it."""

KEPT: Final = 24
"""Instructions kept from one result."""

_MACHINE: Final = (
    r"(?:a\.?i\.?(?: (?:assistant|agent|model|system)s?)?|(?:virtual |digital )?assistants?|(?:large )?language models?"
    r"|llms?|chat ?bots?|gpt(?:-?[\w.]+)?|chatgpt|claude|gemini|copilot|ai[- ]agents?)"
)
"""Words for a program that talks, which nobody else is called by."""
_OPENER: Final = (
    r"(?:please|kindly|now|then|next|first|second|third|finally|also|and|or|immediately|just|simply|instead|so"
    r"|afterwards?|after that|lastly|additionally|furthermore|always|to|directly|urgently|quickly)"
)
_MUST: Final = (
    r"(?:you(?:'ll| will)? (?:must|should|need to|have to|are (?:\w+ )?(?:required|asked|instructed|expected|told) to"
    r"|ought to|shall|may want to|might want to)|make sure (?:to|that you|you)|be sure to|do not forget to|don't forget to"
    r"|remember to|(?:i|we)(?:'d| would)? (?:need|want|like|ask|require|urge) you to|(?:can|could|would|will) you"
    r"|(?:i|we) (?:need|want|would like) (?:your help )?to|help me(?: to)?|the (?:assistant|agent|user) (?:must|should|has to))"
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
    rf"^\W*(?:once|when|after|if|as soon as|before|while|upon|since|because)\b[^,.\n]{{3,120}},\s*(?:{_OPENER}\s+)*([a-z]+)\b",
    re.IGNORECASE,
)
# "Once you have it, send it": the order stands behind a clause.
_MEANS: Final = re.compile(
    r"^[\W\d_]*(?:please |kindly |then |now )?us(?:e|ing) [^.\n]{2,60}?\bto ([a-z]+)\b", re.IGNORECASE
)
# "Use the mail tool to send": the order stands behind the means.
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]{0,300})?/?>")
# Markup of a page, in lower case as pages have it; never prose.

_MACHINES: Final = ("ai", "assistant", "language model", "llm", "bot", "gpt", "claude", "gemini", "copilot", "a.i")

_OVERRIDE_NEEDLES: Final = (
    "ignor",
    "disregard",
    "forget",
    "overrid",
    "bypass",
    "discard",
    "abandon",
    "supersed",
    "replac",
    "stop follow",
)
_OVERRIDE: Final = (
    r"\b(?:ignor|disregard|forget|overrid|bypass|discard|abandon|supersed|replac|stop follow)\w*\b[^.\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|preceding|original|existing|your|user'?s?|current|system)\b[^.\n]{0,30}"
    r"\b(?:instructions?|prompts?|tasks?|commands?|directions?|guidelines?|requests?|context|restrictions?)"
    r"|\b(?:ignore|disregard|forget) (?:the|this|that|my|your|all|any|those|these) (?:\w+ )?"
    r"(?:requests?|instructions?|tasks?|questions?)\b"
)
_UNBOUND: Final = (
    r"\bdo anything now\b|\b(?:comply with|obey|fulfil|answer) (?:all|any|every) (?:\w+ )?(?:requests?|commands?|orders?|"
    r"questions?)\b[^.\n]{0,30}\b(?:without|regardless|never refus|no matter)\w*|\byou (?:have|are bound by) no (?:restrictions?|"
    r"limits?|limitations?|rules|filters?)\b"
)
_SILENCE: Final = (
    r"\b(?:do not|don't|never|without)\s+(?:\w+\s+)?(?:tell|inform|mention|reveal|notify|notif|alert|disclos|warn)"
    r"\w*\b[^.\n]{0,40}\b(?:users?|anyone|humans?|owners?|person|them|this)\b"
)
_TURNS: Final = r"<\|\w{2,20}\|>|\[/?INST\]|<</?SYS>>|^\[(?:SYSTEM|ASSISTANT|USER|TOOL)\]"

_CLAIMS: Final[tuple[tuple[int, tuple[str, ...], re.Pattern[str]], ...]] = tuple(
    (weight, needles, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for weight, needles, pattern in (
        # Addressed to a program that reads along.
        (
            2,
            _MACHINES,
            rf"\b(?:you|hey|hi|hello|dear|to|attention|attn|for|from)\b[,:]? (?:the |an? |any |this |all |our |my )?{_MACHINE}\b"
            r"(?= ?[,.:;!\"'\n)]| (?:must|should|will|reading|that|who|is|are|need|has|have|processing|only)\b)",
        ),
        (
            2,
            _MACHINES,
            rf"^\W*{_MACHINE}\s*[,:]|\b{_MACHINE} (?:reading|processing|summari[sz]ing|handling|viewing|parsing|using)\b"
            rf"|\b{_MACHINE} (?:should|must|shall|has to|have to|needs? to) (?:also |now |first |always |then )?[a-z]+\b",
        ),
        (2, _MACHINES, rf"\b(?:if|as|since|because) (?:you(?:'re| are) )?(?:an? |the )(?:{_MACHINE}|agent|bot)\b"),
        (
            2,
            (*_MACHINES, "agent", "bot", "model"),
            r"\b(?:instructions?|notes?|messages?|commands?|directives?|tasks?) (?:to|for) (?:the |an? |any |all )?"
            rf"(?:{_MACHINE}|agents?|bots?|models?)\b",
        ),
        (
            1,
            ("agent", "bot", "model", "system"),
            r"\b(?:hey|hi|hello|dear|attention|attn|to)\b[,:]? (?:the |all )?(?:agents?|bots?|models?|system)\b(?= ?[,.:;!])",
        ),
        # Sets aside what the person asked, or every limit.
        (2, _OVERRIDE_NEEDLES, _OVERRIDE),
        (2, ("anything", "restrict", "limit", "filter", "all requests", "any request"), _UNBOUND),
        # Puts itself before the work in hand.
        (
            2,
            ("task", "request", "question", "quer", "instruction", "objective"),
            r"\b(?:before|after|prior to|in order to|until|once|to) (?:you |that,? you )?"
            r"(?:can |could |may |are able to |do that,? )?(?:you can )?"
            r"(?:continu|proceed|complet|finish|solv|answer|respond|resum|return|start|perform|fulfil)\w*\b[^.\n]{0,30}\b"
            r"(?:(?:the|your|this|my|any|user'?s?|original|initial|main|given|current) )(?:\w+ )?"
            r"(?:tasks?|requests?|questions?|quer(?:y|ies)|instructions?|objective)\b",
        ),
        (1, ("before ",), r"\bbefore (?:you )?(?:continu|proceed|answer|respond|do|perform)(?:e|ing)?\b"),
        (
            1,
            ("your ", "the "),
            r"\b(?:your|the) (?:new|next|real|actual|only|true|updated|revised|additional|primary|highest) "
            r"(?:task|goal|objective|instructions?|mission|job|priority|directive)\b",
        ),
        (
            1,
            ("you are now", "from now on", "instruction", "system ", "admin", "mode"),
            r"\b(?:you are now|from now on,? you|new instructions?|updated instructions?|system (?:override|update|message"
            r"|prompt|notice|instruction)|admin(?:istrator)? (?:override|instruction|mode|message)|developer mode"
            r"|maintenance mode)\b",
        ),
        # Asks for silence.
        (2, ("not", "n't", "never", "without"), _SILENCE),
        (
            1,
            ("not", "n't", "never", "without"),
            r"\b(?:do not|don't|never|without)\s+(?:\w+\s+)?(?:ask|wait|seek|requir|report|show|request)\w*\b[^.\n]{0,40}"
            r"\b(?:users?|anyone|confirm\w*|permission|approval|authori[sz]ation)\b",
        ),
        # Names a tool to be used.
        (
            1,
            ("tool", "function", "api", "plugin", "endpoint", "action", "_"),
            r"\b(?:use|call|invoke|execute|using|trigger)\s+(?:the\s+|your\s+|a\s+)?(?!the\b|a\b|this\b)[`'\"]?[A-Za-z][\w.-]*"
            r"[`'\"]?\s+(?:tool|function|api|plugin|endpoint|action)\b"
            r"|\b(?:call|invoke|run|execute|use)\s+[`'\"]?[a-z]+(?:_[a-z]+)+[`'\"]?\s*(?:\(|with\b|to\b|and\b)",
        ),
        # Forges the turns of a conversation.
        (2, ("<|", "[", "<<"), _TURNS),
        (
            1,
            ("<",),
            r"</?(?:system|assistant|instructions?|admin|developer|tool_?(?:call|result|response)|function_?call|prompt|task"
            r"|override|important\w*|urgent|secret|hidden|note_to_\w+)(?:[\s_-][^>]{0,40})?>",
        ),
        (
            1,
            (":",),
            r"^\W{0,6}(?:system|assistant|developer|administrator|admin)(?: (?:message|prompt|note|instruction|notice))?\s*:",
        ),
        (1, ("#",), r"^#{1,6}\s*(?:system|assistant|new (?:task|instructions?)|prompt|override)\b"),
        (1, ("<!--",), r"<!--[^>]{0,300}\b(?:you|users?|agents?|system|assistant)\b"),
        # Presses.
        (
            1,
            ("important", "urgent", "critical", "mandatory", "required", "immediate"),
            r"\b(?:important|urgent|critical|mandatory)\b[^.\n]{0,12}\b(?:messages?|instructions?|notices?|task|directive|request"
            r"|action)\b|\b(?:important|urgent|critical|mandatory)\s*!{1,3}",
        ),
    )
)
"""Forms of a text that is meant for an agent: how much each says, letters without which it cannot be there, the form.

A weight of 2 says it alone; forms of weight 1 stand in honest documents too and say it only together.
"""

_ENOUGH: Final = 2
_SHOUT_WEIGHT: Final = 1
_PAIR: Final = 2

_SHOUT: Final = re.compile(r"<([A-Z][A-Z_ -]{3,30})>")
# A tag in capitals around prose: a made-up envelope. Records of real formats use tags in pairs many times over.

_HIDDEN: Final = re.compile(
    "[\u200b\u200c\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007f]{2,}|[\U000e0020-\U000e007f]"
)
# Two invisible characters in a row, or one of the tag characters that only hide text.

_SPLIT: Final = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+|\\?[\"']\s*[,:]\s*[\[{]*\s*\\?[\"']|\n\s*\n|\n(?=\s*(?:[-*•#<\[{|\"']|\d+[.)]|[A-Z]|[\w ]{1,24}:))|\\n|\s{4,}|(?<=[}>])\s*"
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
    {"click", "press", "select", "scroll", "hover", "open", "type", "enter", "fill", "input", "tap", "log", "sign", "login"}
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


def instructions(text: str, tool: str, step: int) -> tuple[Instruction, ...]:
    """The instructions in a result, the strong ones first when there are more than KEPT."""
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n\n" + text[-LONGEST // 2 :]
    hidden = _HIDDEN.search(text) is not None
    sentences = list(_sentences(text))
    authority = _authority(sentences)
    found: list[Instruction] = []
    for i, (start, sentence) in enumerate(sentences):
        commanding = i in authority
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


_PLANTED: Final = tuple(re.compile(form, re.IGNORECASE | re.MULTILINE) for form in (_OVERRIDE, _UNBOUND, _TURNS))


def planted(text: str) -> tuple[int, int] | None:
    """Where a text that the agent is about to write tells another agent to drop its orders; None for honest prompts."""
    text = text[:LONGEST]
    found = [match.span() for form in _PLANTED if (match := form.search(text)) is not None]
    return min(found, default=None)


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


def _authority(sentences: Sequence[tuple[int, str]]) -> frozenset[int]:
    """Numbers of the sentences that stand under a claim of authority over the agent."""
    whole = "\n".join(sentence for _, sentence in sentences).lower()
    claims = [(weight, form) for weight, needles, form in _CLAIMS if any(needle in whole for needle in needles)]
    hits = [
        (i, weight, n)
        for i, (_, s) in enumerate(sentences)
        for n, (weight, form) in enumerate(claims)
        if form.search(s)
    ]
    tags = [(i, tag) for i, (_, s) in enumerate(sentences) for tag in _SHOUT.findall(s)]
    count = Counter(tag for _, tag in tags)
    hits += [(i, _SHOUT_WEIGHT, -1) for i, tag in tags if count[tag] <= _PAIR]
    hits.sort()
    under: set[int] = set()
    for at, (i, weight, _) in enumerate(hits):
        # Different forms near each other add up; the same form twice says nothing new.
        near = {n: w for j, w, n in hits[at : at + BLOCK] if j <= i + BLOCK // 2}
        if weight >= _ENOUGH or sum(near.values()) >= _ENOUGH:
            under.update(range(max(0, i - 2), i + BLOCK))
    return frozenset(under)


def _effects(sentence: str, *, lenient: bool) -> frozenset[EffectClass]:
    """What the imperatives of a sentence would do; empty for a sentence that only tells.

    `lenient`: under a claim of authority, a verb anywhere counts as an order.
    """
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
        found.update(VERBS[w] for w in _WORDS.findall(sentence.lower()) if w in VERBS and w not in _STATIVE)
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
