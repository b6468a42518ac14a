"""What the guard answers to a call. Texts for the agent are safe to show a model: no rule, no threshold to aim at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from toolguard.core.approvals import RefusalCode, RequestState
from toolguard.core.model import Decision, ToolCall


@dataclass(frozen=True, slots=True)
class Permit:
    """This call may run, once, now: send exactly `call.arguments` and `call.other_params`."""

    execution_id: str
    call: ToolCall
    decision: Decision
    call_id: str
    call_fp: str
    claim_token: str = field(repr=False)
    request_id: str | None = None
    code: str = ""
    """The binding code, when a person approved it."""
    grant_id: str | None = None
    """The grant under which it runs, when a person allowed such calls for a while."""
    asked: ToolCall | None = None
    """What the agent asked for, when a reviewer changed the arguments; the agent must then be told `note`."""
    note: str = ""
    dispatched: bool = False
    """The log already says that it went out; otherwise Guard.dispatch must say so before the first byte."""

    @property
    def columns(self) -> dict[str, str | None]:
        """What every audit event of this execution repeats, so that a row is readable alone."""
        return {
            **self.call.columns,
            "call_id": self.call_id,
            "request_id": self.request_id,
            "grant_id": self.grant_id,
            "execution_id": self.execution_id,
            "call_fp": self.call_fp,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """This call does not run."""

    code: RefusalCode
    text: str
    """For the agent."""
    reasons: tuple[str, ...] = ()
    """For people."""
    request_id: str | None = None
    binding_code: str = ""
    retry: bool = False
    """Whether the same call can succeed later without anybody being asked again."""
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """This call waits for people. It is recorded; waiting for it is the adapter's choice."""

    request_id: str
    code: str
    decide_by: datetime
    call: ToolCall
    call_id: str
    decision: Decision
    link: str
    """Where reviewers answer; names the request, carries no right."""
    attached: bool = False
    """The request was there before this call: nobody was notified anew."""

    @property
    def settle_text(self) -> str:
        """What the agent reads when the hold budget is over."""
        return (
            f"PENDING APPROVAL {self.request_id} {self.code}: NOT executed. A person must approve this call first "
            f"({self.link}). After approval, repeat the call with exactly the same arguments; it will then run once. "
            "Do not try to reach the same effect in another way."
        )


NOT_EXECUTED = "NOT executed."
ENDED_CODES: Final = {
    RequestState.DENIED: RefusalCode.DENIED,
    RequestState.EXPIRED: RefusalCode.EXPIRED,
    RequestState.CANCELLED: RefusalCode.CANCELLED,
    RequestState.REVOKED: RefusalCode.REVOKED,
    RequestState.STALE: RefusalCode.STALE_POLICY,
    RequestState.CONSUMED: RefusalCode.ALREADY_CONSUMED,
}
"""By what became of its request, the code of a call that does not run."""
CONFIRM_HINT = "compare with a backup or a message that shows the log's size and root, then `toolguard audit confirm`"


def denied_by_policy() -> str:
    return (
        f"{NOT_EXECUTED} toolguard does not permit this call here. Repeating or rephrasing it will not help; "
        "go on without it, or tell the person what you wanted to do."
    )


def ended(state: RequestState, request_id: str, code: str, reason: str) -> str:
    """What became of a request, for the agent."""
    said = f" Reason given: {reason.rstrip('.')}." if reason else ""
    words = {
        RequestState.DENIED: f"A reviewer denied this call.{said} Do not repeat it or reach the same effect in "
        "another way; go on without it, or ask the person.",
        RequestState.EXPIRED: "Nobody approved this call in time. If it is still needed, repeat it once; people will "
        "be asked anew.",
        RequestState.CANCELLED: "The request was cancelled.",
        RequestState.REVOKED: f"A reviewer took the approval back.{said} Do not repeat the call.",
        RequestState.STALE: "What was approved is no longer what would run, so the approval has ended. If the call is "
        "still needed, repeat it once; people will be asked anew.",
        RequestState.CONSUMED: "This approval has been used already; an approval runs a call once.",
    }
    return f"{NOT_EXECUTED} Approval {request_id} {code}: {words[state]}"


def edited(arguments: str) -> str:
    """What the agent is told of arguments that a reviewer changed, beside the result."""
    return f"Note: a reviewer changed the arguments of this call before it ran. It was executed with: {arguments}"


def may_have_happened(execution_id: str) -> str:
    return (
        f"{NOT_EXECUTED} The same call was sent before and its end is not known ({execution_id}): it may have "
        "happened. "
        "A person must settle that first. Look at the state by reading; do not repeat the call."
    )


def no_justification() -> str:
    return (
        f"{NOT_EXECUTED} A person must approve this call, and wants to know first what it is for. Say that in one or "
        "two sentences, and repeat the same call with it."
    )


def too_many_pending() -> str:
    return (
        f"{NOT_EXECUTED} Too many calls of this session wait for approval. Wait until some are answered; do not send "
        "more calls that need one."
    )


def log_unavailable() -> str:
    return (
        f"{NOT_EXECUTED} toolguard cannot write its audit log, so nothing may run. The person must repair that "
        "(`toolguard doctor` tells how); repeating the call will not help until then."
    )


def stopped() -> str:
    return f"{NOT_EXECUTED} A person has stopped all such calls for now. Do not repeat the call; ask the person."
