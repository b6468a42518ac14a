"""How long a call may be held before its client would give up on it.

The name of a client is its own word: it sets a time here, and never a decision. A client that gives up early loses
nothing: its request lives on, and the same call resumes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.config import ApprovalSettings
from toolguard.core.policy.matching import Answer, matches


@dataclass(frozen=True, slots=True)
class Patience:
    """Of one client program, in seconds, with room for the answer to get through."""

    client: str
    """As it names itself in `clientInfo`; `*` stands for anything."""
    silent: float
    with_progress: float
    """Where the client asked for progress, which then starts its time anew."""


KNOWN: Final = (
    # Waits for hours, and half an hour without a sign of life.
    Patience("claude-code", 210, 210),
    # 300 s, unless their configuration says otherwise.
    Patience("codex*", 210, 210),
    Patience("Codex*", 210, 210),
    Patience("cursor*", 210, 210),
    Patience("Visual Studio Code*", 210, 210),
    Patience("Visual-Studio-Code*", 210, 210),
    # 180 s.
    Patience("github-copilot-developer", 150, 150),
    # 60 s, anew with each progress.
    Patience("opencode*", 50, 210),
    # About 30 s.
    Patience("JetBrains*", 28, 28),
)
"""Clients whose limits are known; all others get `approvals.hold`, which fits the 60 s of the SDKs."""


def seconds(settings: ApprovalSettings, rules: float | None, client: str, *, progress: bool) -> float:
    """How long to hold: as rules say, else as configured for this client or for all, else as is known of it."""
    if rules is not None:
        return rules
    configured = [time for name, time in settings.hold_by_client if matches(name, client) is Answer.YES]
    if configured:
        return min(configured)
    known = next((each for each in KNOWN if matches(each.client, client) is Answer.YES), None)
    if known is None or settings.is_hold_set:
        return settings.hold
    return known.with_progress if progress else known.silent
