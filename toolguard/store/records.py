"""Calls, approval requests, votes and executions: each statement once, each change of state a compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolguard.core.approvals import (
    EXECUTION,
    ExecutionEvent,
    ExecutionState,
    RequestEvent,
    RequestState,
    request_after,
)
from toolguard.core.model import Principal
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({", ".join(":" + name for name in columns)})'


_CALL: Final = _insert(
    "call",
    ("call_id", "at", "transport_key", "agent", "person", "session", "server", "tool", "def_fp", "call_fp", "effect",
     "class", "score", "headline", "decision_key"),
)  # fmt: skip
_EXECUTION: Final = _insert(
    "execution",
    ("execution_id", "call_id", "request_id", "grant_id", "agent", "person", "session", "call_fp", "class",
     "claim_token", "owner", "lease_until", "state", "claimed_at", "dispatched_at"),
)  # fmt: skip
_REQUEST: Final = _insert(
    "approval_request",
    ("request_id", "created", "agent", "person", "session", "server", "tool", "def_fp", "call_fp", "class", "score",
     "decision_key", "requirement", "shown", "offers", "request_digest", "nonce", "code", "resume", "state", "ver",
     "decide_by", "use_within", "boot_id", "decide_by_boot", "waiting", "edited_from", "asked_fp"),
)  # fmt: skip
_VOTE: Final = _insert(
    "vote",
    ("request_id", "reviewer_id", "choice", "channel", "strength", "request_digest", "vote_digest", "reason",
     "self_attested", "evidence", "grant_terms", "at"),
)  # fmt: skip


_WAYS: Final = {
    # By event, the ways of the table; the usual one first, since each try is a statement.
    event: sorted(
        ((before, after) for (before, happened), after in EXECUTION.items() if happened is event),
        key=lambda way: way[0] is not ExecutionState.DISPATCHED,
    )
    for event in ExecutionEvent
}


def insert_call(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_CALL, values)


def insert_execution(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_EXECUTION, values)


def insert_request(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_REQUEST, values)


def insert_vote(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(_VOTE, values)


def attach(tx: Transaction, request_id: str, call_id: str) -> None:
    """Tie a try (the first, or a retry) to its request."""
    tx.execute("INSERT INTO request_call (request_id, call_id) VALUES (?, ?)", (request_id, call_id))


def call_of(tx: Transaction, request_id: str) -> str:
    """The first call that a request, or the one it was edited from, was made for; empty when there is none."""
    row = tx.one(
        "WITH RECURSIVE origin (id) AS (SELECT ? UNION ALL SELECT edited_from FROM approval_request "
        "JOIN origin ON request_id = id WHERE edited_from IS NOT NULL) "
        "SELECT min(call_id) AS first FROM request_call JOIN origin ON request_id = id",
        (request_id,),
    )
    return str(row["first"]) if row is not None and row["first"] else ""


def waiters(tx: Transaction, request_id: str, change: int) -> None:
    """How many live client calls wait on a request; for display only, nothing depends on it."""
    tx.execute("UPDATE approval_request SET waiting = max(0, waiting + ?) WHERE request_id = ?", (change, request_id))


def request(source: Transaction | Database, request_id: str) -> Row | None:
    sql = "SELECT * FROM approval_request WHERE request_id = ?"
    if isinstance(source, Transaction):
        return source.one(sql, (request_id,))
    rows = source.read(sql, (request_id,))
    return rows[0] if rows else None


def current(source: Transaction | Database, request_id: str) -> Row | None:
    """The request, or the one that a reviewer's edit put in its place."""
    found = chain(source, request_id)
    return found[-1] if found else None


def chain(source: Transaction | Database, request_id: str) -> list[Row]:
    """The request and, in order, what reviewers' edits put in its place."""
    found, following = list[Row](), request(source, request_id)
    while following is not None:
        found.append(following)
        edited = following["state"] == RequestState.CANCELLED
        following = edit_of(source, following["request_id"]) if edited else None
    return found


def edit_of(source: Transaction | Database, request_id: str) -> Row | None:
    """The request that a reviewer's edit put in the place of this one."""
    sql = "SELECT * FROM approval_request WHERE edited_from = ?"
    if isinstance(source, Transaction):
        return source.one(sql, (request_id,))
    rows = source.read(sql, (request_id,))
    return rows[0] if rows else None


def open_request(tx: Transaction, principal: Principal, asked_fp: str) -> Row | None:
    """The pending or approved request that answers exactly this call, if there is one; it may be an edited one."""
    return tx.one(
        "SELECT * FROM approval_request WHERE agent = ? AND person = ? AND session = ? AND asked_fp = ? "
        "AND state IN ('pending', 'approved')",
        (principal.agent, principal.person, principal.session, asked_fp),
    )


def denied_since(tx: Transaction, principal: Principal, asked_fp: str, since: str) -> Row | None:
    return tx.one(
        "SELECT * FROM approval_request WHERE agent = ? AND person = ? AND session = ? AND asked_fp = ? "
        "AND state = 'denied' AND ended_at >= ? ORDER BY ended_at DESC LIMIT 1",
        (principal.agent, principal.person, principal.session, asked_fp, since),
    )


def count_open(tx: Transaction, principal: Principal) -> int:
    row = tx.one(
        "SELECT count(*) AS n FROM approval_request WHERE agent = ? AND person = ? AND session = ? "
        "AND state IN ('pending', 'approved')",
        (principal.agent, principal.person, principal.session),
    )
    return int(row["n"]) if row else 0


def code_is_taken(tx: Transaction, code: str) -> bool:
    row = tx.one("SELECT 1 FROM approval_request WHERE code = ? AND state IN ('pending', 'approved')", (code,))
    return row is not None


def unsettled(tx: Transaction, principal: Principal, call_fp: str) -> Row | None:
    """An execution of exactly this call, or of what a reviewer made of it, whose end is not known."""
    who = (principal.agent, principal.person, principal.session)
    return tx.one(
        "SELECT * FROM execution WHERE call_fp = ? AND state = 'unknown' AND agent = ? AND person = ? AND session = ? "
        "AND (request_id IS NOT NULL OR class IN ('delete', 'spend', 'send', 'grant')) LIMIT 1",
        (call_fp, *who),
    ) or tx.one(
        "SELECT e.* FROM approval_request r JOIN execution e ON e.request_id = r.request_id "
        "WHERE r.asked_fp = ? AND r.edited_from IS NOT NULL AND r.agent = ? AND r.person = ? AND r.session = ? "
        "AND e.state = 'unknown' LIMIT 1",
        (call_fp, *who),
    )


def overdue(tx: Transaction, boot_id: str, boot_clock: float) -> list[Row]:
    """Open requests whose time is over by the wall clock or, on the same boot, by the clock nobody can set back."""
    return tx.all(
        "SELECT * FROM approval_request WHERE "
        "(state = 'pending' AND (decide_by <= :now OR (boot_id = :boot AND decide_by_boot <= :clock))) OR "
        "(state = 'approved' AND (use_by <= :now OR (boot_id = :boot AND use_by_boot <= :clock)))",
        {"now": tx.now, "boot": boot_id, "clock": boot_clock},
    )


def move_request(
    tx: Transaction,
    row: Row,
    event: RequestEvent,
    *,
    reason: str = "",
    use_by: str | None = None,
    use_by_boot: float | None = None,
) -> RequestState | None:
    """Compare-and-set along the table; None when another process was faster.

    Raises IllegalTransition when the table has no such way out of the state that `row` shows.
    """
    after = request_after(RequestState(row["state"]), event)
    ended = None if after is RequestState.APPROVED else tx.now
    changed = tx.execute(
        "UPDATE approval_request SET state = ?, ver = ver + 1, ended_at = ?, end_reason = ?, "
        "use_by = coalesce(?, use_by), use_by_boot = coalesce(?, use_by_boot) "
        "WHERE request_id = ? AND state = ? AND ver = ?",
        (after, ended, reason, use_by, use_by_boot, row["request_id"], row["state"], row["ver"]),
    )
    return after if changed.rowcount == 1 else None


def move_execution(
    tx: Transaction,
    execution_id: str,
    event: ExecutionEvent,
    *,
    claim_token: str | None = None,
    error: str = "",
    duration_ms: float | None = None,
    result_size: int | None = None,
) -> ExecutionState | None:
    """Compare-and-set along the table; None when it has ended already, or the token is not its owner's."""
    for before, after in _WAYS[event]:
        stamp = "dispatched_at" if after is ExecutionState.DISPATCHED else "ended_at"
        changed = tx.execute(
            f"UPDATE execution SET state = ?, {stamp} = ?, error = ?, duration_ms = ?, result_size = ? "
            "WHERE execution_id = ? AND state = ? AND claim_token = coalesce(?, claim_token)",
            (after, tx.now, error or None, duration_ms, result_size, execution_id, before, claim_token),
        )
        if changed.rowcount == 1:
            return after
    return None


def execution(tx: Transaction, execution_id: str) -> Row | None:
    return tx.one("SELECT * FROM execution WHERE execution_id = ?", (execution_id,))


def execution_of(database: Database, request_id: str) -> Row | None:
    rows = database.read("SELECT * FROM execution WHERE request_id = ?", (request_id,))
    return rows[0] if rows else None


def last_execution(tx: Transaction, principal: Principal, call_fp: str) -> Row | None:
    """The newest ended execution of an identical call that a person had approved."""
    return tx.one(
        "SELECT * FROM execution WHERE call_fp = ? AND agent = ? AND person = ? AND session = ? "
        "AND request_id IS NOT NULL ORDER BY claimed_at DESC LIMIT 1",
        (call_fp, principal.agent, principal.person, principal.session),
    )


def executions_open(tx: Transaction) -> list[Row]:
    return tx.all("SELECT * FROM execution WHERE state IN ('claimed', 'dispatched')")


def votes(source: Transaction | Database, request_id: str) -> list[Row]:
    sql = (
        "SELECT v.*, r.name, r.groups, r.enabled FROM vote v JOIN reviewer r USING (reviewer_id) "
        "WHERE request_id = ? ORDER BY at, choice"
    )
    return source.all(sql, (request_id,)) if isinstance(source, Transaction) else source.read(sql, (request_id,))


def requests(database: Database, state: str | None, before: str | None, limit: int) -> list[Row]:
    """Pending ones oldest first, all others newest first. `before` is the last id of the page before."""
    clauses, values = [], list[Any]()
    if state is not None:
        clauses.append("state = ?")
        values.append(state)
    pending = state == RequestState.PENDING
    if before is not None:
        comparison = ">" if pending else "<"
        clauses.append(f"rowid {comparison} (SELECT rowid FROM approval_request WHERE request_id = ?)")
        values.append(before)
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    order = "rowid ASC" if pending else "rowid DESC"
    return database.read(f"SELECT * FROM approval_request {where} ORDER BY {order} LIMIT ?", [*values, limit])


def states(database: Database) -> dict[str, str]:
    return {row["request_id"]: row["state"] for row in database.read("SELECT request_id, state FROM approval_request")}


def recent_calls(source: Transaction, principal: Principal, limit: int) -> list[Row]:
    """What this session did before, newest first."""
    return source.all(
        "SELECT server, tool, headline, effect, at FROM call WHERE session = ? AND agent = ? AND person = ? "
        "ORDER BY call_id DESC LIMIT ?",
        (principal.session, principal.agent, principal.person, limit),
    )


def load_memory(database: Database, principal: Principal) -> str | None:
    rows = database.read(
        "SELECT memory FROM session_memory WHERE agent = ? AND person = ? AND session = ?",
        (principal.agent, principal.person, principal.session),
    )
    return rows[0]["memory"] if rows else None


def save_memory(tx: Transaction, principal: Principal, memory: str) -> None:
    tx.execute(
        "INSERT INTO session_memory (agent, person, session, memory, at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (agent, person, session) DO UPDATE SET memory = excluded.memory, at = excluded.at",
        (principal.agent, principal.person, principal.session, memory, tx.now),
    )


def pins(database: Database, server: str) -> list[Row]:
    return database.read("SELECT * FROM pin WHERE server = ? ORDER BY tool", (server,))


def save_pin(tx: Transaction, values: Mapping[str, Any]) -> None:
    tx.execute(
        "INSERT INTO pin (server, tool, def_fp, definition, first_seen, change, previous) "
        "VALUES (:server, :tool, :def_fp, :definition, :first_seen, :change, :previous) "
        "ON CONFLICT (server, tool) DO UPDATE SET def_fp = excluded.def_fp, definition = excluded.definition, "
        "change = excluded.change, previous = excluded.previous",
        values,
    )


def shadowed_tools(database: Database, server: str) -> frozenset[str]:
    """Names of this server's tools that another server offers as well."""
    rows = database.read(
        "SELECT DISTINCT ours.tool FROM pin ours JOIN pin theirs ON theirs.tool = ours.tool "
        "AND theirs.server != ours.server WHERE ours.server = ?",
        (server,),
    )
    return frozenset(row["tool"] for row in rows)


def changed_pins(database: Database) -> list[Row]:
    return database.read("SELECT * FROM pin WHERE change != '' ORDER BY server, tool")


def accept_pin(tx: Transaction, server: str, tool: str) -> str | None:
    """The fingerprint that is accepted; None when the tool has no change that waits."""
    row = tx.one("SELECT def_fp FROM pin WHERE server = ? AND tool = ? AND change != ''", (server, tool))
    if row is None:
        return None
    tx.execute("UPDATE pin SET change = '', previous = NULL WHERE server = ? AND tool = ?", (server, tool))
    return str(row["def_fp"])


def open_requests_of_tool(tx: Transaction, server: str, tool: str) -> list[Row]:
    return tx.all(
        "SELECT * FROM approval_request WHERE server = ? AND tool = ? AND state IN ('pending', 'approved')",
        (server, tool),
    )


def any_overdue(database: Database, boot_id: str, boot_clock: float, now: str) -> bool:
    """Whether `overdue` would find something: asked before taking the lock."""
    rows = database.read(
        "SELECT 1 FROM approval_request WHERE "
        "(state = 'pending' AND (decide_by <= :now OR (boot_id = :boot AND decide_by_boot <= :clock))) OR "
        "(state = 'approved' AND (use_by <= :now OR (boot_id = :boot AND use_by_boot <= :clock))) LIMIT 1",
        {"now": now, "boot": boot_id, "clock": boot_clock},
    )
    return bool(rows)


def request_events(database: Database, after: int) -> list[tuple[int, str, Row]]:
    """Events about requests since `after`, each with the request as it is now."""
    rows = database.read(
        "SELECT e.seq AS event_seq, e.kind AS event_kind, r.* FROM audit_event e "
        "JOIN approval_request r ON r.request_id = e.request_id "
        "WHERE e.seq > ? AND e.request_id IS NOT NULL AND e.kind NOT IN ('call.decided', 'vote.refused') "
        "ORDER BY e.seq",
        (after,),
    )
    return [(row["event_seq"], row["event_kind"], row) for row in rows]
