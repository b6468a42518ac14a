"""How a refused call answers: as an error message inside a run, so that the agent goes on, else as an exception."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException

from toolguard.core.approvals import RefusalCode
from toolguard.core.model import Json
from toolguard.guard import Refusal
from toolguard.guard.answers import NOT_EXECUTED


class ToolCallRefused(ToolException):  # type: ignore[misc,unused-ignore]  # Any where langchain-core is absent
    """The guard did not let this call run."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def refuse(refusal: Refusal, tool: str, tool_call_id: str | None, on_block: str) -> Any:
    """The message for the agent. Raises ToolCallRefused where nobody could match a message to a call."""
    if tool_call_id is None or on_block == "raise":
        raise ToolCallRefused(refusal)
    return message(refusal, tool, tool_call_id)


def message(refusal: Refusal, tool: str, tool_call_id: str) -> ToolMessage:
    """The answer to a refused call: the agent goes on, and an application can follow the request."""
    return ToolMessage(
        content=refusal.text,
        name=tool,
        tool_call_id=tool_call_id,
        status="error",
        artifact={"toolguard": as_json(refusal)},
    )


def as_json(refusal: Refusal) -> dict[str, Json]:
    """For the application: what a program needs to follow the request."""
    return {
        "code": refusal.code.value,
        "approval_id": refusal.request_id,
        "binding_code": refusal.binding_code,
        "retry": refusal.retry,
    }


def own_fault(why: str) -> Refusal:
    """A defect of the guard's own ends the call, it never lets it through."""
    text = f"{NOT_EXECUTED} toolguard could not judge this call, so it does not run; repeating it will not help."
    return Refusal(RefusalCode.LOG_UNAVAILABLE, text, (why,))


def not_frozen(tool: str) -> Refusal:
    text = f"{NOT_EXECUTED} The arguments of `{tool}` cannot be copied, so nobody can say what would run."
    return Refusal(RefusalCode.POLICY, text, ("an argument cannot be copied",))


def may_have_run(execution_id: str, request_id: str | None) -> Refusal:
    text = (
        f"{NOT_EXECUTED} The same call was started before and its end is not known ({execution_id}): it may have "
        "happened. A person must look at that first; do not repeat the call."
    )
    return Refusal(RefusalCode.MAY_HAVE_HAPPENED, text, request_id=request_id)


def has_run(execution_id: str, request_id: str | None) -> Refusal:
    text = (
        f"This call has been executed already ({execution_id}) and does not run a second time; its result was not "
        "kept. Look at the state by reading before you do anything like it again."
    )
    return Refusal(RefusalCode.ALREADY_CONSUMED, text, request_id=request_id)


def not_understood(request_id: str, code: str) -> Refusal:
    text = (
        f"{NOT_EXECUTED} Approval {request_id} {code}: the answer to it was not understood, so nothing ran. A person "
        "can still approve it; do not repeat the call until you are told so."
    )
    return Refusal(RefusalCode.NOT_ELIGIBLE, text, ("the resume value has no accepted shape",), request_id, code)


def answered_by_person(request_id: str, code: str, message: str) -> Refusal:
    text = f"{NOT_EXECUTED} Approval {request_id} {code}: a person answers instead of the tool: {message}"
    return Refusal(RefusalCode.DENIED, text, (), request_id, code)


def rejected(request_id: str, code: str, reason: str) -> Refusal:
    said = f" Reason given: {reason.rstrip('.')}." if reason else ""
    text = (
        f"{NOT_EXECUTED} Approval {request_id} {code}: a person rejected this call.{said} Do not repeat it or reach "
        "the same effect in another way; go on without it, or ask the person."
    )
    return Refusal(RefusalCode.DENIED, text, (reason,) if reason else (), request_id, code)
