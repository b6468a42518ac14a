"""States of approval requests and executions, and the only ways between them, as tables.

What is not in a table cannot happen. The numbers T1 to T17 are those of ARCHITECTURE.md's state machine; guards that
need the database (quorum, digests, who votes) stand in guard/, the compare-and-set in store/.

    request    pending --quorum--> approved --claim--> consumed*
               pending | approved -> denied* | expired* | cancelled* | stale*       approved -> revoked*
    execution  claimed -> dispatched -> succeeded* | failed*
               claimed -> not_run*      dispatched -> unknown -> settled_done* | settled_not_done*
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RequestState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    CONSUMED = "consumed"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    STALE = "stale"


class RequestEvent(StrEnum):
    APPROVE = "approve"  # T4: the vote that completes the quorum
    DENY = "deny"  # T5
    EXPIRE = "expire"  # T6
    CANCEL = "cancel"  # T7
    REVOKE = "revoke"  # T8
    DRIFT = "drift"  # T9: policy, definition or votes are no longer what was approved
    CLAIM = "claim"  # T10


class ExecutionState(StrEnum):
    CLAIMED = "claimed"
    DISPATCHED = "dispatched"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"
    SETTLED_DONE = "settled_done"
    SETTLED_NOT_DONE = "settled_not_done"


class ExecutionEvent(StrEnum):
    DISPATCH = "dispatch"  # T11
    SUCCEED = "succeed"  # T12
    FAIL = "fail"  # T12
    LOSE = "lose"  # T13: the owner is gone, or the upstream is silent
    SETTLE_DONE = "settle_done"  # T14
    SETTLE_NOT_DONE = "settle_not_done"  # T14


_R, _RE, _X, _XE = RequestState, RequestEvent, ExecutionState, ExecutionEvent

REQUEST: Final[dict[tuple[RequestState, RequestEvent], RequestState]] = {
    (_R.PENDING, _RE.APPROVE): _R.APPROVED,
    (_R.PENDING, _RE.DENY): _R.DENIED,
    (_R.PENDING, _RE.EXPIRE): _R.EXPIRED,
    (_R.PENDING, _RE.CANCEL): _R.CANCELLED,
    (_R.PENDING, _RE.DRIFT): _R.STALE,
    (_R.APPROVED, _RE.CLAIM): _R.CONSUMED,
    (_R.APPROVED, _RE.DENY): _R.DENIED,
    (_R.APPROVED, _RE.EXPIRE): _R.EXPIRED,
    (_R.APPROVED, _RE.CANCEL): _R.CANCELLED,
    (_R.APPROVED, _RE.REVOKE): _R.REVOKED,
    (_R.APPROVED, _RE.DRIFT): _R.STALE,
}

EXECUTION: Final[dict[tuple[ExecutionState, ExecutionEvent], ExecutionState]] = {
    (_X.CLAIMED, _XE.DISPATCH): _X.DISPATCHED,
    (_X.CLAIMED, _XE.LOSE): _X.NOT_RUN,
    (_X.DISPATCHED, _XE.SUCCEED): _X.SUCCEEDED,
    (_X.DISPATCHED, _XE.FAIL): _X.FAILED,
    (_X.DISPATCHED, _XE.LOSE): _X.UNKNOWN,
    # A late answer of the tool is the truth, whenever it comes before a person settled.
    (_X.UNKNOWN, _XE.SUCCEED): _X.SUCCEEDED,
    (_X.UNKNOWN, _XE.FAIL): _X.FAILED,
    (_X.UNKNOWN, _XE.SETTLE_DONE): _X.SETTLED_DONE,
    (_X.UNKNOWN, _XE.SETTLE_NOT_DONE): _X.SETTLED_NOT_DONE,
}

OPEN_REQUESTS: Final = (RequestState.PENDING, RequestState.APPROVED)
OPEN_EXECUTIONS: Final = (ExecutionState.CLAIMED, ExecutionState.DISPATCHED)


class IllegalTransition(ValueError):
    """This event cannot happen in this state."""


def request_after(state: RequestState, event: RequestEvent) -> RequestState:
    """Raises IllegalTransition when the table has no such way out."""
    try:
        return REQUEST[state, event]
    except KeyError:
        raise IllegalTransition(f"a request that is {state} cannot {event}") from None


def execution_after(state: ExecutionState, event: ExecutionEvent) -> ExecutionState:
    """Raises IllegalTransition when the table has no such way out."""
    try:
        return EXECUTION[state, event]
    except KeyError:
        raise IllegalTransition(f"an execution that is {state} cannot {event}") from None


def is_terminal(state: RequestState | ExecutionState) -> bool:
    """Whether no way leads out of this state."""
    return not any(start == state for start, _ in (*REQUEST, *EXECUTION))


class RefusalCode(StrEnum):
    """Stable codes of refusals; scripts and tests rely on them."""

    POLICY = "denied_by_policy"
    DENIED = "denied"
    DENIED_RECENTLY = "denied_recently"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    STALE_POLICY = "stale_policy"
    STALE_DEFINITION = "stale_definition"
    DIGEST_MISMATCH = "digest_mismatch"
    ALREADY_CONSUMED = "already_consumed"
    MAY_HAVE_HAPPENED = "may_have_happened"
    SELF_VOTE = "self_vote"
    NOT_ELIGIBLE = "not_eligible"
    WEAK_CHANNEL = "weak_channel"
    ID_REUSED = "id_reused"
    TOO_MANY_PENDING = "too_many_pending"
    NO_JUSTIFICATION = "no_justification"
    STOPPED = "stopped"
    LOG_ROLLED_BACK = "log_rolled_back"
    LOG_UNAVAILABLE = "log_unavailable"
    ENDED = "ended"
