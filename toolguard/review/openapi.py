"""The OpenAPI document, made from the table of operations; `schemas/openapi.json` is held to it by a test."""

from __future__ import annotations

from typing import Any, Final

from toolguard import __version__
from toolguard.core.grants import DEFAULT_SECONDS, DEFAULT_USES, MOST_SECONDS, MOST_USES, OFFERED
from toolguard.review.answers import phrase
from toolguard.review.application import health, readiness
from toolguard.review.callbacks import callback
from toolguard.review.rest import MOST_TOGETHER, OPERATIONS, REASON_LONGEST, Operation
from toolguard.review.slack_actions import actions
from toolguard.review.words import STATES

BASE: Final = "/api/v1"
_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_NUMBER: Final = {"type": "integer"}
_ANY_OBJECT: Final = {"type": "object", "additionalProperties": True}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(
    required: dict[str, Any], optional: dict[str, Any] | None = None, *, closed: bool = False
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": not closed,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: Final[dict[str, Any]] = {
    "Finding": _object(
        {
            "id": _TEXT,
            "severity": {"enum": ["info", "low", "medium", "high", "critical"]},
            "confidence": {"enum": ["low", "medium", "high"]},
            "points": {"type": "integer", "minimum": 0, "maximum": 100},
            "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) into the arguments."},
            "message": _TEXT,
        },
        {"start": _maybe(_NUMBER), "end": _maybe(_NUMBER)},
    ),
    "CastVote": _object(
        {
            "reviewer": _TEXT,
            "choice": {"enum": ["approve", "deny"]},
            "channel": _TEXT,
            "strength": {"type": "integer", "minimum": 0, "maximum": 4},
            "reason": _TEXT,
            "self_attested": {"type": "boolean"},
            "at": _TIME,
        },
        {"grant": _maybe(_object({"sentence": _TEXT, "uses": _NUMBER, "not_after": _TIME}))},
    ),
    "Approval": _object(
        {
            "id": _TEXT,
            "state": {"enum": list(STATES)},
            "request_digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "code": {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}$"},
            "server": _TEXT,
            "tool": _TEXT,
            "arguments": {"description": "In redacted form."},
            "score": {"type": "integer", "minimum": 0, "maximum": 100},
            "findings": {"type": "array", "items": _ref("Finding")},
            "principal": _object({"agent": _TEXT, "person": _TEXT, "session": _TEXT}),
            "created": _TIME,
            "decide_by": _TIME,
        },
        {
            "group": {"type": "string", "description": "The same for requests that are alike."},
            "class": _TEXT,
            "headline": _TEXT,
            "target": _TEXT,
            "use_by": _maybe(_TIME),
            "requirement": _ANY_OBJECT,
            "offers": {"type": "array", "items": _ref("Offer"), "description": "What a grant may loosen."},
            "votes": {"type": "array", "items": _ref("CastVote")},
            "execution": _maybe(_ANY_OBJECT),
            "edited": _maybe(_ANY_OBJECT) | {"description": "Whose arguments these are, when not the agent's."},
            "edited_from": _maybe(_TEXT),
            "edited_to": _maybe(_TEXT),
            "audit": _ANY_OBJECT,
        },
    ),
    "ApprovalList": _object(
        {"approvals": {"type": "array", "items": _ref("Approval")}, "next": _maybe(_TEXT)},
    ),
    "Vote": _object(
        {"vote": {"enum": ["approve", "deny"]}, "request_digest": _TEXT},
        {"reason": _maybe({"type": "string", "maxLength": REASON_LONGEST}), "grant": _maybe(_ref("GrantChoice"))},
        closed=True,
    ),
    "VotesTogether": _object(
        {
            "vote": {"enum": ["approve", "deny"]},
            "group": {"type": "string", "description": "`group` of every one of the requests."},
            "requests": {
                "type": "array",
                "items": _object({"id": _TEXT, "request_digest": _TEXT}, closed=True),
                "minItems": 1,
                "maxItems": MOST_TOGETHER,
            },
        },
        {"reason": _maybe({"type": "string", "maxLength": REASON_LONGEST})},
        closed=True,
    ),
    "VoteResults": _object(
        {
            "results": {
                "type": "array",
                "items": _object(
                    {
                        "id": _TEXT,
                        "accepted": {"type": "boolean"},
                        "code": _TEXT,
                        "text": _TEXT,
                        "approval": _maybe(_ref("Approval")),
                    }
                ),
            }
        }
    ),
    "Edit": _object(
        {
            "arguments": {
                "type": "object",
                "description": "All of them, in the redacted form of `arguments` of the request: objects with "
                "`$redacted` stand for secrets, and stay where they are or go.",
            },
            "request_digest": _TEXT,
        },
        closed=True,
    ),
    "Offer": _object(
        {
            "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) into the arguments."},
            "test": {"enum": ["under", "host", "any"]},
            "value": _TEXT,
            "sentence": _TEXT,
        }
    ),
    "GrantChoice": _object(
        {},
        {
            "pointers": {
                "type": "array",
                "items": _TEXT,
                "maxItems": OFFERED,
                "description": "Of the request's `offers`; everything else must equal the approved call.",
            },
            "uses": {"type": "integer", "minimum": 1, "maximum": MOST_USES, "default": DEFAULT_USES},
            "seconds": {"type": "integer", "minimum": 1, "maximum": MOST_SECONDS, "default": DEFAULT_SECONDS},
        },
        closed=True,
    ),
    "Grant": _object(
        {
            "id": _TEXT,
            "server": _TEXT,
            "tool": _TEXT,
            "sentence": _TEXT,
            "principal": _object({"agent": _TEXT, "person": _TEXT, "session": _TEXT}),
            "reviewer": _TEXT,
            "created": _TIME,
            "not_after": _TIME,
            "uses": {"type": "integer", "description": "How often it was used."},
            "max_uses": _NUMBER,
            "revoked_at": _maybe(_TIME),
            "from_request": _TEXT,
        }
    ),
    "GrantList": _object({"grants": {"type": "array", "items": _ref("Grant")}}),
    "VoteResult": _object({"accepted": {"const": True}, "code": _TEXT, "text": _TEXT, "approval": _ref("Approval")}),
    "AuditEvent": _object({"seq": _NUMBER, "ts": _TIME, "kind": _TEXT, "row_hash": _TEXT, "prev_hash": _TEXT}),
    "AuditEventList": _object(
        {"events": {"type": "array", "items": _ref("AuditEvent")}, "next": _maybe(_NUMBER)},
    ),
    "Checkpoint": _object(
        {
            "size": {"type": "integer", "description": "Events that it covers."},
            "root": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of the Merkle tree (RFC 6962)."},
            "head": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Hash of the last event."},
            "ts": _TIME,
            "key_id": _TEXT,
            "note": {"type": "string", "description": "The signed note (C2SP) to keep."},
        }
    ),
    "OpenApi": _ANY_OBJECT,
    "SignedVote": _object(
        {"id": _TEXT, "vote": {"enum": ["approve", "deny"]}, "request_digest": _TEXT},
        {"reason": _TEXT, "reviewer": {"type": "string", "description": "Of whom the signing key is."}},
        closed=True,
    ),
    "Accepted": _object({"accepted": {"const": True}, "code": _TEXT, "text": _TEXT}),
    "SlackForm": _object({"payload": {"type": "string", "description": "An interaction of Slack's, as JSON."}}),
    "Acknowledgement": _object({}, {"response_action": _TEXT, "errors": _ANY_OBJECT}),
    "Health": _object({"status": _TEXT}),
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": _NUMBER, "detail": _TEXT},
        {"code": {"type": "string", "description": "Stable, for programs."}},
    ),
}


ROOT: Final = (
    Operation(
        "POST",
        "/webhooks/approvals",
        callback,
        {201: "Accepted"},
        takes="SignedVote",
        refuses=(400, 401, 403, 404, 409, 413, 422, 503),
        is_open=True,
    ),
    Operation(
        "POST",
        "/slack/actions",
        actions,
        {200: "Acknowledgement"},
        takes="SlackForm",
        refuses=(400, 401, 413, 503),
        is_open=True,
    ),
    Operation("GET", "/healthz", health, {200: "Health"}, refuses=(), is_open=True),
    Operation("GET", "/readyz", readiness, {200: "Health", 503: "Health"}, refuses=(), is_open=True),
)
"""What stands beside the API: callers prove themselves with a signature in every message, or ask nothing of worth."""
FORMS: Final = frozenset({"SlackForm"})
"""Bodies that are forms; the others are JSON."""


def documented() -> list[tuple[str, Operation]]:
    """Every operation of the document, with its whole path."""
    return [(f"{BASE}{operation.path}", operation) for operation in OPERATIONS] + [(one.path, one) for one in ROOT]


def refusals(operation: Operation) -> list[int]:
    """Statuses of problems: the operation's own, and what shield.py refuses before any operation is reached."""
    before = (421,) if operation.method == "GET" else (403, 413, 421)
    return sorted({*operation.refuses, *before})


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of what programs may call."""
    paths: dict[str, Any] = {}
    for path, operation in documented():
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "toolguard",
            "version": __version__,
            "description": "Approval requests, votes and the audit log, for reviewers.",
        },
        "servers": [{"url": "/"}],
        "security": [{"reviewer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"reviewer": {"type": "http", "scheme": "bearer", "description": "A reviewer's token."}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.endpoint.__name__,
        "summary": (operation.endpoint.__doc__ or "").strip().splitlines()[0].rstrip("."),
        "responses": {str(status): _answer(status, name) for status, name in operation.answers.items()}
        | {str(status): _refusal(status) for status in refusals(operation)},
    }
    parameters = [
        {"name": name, "in": "query", "required": False, "description": meaning, "schema": {"type": kind}}
        for name, kind, meaning in operation.query
    ]
    if "{id}" in operation.path:
        parameters.insert(0, {"name": "id", "in": "path", "required": True, "schema": _TEXT})
    if parameters:
        described["parameters"] = parameters
    if operation.takes:
        kind = "application/x-www-form-urlencoded" if operation.takes in FORMS else "application/json"
        described["requestBody"] = {"required": True, "content": {kind: {"schema": _ref(operation.takes)}}}
    if operation.is_open:
        described["security"] = []
    return described


def _answer(status: int, name: str) -> dict[str, Any]:
    if name == "EventStream":
        content: dict[str, Any] = {"text/event-stream": {"schema": _TEXT}}
    else:
        content = {"application/json": {"schema": _ref(name)}}
    return {"description": phrase(status), "content": content}


def _refusal(status: int) -> dict[str, Any]:
    return {
        "description": phrase(status),
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
