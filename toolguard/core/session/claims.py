"""Forms of a text that is meant for an agent: whom it addresses, whose orders it sets aside, what it asks to hide.

No list of known attacks. A form that honest documents have as well counts only together with another one near it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from toolguard.core.regex import Groups, quote

LONGEST: Final = 65_536
"""Characters of a text that are read."""

BLOCK: Final = 12
"""Sentences behind a mark of authority that belong to it."""

_AI: Final = r"\bai\b"
"""Among the needles the only expression: `main` and `said` hold these letters, too."""

_MACHINE: Final = (
    r"(?:a\.?i\.?(?: (?:assistant|agent|model|system)s?)?|(?:virtual |digital )?assistants?|(?:large )?language models?"
    r"|llms?|chat ?bots?|gpt(?:-?[\w.]+)?|chatgpt|claude|gemini|copilot|ai[- ]agents?)"
)
"""Words for a program that talks, which nobody else is called by."""
_MACHINES: Final = (
    "a.i",
    _AI,
    "assistant",
    "language model",
    "llm",
    "bot",
    "gpt",
    "claude",
    "gemini",
    "copilot",
)

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
    r"\bdo anything now\b|\b(?:comply with|obey|fulfil|answer) (?:all|any|every) (?:\w+ )?(?:requests?|commands?"
    r"|orders?|"
    r"questions?)\b[^.\n]{0,30}\b(?:without|regardless|never refus|no matter)\w*|\byou (?:have|are bound by) no "
    r"(?:restrictions?|"
    r"limits?|limitations?|rules|filters?)\b"
)
_SILENCE: Final = (
    r"\b(?:do not|don't|never|without)\s+(?:\w+\s+)?(?:tell|inform|mention|reveal|notify|notif|alert|disclos|warn)"
    r"\w*\b[^.\n]{0,40}\b(?:users?|anyone|humans?|owners?|person|them|this)\b"
)
_TURNS: Final = r"<\|\w{2,20}\|>|\[/?INST\]|<</?SYS>>|^\[(?:SYSTEM|ASSISTANT|USER|TOOL)\]"

_NOT: Final = ("not", "n't", "never", "without")
_OVERRIDDEN: Final = (
    *("instruction", "prompt", "task", "command", "direction", "guideline", "request", "context", "restriction"),
    "question",
)
_WORKS: Final = (
    *("continu", "proceed", "complet", "finish", "solv", "answer", "respond", "resum", "return", "start", "perform"),
    "fulfil",
)
_FIRST: Final = ("before ", "after ", "prior to ", "in order to ", "until ", "once ", "to ")
_UTMOST: Final = (
    *(" new ", " next ", " real ", " actual ", " only ", " true ", " updated ", " revised ", " additional "),
    *(" primary ", " highest "),
)
_READING: Final = (
    r"(?:reads?|opens?|sees|process(?:es)?|handles?|summari[sz]es?|compiles?|consults?|parses?|queries|retrieves?"
    r"|fetches|visits?|loads?|evaluates?)"
)
_TEXT: Final = (
    r"the (?:page|site|notes?|minutes|messages?|mails?|e-?mails?|documents?|files?|texts?|results?|records?|tickets?"
    r"|issues?|reports?|lists?|threads?|reviews?|comments?)"
)
_FOR: Final = ("work", "act", "assist", "help", "serv", "represent")
_READS: Final = (
    *("read", "open", "process", "handl", "summar", "compil", "consult", "pars", "quer", "retriev", "fetch", "see"),
    *("visit", "load", "evaluat"),
)
_OF_MACHINES: Final = (
    *("automat", "electronic", "digital", "virtual", "software", "coding", "shopping", "browsing", "summari"),
)
_USES: Final = ("use", "call", "invoke", "execute", "using", "trigger", "run")
_TURN_NEEDLES: Final = (
    *("<|", "[inst]", "[/inst]", "<<sys>>", "<</sys>>", "[system]", "[assistant]", "[user]", "[tool]"),
)
_TAG_NAMES: Final = tuple(
    bracket + name
    for bracket in ("<", "</")
    for name in (
        "system assistant instruction admin developer tool function prompt task override important urgent secret hidden"
        " note"
    ).split()
)
_HEADS: Final = ("system", "assistant", "new task", "new instruction", "prompt", "override")

_Needles = tuple[tuple[str, ...], ...]
_CLAIMS: Final[tuple[tuple[int, _Needles, re.Pattern[str]], ...]] = tuple(
    (weight, needles, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for weight, needles, pattern in (
        # Addressed to a program that reads along.
        (
            2,
            (_MACHINES,),
            (
                rf"\b(?:you|hey|hi|hello|dear|to|attention|attn|for|from)\b[,:]? (?:the |an? |any |this |all |our "
                rf"|my )?{_MACHINE}\b"
                r"(?= ?[,.:;!\"'\n)]| (?:must|should|will|reading|that|who|is|are|need|has|have|processing|only)\b)"
            ),
        ),
        (
            2,
            (_MACHINES,),
            (
                rf"^\W*{_MACHINE}\s*[,:]|\b{_MACHINE} (?:reading|processing|summari[sz]ing|handling|viewing|parsing"
                rf"|using)\b"
                rf"|\b{_MACHINE} (?:should|must|shall|has to|have to|needs? to) (?:also |now |first |always |then "
                rf")?[a-z]+\b"
            ),
        ),
        (2, (_MACHINES,), rf"\b(?:if|as|since|because) (?:you(?:'re| are) )?(?:an? |the )(?:{_MACHINE}|agent|bot)\b"),
        (
            2,
            ((*_MACHINES, "agent", "bot", "model"), ("instruction", "note", "message", "command", "directive", "task")),
            (
                r"\b(?:instructions?|notes?|messages?|commands?|directives?|tasks?) (?:to|for) (?:the |an? |any |all )?"
                rf"(?:{_MACHINE}|agents?|bots?|models?)\b"
            ),
        ),
        (
            1,
            (("agent", "bot", "model", "system"),),
            (
                r"\b(?:hey|hi|hello|dear|attention|attn|to)\b[,:]? (?:the |all )?(?:agents?|bots?|models?"
                r"|system)\b(?= ?[,.:;!])"
            ),
        ),
        # Speaks of its reader as one who works for somebody, or reads by profession.
        (
            2,
            ((" you",), ("person", "user", "human", "customer", "somebody", "someone"), _FOR),
            (
                r"\b(?:person|user|human|customer|somebody|someone)(?: that| who| whom)? you(?:'re| are)? "
                r"(?:now )?(?:work|act|assist|help|serv|represent)(?:e|ing|s)?\b(?: for\b)?"
            ),
        ),
        (
            2,
            (("whoever", "anyone who", "that ", "which "), _READS),
            (
                rf"\b(?:whoever {_READING} (?:this|these|it|{_TEXT})\b"
                rf"|(?:the|any) (?:program|system|software|tool|script|automation|process) (?:that|which) {_READING} "
                r"(?:this|these|it|the)\b)"
            ),
        ),
        (
            2,
            (_MACHINES, _READS),
            rf"\b{_MACHINE} {_READING} (?:this|these|it|the)\b",
        ),
        (
            2,
            (("assistant", "agent", "bot", "reviewer", "reader"), _OF_MACHINES),
            (
                r"\b(?:automated|automatic|electronic|digital|virtual|software|coding|shopping|browsing|summari[sz]ing)"
                r"[- ](?:assistants?|agents?|bots?|reviewers?|readers?)\b"
                r"(?=\s*:|,? (?:upon|when|must|should|shall|will|also|please|install|add|approve|merge|execute|store"
                r"|send|use|load|open|call|run|click|post|reply|forward|transfer|delete|grant|set)\b)"
            ),
        ),
        # Sets aside what the person asked, or every limit.
        (2, (_OVERRIDE_NEEDLES, _OVERRIDDEN), _OVERRIDE),
        (2, (("anything now", "comply with", "obey", "fulfil", "answer ", "you have no", "bound by no"),), _UNBOUND),
        # Puts itself before the work in hand.
        (
            2,
            (("task", "request", "question", "quer", "instruction", "objective"), _WORKS, _FIRST),
            (
                r"\b(?:before|after|prior to|in order to|until|once|to) (?:you |that,? you )?"
                r"(?:can |could |may |are able to |do that,? )?(?:you can )?"
                r"(?:continu|proceed|complet|finish|solv|answer|respond|resum|return|start|perform"
                r"|fulfil)\w*\b[^.\n]{0,30}\b"
                r"(?:(?:the|your|this|my|any|user'?s?|original|initial|main|given|current) )(?:\w+ )?"
                r"(?:tasks?|requests?|questions?|quer(?:y|ies)|instructions?|objective)\b"
            ),
        ),
        (1, (("before ",),), r"\bbefore (?:you )?(?:continu|proceed|answer|respond|do|perform)(?:e|ing)?\b"),
        (
            1,
            (
                ("your ", "the "),
                _UTMOST,
                ("task", "goal", "objective", "instruction", "mission", "job", "priority", "directive"),
            ),
            (
                r"\b(?:your|the) (?:new|next|real|actual|only|true|updated|revised|additional|primary|highest) "
                r"(?:task|goal|objective|instructions?|mission|job|priority|directive)\b"
            ),
        ),
        (
            1,
            (("you are now", "from now on", "instruction", "system ", "admin", "mode"),),
            (
                r"\b(?:you are now|from now on,? you|new instructions?|updated instructions?|system (?:override"
                r"|update|message"
                r"|prompt|notice|instruction)|admin(?:istrator)? (?:override|instruction|mode|message)|developer mode"
                r"|maintenance mode)\b"
            ),
        ),
        # Asks for silence.
        (2, (_NOT, ("tell", "inform", "mention", "reveal", "notif", "alert", "disclos", "warn")), _SILENCE),
        (
            1,
            (_NOT, ("user", "anyone", "confirm", "permission", "approval", "authori")),
            (
                r"\b(?:do not|don't|never|without)\s+(?:\w+\s+)?(?:ask|wait|seek|requir|report|show"
                r"|request)\w*\b[^.\n]{0,40}"
                r"\b(?:users?|anyone|confirm\w*|permission|approval|authori[sz]ation)\b"
            ),
        ),
        # Names a tool to be used.
        (
            1,
            (("tool", "function", "api", "plugin", "endpoint", "action", "_"), _USES),
            (
                r"\b(?:use|call|invoke|execute|using|trigger)\s+(?:the\s+|your\s+|a\s+)?(?!the\b|a\b"
                r"|this\b)[`'\"]?[A-Za-z][\w.-]*"
                r"[`'\"]?\s+(?:tool|function|api|plugin|endpoint|action)\b"
                r"|\b(?:call|invoke|run|execute|use)\s+[`'\"]?[a-z]+(?:_[a-z]+)+[`'\"]?\s*(?:\(|with\b|to\b|and\b)"
            ),
        ),
        # Forges the turns of a conversation.
        (2, (_TURN_NEEDLES,), _TURNS),
        (
            1,
            (("<",), _TAG_NAMES),
            (
                r"</?(?:system|assistant|instructions?|admin|developer|tool_?(?:call|result|response)|function_?call"
                r"|prompt|task"
                r"|override|important\w*|urgent|secret|hidden|note_to_\w+)(?:[\s_-][^>]{0,40})?>"
            ),
        ),
        (
            1,
            ((":",), ("system", "assistant", "developer", "admin")),
            (
                r"^\W{0,6}(?:system|assistant|developer|administrator|admin)(?: (?:message|prompt|note|instruction"
                r"|notice))?\s*:"
            ),
        ),
        (1, (("#",), _HEADS), r"^#{1,6}\s*(?:system|assistant|new (?:task|instructions?)|prompt|override)\b"),
        (1, (("<!--",),), r"<!--[^>]{0,300}\b(?:you|users?|agents?|system|assistant)\b"),
        # Presses.
        (
            1,
            (("important", "urgent", "critical", "mandatory"),),
            (
                r"\b(?:important|urgent|critical|mandatory)\b[^.\n]{0,12}\b(?:messages?|instructions?|notices?|task"
                r"|directive|request"
                r"|action)\b|\b(?:important|urgent|critical|mandatory)\s*!{1,3}"
            ),
        ),
    )
)
"""Forms of a text that is meant for an agent: how much each says, groups of letters of each of which one must be there,
the form.

A weight of 2 says it alone; forms of weight 1 stand in honest documents too and say it only together.
"""

_ENOUGH: Final = 2
_SHOUT_WEIGHT: Final = 1
_PAIR: Final = 2

_SHOUT: Final = re.compile(r"<([A-Z][A-Z_ -]{3,30})>")
# A tag in capitals around prose: a made-up envelope. Records of real formats use tags in pairs many times over.


@lru_cache(maxsize=1)
def _looked_for() -> tuple[Groups, tuple[tuple[int, frozenset[int], re.Pattern[str]], ...]]:
    """The groups of all forms, and each form with its weight and the numbers of its groups."""
    groups = list(dict.fromkeys(needles for _, of_form, _ in _CLAIMS for needles in of_form))
    sources = ["|".join(_AI if needle is _AI else quote(needle) for needle in needles) for needles in groups]
    forms = tuple(
        (weight, frozenset(groups.index(needles) for needles in of_form), form) for weight, of_form, form in _CLAIMS
    )
    return Groups(sources), forms


def _possible(text: str) -> list[tuple[int, re.Pattern[str]]]:
    """The forms that a text may hold, each with its weight: letters are cheaper to look for than forms."""
    groups, forms = _looked_for()
    found = groups.found(text.lower())
    if not found:
        return []
    return [(weight, form) for weight, needed, form in forms if needed <= found]


def may_claim(text: str) -> bool:
    """Whether `authority` could find anything in this text, cut into sentences in whatever way."""
    possible = _possible(text.replace("\\n", "\n") if "\\" in text else text)
    if possible and sum(weight for weight, _ in possible) >= _ENOUGH:
        return True
    return "<" in text and _SHOUT.search(text) is not None


def authority(sentences: Sequence[tuple[int, str]]) -> frozenset[int]:
    """Numbers of the sentences that stand under a claim of authority over the agent."""
    whole = "\n" + "\n".join([sentence for _, sentence in sentences])
    # Most texts hold no claim: one look at the whole is cheaper than one at each sentence.
    claims = [(weight, form) for weight, form in _possible(whole) if form.search(whole)]
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


_PLANTED: Final = tuple(re.compile(form, re.IGNORECASE | re.MULTILINE) for form in (_OVERRIDE, _UNBOUND, _TURNS))


def planted(text: str) -> tuple[int, int] | None:
    """Where a text that the agent is about to write tells another agent to drop its orders; None for honest prompts."""
    text = text[:LONGEST]
    found = [match.span() for form in _PLANTED if (match := form.search(text)) is not None]
    return min(found, default=None)
