"""Calls as OpenTelemetry spans in OTLP/JSON, named as the generative AI conventions name the execution of a tool
(opentelemetry.io/docs/specs/semconv/gen-ai, "execute_tool"; status Development, pinned to the schema below).

One span a call: from its dispatch to its end, or from its decision to the refusal. A session is one trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from toolguard.core.canonical import text
from toolguard.core.model import Json

SCHEMA: Final = "https://opentelemetry.io/schemas/1.37.0"
_INTERNAL: Final = 1
_ERROR: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REFUSED: Final = frozenset(
    f"approval.{state}" for state in ("denied", "expired", "cancelled", "revoked", "stale")
)  # fmt: skip
_OPEN: Final = 10_000
"""Calls without an end that are remembered; the oldest is forgotten first."""


class Spans:
    """Takes events in order and gives a span for each call that came to its end."""

    def __init__(self, *, with_arguments: bool = False) -> None:
        self._with_arguments = with_arguments
        self._decided: dict[str, Mapping[str, Json]] = {}
        self._started: dict[str, Mapping[str, Json]] = {}
        self._calls: dict[str, str] = {}
        """Request -> the call that made it."""

    @property
    def oldest_open(self) -> int | None:
        """Number of the oldest event that a span to come is made from; None when no call is open."""
        return min((event["seq"] for event in (*self._decided.values(), *self._started.values())), default=None)

    def take(self, event: Mapping[str, Json]) -> dict[str, Json] | None:
        kind, call_id = event["kind"], event.get("call_id")
        if kind == "call.decided" and call_id:
            if event.get("effect") == "deny":
                return self._span(event, event, event)
            _remember(self._decided, call_id, event)
        elif kind == "approval.requested" and call_id:
            _remember(self._calls, event["request_id"], call_id)
        elif kind == "execution.dispatched" and call_id:
            _remember(self._started, call_id, event)
        elif kind == "execution.ended" and call_id:
            decided = self._decided.pop(call_id, event)
            return self._span(decided, self._started.pop(call_id, decided), event)
        elif kind in _REFUSED:
            asked = self._decided.pop(self._calls.pop(str(event.get("request_id")), ""), None)
            return self._span(asked, asked, event) if asked is not None else None
        return None

    def _span(
        self, decided: Mapping[str, Json], started: Mapping[str, Json], ended: Mapping[str, Json]
    ) -> dict[str, Json]:
        body, end = decided.get("body") or {}, ended.get("body") or {}
        finish = nanoseconds(ended["ts"])
        duration = end.get("duration_us")
        start = finish - duration * 1000 if duration else nanoseconds(started["ts"])
        outcome = ended.get("outcome") or decided.get("effect")
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": decided.get("tool"),
            "gen_ai.tool.call.id": decided.get("call_id"),
            "gen_ai.tool.type": "function",
            "gen_ai.agent.name": decided.get("agent"),
            "gen_ai.conversation.id": decided.get("session"),
            "enduser.id": decided.get("person"),
            "toolguard.server": decided.get("server"),
            "toolguard.effect": decided.get("effect"),
            "toolguard.score": decided.get("score"),
            "toolguard.class": body.get("class"),
            "toolguard.findings": [str(finding.get("id")) for finding in body.get("findings") or []],
            "toolguard.outcome": outcome,
            "toolguard.request.id": ended.get("request_id"),
            "toolguard.log.id": decided.get("log_id"),
            "toolguard.log.seq": decided.get("seq"),
            "toolguard.log.row_hash": decided.get("row_hash"),
        }
        if self._with_arguments and "arguments" in body:
            attributes["gen_ai.tool.call.arguments"] = text(body["arguments"])
        has_succeeded = outcome == "succeeded"
        if not has_succeeded:
            attributes["error.type"] = outcome
        return {
            "traceId": _id("trace", decided.get("log_id"), decided.get("session"))[:32],
            "spanId": _id("span", decided.get("log_id"), decided.get("call_id"))[:16],
            "name": f"execute_tool {decided.get('tool')}",
            "kind": _INTERNAL,
            "startTimeUnixNano": str(min(start, finish)),
            "endTimeUnixNano": str(finish),
            "attributes": [_attribute(name, value) for name, value in attributes.items() if value not in (None, [])],
            "status": {} if has_succeeded else {"code": _ERROR, "message": str(end.get("error") or outcome or "")},
        }


def request(spans: Sequence[Mapping[str, Json]], version: str) -> dict[str, Json]:
    """An ExportTraceServiceRequest, as collectors take it."""
    scope = {"name": "toolguard", "version": version}
    resource = {"attributes": [_attribute("service.name", "toolguard"), _attribute("service.version", version)]}
    held = {"scope": scope, "spans": [dict(span) for span in spans], "schemaUrl": SCHEMA}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [held], "schemaUrl": SCHEMA}]}


def nanoseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1) * 1000


def _attribute(name: str, value: Json) -> dict[str, Json]:
    if isinstance(value, list):
        return {"key": name, "value": {"arrayValue": {"values": [{"stringValue": str(one)} for one in value]}}}
    return {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}


def _id(*parts: Json) -> str:
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()


def _remember(kept: dict[str, Any], key: str, value: Any) -> None:
    if len(kept) >= _OPEN:
        kept.pop(next(iter(kept)))
    kept[key] = value
