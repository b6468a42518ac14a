"""The transition tables, over every pair of state and event."""

from __future__ import annotations

import pytest

from toolguard.core.approvals import (
    EXECUTION,
    OPEN_EXECUTIONS,
    OPEN_REQUESTS,
    REQUEST,
    ExecutionEvent,
    ExecutionState,
    IllegalTransition,
    RequestEvent,
    RequestState,
    execution_after,
    is_terminal,
    request_after,
)

TERMINAL_REQUESTS = {"consumed", "denied", "expired", "cancelled", "revoked", "stale"}
TERMINAL_EXECUTIONS = {"succeeded", "failed", "not_run", "settled_done", "settled_not_done"}


@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("event", RequestEvent)
def test_a_request_moves_only_along_the_table(state: RequestState, event: RequestEvent) -> None:
    if (state, event) in REQUEST:
        assert request_after(state, event) is REQUEST[state, event]
    else:
        with pytest.raises(IllegalTransition):
            request_after(state, event)


@pytest.mark.parametrize("state", ExecutionState)
@pytest.mark.parametrize("event", ExecutionEvent)
def test_an_execution_moves_only_along_the_table(state: ExecutionState, event: ExecutionEvent) -> None:
    if (state, event) in EXECUTION:
        assert execution_after(state, event) is EXECUTION[state, event]
    else:
        with pytest.raises(IllegalTransition):
            execution_after(state, event)


@pytest.mark.guarantee("request:ends-for-good")
def test_nothing_leaves_a_terminal_state() -> None:
    assert {state for state in RequestState if is_terminal(state)} == TERMINAL_REQUESTS
    assert {state for state in ExecutionState if is_terminal(state)} == TERMINAL_EXECUTIONS


def test_only_an_approval_leads_to_a_claim_and_only_a_claim_to_consumed() -> None:
    ways = [(start, event) for (start, event), after in REQUEST.items() if after is RequestState.CONSUMED]

    assert ways == [(RequestState.APPROVED, RequestEvent.CLAIM)]


@pytest.mark.guarantee("request:ends-for-good")
def test_no_way_leads_back_to_an_open_request() -> None:
    assert all(after is not RequestState.PENDING for after in REQUEST.values())
    assert [start for (start, _), after in REQUEST.items() if after is RequestState.APPROVED] == [RequestState.PENDING]
    assert set(OPEN_REQUESTS) == set(RequestState) - TERMINAL_REQUESTS


def test_an_unknown_end_is_never_run_again() -> None:
    after_unknown = {after for (start, _), after in EXECUTION.items() if start is ExecutionState.UNKNOWN}

    assert not after_unknown & set(OPEN_EXECUTIONS)
