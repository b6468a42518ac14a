"""What an application chooses about its guarded tools, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from toolguard.errors import ConfigError
from toolguard.guard import Reviewer

Pause = Literal["auto", "wait", "interrupt"]
OnBlock = Literal["message", "raise"]
InterruptMode = Literal["batched", "per_call"]
Vouch = Reviewer | Callable[[Any], Reviewer | None] | None

SERVER: Final = "langchain"
"""Under this name tools of the application itself appear in policy, page and log."""

_ALLOWED: Final = {
    "pause": ("auto", "wait", "interrupt"),
    "on_block": ("message", "raise"),
    "interrupt_mode": ("batched", "per_call"),
}


@dataclass(frozen=True, slots=True)
class Options:
    """How guarded tools pause and refuse. Raises ConfigError for a value that is none."""

    pause: Pause = "auto"
    """`auto` interrupts where the run can be resumed and each call is a task of its own, and waits elsewhere."""
    on_block: OnBlock = "message"
    """A refused call answers with an error message, or raises ToolCallRefused."""
    wait: float | None = None
    """Seconds that a waiting call is held; None takes the rule's or the configuration's `hold`."""
    reviewer: Vouch = None
    """Who gives the answers inside the application: a reviewer whom it has signed in, or a function of the run's
    configuration. Without it a resume value approves nothing."""
    interrupt_mode: InterruptMode = "batched"
    """Shape of an interrupt: the HITLRequest that agent UIs read, or `tool_approval`."""
    server: str = ""
    """Name of the tool server; with a name the definitions are pinned, so that a change of them asks."""

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"`{getattr(self, name)}` is no choice for `{name}`", hint=f"use {' or '.join(allowed)}"
                )
