"""A home with a real log: allowed, denied, asked, approved and failed calls, for tests of what is made from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.guard.conftest import PRINCIPAL, RULES
from toolguard.config import Config
from toolguard.core.model import Json, Outcome, OutcomeKind, Principal, ToolCall
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard, Pending, Permit
from toolguard.guard.times import utc_now

HOSTILE = 'tab\t bar| equals= back\\slash "quoted", \r\nnext line =1+1 <script> \u202egnp.\u2028 \x1b[31m'


def opened(home: Path, clock: Callable[[], datetime] = utc_now) -> Guard:
    return Guard(Config(home=home, agent="claude", policy=Policy(Preset.BALANCED, RULES)), clock=clock)


def play(guard: Guard, *, principal: Principal = PRINCIPAL, text: str = HOSTILE) -> None:
    """One of each kind of life that a call can have."""
    enrolment = guard.reviewers.add(f"bob{len(guard.reviewers.list())}")
    reviewer = guard.reviewers.by_token(enrolment.token)
    assert reviewer is not None
    guard.asked(principal, f"please {text}")
    for tool, kind in (("read_file", OutcomeKind.SUCCEEDED), ("read_other", OutcomeKind.FAILED)):
        permit = guard.begin(call(tool, principal, path="notes.txt", text=text))
        assert isinstance(permit, Permit)
        guard.finish(permit, Outcome(kind, text, len(text), text if kind is OutcomeKind.FAILED else "", 12.5))
    guard.begin(call("never_this", principal, text=text))
    for choice in ("approve", "deny"):
        pending = guard.begin(call("risky_delete", principal, choice=choice, text=text))
        assert isinstance(pending, Pending)
        view = guard.approvals.show(pending.request_id)
        assert view is not None
        guard.approvals.vote(
            view.id,
            reviewer,
            choice,
            request_digest=view.request_digest,
            channel="cli",
            strength=2,
            reason=text,
        )
        answer = guard.resume(pending)
        if isinstance(answer, Permit):
            guard.dispatch(answer)
            guard.finish(answer, Outcome(OutcomeKind.SUCCEEDED, text, len(text), "", 3.25))
    guard.store.flush()


def call(tool: str, principal: Principal, **arguments: Json) -> ToolCall:
    return ToolCall("files", tool, arguments, principal, prompt="the person's words", justification="to help")
