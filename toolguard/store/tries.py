"""What the tables say of earlier tries of one call: adapters whose code is run again after a pause ask here."""

from __future__ import annotations

from toolguard.store.database import Database
from toolguard.store.transaction import Row


def of_key(database: Database, session: str, transport_key: str) -> list[Row]:
    """Every call of this conversation with this key, the newest first, with its request and its execution."""
    return database.read(
        'SELECT c.call_id, c.call_fp, rc.request_id, e.execution_id, e.state, e.claim_token, e.class FROM "call" c '
        "LEFT JOIN request_call rc ON rc.call_id = c.call_id "
        "LEFT JOIN execution e ON e.execution_id = 'ex_' || substr(c.call_id, 4) "
        "WHERE c.session = ? AND c.transport_key = ? ORDER BY c.at DESC, c.call_id DESC",
        (session, transport_key),
    )


def events(database: Database, request_id: str) -> list[Row]:
    """Kinds of the events of a request, in order, with the call and the execution that each is about."""
    return database.read(
        "SELECT kind, call_id, execution_id FROM audit_event WHERE request_id = ? ORDER BY seq", (request_id,)
    )


def paused(database: Database, session: str) -> list[Row]:
    """Open requests of this conversation for which, or for what they were edited from, a durable pause was noted."""
    return database.read(
        "SELECT request_id FROM approval_request r WHERE session = ? AND state IN ('pending', 'approved') AND EXISTS "
        "(SELECT 1 FROM audit_event e WHERE e.request_id IN (r.request_id, r.edited_from) AND e.kind = 'call.paused')",
        (session,),
    )
