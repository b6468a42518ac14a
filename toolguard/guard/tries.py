"""Earlier tries of the very same call, for adapters whose host runs their code again after a pause.

A host such as LangGraph re-executes everything before a pause when it resumes. What was asked, how often the run paused
for it and whether the call ran is therefore read from the log, never remembered by the adapter alone: the answer is
the same in another process.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolguard.core.approvals import OPEN_REQUESTS, ExecutionState, RequestEvent
from toolguard.core.model import Effect, Json, Principal, ToolCall
from toolguard.errors import StoreError
from toolguard.guard import requests
from toolguard.guard.answers import Pending, Permit
from toolguard.guard.judge import Judge
from toolguard.guard.pausing import Pausing
from toolguard.store import audit, records, tries
from toolguard.store.database import Database


@dataclass(frozen=True, slots=True)
class Try:
    """What is known of an earlier try under the same transport key."""

    call_id: str
    call_fp: str
    request_id: str | None
    pauses: int
    """How often the run has paused for it."""
    execution_id: str | None = None
    state: ExecutionState | None = None
    """Of its execution; None while it has none."""
    claim_token: str = ""
    effect_class: str = ""
    paused_inside: bool = False
    """The tool itself paused the run, so that this execution may be entered again."""


class Tries:
    """Reads earlier tries, takes them up again, and notes pauses."""

    def __init__(self, database: Database, judge: Judge, pausing: Pausing) -> None:
        self._database = database
        self._judge = judge
        self._pausing = pausing

    def earlier(self, call: ToolCall) -> Try | None:
        """The try that matters: the one with an execution, else the one with a request. Raises StoreError."""
        rows = tries.of_key(self._database, call.principal.session, call.transport_key)
        found = next((row for row in rows if row["execution_id"]), None) or next(
            (row for row in rows if row["request_id"]), None
        )
        if found is None:
            return None
        request_id = found["request_id"]
        chain = [row["request_id"] for row in records.chain(self._database, request_id)] if request_id else []
        happened = [event for each in chain for event in tries.events(self._database, each)]
        calls = {row["call_id"] for row in rows}
        ours = [row["kind"] for row in happened if row["execution_id"] and row["execution_id"] == found["execution_id"]]
        return Try(
            found["call_id"],
            found["call_fp"],
            chain[-1] if chain else None,
            sum(row["kind"] == "call.paused" and row["call_id"] in calls for row in happened),
            found["execution_id"],
            ExecutionState(found["state"]) if found["state"] else None,
            found["claim_token"] or "",
            found["class"] or "",
            bool(ours) and ours[-1] in ("execution.paused", "execution.ended") and "execution.paused" in ours[-2:],
        )

    def pending_again(self, call: ToolCall, earlier: Try) -> Pending | None:
        """The request that an earlier try of this very call opened, in whatever state: `resume` says what became of it.

        None when that try had no request, or was another call. Raises StoreError.
        """
        row = records.current(self._database, earlier.request_id) if earlier.request_id else None
        judged, _ = self._judge.judged(call, earlier.call_id)
        if row is None or judged.call_fp != earlier.call_fp:
            return None
        return self._pausing.pending(row, judged, attached=True)

    def enter_again(self, call: ToolCall, earlier: Try) -> Permit | None:
        """The permit of an execution whose tool paused the run, for the run that goes on; not a second execution.

        None when the call is another one, or is now judged worse than what people approved. Raises StoreError.
        """
        row = records.current(self._database, earlier.request_id) if earlier.request_id else None
        judged, _ = self._judge.judged(call, earlier.call_id)
        if row is None or earlier.execution_id is None or judged.call_fp != earlier.call_fp:
            return None
        approved = self._pausing.as_approved(row, call)
        if approved is None:
            return None
        if approved is not call:
            judged, _ = self._judge.judged(approved, earlier.call_id)
        decision = judged.decision
        if decision.effect is Effect.DENY or decision.score > row["score"]:
            return None
        permit = self._pausing.permit_again(row, call, judged, earlier.execution_id, earlier.claim_token)
        with self._database.write(full=True) as tx:
            audit.append(tx, "execution.continued", {"class": decision.effect_class.value}, **permit.columns)
        return permit

    def paused(self, call: ToolCall, call_id: str, request_id: str) -> None:
        """The run is about to pause for this call. Raises StoreError; then it must not."""
        with self._database.write(full=True) as tx:
            audit.append(tx, "call.paused", {}, call_id=call_id, request_id=request_id, **_columns(call))

    def paused_inside(self, call: ToolCall, execution_id: str, call_id: str, request_id: str) -> None:
        """The tool paused the run: its execution goes on when the run resumes. Raises StoreError."""
        with self._database.write(full=True) as tx:
            ids = {"execution_id": execution_id, "call_id": call_id, "request_id": request_id}
            audit.append(tx, "execution.paused", {}, **ids, **_columns(call))

    def abandon(self, principal: Principal, reason: str) -> int:
        """Cancel what this conversation had paused for and never resumed; how many that were. Raises StoreError."""
        ended = 0
        for found in tries.paused(self._database, principal.session):
            with self._database.write(full=True) as tx:
                row = records.request(tx, found["request_id"])
                ours = row is not None and (row["agent"], row["person"]) == (principal.agent, principal.person)
                if row is not None and ours and row["state"] in OPEN_REQUESTS:
                    ended += requests.end(tx, row, RequestEvent.CANCEL, reason)
        return ended

    def record_refused_vote(self, request_id: str, choice: str, code: str) -> None:
        """An answer came without a person that anybody vouches for. Raises StoreError."""
        with self._database.write(full=True) as tx:
            row = records.request(tx, request_id)
            if row is None:
                raise StoreError(f"request {request_id} is not in the database")
            body: dict[str, Json] = {"choice": choice, "code": code}
            audit.append(tx, "vote.refused", body, channel="in_client", **requests.request_columns(row))


def _columns(call: ToolCall) -> dict[str, str]:
    principal = call.principal
    return {
        "agent": principal.agent,
        "person": principal.person,
        "session": principal.session,
        "server": call.server,
        "tool": call.tool,
    }
