"""Calls that nobody was asked about, on their way into the tables and the chain.

Such a call waits for one row and one commit, a third of the work that its events, its record and its execution cost.
Whoever writes next, in whatever process, first settles what waits: rows keep the order and the time of their commits,
so the chain has no gap and nothing out of order. Readers of the database settle first, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from toolguard.core.approvals import ExecutionEvent, ExecutionState
from toolguard.core.canonical import compact_text, parse
from toolguard.core.model import Json
from toolguard.core.policy.budgets import Draw
from toolguard.store import audit, records, spending
from toolguard.store.transaction import Transaction

Columns = Mapping[str, str | int | float | None]
Contents = Mapping[str, Json]
"""Of an event's body."""

_OF_CALL: Final = {"class": "class", "headline": "headline", "definition_fp": "def_fp", "decision_key": "decision_key"}
"""What a decision says that stands in the call's row, too."""


def allowed(call: Columns, execution: Columns, draws: Iterable[Draw], decided: Contents, policy_digest: str) -> str:
    """An allowed call: its row in `call`, what `execution` says beyond that, what it draws, and what was decided.

    Without times: those come with the commit. Nothing stands here twice, since every byte is written while the call
    waits, and the more rows share a page the fewer pages a commit writes. Raises ValueError for what JSON cannot say.
    """
    entry = {
        "call": call,
        "execution": execution,
        "draws": [[one.counter, one.slot, one.amount] for one in draws],
        "decided": {name: value for name, value in decided.items() if name not in _OF_CALL},
        "policy": policy_digest,
    }
    try:
        return compact_text(entry)
    except TypeError:  # an integer beyond 64 bits, which only the text of a body keeps exact
        return compact_text({**entry, "decided": audit.Body(decided).text})


def ended(event: ExecutionEvent, change: Columns, contents: Contents, columns: Columns) -> str:
    """The end of an execution; `change` are the arguments of records.move_execution, `columns` what only the event
    says.
    """
    return compact_text({"event": event.value, "change": change, "contents": contents, "columns": columns})


def settle(tx: Transaction, soon: Iterable[str] = ()) -> None:
    """Work everything that waits into the tables and the chain: the rows, then the entries that have no row yet."""
    rows = tx.all("SELECT at, entry FROM spool ORDER BY id")
    if not rows and not soon:
        return
    now = tx.now
    for row in rows:
        tx.now = row["at"]
        _enter(tx, parse(row["entry"]))
    tx.now = now
    if rows:
        tx.execute("DELETE FROM spool")
    for entry in soon:
        _enter(tx, parse(entry))


def _enter(tx: Transaction, entry: Mapping[str, Any]) -> None:
    if "call" in entry:
        _begin(tx, entry)
    else:
        _end(tx, entry)


_RUNNING: Final = {"request_id": None, "grant_id": None, "lease_until": None, "state": ExecutionState.DISPATCHED.value}
_OF_EXECUTION: Final = ("call_id", "agent", "person", "session", "call_fp", "class")
_OF_EVENTS: Final = ("agent", "person", "session", "server", "tool", "call_id", "call_fp")
"""Columns that an execution, and every event of a call, share with the call's row."""
_OF_EXECUTION_EVENTS: Final = ("agent", "person", "session", "call_id", "request_id", "grant_id", "call_fp")
"""Columns that every event of an execution shares with its row."""


def _begin(tx: Transaction, entry: Mapping[str, Any]) -> None:
    """T17: decided, claimed and dispatched at one moment."""
    call, execution = entry["call"], entry["execution"]
    columns = {name: call[name] for name in _OF_EVENTS}
    records.insert_call(tx, {**call, "at": tx.now})
    spending.add(tx, (Draw(*draw) for draw in entry["draws"]))
    shared = {name: call[name] for name in _OF_EXECUTION}
    times = {"claimed_at": tx.now, "dispatched_at": tx.now}
    records.insert_execution(tx, {**_RUNNING, **shared, **execution, **times})
    decided = {"effect": call["effect"], "score": call["score"], "policy_digest": entry["policy"]}
    audit.append(tx, "call.decided", _decided(call, entry["decided"]), **decided, **columns)
    audit.append(tx, "execution.dispatched", {}, execution_id=execution["execution_id"], **columns)


def _decided(call: Columns, decided: str | Contents) -> audit.Body:
    if isinstance(decided, str):
        return audit.Body.again(decided)
    return audit.Body({**decided, **{name: call[column] for name, column in _OF_CALL.items()}})


def _end(tx: Transaction, entry: Mapping[str, Any]) -> None:
    """T12; another process may have given the execution up meanwhile."""
    change, columns = entry["change"], entry["columns"]
    ran = records.execution(tx, change["execution_id"])
    after = records.move_execution(tx, event=ExecutionEvent(entry["event"]), **change)
    kind = "execution.ended" if after is not None else "outcome.contradicted"
    if ran is not None:
        columns |= {name: ran[name] for name in _OF_EXECUTION_EVENTS}
    columns["outcome"] = after or columns["outcome"]
    audit.append(tx, kind, entry["contents"], execution_id=change["execution_id"], **columns)
