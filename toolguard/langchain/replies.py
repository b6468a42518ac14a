"""Requests to a person in the shapes that agent UIs read, and their replies. Pure.

A reply that fits no shape is None, never an approval. INVARIANT: replies by position count only when there are exactly
as many as calls asked about; replies by approval id may answer some (tests/langchain/test_replies.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from toolguard.core.model import Json, ToolDefinition, strings
from toolguard.core.secrets.redact import readable
from toolguard.guard import RequestView

Choice = Literal["approve", "reject", "edit", "respond", "look", "none"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person answered about one call."""

    choice: Choice
    """`look` decides nothing: the store is looked at again. `none` was not understood."""
    message: str = ""
    arguments: Mapping[str, Json] | None = None
    """The edited ones."""
    is_named: bool = False
    """It names the approval that it answers, so no order of interrupts can misdirect it."""


LOOK: Final = Reply("look")
NONE: Final = Reply("none")
_KINDS: Final[Mapping[str, Choice]] = {
    "approve": "approve",
    "accept": "approve",
    "reject": "reject",
    "deny": "reject",
    "ignore": "reject",
    "edit": "edit",
    "respond": "respond",
    "response": "respond",
}
_MARKER: Final = "[redacted "


def batched(views: Sequence[RequestView], note: str) -> dict[str, Json]:
    """A HITLRequest with one action for each call that waits; redacted, since checkpointers write it down."""
    return {
        "action_requests": [
            {
                "name": v.tool,
                "args": readable(v.arguments),
                "arguments": readable(v.arguments),
                "description": _about(v, note),
            }
            for v in views
        ],
        "review_configs": [
            {"action_name": name, "allowed_decisions": list(ALLOWED), "allowedDecisions": list(ALLOWED)}
            for name in dict.fromkeys(v.tool for v in views)
        ],
        "toolguard": {"approvals": [_approval(v) for v in views]},
    }


ALLOWED: Final = ("approve", "edit", "reject", "respond")


def per_call(view: RequestView, tool_call_id: str | None, note: str) -> dict[str, Json]:
    """One `tool_approval`, answered with one decision."""
    return {
        "type": "tool_approval",
        "tool_call_id": tool_call_id,
        "name": view.tool,
        "args": readable(view.arguments),
        "description": _about(view, note),
        "toolguard": {"approvals": [_approval(view)]},
    }


def _about(view: RequestView, note: str) -> str:
    findings = "; ".join(str(finding["message"]) for finding in view.findings[:3])
    risk = f"risk {view.score}: {findings}" if findings else f"risk {view.score}"
    return f"{view.headline or view.tool} ({risk}). Code {view.code}. {note}"


def _approval(view: RequestView) -> dict[str, Json]:
    return {
        "id": view.id,
        "request_digest": view.request_digest,
        "code": view.code,
        "score": view.score,
        "findings": [{"id": f["id"], "severity": f["severity"], "message": f["message"]} for f in view.findings],
    }


def read(reply: Json, asked: Sequence[tuple[str, str]]) -> list[Reply] | None:
    """One reply for each call asked about, given as (approval id, tool); None for what fits no shape."""
    if reply is None or reply is True or reply == {}:
        return [LOOK] * len(asked)
    if isinstance(reply, Mapping) and "decisions" in reply:
        return _positional(reply["decisions"], asked) if set(reply) == {"decisions"} else None
    if isinstance(reply, Mapping) and "type" in reply:
        return _positional([reply], asked)
    named = _named(reply)
    if named is not None:
        return _by_id(named, asked)
    return _positional(reply, asked)


def _positional(replies: Json, asked: Sequence[tuple[str, str]]) -> list[Reply] | None:
    if not isinstance(replies, list) or len(replies) != len(asked):
        return None
    found = [_one(reply, tool) for reply, (_, tool) in zip(replies, asked, strict=True)]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def _named(reply: Json) -> dict[str, Json] | None:
    """Replies by approval id, from any of our three shapes."""
    several = reply if isinstance(reply, list) else [reply]
    if several and all(isinstance(one, Mapping) and "approval_id" in one and "decision" in one for one in several):
        return {str(one["approval_id"]): one["decision"] for one in several}
    if isinstance(reply, Mapping) and reply and all(str(key).startswith("ap_") for key in reply):
        return {str(key): value for key, value in reply.items()}
    return None


def _by_id(named: Mapping[str, Json], asked: Sequence[tuple[str, str]]) -> list[Reply] | None:
    found: list[Reply] = []
    for approval_id, tool in asked:
        if approval_id not in named:
            found.append(LOOK)
            continue
        decision = named[approval_id]
        one = _one({"type": decision} if isinstance(decision, str) else decision, tool)
        if one is None:
            return None
        found.append(Reply(one.choice, one.message, one.arguments, is_named=True))
    return found


def _one(reply: Json, tool: str) -> Reply | None:
    if not isinstance(reply, Mapping) or not isinstance(reply.get("type"), str):
        return None
    choice = _KINDS.get(reply["type"])
    if choice in ("reject", "respond"):
        said = reply.get("message", reply.get("args"))
        if choice == "respond" and not isinstance(said, str):
            return None
        return Reply(choice, said if isinstance(said, str) else "")
    if choice == "edit":
        return _edit(reply, tool)
    return Reply("approve") if choice == "approve" else None


def _edit(reply: Mapping[str, Json], tool: str) -> Reply | None:
    """New arguments for the same tool; with a redaction mark in them nobody could say what would run."""
    action = reply.get("edited_action", reply.get("args"))
    if not isinstance(action, Mapping) or action.get("name", action.get("action")) != tool:
        return None
    arguments = action.get("args")
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        return None
    if any(_MARKER in one for _, one in strings(arguments)) or _holds_marker(arguments):
        return None
    return Reply("edit", arguments=dict(arguments))


def _holds_marker(value: Json) -> bool:
    if isinstance(value, Mapping):
        return "$redacted" in value or "$parts" in value or any(_holds_marker(child) for child in value.values())
    return isinstance(value, list) and any(_holds_marker(child) for child in value)


def schema(tool: str, definition: ToolDefinition | None) -> dict[str, Json]:
    """JSON Schema of the one decision that answers a `tool_approval`, for clients that draw a form of it."""
    arguments = dict(definition.input_schema) if definition is not None else {"type": "object"}
    action = {
        "type": "object",
        "properties": {"name": {"const": tool}, "args": arguments},
        "required": ["name", "args"],
    }
    message: Json = {"type": "string"}
    return {
        "oneOf": [
            _decision("approve"),
            _decision("edit", {"edited_action": action}, required=("edited_action",)),
            _decision("reject", {"message": message}),
            _decision("respond", {"message": message}, required=("message",)),
        ]
    }


def _decision(kind: str, properties: Mapping[str, Json] | None = None, *, required: Sequence[str] = ()) -> Json:
    members = {"type": {"const": kind}, **(properties or {})}
    return {"type": "object", "properties": members, "required": ["type", *required], "additionalProperties": False}
