"""From what people approved, the narrowest rules that would have let it through.

Proposes, never applies. INVARIANT: no proposal covers a call that a person or a rule denied, nor one whose answer to
the proposal is not known (tests/core/test_learning.py).
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from toolguard.core.decide import covers, decide
from toolguard.core.model import Classification, Effect, Finding, Json, ToolCall
from toolguard.core.policy.matching import Answer, ArgumentTest, Match, Situation, leaf_pointers, select
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.score import score
from toolguard.core.secrets.redact import PARTS, REDACTED
from toolguard.core.session.facts import Facts

FEW: Final = 5
"""Different values that a rule spells out one by one; more are a folder, a range, or too many."""
LONGEST: Final = 200
"""Characters of a value that a rule repeats; a longer one is content, and no two contents are alike."""
FOLDER_DEPTH: Final = 2
"""Steps that a common folder must have: `/srv/data` may be learned, `/srv` and `/` may not."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call that was judged before, with the answer of the people who were asked."""

    name: str
    """What a person finds it by: an approval's id, or session and step."""
    call: ToolCall
    classification: Classification
    findings: tuple[Finding, ...]
    facts: Facts
    at: datetime
    is_approved: bool | None = None
    """True: a person approved it; False: a person or a rule denied it; None: nobody answered."""

    @property
    def situation(self) -> Situation:
        return Situation(self.call, self.classification, self.findings, score(self.findings), self.facts, self.at)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule with the calls that speak for it."""

    rule: Rule
    approved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What the recordings teach, and what they do not, in words."""

    proposals: tuple[Proposal, ...]
    left_out: tuple[str, ...]


def learn(records: Iterable[Recorded], policy: Policy, *, at_least: int = 3) -> Learned:
    """Rules for calls that this policy would ask about and that people approved `at_least` times."""
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[Recorded]] = defaultdict(list)
    denied: list[Recorded] = []
    left_out: list[str] = []
    for one in records:
        if one.is_approved is False:
            denied.append(one)
        elif one.is_approved and _is_asked_by_preset(one, policy):
            ids = tuple(sorted({finding.id for finding in one.findings}))
            groups[one.call.server, one.call.tool, one.classification.effect_class.value, ids].append(one)
    proposals: list[Proposal] = []
    for (server, tool, _, ids), group in sorted(groups.items()):
        found = _proposal(f"learned-{len(proposals) + 1}", group, denied, at_least)
        if isinstance(found, Proposal):
            proposals.append(found)
        else:
            left_out.append(f"{server or 'any server'}/{tool} ({', '.join(ids) or 'no finding'}): {found}")
    return Learned(tuple(proposals), tuple(left_out))


def _is_asked_by_preset(one: Recorded, policy: Policy) -> bool:
    """An `allow` rule lifts nothing but the preset's own question, so only that one is worth learning from."""
    decision = decide(one.call, one.classification, one.findings, one.facts, policy, one.at)
    asking = [rule.name for rule in decision.rules if rule.effect is not Effect.ALLOW]
    return decision.effect is Effect.ASK and asking == [f"preset.{policy.preset}"]


def _proposal(name: str, group: list[Recorded], denied: Sequence[Recorded], at_least: int) -> Proposal | str:
    """The rule for one kind of call, or why there is none."""
    if len(group) < at_least:
        return f"approved {len(group)} of the {at_least} times that it takes"
    if any(mark in word for word in (group[0].call.server, group[0].call.tool) for mark in "*?"):
        return "its name would be read as a pattern"
    learned = _tests(group, at_least)
    if isinstance(learned, str):
        return learned
    first = group[0]
    match = Match(
        server=(first.call.server,) if first.call.server else (),
        tool=(first.call.tool,),
        classes=(first.classification.effect_class,),
        findings=tuple(sorted({finding.id for finding in first.findings})),
        most_score=max(score(one.findings) for one in group),
        arguments=learned,
        closed=True,
    )
    rule = Rule(name, Effect.ALLOW, match)
    supporting = tuple(one.name for one in group if covers(rule, one.situation) is Answer.YES)
    if len(supporting) < at_least:
        return f"only {len(supporting)} of the approved calls are alike"
    for one in denied:
        # UNSURE counts as covered: a rule that errs on a denied call must not be proposed either.
        if covers(replace(rule, match=replace(match, findings=(), most_score=None)), one.situation) is not Answer.NO:
            return f"it would have let {one.name} through, which was denied"
    return Proposal(rule, supporting)


def _tests(group: list[Recorded], at_least: int) -> tuple[ArgumentTest, ...] | str:
    """One test for each argument, or the argument that differs too much."""
    pointers: set[str] = set()
    for one in group:
        leaves = leaf_pointers(one.call.arguments)
        if leaves is None:
            return f"{one.name} has too many arguments"
        if any(f"/{REDACTED}" in at or f"/{PARTS}" in at for at in leaves):
            return "an argument holds a secret, which no rule repeats"
        pointers |= leaves
    tests = []
    for pointer in sorted(pointers):
        values = [value for one in group for value in select(one.call.arguments, pointer) or ()]
        test = _test(pointer, values, at_least)
        if test is None:
            return f"the values of {pointer} differ too much"
        tests.append(test)
    return tuple(tests)


def _test(pointer: str, values: list[Json], at_least: int) -> ArgumentTest | None:
    """The narrowest of: these values, this folder, this range, the values that came often."""
    if any(isinstance(v, dict | list) or (isinstance(v, str) and len(v) > LONGEST) for v in values):
        return None
    counts = Counter((type(v), v) for v in values)
    if len(counts) <= FEW:
        return ArgumentTest(pointer, one_of=tuple(_ordered(counts)))
    folder = _folder(values)
    if folder is not None:
        return ArgumentTest(pointer, under=(folder,))
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return ArgumentTest(pointer, least=min(values), most=max(values))
    often = {key: count for key, count in counts.items() if count >= at_least}
    return ArgumentTest(pointer, one_of=tuple(_ordered(often))) if often else None


def _ordered(counted: Iterable[tuple[type, Json]]) -> Iterator[Json]:
    return (value for _, value in sorted(counted, key=lambda pair: (pair[0].__name__, str(pair[1]))))


def _folder(values: list[Json]) -> str | None:
    """The deepest folder that holds all of these paths; None when they are no paths, or it is too near the root."""
    if not all(isinstance(v, str) and v.startswith("/") and ".." not in v.split("/") for v in values):
        return None
    folder = posixpath.commonpath([posixpath.dirname(v) for v in values])
    return folder if len([step for step in folder.split("/") if step]) >= FOLDER_DEPTH else None


def as_source(rule: Rule) -> dict[str, Json]:
    """A learned rule as it is written in toolguard.yaml."""
    match = rule.match
    source: dict[str, Json] = {}
    for name, words in (("server", match.server), ("tool", match.tool), ("finding", match.findings)):
        if words:
            source[name] = list(words)
    source["class"] = [effect_class.value for effect_class in match.classes]
    if match.most_score is not None:
        source["score"] = {"max": match.most_score}
    if match.arguments:
        source["arguments"] = {test.pointer: _test_source(test) for test in match.arguments}
    if match.closed:
        source["no_other_arguments"] = True
    return {"name": rule.name, "match": source, "effect": rule.effect.word}


def _test_source(test: ArgumentTest) -> dict[str, Json]:
    if test.one_of is not None:
        return {"equals": test.one_of[0]} if len(test.one_of) == 1 else {"in": list(test.one_of)}
    if test.under:
        return {"under": list(test.under)}
    return {"min": test.least, "max": test.most}
