"""What a conversation has shown so far: what the person said, what was read and used, where each value came from.

Incremental, bounded, without I/O, the same after a round trip through JSON. No cost grows with the length of a session:
each memory has a limit and forgets its oldest entries. Nothing here decides; `facts.Facts` is the view for one call.

What most calls never ask for is read late: values and plain imperatives of a result wait in order until somebody asks
for them or `catch_up` is called in a quiet moment. Text that speaks to the agent is looked for at once.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Final, Self

from toolguard.core.model import Decision, Effect, Json, ToolCall
from toolguard.core.session.facts import Facts, Surroundings
from toolguard.core.session.instructions import Instruction, again, instructions, may_speak
from toolguard.core.session.intent import Intent, intent_of
from toolguard.core.targets import Aim, Target, first, targets
from toolguard.core.verbs import split_name

FORMAT: Final = 2
"""Of the JSON form; a memory in another one is begun anew."""

PROMPT: Final = 32_768
"""Characters of the person's requests that are kept: the newest."""

LABEL: Final = 60
"""Characters of an argument that names a call."""

INTENT: Final = 8_192
"""Characters of the newest requests that are read for what they call for: 5 ms of work."""

SOURCES: Final = 4096
"""Values whose origin is remembered; 0.6 MB at most."""

KEPT_INSTRUCTIONS: Final = 64
"""Instructions remembered; the newest, strong ones before weak ones."""

KNOWN: Final = 1024
"""Tools and targets remembered as used before."""

READ_CHARACTERS: Final = 65_536
"""Characters of a result that are searched for values."""

VALUE: Final = 200
"""Longer values are no targets."""

WAITING: Final = 256
"""Results and calls that wait to be read; beyond it the oldest is read."""

WAITING_CHARACTERS: Final = 65_536
"""Of their texts, beyond which the oldest is read: whoever asks must not wait for more."""

_OUTSIDE: Final = frozenset(
    """
    web webpage page website url http https browse browser fetch scrape crawl internet search news article
    blog post posts email emails mail inbox gmail message messages sms chat slack channel dm tweet tweets
    comment comments review reviews issue issues pull discussion ticket tickets calendar event events
    attachment download feed rss profile repository product details shared public listing
    """.split()
)
"""Words of tools whose results other people write."""

_PRIVATE: Final = frozenset(
    """
    email emails mail inbox gmail message messages sms contact contacts calendar file files document documents
    account accounts balance transaction transactions bank payment payments invoice health medical patient
    genetic password passwords credential credentials secret secrets history location address addresses card
    cards saved private drive note notes holdings salary personal identity customer customers order orders
    user users table database query
    """.split()
)
"""Words of tools whose results are the person's own affair."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the agent got a value from."""

    kind: str
    """`prompt`, `result`, `arguments` (an earlier call's) or `nowhere`."""
    tool: str = ""
    """The tool, with what it was asked for: `read_file(bill.txt)`."""
    step: int = 0
    """Number of the call that brought it, counted from 1."""
    line: int = 0
    """Line of the result in which it stood first, counted from 1."""
    untrusted: bool = False
    """Other people can write what the result says: a page, a message, a review."""


NOWHERE: Final = Origin("nowhere")
FROM_PROMPT: Final = Origin("prompt")

_TOKEN: Final = re.compile(r"[^\s\"'<>(){}\[\],;|=`]{3,200}")
# Anything between spaces and brackets: words, numbers, addresses, paths.


@dataclass(frozen=True, slots=True)
class _Called:
    """A call that may run: its targets are known from now on."""

    tool: str
    step: int
    found: tuple[Target, ...]
    size: int = 0

    def enter(self, session: Session) -> None:
        for one in self.found:
            if one.aim is not Aim.TEXT:
                session.stood(one.value, (self.tool, self.step, 0, False))
        session.forget()


@dataclass(frozen=True, slots=True)
class _Returned:
    """A result: where each of its values stood, and what it tells its reader to do."""

    source: str
    step: int
    text: str
    outside: bool

    @property
    def size(self) -> int:
        """Characters that will be read."""
        return min(len(self.text), READ_CHARACTERS)

    def enter(self, session: Session) -> None:
        for number, line in enumerate(self.text[:READ_CHARACTERS].split("\n"), 1):
            at = (self.source, self.step, number, self.outside)
            for token in _TOKEN.findall(line):
                session.stood(token, at)
        session.forget()
        session.learn(instructions(self.text, self.source, self.step))


@dataclass(slots=True)
class Session:
    """The memory of one conversation."""

    prompt: str = ""
    steps: int = 0
    intent: Intent = field(default_factory=Intent)
    spoken_to: bool = False
    """An instruction that is meant for the agent has been read."""
    tainted: bool = False
    """A result that other people can write has been read."""
    private: list[str] = field(default_factory=list)
    """Tools whose results were the person's own affair; the first eight."""
    _instructions: list[Instruction] = field(default_factory=list)
    _waiting: deque[_Returned | _Called] = field(default_factory=deque)
    _waiting_size: int = 0
    _folded: str = ""
    _seen: dict[str, tuple[str, int, int, bool]] = field(default_factory=dict)
    """Where a value of a result or an earlier call's argument stood first: (tool, step, line, untrusted)."""
    _used: dict[str, None] = field(default_factory=dict)
    """`tool:`, `class:` and `target:` names of calls that were let through."""

    def asked(self, prompt: str) -> None:
        """The person said this; the newest words count as the request. The same words again say nothing new."""
        if not prompt or self.prompt.endswith(prompt[-PROMPT:]):
            return
        self.prompt = f"{self.prompt}\n{prompt}"[-PROMPT:] if self.prompt else prompt[-PROMPT:]
        self._folded = self.prompt.casefold()
        self.intent = intent_of(self.prompt[-INTENT:])

    def facts(self, call: ToolCall, surroundings: Surroundings) -> Facts:
        """The view of this memory for judging one call."""
        return Facts(surroundings, call, self)

    def called(self, call: ToolCall, decision: Decision) -> None:
        """A decision fell; only what may run becomes part of the memory."""
        if decision.effect is Effect.DENY:
            return
        self.steps += 1
        target = decision.classification.target[:VALUE].casefold()
        for name in (f"tool:{call.server}/{call.tool}", f"class:{decision.effect_class}", f"target:{target}"):
            self._used[name] = None
        _forget(self._used, KNOWN)
        self._wait(_Called(call.tool, self.steps, targets(call.arguments)))

    def returned(self, call: ToolCall, text: str) -> None:
        """The result of a call that ran."""
        if not text:
            return
        outside, private = _kind(call)
        self.tainted = self.tainted or outside
        if private and len(self.private) < 8 and call.tool not in self.private:
            self.private.append(call.tool)
        self._wait(_Returned(_label(call), self.steps, text, outside))
        if may_speak(text):
            self.catch_up()

    def _wait(self, one: _Returned | _Called) -> None:
        self._waiting.append(one)
        self._waiting_size += one.size
        while len(self._waiting) > WAITING or self._waiting_size > WAITING_CHARACTERS:
            self._read_one()

    def _read_one(self) -> None:
        one = self._waiting.popleft()
        self._waiting_size -= one.size
        one.enter(self)

    def catch_up(self) -> None:
        """Read what waits; what needs it does so by itself."""
        while self._waiting:
            self._read_one()

    def is_behind(self) -> bool:
        """Whether so much waits that a quiet moment should be used for it."""
        return 4 * len(self._waiting) > 3 * WAITING or 4 * self._waiting_size > WAITING_CHARACTERS

    @property
    def instructions(self) -> list[Instruction]:
        """Instructions that stood in results so far; the newest, strong ones before weak ones."""
        self.catch_up()
        return self._instructions

    def learn(self, found: Iterable[Instruction]) -> None:
        """Keep instructions that a result held, unless they are echoes of the person's own words."""
        fresh = [one for one in found if not self._said(one)]
        if fresh:
            self.spoken_to = self.spoken_to or any(one.strong for one in fresh)
            self.tainted = self.tainted or self.spoken_to
            self._remember(fresh)

    def _said(self, one: Instruction) -> bool:
        """The person said the same: then it is an echo."""
        return len(one.text) > 12 and one.text.casefold() in self._folded

    def _remember(self, found: Iterable[Instruction]) -> None:
        known = [*self._instructions, *found]
        if len(known) > KEPT_INSTRUCTIONS:
            strong = [one for one in known if one.strong][-KEPT_INSTRUCTIONS:]
            weak = [one for one in known if not one.strong][len(strong) - KEPT_INSTRUCTIONS or len(known) :]
            known = sorted([*strong, *weak], key=lambda one: one.step)
        self._instructions = known

    def stood(self, value: str, at: tuple[str, int, int, bool]) -> None:
        """Remember where a value stood first: tool, step, line, untrusted."""
        self._seen.setdefault(_normal(value), at)

    def forget(self) -> None:
        """Drop the values that nobody has seen for longest."""
        _forget(self._seen, SOURCES)

    def origin_of(self, value: str) -> Origin:
        """Where this value came from: the person's words before results, results before nowhere."""
        self.catch_up()
        folded = value.casefold().strip()
        if not folded:
            return NOWHERE
        if folded in self._folded or _normal(value) in self._folded:
            return FROM_PROMPT
        at = self._seen.get(_normal(value))
        if at is None and " " in folded:
            places = [self._seen.get(_normal(word)) for word in folded.split()[:8] if len(word) > 2]
            known = [place for place in places if place]
            if known and len(known) == len(places):
                at = max(known, key=lambda place: (place[2] > 0, place[1]))
        if at is None:
            return NOWHERE
        tool, step, line, untrusted = at
        return Origin("result" if line else "arguments", tool, step, line, untrusted)

    def said(self, value: str) -> bool:
        """The person's words hold this value, given in lower case."""
        return value in self._folded

    def has_used(self, name: str) -> bool:
        """`tool:<server>/<tool>` or `class:<class>` of a call that was let through before."""
        return name in self._used

    def has_reached(self, target: str) -> bool:
        """A call that was let through before reached this target."""
        return f"target:{target[:VALUE].casefold()}" in self._used

    def to_json(self) -> dict[str, Json]:
        self.catch_up()
        # Each source once: thousands of values came from a handful of calls.
        sources = {source: i for i, source in enumerate(dict.fromkeys(at[0] for at in self._seen.values()))}
        return {
            "v": FORMAT,
            "prompt": self.prompt,
            "steps": self.steps,
            "tainted": self.tainted,
            "private": list(self.private),
            "instructions": [one.to_json() for one in self.instructions],
            "sources": list(sources),
            "seen": [[value, sources[at[0]], *at[1:]] for value, at in self._seen.items()],
            "used": list(self._used),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Self:
        """A session as `to_json` wrote it. Missing members are as in a new one; another format is a new session."""
        self = cls()
        if value.get("v") != FORMAT:
            return self
        if value.get("prompt"):
            self.asked(str(value["prompt"]))
        self.steps = int(value.get("steps", 0))
        self.tainted = bool(value.get("tainted", False))
        self.private = [str(tool) for tool in value.get("private", [])][:8]
        self._instructions = [again(one) for one in value.get("instructions", [])][:KEPT_INSTRUCTIONS]
        self.spoken_to = any(one.strong for one in self._instructions)
        sources = [str(source) for source in value.get("sources", [])]
        for word, source, step, line, untrusted in value.get("seen", [])[:SOURCES]:
            self._seen[str(word)] = (sources[source], int(step), int(line), bool(untrusted))
        self._used = dict.fromkeys(str(name) for name in value.get("used", [])[:KNOWN])
        return self


def _label(call: ToolCall) -> str:
    """The call in a few words, for sentences about where a value came from."""
    about = first(targets(call.arguments), Aim.PLACE, Aim.THING, Aim.RECIPIENT)
    if about is None or len(about.value) > LABEL:
        return call.tool[:VALUE]
    return f"{call.tool[:VALUE]}({about.value})"


@lru_cache(maxsize=8_192)
def _normal(value: str) -> str:
    """One spelling for a value that results and arguments write differently."""
    low = value.casefold().strip().strip(".,:;!?*_$€£¥")
    for scheme in ("https://", "http://"):
        low = low.removeprefix(scheme)
    low = low.removeprefix("www.").rstrip("/")
    return low.removesuffix(".0")[:VALUE]


def _forget(memory: dict[str, Json], limit: int) -> None:
    """Drop the oldest entries beyond the limit."""
    excess = len(memory) - limit
    if excess > 0:
        for key in list(islice(memory, excess)):
            del memory[key]


@lru_cache(maxsize=512)
def _kind_of_tool(tool: str) -> tuple[bool, bool]:
    words = frozenset(split_name(tool))
    return bool(words & _OUTSIDE), bool(words & _PRIVATE)


def _kind(call: ToolCall) -> tuple[bool, bool]:
    """Whether other people can write this tool's results, and whether they are the person's own affair."""
    outside, private = _kind_of_tool(call.tool)
    hints = call.definition.annotations if call.definition else {}
    return outside or hints.get("openWorldHint") is True, private
