"""What a detector may know beside the call: where it is made, and what of the session bears on it.

`Facts` is a view of the session's memory (memory.py), made anew for each call. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolguard.core.model import Classification, EffectClass, ToolCall
from toolguard.core.session.instructions import Instruction
from toolguard.core.session.intent import Intent
from toolguard.core.targets import Aim, Target, targets

if TYPE_CHECKING:
    from toolguard.core.session.memory import Origin, Session

UNCLASSIFIED: Final = Classification(EffectClass.UNKNOWN)


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
class Facts:
    """What a detector may know beside the call: the surroundings and the session as it stands now."""

    surroundings: Surroundings
    call: ToolCall
    session: Session = field(repr=False)
    classification: Classification = UNCLASSIFIED
    """What the call does; filled in by `judging.judge` before the detectors run."""

    def classified(self, classification: Classification) -> Facts:
        """The same for a call of which is known now what it does."""
        return Facts(self.surroundings, self.call, self.session, classification)

    @property
    def prompt(self) -> str:
        """What the person asked; empty when it is not known."""
        return self.session.prompt

    @property
    def intent(self) -> Intent:
        return self.session.intent

    @property
    def instructions(self) -> Sequence[Instruction]:
        """Instructions that stood in results so far."""
        return self.session.instructions

    @property
    def spoken_to(self) -> bool:
        """A result held instructions that are meant for the agent; cheap, while `instructions` reads what waits."""
        return self.session.spoken_to

    @property
    def tainted(self) -> bool:
        """A result that other people can write has been read."""
        return self.session.tainted

    @property
    def private_read(self) -> bool:
        """Private data have been read."""
        return bool(self.session.private)

    def said(self, value: str) -> bool:
        """The person's words hold this value, given in lower case."""
        return self.session.said(value)

    def origin_of(self, value: str) -> Origin:
        """Where this value came from."""
        return self.session.origin_of(value)

    def is_first(self, effect_class: EffectClass) -> bool:
        """This principal has made no call of this class before."""
        return not self.session.has_used(f"class:{effect_class}")

    def is_new_target(self, target: str) -> bool:
        """No call before this one reached this target."""
        return not self.session.has_reached(target)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the review page says about where this call's values came from, and what was read before."""
        said = [self._about(one) for one in targets(self.call.arguments) if one.aim not in (Aim.TEXT, Aim.AMOUNT)]
        lines = list(dict.fromkeys(line for line in said if line))[:8]
        strong = next((one for one in self.instructions if one.strong), None)
        if strong is not None:
            lines.append(f"{strong.tool}, line {strong.line}, speaks to the agent and tells it what to do")
        elif self.tainted:
            lines.append("the agent has read text that other people can write")
        if self.session.private:
            lines.append(f"the agent has read private data with {', '.join(self.session.private[:3])}")
        if not self.session.has_used(f"tool:{self.call.server}/{self.call.tool}"):
            lines.append(f"this agent uses {self.call.tool} for the first time in this session")
        return tuple(lines)

    def _about(self, one: Target) -> str:
        origin = self.origin_of(one.value)
        what = f"this {_SPOKEN.get(one.aim, 'value')} ({one.key}: {one.value[:80]})"
        unmentioned = "; you did not mention it" if self.prompt else ""
        if origin.kind == "prompt":
            return f"{what} is in your request"
        if origin.kind == "result":
            return f"{what} came from {origin.tool}, line {origin.line}{unmentioned}"
        if origin.kind == "arguments":
            return f"{what} was used before, in a call of {origin.tool}"
        return f"{what} came from the agent itself: it is in no result so far{unmentioned}"


_SPOKEN: Final = {Aim.RECIPIENT: "recipient", Aim.ACCOUNT: "account", Aim.PLACE: "place", Aim.THING: "value"}
