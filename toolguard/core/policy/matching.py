"""What a rule may ask about a call, and the three-valued answers it gets.

Nothing here has an effect of its own. INVARIANT: a question that cannot be answered is UNSURE, never NO: a rule that
errs must be able to ask (tests/core/test_policy.py). Users' patterns run on google-re2 only, globs included.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import IntEnum
from functools import lru_cache
from typing import Final

from toolguard.core.model import Classification, EffectClass, Finding, Json, Reach, ToolCall, pointer
from toolguard.core.regex import Pattern, compile_pattern
from toolguard.core.session.facts import Facts

VALUES: Final = 1_000
"""Values one pointer may select; beyond that the answer is UNSURE, so that a huge argument costs no time."""
TEXT: Final = 1_000_000
"""Characters of one value that a pattern is tried on; beyond that the answer is UNSURE."""


class Answer(IntEnum):
    """Kleene's three values: `min` is and, `max` is or, `YES - x` is not."""

    NO = 0
    UNSURE = 1
    YES = 2

    @classmethod
    def of(cls, claim: bool) -> Answer:
        return cls.YES if claim else cls.NO


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a rule can look at."""

    call: ToolCall
    classification: Classification
    findings: tuple[Finding, ...]
    score: int
    facts: Facts
    now: datetime
    """Aware; windows are compared in their own zone."""


@dataclass(frozen=True, slots=True)
class ArgumentTest:
    """A claim about the values that one pointer selects; every member that is given must hold."""

    pointer: str
    """JSON Pointer; a step `*` selects every item or member."""
    glob: tuple[str, ...] = ()
    """`*` stays within one folder, `**` crosses folders; any of them may hold."""
    re2: str = ""
    one_of: tuple[Json, ...] | None = None
    least: float | None = None
    most: float | None = None
    under: tuple[str, ...] = ()
    """Absolute folders; the value is a path at or below one of them."""
    present: bool | None = None

    def answer(self, arguments: Json, *, every: bool) -> Answer:
        """`every`: each selected value must pass, as a permission needs; else one that passes is enough."""
        values = select(arguments, self.pointer)
        if values is None:
            return Answer.UNSURE
        if self.present is not None:
            return Answer.of(bool(values) is self.present)
        if not values:
            return Answer.NO
        answers = [self._answer(value, every=every) for value in values]
        return min(answers) if every else max(answers)

    def _answer(self, value: Json, *, every: bool) -> Answer:
        answers = [Answer.YES]
        if self.glob or self.under:
            answers.append(self._path_answer(value, every=every))
        if self.re2:
            answers.append(_searched(self.re2, value))
        if self.one_of is not None:
            answers.append(Answer.of(any(_same(value, wanted) for wanted in self.one_of)))
        if self.least is not None or self.most is not None:
            answers.append(self._number_answer(value))
        return min(answers)

    def _path_answer(self, value: Json, *, every: bool) -> Answer:
        """As written and with `..` resolved: `/srv/../etc` is not allowed by `/srv/**`, and is caught by `/etc/**`."""
        if not isinstance(value, str) or len(value) > TEXT:
            return Answer.UNSURE
        spellings = {value, posixpath.normpath(value)} if value else {value}
        both = min if every else max
        answers = []
        for spelling in spellings:
            found = [matches(pattern, spelling, path=True) for pattern in self.glob]
            found += [Answer.of(is_under(spelling, folder)) for folder in self.under]
            answers.append(max(found))
        return both(answers)

    def _number_answer(self, value: Json) -> Answer:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return Answer.UNSURE
        return Answer.of((self.least is None or value >= self.least) and (self.most is None or value <= self.most))


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day in one time zone; one that ends before it begins crosses midnight."""

    start: time
    end: time
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Weekdays (Monday is 0) on which the window begins."""
    zone: tzinfo | None = None
    """None is the zone of the moment that is asked about, which is UTC."""

    def covers(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone) if self.zone else moment
        clock = local.time()
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= clock < self.end
        began = local if clock >= self.start else local - timedelta(days=1)
        return began.weekday() in self.days and (clock >= self.start or clock < self.end)


FACTS: Final[Mapping[str, Callable[[Situation], str | bool]]] = {
    # Names that policies use; the words of a fact with several values stand in `FACT_VALUES`.
    "tainted": lambda s: s.facts.tainted,
    "private_read": lambda s: s.facts.private_read,
    "instructed": lambda s: bool(s.facts.instructions),
    "first_of_class": lambda s: s.facts.is_first(s.classification.effect_class),
    "target_from": lambda s: s.facts.origin_of(s.classification.target).kind,
    "definition": lambda s: s.facts.surroundings.definition_change or "pinned",
}
FACT_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "target_from": ("prompt", "result", "arguments", "nowhere"),
    "definition": ("pinned", "changed", "added", "unknown"),
}


Question = Callable[["Match", Situation, bool], Answer]


@dataclass(frozen=True, slots=True)
class Match:
    """Every member that is given must hold; within a list, any entry. Empty: covers every call."""

    server: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    classes: tuple[EffectClass, ...] = ()
    findings: tuple[str, ...] = ()
    least_score: int | None = None
    most_score: int | None = None
    agent: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    reach: tuple[Reach, ...] = ()
    environment: tuple[str, ...] = ()
    facts: tuple[tuple[str, str | bool], ...] = ()
    arguments: tuple[ArgumentTest, ...] = ()
    windows: tuple[Window, ...] = ()
    closed: bool = False
    """The call has no argument beside those that `arguments` tests."""
    _asked: tuple[tuple[str, Question], ...] = field(init=False, repr=False, compare=False, default=())
    """The questions that this match asks at all, the cheapest first: most ask two or three."""

    def __post_init__(self) -> None:
        asked = tuple(
            (name, question)
            for name, (members, question) in _QUESTIONS.items()
            if any(_is_given(getattr(self, member)) for member in members)
        )
        object.__setattr__(self, "_asked", asked)

    def answer(self, s: Situation, *, every: bool) -> Answer:
        """Cheap questions first; the first NO ends it, so that a rule errs only on a call it is about."""
        worst = Answer.YES
        for _, question in self._asked:
            answer = question(self, s, every)
            if answer is Answer.NO:
                return Answer.NO
            worst = min(worst, answer)
        return worst

    def objection(self, s: Situation, *, every: bool) -> tuple[str, Answer]:
        """The first member that does not hold, by its name in the policy, and its answer; ("", YES) when all do."""
        for name, question in self._asked:
            answer = question(self, s, every)
            if answer is not Answer.YES:
                return name, answer
        return "", Answer.YES

    def names(self, server: str, tool: str) -> bool:
        """Covers every call of this tool whatever else is true of it: only names are asked for, and they fit."""
        others = Match(server=self.server, tool=self.tool)
        return self == others and bool(self.server or self.tool) and self.concerns(server, tool)

    def concerns(self, server: str, tool: str) -> bool:
        """Covers some call of this tool, as far as its name alone tells."""
        return all(
            not wanted or any(matches(pattern, found) is Answer.YES for pattern in wanted)
            for wanted, found in ((self.server, server), (self.tool, tool))
        )

    def covered(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings that this match names."""
        return tuple(f for f in findings if any(names_finding(p, f.id) for p in self.findings))


def names_finding(pattern: str, finding_id: str) -> bool:
    """A wildcard never covers the family `guard`: what nobody could inspect is lifted by its full name only."""
    if finding_id.startswith("guard.") and not pattern.startswith("guard."):
        return False
    return matches(pattern, finding_id) is Answer.YES


def matches(pattern: str, text: str, *, path: bool = False) -> Answer:
    """A glob over the whole text. In a path `*` and `?` stop at `/` and `**` does not."""
    if not any(mark in pattern for mark in "*?"):
        return Answer.of(pattern == text)
    return Answer.of(_glob(pattern, path).fullmatch(text)) if _is_searchable(text) else Answer.UNSURE


def is_under(path: str, folder: str) -> bool:
    """Lexically at or below the folder; a relative path, or one that climbs, is under nothing."""
    steps = path.split("/")
    root = folder.rstrip("/")
    return ".." not in steps and (path in (folder, root) or path.startswith(root + "/"))


def select(value: Json, pointer: str) -> list[Json] | None:
    """The values at a JSON Pointer with `*` steps; None when there are too many to look at."""
    values = [value]
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        found: list[Json] = []
        for node in values:
            found.extend(_step(node, step))
            if len(found) > VALUES:
                return None
        values = found
    return values


def _step(node: Json, step: str) -> Sequence[Json]:
    if isinstance(node, Mapping):
        if step == "*":
            return list(node.values())
        return [node[step]] if step in node else []
    if isinstance(node, list | tuple):
        if step == "*":
            return node
        return [node[int(step)]] if step.isdecimal() and len(step) < 7 and int(step) < len(node) else []
    return []


@lru_cache(maxsize=4096)
def _glob(glob: str, path: bool) -> Pattern:
    """The expression of a glob; `(?s)` since a file name may hold a newline."""
    pieces = ["(?s)"]
    i = 0
    while i < len(glob):
        if glob.startswith("**", i):
            pieces.append(".*")
            i += 1
        elif glob[i] == "*":
            pieces.append("[^/]*" if path else ".*")
        elif glob[i] == "?":
            pieces.append("[^/]" if path else ".")
        else:
            pieces.append(f"\\x{{{ord(glob[i]):x}}}")
        i += 1
    return compile_pattern("".join(pieces))


@lru_cache(maxsize=4096)
def _expression(source: str) -> Pattern:
    return compile_pattern(source)


def _searched(expression: str, value: Json) -> Answer:
    if not isinstance(value, str) or not _is_searchable(value):
        return Answer.UNSURE
    return Answer.of(_expression(expression).search(value) is not None)


def _is_searchable(text: str) -> bool:
    """Short enough, and without a lone surrogate, which has no UTF-8 form for the expression to see."""
    return len(text) <= TEXT and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))


def _same(value: Json, wanted: Json) -> bool:
    """JSON equality: 1 and 1.0 are the same number, true and 1 are not."""
    return isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)


def _any(patterns: tuple[str, ...], text: str) -> Answer:
    return max(matches(p, text) for p in patterns)


def _score(m: Match, s: Situation, _: bool) -> Answer:
    over = m.least_score is None or s.score >= m.least_score
    return Answer.of(over and (m.most_score is None or s.score <= m.most_score))


def _target(m: Match, s: Situation, _: bool) -> Answer:
    target = s.classification.target
    return max(matches(p, target, path="/" in p) for p in m.target)


def _arguments(m: Match, s: Situation, every: bool) -> Answer:
    return min(t.answer(s.call.arguments, every=every) for t in m.arguments)


def _facts(m: Match, s: Situation, _: bool) -> Answer:
    return Answer.of(all(FACTS[name](s) == wanted for name, wanted in m.facts))


def _closed(m: Match, s: Situation, _: bool) -> Answer:
    at = leaf_pointers(s.call.arguments)
    return Answer.UNSURE if at is None else Answer.of(at <= {test.pointer for test in m.arguments})


def leaf_pointers(value: Json) -> set[str] | None:
    """Where a value has leaves, with `*` for every index of a list; None when there are too many to look at."""
    found: set[str] = set()
    stack = [("", value)]
    seen = 0
    while stack:
        at, node = stack.pop()
        seen += 1
        if seen > VALUES:
            return None
        if isinstance(node, Mapping) and (node or not at):
            stack.extend((at + pointer(key), child) for key, child in node.items())
        elif isinstance(node, list | tuple) and node:
            stack.extend((at + "/*", child) for child in node)
        else:
            found.add(at)
    return found


def _is_given(member: object) -> bool:
    return member is not None and member is not False and member != ()


_QUESTIONS: Final[Mapping[str, tuple[tuple[str, ...], Question]]] = {
    # By the names of policies, with the members of Match that make the question; the cheapest stand first.
    "class": (("classes",), lambda m, s, _: Answer.of(s.classification.effect_class in m.classes)),
    "tool": (("tool",), lambda m, s, _: _any(m.tool, s.call.tool)),
    "server": (("server",), lambda m, s, _: _any(m.server, s.call.server)),
    "score": (("least_score", "most_score"), _score),
    "finding": (("findings",), lambda m, s, _: Answer.of(bool(m.covered(s.findings)))),
    "agent": (("agent",), lambda m, s, _: _any(m.agent, s.call.principal.agent)),
    "person": (("person",), lambda m, s, _: _any(m.person, s.call.principal.person)),
    "session": (("session",), lambda m, s, _: _any(m.session, s.call.principal.session)),
    "reach": (("reach",), lambda m, s, _: Answer.of(s.classification.reach in m.reach)),
    "environment": (("environment",), lambda m, s, _: Answer.of(s.classification.environment in m.environment)),
    "target": (("target",), _target),
    "time": (("windows",), lambda m, s, _: Answer.of(any(w.covers(s.now) for w in m.windows))),
    "facts": (("facts",), _facts),
    "arguments": (("arguments",), _arguments),
    "no_other_arguments": (("closed",), _closed),
}
