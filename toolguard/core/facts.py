"""What a conversation has shown so far, and what of it bears on the call at hand.

`Session` is the memory: incremental, bounded, without I/O, the same after a round trip through JSON. `Facts` is the view
of it that detectors get. Nothing here decides; nothing grows with the length of a session beyond the limits below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from toolguard.core.model import Decision, Effect, EffectClass, Json, ToolCall

PROMPT: Final = 32_768
"""Characters of the person's requests that are kept: the newest."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the guard knows about the machine and the server; the core cannot look for itself."""

    roots: tuple[str, ...] = ()
    """Absolute folders that the operator declared as the agent's."""
    cwd: str = "/"
    home: str = ""
    protected: tuple[str, ...] = ()
    """toolguard's own files and the clients' configuration."""
    protected_ports: tuple[int, ...] = ()
    definition_change: str = ""
    """"" for a definition as pinned, else `changed`, `added` or `unknown`."""
    definition_findings: tuple[str, ...] = ()
    """What inspecting the definition found when it was pinned: ids of findings."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the agent got a value from."""

    kind: str
    """`prompt`, `result`, `arguments` (an earlier call's) or `nowhere`."""
    tool: str = ""
    step: int = 0
    """Number of the call that brought it, counted from 1."""
    line: int = 0
    """Line of the result in which it stood first, counted from 1."""
    untrusted: bool = False
    """The result came from outside: a page, a message, a stranger's file."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A sentence in a result that tells the reader to do something."""

    tool: str
    step: int
    line: int
    text: str
    strong: bool
    """Its form shows that it is meant for the agent and not for a person."""


@dataclass(slots=True)
class Session:
    """The memory of one conversation."""

    prompt: str = ""
    steps: int = 0

    def asked(self, prompt: str) -> None:
        """The person said this; the newest words count as the request."""
        self.prompt = f"{self.prompt}\n{prompt}"[-PROMPT:] if self.prompt else prompt[-PROMPT:]

    def facts(self, call: ToolCall, surroundings: Surroundings) -> Facts:
        """The view of this memory for judging one call."""
        return Facts(surroundings, call, self)

    def called(self, call: ToolCall, decision: Decision) -> None:
        """A decision fell; only what may run becomes part of the memory."""
        if decision.effect is not Effect.DENY:
            self.steps += 1

    def returned(self, call: ToolCall, text: str) -> None:
        """The result of a call that ran."""

    def to_json(self) -> dict[str, Json]:
        return {"v": 1, "prompt": self.prompt, "steps": self.steps}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Self:
        return cls(prompt=str(value.get("prompt", "")), steps=int(value.get("steps", 0)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a detector may know beside the call: the surroundings and the session as it stands now."""

    surroundings: Surroundings = Surroundings()
    call: ToolCall | None = None
    session: Session = field(default_factory=Session, repr=False)

    @property
    def prompt(self) -> str:
        return self.session.prompt

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Instructions that stood in results so far."""
        return ()

    @property
    def tainted(self) -> bool:
        """A result of untrusted origin has been read."""
        return False

    @property
    def private_read(self) -> bool:
        """Private data have been read."""
        return False

    def origin_of(self, value: str) -> Origin:
        """Where this value came from."""
        return Origin("prompt" if value and value.casefold() in self.prompt.casefold() else "nowhere")

    def is_first(self, effect_class: EffectClass) -> bool:
        """This principal has made no call of this class before."""
        return True

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the review page says about where this call's values came from."""
        return ()
