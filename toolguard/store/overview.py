"""Sums over calls and requests for the page of figures: reading only, and never the contents of a call."""

from __future__ import annotations

from typing import Any, Final

from toolguard.store.database import Database
from toolguard.store.transaction import Row

MOST_REQUESTS: Final = 5_000
"""The newest of a span; a person has not answered more, and the page says so."""


def calls(database: Database, since: str, letters: int) -> list[Row]:
    """How many calls of which agent were decided how, by `moment`: so many letters of the time, which is UTC."""
    return database.read(
        'SELECT substr(at, 1, ?) AS moment, agent, effect, count(*) AS n FROM "call" WHERE at >= ? '
        "GROUP BY moment, agent, effect ORDER BY agent",
        (letters, since),
    )


def requests(database: Database, since: str, agent: str | None) -> list[Row]:
    """Requests of a span, newest first, with when people decided; those that an edit replaced are left out."""
    condition, values = _of(agent)
    return database.read(
        "SELECT r.created, r.state, json_extract(r.shown, '$.rules') AS rules, "
        "json_extract(r.shown, '$.findings') AS findings, "
        "(SELECT min(e.ts) FROM audit_event e WHERE e.request_id = r.request_id "
        "AND e.kind IN ('approval.approved', 'approval.denied')) AS decided "
        f"FROM approval_request r WHERE r.created >= ?{condition} AND NOT EXISTS "
        "(SELECT 1 FROM approval_request n WHERE n.edited_from = r.request_id) ORDER BY r.created DESC LIMIT ?",
        [since, *values, MOST_REQUESTS],
    )


def answered(database: Database, since: str) -> list[Row]:
    """Requests that people answered, with what they were shown."""
    return database.read(
        "SELECT request_id, agent, person, session, server, tool, created AS ts, state, shown FROM approval_request "
        "WHERE created >= ? AND state IN ('approved', 'consumed', 'denied', 'revoked') ORDER BY created LIMIT ?",
        (since, MOST_REQUESTS),
    )


def denied_calls(database: Database, since: str) -> list[Row]:
    """Calls that a rule denied, with their contents where these are still kept."""
    return database.read(
        "SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq) "
        "WHERE e.kind = 'call.decided' AND e.effect = 'deny' AND e.ts >= ? ORDER BY e.seq DESC LIMIT ?",
        (since, MOST_REQUESTS),
    )


def _of(agent: str | None) -> tuple[str, list[Any]]:
    return ("", []) if agent is None else (" AND agent = ?", [agent])
