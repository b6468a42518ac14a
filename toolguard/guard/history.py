"""Calls as the audit log remembers them, for comparing and learning policies.

What the log does not keep is unknown here too: values of secrets, and what the session knew (rules that ask about
facts see an empty session).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolguard.core.canonical import parse
from toolguard.core.model import Classification, EffectClass, Json, Principal, Reach, ToolCall
from toolguard.core.policy.learning import Recorded
from toolguard.core.session.facts import Facts, Surroundings
from toolguard.core.session.memory import Session
from toolguard.guard.shown import finding_from_json
from toolguard.guard.times import moment
from toolguard.store import audit, overview
from toolguard.store.database import Database

_ANSWERS = {"approval.approved": True, "approval.denied": False, "approval.revoked": False}


def decided(database: Database) -> Iterator[tuple[str, Recorded]]:
    """Every decision of the log in order, with the effect that it had then. Streams."""
    for row in audit.stream(database):
        if row["kind"] == "call.decided" and row["body"] is not None:
            yield row["effect"], _recorded(row, parse(row["body"]), row["call_id"], None)


def answered(database: Database) -> Iterator[Recorded]:
    """Requests with what people answered, and calls that a rule denied. Memory grows with requests, not with calls."""
    requests: dict[str, dict[str, Any]] = {}
    answers: dict[str, bool] = {}
    for row in audit.stream(database):
        if row["body"] is None:
            continue
        if row["kind"] == "approval.requested":
            requests[row["request_id"]] = row
        elif row["kind"] in _ANSWERS and answers.get(row["request_id"]) is not False:
            answers[row["request_id"]] = _ANSWERS[row["kind"]]
        elif row["kind"] == "call.decided" and row["effect"] == "deny":
            yield _recorded(dict(row), parse(row["body"]), row["call_id"], False)
    for request_id, row in requests.items():
        yield _recorded(row, parse(row["body"])["view"], request_id, answers.get(request_id))


def recent(database: Database, since: str) -> Iterator[Recorded]:
    """Requests that people answered since a moment, and calls that a rule denied; from the tables, so quickly."""
    for row in overview.answered(database, since):
        is_approved = row["state"] in ("approved", "consumed")
        yield _recorded(dict(row), parse(row["shown"]), row["request_id"], is_approved)
    for row in overview.denied_calls(database, since):
        yield _recorded(dict(row), parse(row["body"]), row["call_id"], False)


def _recorded(row: Mapping[str, Any], kept: Mapping[str, Json], name: str, is_approved: bool | None) -> Recorded:
    call = ToolCall(
        row["server"], row["tool"], kept["arguments"], Principal(row["agent"], row["person"], row["session"])
    )
    kind = Classification(
        EffectClass(kept["class"]),
        kept["target"],
        Reach(kept.get("reach", Reach.UNKNOWN)),
        environment=kept.get("environment", ""),
        headline=kept["headline"],
    )
    findings = tuple(finding_from_json(found) for found in kept["findings"])
    facts: Facts = Session().facts(call, Surroundings())
    return Recorded(name, call, kind, findings, facts, moment(row["ts"]), is_approved)
