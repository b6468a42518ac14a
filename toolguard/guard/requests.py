"""Requests and executions inside a transaction: made, ended, claimed, recovered; each move with its event.

Every function takes the open transaction of its caller; the numbers T1 to T13 are those of core/approvals.py.
INVARIANT: a state changes only through records.move_request and move_execution, which know the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from toolguard.core.approvals import ExecutionEvent, RefusalCode, RequestEvent, RequestState
from toolguard.core.canonical import binding_code, digest, parse, text
from toolguard.core.grants import offers
from toolguard.core.model import Decision, Effect, Json, Obligations, Severity, ToolCall
from toolguard.core.policy.budgets import Draw
from toolguard.guard import owner
from toolguard.guard.times import later
from toolguard.guard.views import STRENGTH
from toolguard.store import audit, records, spending
from toolguard.store.transaction import Row, Transaction

MAX_OPEN: Final = 20
"""Open requests of one principal; beyond it people would stop reading."""
DENIED_RECENTLY_SECONDS: Final = 600
"""How long the same call is refused without paging anyone after a person said no."""


def decision_key(decision: Decision) -> str:
    """What a vote binds as "the policy": the effect, the obligations and the content of the rules that spoke."""
    return _decision_key(decision.effect, decision.obligations, tuple((r.name, r.digest) for r in decision.rules))


@lru_cache(maxsize=1_024)
def _decision_key(effect: Effect, obligations: Obligations, rules: tuple[tuple[str, str], ...]) -> str:
    return digest(
        "toolguard/decision/v1",
        {
            "effect": effect.word,
            "obligations": obligations.as_json(),
            "rules": [list(rule) for rule in rules],
        },
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """A call with its decision and the digests that everything binds to."""

    call: ToolCall
    call_id: str
    decision: Decision
    arguments: Json
    """Redacted."""
    params: Json
    """Redacted."""
    call_fp: str
    decision_key: str
    draws: tuple[Draw, ...] = ()
    """What it uses up of the policy's budgets when it runs."""

    @property
    def columns(self) -> dict[str, str]:
        """What every audit event of this call repeats, so that a row is readable alone."""
        return {**self.call.columns, "call_id": self.call_id, "call_fp": self.call_fp}


def request_columns(row: Row) -> dict[str, str]:
    """The same for events about a request."""
    return {
        "agent": row["agent"],
        "person": row["person"],
        "session": row["session"],
        "server": row["server"],
        "tool": row["tool"],
        "request_id": row["request_id"],
        "call_fp": row["call_fp"],
    }


def record_call(tx: Transaction, judged: Judged) -> None:
    records.insert_call(tx, {**call_row(judged), "at": tx.now})


def call_row(judged: Judged) -> dict[str, str | int | None]:
    """What the database keeps of a call, but for the time."""
    call, decision = judged.call, judged.decision
    return {
        "call_id": judged.call_id,
        "transport_key": call.transport_key or None,
        **call.columns,
        "def_fp": call.definition_fp,
        "call_fp": judged.call_fp,
        "effect": decision.effect.word,
        "class": decision.effect_class.value,
        "score": decision.score,
        "headline": decision.classification.headline,
        "decision_key": judged.decision_key,
    }


def expire_overdue(tx: Transaction) -> None:
    """T6, lazily: whoever writes first after a deadline ends what is over."""
    for row in records.overdue(tx, owner.boot_id(), owner.boot_clock()):
        end(tx, row, RequestEvent.EXPIRE, "nobody decided in time" if row["state"] == "pending" else "not used in time")


_KINDS: Final = {
    RequestEvent.EXPIRE: "approval.expired",
    RequestEvent.CANCEL: "approval.cancelled",
    RequestEvent.REVOKE: "approval.revoked",
    RequestEvent.DRIFT: "approval.stale",
    RequestEvent.DENY: "approval.denied",
}


def end(
    tx: Transaction,
    row: Row,
    event: RequestEvent,
    reason: str,
    *,
    reviewer: str | None = None,
    channel: str | None = None,
) -> bool:
    """Move a request to the terminal state that the event leads to; False when another process was faster."""
    after = records.move_request(tx, row, event, reason=reason)
    if after is None:
        return False
    audit.append(
        tx, _KINDS[event], {"reason": reason}, reviewer=reviewer, channel=channel, outcome=after, **request_columns(row)
    )
    return True


def create(tx: Transaction, judged: Judged, shown: Mapping[str, Json], *, edited: Row | None = None) -> Row:
    """T1: a new pending request with a code that no other open request has.

    `edited` is the request whose place it takes, when a reviewer rewrote that one's arguments; it has ended.
    """
    call, decision = judged.call, judged.decision
    request_id = "ap_" + secrets.token_hex(8)
    obligations = decision.obligations
    edited_from = edited["request_id"] if edited is not None else None
    decide_by = later(tx.now, obligations.decide_within)
    offered = [place.as_json() for place in offers(judged.arguments)] if may_be_granted(judged) else []
    bound = {
        "request_id": request_id,
        "call_fp": judged.call_fp,
        "decision_key": judged.decision_key,
        "requirement": obligations.as_json(),
        "shown": digest("toolguard/shown/v1", dict(shown)),
        "decide_by": decide_by,
        "use_within": obligations.use_within,
        "grants": offered,
        "edited_from": edited_from,
    }
    while True:
        nonce = secrets.token_hex(16)
        request_digest = digest("toolguard/request/v1", {**bound, "nonce": nonce})
        code = binding_code(request_digest)
        if not records.code_is_taken(tx, code):
            break
    records.insert_request(
        tx,
        {
            "request_id": request_id,
            "created": tx.now,
            "agent": call.principal.agent,
            "person": call.principal.person,
            "session": call.principal.session,
            "server": call.server,
            "tool": call.tool,
            "def_fp": call.definition_fp,
            "call_fp": judged.call_fp,
            "class": decision.effect_class.value,
            "score": decision.score,
            "decision_key": judged.decision_key,
            "requirement": text(obligations.as_json()),
            "shown": text(dict(shown)),
            "offers": text(offered),
            "request_digest": request_digest,
            "nonce": nonce,
            "code": code,
            "resume": "retry",
            "state": RequestState.PENDING,
            "ver": 1,
            "decide_by": decide_by,
            "use_within": obligations.use_within,
            "boot_id": owner.boot_id(),
            "decide_by_boot": owner.boot_clock() + obligations.decide_within,
            "waiting": edited["waiting"] if edited is not None else 0,
            "edited_from": edited_from,
            "asked_fp": edited["asked_fp"] if edited is not None else judged.call_fp,
        },
    )
    if edited is None:
        records.attach(tx, request_id, judged.call_id)
    audit.append(
        tx,
        "approval.requested",
        {**bound, "nonce": nonce, "request_digest": request_digest, "code": code, "view": dict(shown)},
        request_id=request_id,
        score=decision.score,
        **judged.columns,
    )
    row = records.request(tx, request_id)
    if row is None:  # the insert above is in this transaction
        raise RuntimeError("a request vanished inside its own transaction")
    return row


def rebuilt_digest(row: Row) -> str:
    """The request digest computed anew from the stored row: what an edited database cannot keep equal unnoticed."""
    return digest(
        "toolguard/request/v1",
        {
            "request_id": row["request_id"],
            "call_fp": row["call_fp"],
            "decision_key": row["decision_key"],
            "requirement": parse(row["requirement"]),
            "shown": digest("toolguard/shown/v1", parse(row["shown"])),
            "decide_by": row["decide_by"],
            "use_within": row["use_within"],
            "nonce": row["nonce"],
            "grants": parse(row["offers"]),
            "edited_from": row["edited_from"],
        },
    )


def may_be_granted(judged: Judged) -> bool:
    """Whether reviewers are offered a grant: never for what is critical, or needs several people or a passkey."""
    obligations = judged.decision.obligations
    critical = any(finding.severity is Severity.CRITICAL for finding in judged.decision.findings)
    return (
        not critical and obligations.need == 1 and not obligations.each and obligations.strength < STRENGTH["passkey"]
    )


def why_stale(row: Row, judged: Judged) -> RefusalCode | None:
    """T9: what no longer is as it was when people were asked; None when all still holds."""
    if row["def_fp"] != judged.call.definition_fp:
        return RefusalCode.STALE_DEFINITION
    if judged.decision.effect is Effect.DENY or row["decision_key"] != judged.decision_key:
        return RefusalCode.STALE_POLICY
    if judged.decision.score > row["score"]:
        return RefusalCode.STALE_POLICY
    return None


def claim(tx: Transaction, row: Row, judged: Judged) -> tuple[str, str] | None:
    """T10: use the approval up and create its one execution. None when another process was faster."""
    if records.move_request(tx, row, RequestEvent.CLAIM) is None:
        return None
    execution_id, token = execution_of(judged.call_id), secrets.token_hex(16)
    insert_execution(tx, judged, execution_id, token, request_id=row["request_id"], dispatched=False)
    audit.append(
        tx,
        "execution.claimed",
        {"decision_key": judged.decision_key, "request_digest": row["request_digest"], "score": judged.decision.score},
        request_id=row["request_id"],
        execution_id=execution_id,
        **judged.columns,
    )
    return execution_id, token


def execution_of(call_id: str) -> str:
    """The name of a call's one execution."""
    return "ex_" + call_id.removeprefix("ca_")


def new_id(kind: str, milliseconds: int) -> str:
    """Names for what comes often; time first, so that the database appends instead of inserting in the middle."""
    return f"{kind}_{milliseconds:011x}{secrets.token_hex(6)}"


def insert_execution(
    tx: Transaction,
    judged: Judged,
    execution_id: str,
    token: str,
    *,
    request_id: str | None,
    dispatched: bool,
    grant_id: str | None = None,
) -> None:
    principal = judged.call.principal
    spending.add(tx, judged.draws)
    records.insert_execution(
        tx,
        {
            **execution_row(execution_id, token),
            "call_id": judged.call_id,
            "agent": principal.agent,
            "person": principal.person,
            "session": principal.session,
            "call_fp": judged.call_fp,
            "class": judged.decision.effect_class.value,
            "request_id": request_id,
            "grant_id": grant_id,
            "lease_until": None,
            "state": "dispatched" if dispatched else "claimed",
            "claimed_at": tx.now,
            "dispatched_at": tx.now if dispatched else None,
        },
    )


def execution_row(execution_id: str, token: str) -> dict[str, str | int | None]:
    """What an execution of this process has beyond its call, its state and the permission that it uses."""
    return {"execution_id": execution_id, "claim_token": token, "owner": owner.this_process()}


def recover(tx: Transaction) -> None:
    """T13: executions whose process is gone. What was only claimed has not run; what was dispatched is unknown."""
    for row in records.executions_open(tx):
        if owner.is_alive(row["owner"]):
            continue
        after = records.move_execution(
            tx, row["execution_id"], ExecutionEvent.LOSE, error="the process that ran it ended before the answer came"
        )
        if after is not None:
            audit.append(
                tx,
                "execution.ended",
                {"reason": "its process is gone"},
                execution_id=row["execution_id"],
                request_id=row["request_id"],
                call_id=row["call_id"],
                call_fp=row["call_fp"],
                agent=row["agent"],
                person=row["person"],
                session=row["session"],
                outcome=after,
            )
