"""Calls that wait for people: asking, attaching, using a grant, and claiming what was approved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from toolguard.config import Config
from toolguard.core.approvals import RefusalCode, RequestEvent, RequestState
from toolguard.core.canonical import call_fingerprint, call_fingerprint_of, parse, text
from toolguard.core.model import Json, Principal, ToolCall
from toolguard.core.policy.breakers import Counted
from toolguard.core.secrets.edits import MovedMarkerError, resolved
from toolguard.core.secrets.redact import Redactor, readable
from toolguard.core.session.facts import Facts
from toolguard.detectors.definitions import CHANGED, INSTRUCTIONS
from toolguard.errors import StoreError
from toolguard.guard import answers, breaking, pins, requests, shown, standing, voting
from toolguard.guard.answers import Pending, Permit, Refusal
from toolguard.guard.doubt import Doubt
from toolguard.guard.judge import Judge
from toolguard.guard.requests import Judged
from toolguard.guard.sessions import Sessions
from toolguard.guard.times import later, moment
from toolguard.store import audit, meta, records
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

Answer = Permit | Refusal | Pending

DIFFERENCES: Final = 200
"""Lines of a server's changes that a request holds."""


class Pausing:
    """The way of a call that is neither allowed nor denied outright."""

    def __init__(
        self,
        config: Config,
        store: Database,
        redactor: Redactor,
        judge: Judge,
        sessions: Sessions,
        checkpoints: Checkpoints,
        link: Callable[[str], str],
    ) -> None:
        self._config = config
        self._store = store
        self._redactor = redactor
        self._judge = judge
        self._sessions = sessions
        self._checkpoints = checkpoints
        self._doubt = Doubt(store, checkpoints)
        self._link = link

    def ask(self, judged: Judged, facts: Facts, *, ahead: bool = False) -> Answer:
        """T1 or T2, or one of the refusals that page nobody.

        With `ahead` the call itself comes later: an approval that is there is not claimed, and a grant not used.
        """
        body = audit.Body(self._judge.decided(judged))
        self._checkpoints.key  # noqa: B018 - loaded before the lock is taken, since the first time costs 30 ms
        before = shown.replaced_text(judged.call, judged.decision, self._config.roots)
        differences = self._differences(judged)
        principal = judged.call.principal
        with self._store.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.open_request(tx, principal, judged.call_fp)
            refusal = self._stopped(tx)
            if row is None and refusal is None:
                granted = None if ahead else self._granted(tx, judged, body)
                if granted is not None:
                    return granted
                refusal = self._refused_unasked(tx, judged)
            if refusal is not None:
                self._judge.record(tx, judged, body)
                breaking.count(tx, self._config.policy, Counted.ASKED, principal)
                return refusal
            attached = row is not None
            if row is not None:
                # What became of an edited request is judged at the claim: this call is not the one that would run.
                stale = requests.why_stale(row, judged) if row["edited_from"] is None else None
                if stale is not None:
                    requests.end(tx, row, RequestEvent.DRIFT, _STALE_WORDS[stale])
                    row, attached = None, False
            if row is None:
                self._judge.record(tx, judged, body)
                view = {**self._view(tx, judged, facts, before), "differences": differences}
                row = requests.create(tx, judged, view)
                breaking.count(tx, self._config.policy, Counted.ASKED, principal)
                self._checkpoints.write(tx)
            else:
                self._judge.record(tx, judged, body, row["request_id"])
                records.attach(tx, row["request_id"], judged.call_id)
                audit.append(tx, "call.attached", {}, request_id=row["request_id"], **judged.columns)
            records.waiters(tx, row["request_id"], +1)
            self._sessions.save(tx, principal)
        pending = self.pending(row, judged, attached=attached)
        return self.claim(pending) if row["state"] == RequestState.APPROVED and not ahead else pending

    def is_granted(self, judged: Judged) -> bool:
        """Whether a grant covers this call now; none is used."""
        with self._store.write(full=False) as tx:
            return bool(standing.covering(tx, judged))

    def _granted(self, tx: Transaction, judged: Judged, body: audit.Body) -> Permit | None:
        """T16: people allowed calls like this one for a while."""
        used = standing.use(tx, judged)
        if used is None:
            return None
        self._judge.record(tx, judged, body)
        self._judge.remember(judged)
        grant_id, execution_id, token = used
        return Permit(
            execution_id,
            judged.call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            token,
            grant_id=grant_id,
            dispatched=True,
        )

    @staticmethod
    def _stopped(tx: Transaction) -> Refusal | None:
        """The stop switch: what would be asked about is not asked, granted or claimed until a person releases it."""
        if meta.held(tx, meta.STOPPED) is None:
            return None
        return Refusal(RefusalCode.STOPPED, answers.stopped(), ("the stop switch is on",))

    def _refused_unasked(self, tx: Transaction, judged: Judged) -> Refusal | None:
        principal, decision = judged.call.principal, judged.decision
        if decision.obligations.justification and not judged.call.justification:
            return Refusal(RefusalCode.NO_JUSTIFICATION, answers.no_justification(), decision=decision)
        unknown = records.unsettled(tx, principal, judged.call_fp)
        if unknown is not None:
            text = answers.may_have_happened(unknown["execution_id"])
            return Refusal(RefusalCode.MAY_HAVE_HAPPENED, text, request_id=unknown["request_id"], decision=decision)
        since = later(tx.now, -requests.DENIED_RECENTLY_SECONDS)
        denied = records.denied_since(tx, principal, judged.call_fp, since)
        if denied is not None:
            text = answers.ended(RequestState.DENIED, denied["request_id"], denied["code"], denied["end_reason"] or "")
            return Refusal(
                RefusalCode.DENIED_RECENTLY, text, (), denied["request_id"], denied["code"], decision=decision
            )
        if records.count_open(tx, principal) >= requests.MAX_OPEN:
            return Refusal(RefusalCode.TOO_MANY_PENDING, answers.too_many_pending(), decision=decision)
        return None

    def pending(self, row: Row, judged: Judged, *, attached: bool) -> Pending:
        """The answer that names this request."""
        return Pending(
            row["request_id"],
            row["code"],
            moment(row["decide_by"]),
            judged.call,
            judged.call_id,
            judged.decision,
            self._link(row["request_id"]),
            attached,
        )

    def claim(self, pending: Pending) -> Answer:
        """T10, or T9 when something drifted, or what the request has become instead."""
        doubt = self._doubt.noted()
        if doubt:
            return Refusal(RefusalCode.LOG_ROLLED_BACK, answers.log_unavailable(), (doubt, answers.CONFIRM_HINT))
        asked = self._judge.redefined(pending.call)
        approved = self.as_approved(self._found(pending), asked)
        judged, _ = self._judge.judged(approved or asked, pending.call_id)
        with self._store.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.current(tx, pending.request_id)
            if row is None:
                raise StoreError(f"request {pending.request_id} is not in the database")
            if row["state"] == RequestState.PENDING:
                return pending
            stopped = self._stopped(tx)
            if stopped is not None:
                return stopped
            if row["state"] == RequestState.APPROVED:
                stale = requests.why_stale(row, judged)
                is_same = approved is not None and judged.call_fp == row["call_fp"]
                if stale is None and not (is_same and voting.votes_hold(tx, row)):
                    stale = RefusalCode.DIGEST_MISMATCH
                if stale is not None:
                    requests.end(tx, row, RequestEvent.DRIFT, _STALE_WORDS[stale])
                    text = answers.ended(RequestState.STALE, row["request_id"], row["code"], "")
                    return Refusal(stale, text, (_STALE_WORDS[stale],), row["request_id"], row["code"], retry=True)
                claimed = requests.claim(tx, row, judged)
            else:
                claimed = None
        if claimed is None:
            return self._ended(pending)
        self._judge.remember(judged)
        return Permit(
            claimed[0],
            judged.call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            claimed[1],
            row["request_id"],
            row["code"],
            **_told(row, asked),
        )

    def as_approved(self, row: Row, call: ToolCall) -> ToolCall | None:
        """The call that people were asked about: the agent's own, or what a reviewer made of it.

        None when the agent's call is another one than this request was made for, or its secrets differ.
        """
        if row["edited_from"] is None:
            return call
        view = parse(row["shown"])
        arguments = self._redactor.redact(call.arguments)
        principal = Principal(row["agent"], row["person"], row["session"])
        asked_for = call_fingerprint_of(
            row["server"], row["tool"], row["def_fp"], view["edited"]["asked"], view["params"], principal
        )
        if call_fingerprint(call, arguments, self._redactor.redact(call.other_params)) != asked_for:
            return None
        try:
            return replace(call, arguments=resolved(view["arguments"], arguments, call.arguments))
        except MovedMarkerError:
            return None

    def permit_again(self, row: Row, call: ToolCall, judged: Judged, execution_id: str, token: str) -> Permit:
        """The permit of an execution that is under way already; `judged` is what people approved of `call`."""
        return Permit(
            execution_id,
            judged.call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            token,
            row["request_id"],
            row["code"],
            dispatched=True,
            **_told(row, call),
        )

    def _found(self, pending: Pending) -> Row:
        row = records.current(self._store, pending.request_id)
        if row is None:
            raise StoreError(f"request {pending.request_id} is not in the database")
        return row

    def _ended(self, pending: Pending) -> Refusal:
        row = self._found(pending)
        state, reason = RequestState(row["state"]), row["end_reason"] or ""
        return Refusal(
            answers.ENDED_CODES.get(state, RefusalCode.DIGEST_MISMATCH),
            answers.ended(state, row["request_id"], row["code"], reason),
            (reason,) if reason else (),
            row["request_id"],
            row["code"],
            retry=state in (RequestState.EXPIRED, RequestState.STALE),
            decision=pending.decision,
        )

    def _differences(self, judged: Judged) -> list[str]:
        """Of the tool's definition and its server's instructions to what people knew, where they changed."""
        changed = {finding.id for finding in judged.decision.findings} & {CHANGED.id, INSTRUCTIONS.id}
        found = pins.differences(self._store, judged.call.server, judged.call.tool) if changed else []
        rest = len(found) - DIFFERENCES
        shown = [self._redactor.text(line) for line in found[:DIFFERENCES]]
        return [*shown, f"[{rest} more lines: toolguard definitions list]"] if rest > 0 else shown

    def _view(self, tx: Transaction, judged: Judged, facts: Facts, before: Mapping[str, str]) -> dict[str, Json]:
        history = [
            {"tool": r["tool"], "server": r["server"], "headline": r["headline"], "effect": r["effect"], "at": r["at"]}
            for r in records.recent_calls(tx, judged.call.principal, shown.HISTORY + 1)
        ][1:]
        last = records.last_execution(tx, judged.call.principal, judged.call_fp)
        earlier = f"an identical call was approved before: {last['state']} at {last['ended_at']}" if last else ""
        return shown.view(
            judged.call,
            judged.decision,
            facts,
            self._redactor,
            arguments=judged.arguments,
            params=judged.params,
            history=history,
            before=before,
            prompts=self._config.prompts,
            earlier=earlier,
        )


def _told(row: Row, asked: ToolCall) -> dict[str, Any]:
    """Members of the permit that tell the agent of a reviewer's edit."""
    if row["edited_from"] is None:
        return {}
    return {"asked": asked, "note": answers.edited(text(readable(parse(row["shown"])["arguments"])))}


_STALE_WORDS: Final = {
    RefusalCode.STALE_DEFINITION: "the tool's definition changed",
    RefusalCode.STALE_POLICY: "policy or risk changed since people were asked",
    RefusalCode.DIGEST_MISMATCH: "the stored request or its votes no longer fit together",
}
