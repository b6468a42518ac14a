"""The one use case: a call is judged, recorded, and then permitted, refused, or left pending until people answer.

    begin(call) -> Permit | Refusal | Pending        resume(pending) -> the same        dispatch, finish(permit)

Waiting is a value, not an await: adapters decide how to wait. INVARIANT: no answer leaves this file before its audit
event is committed; when the log cannot be written the answer is a refusal.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from toolguard import config as configuration
from toolguard.config import Config
from toolguard.core.approvals import ExecutionEvent, RefusalCode, RequestEvent, RequestState
from toolguard.core.canonical import call_fingerprint
from toolguard.core.facts import Facts, Surroundings
from toolguard.core.model import (
    Decision,
    Effect,
    Json,
    Outcome,
    OutcomeKind,
    Principal,
    ToolCall,
    ToolDefinition,
)
from toolguard.core.redact import Redactor
from toolguard.errors import StoreError
from toolguard.guard import answers, requests, shown
from toolguard.guard.answers import Pending, Permit, Refusal
from toolguard.guard.approvals import Approvals, Channel
from toolguard.guard.judging import judge
from toolguard.guard.pins import Pin, PinReport, Pins
from toolguard.guard.requests import Judged
from toolguard.guard.reviewers import Reviewer, Reviewers
from toolguard.guard.sessions import Sessions
from toolguard.guard.times import iso, later, moment, utc_now
from toolguard.store import audit, keys, meta, records
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database, Row, Transaction

Answer = Permit | Refusal | Pending


class Guard:
    """Judges calls and keeps the record. One instance a process; safe to use from several threads."""

    def __init__(self, config: Config, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.config = config
        self._clock = clock
        self.store = Database(config.database, clock=lambda: iso(clock()), always_full=config.durability == "full")
        key_id, key = keys.redaction_key(config.home)
        known = {f"{name}.{key}": value for name, server in config.servers.items() for key, value in server.env.items()}
        self.redactor = Redactor(key, key_id, config.redact_keys, known)
        self.reviewers = Reviewers(self.store, clock)
        self.approvals = Approvals(self.store, config)
        self.checkpoints = Checkpoints(self.store)
        self.store.duty = self.checkpoints.write_if_due
        self._pins = Pins(self.store)
        self._sessions = Sessions(self.store)
        self._surroundings = configuration.surroundings(config)
        self._note_start()
        self.tend()

    @classmethod
    def open(cls, config: str | Path | Config | None = None) -> Guard:
        """A guard for a configuration file, a Config, or the home's own file and defaults.

        Raises ConfigError, PolicyError or StoreError.
        """
        return cls(config if isinstance(config, Config) else configuration.load(config))

    def principal(self, server: str) -> Principal:
        """On stdio the person is the OS user and the session is the server: a retry after a restart attaches."""
        return Principal(self.config.agent, configuration.person(), server)

    # -- a call ------------------------------------------------------------------------------------------------------

    def begin(self, call: ToolCall) -> Answer:
        """Judge a call, record it, and say what becomes of it. Never raises for a broken log: that is a refusal."""
        try:
            with self._sessions.lock:
                facts = self._facts(call)
                judged = self._judged(call, facts, requests.new_id("ca", self._milliseconds()))
            if judged.decision.effect is Effect.ALLOW:
                return self._allow(judged)
            if judged.decision.effect is Effect.DENY:
                return self._deny(judged)
            return self._ask(judged, facts)
        except StoreError as error:
            return self._log_unavailable(error)

    def resume(self, pending: Pending) -> Answer:
        """Look again. Claims when approved: the caller must be a live client call that will send at once."""
        try:
            row = records.request(self.store, pending.request_id)
            if row is not None and row["state"] == RequestState.PENDING and iso(self._clock()) < row["decide_by"]:
                return pending
            return self._claim(pending)
        except StoreError as error:
            return self._log_unavailable(error)

    def dispatch(self, permit: Permit) -> None:
        """T11: committed before the first byte goes out. Raises StoreError; then nothing may be sent."""
        if permit.dispatched:
            return
        with self.store.write(full=True) as tx:
            after = records.move_execution(
                tx, permit.execution_id, ExecutionEvent.DISPATCH, claim_token=permit.claim_token
            )
            if after is None:
                raise StoreError(f"execution {permit.execution_id} is no longer ours to send")
            self._execution_event(tx, "execution.dispatched", permit, {})

    def follow(self, permit: Permit, call: ToolCall) -> Permit | None:
        """Another leg of an execution that is under way; `call` is the same call with the answers it was asked for.

        The answers are judged like arguments. None when they ask for more than was permitted: the leg is then a call
        of its own. Raises StoreError; then nothing may be sent.
        """
        judged = self._judged(call, self._facts(call), permit.execution_id)
        was, now = permit.decision, judged.decision
        if now.effect > was.effect or (now.effect is not Effect.ALLOW and now.score > was.score):
            return None
        body = audit.Body({"params": judged.params, "class": now.effect_class.value, "score": now.score})
        with self.store.write(full=permit.request_id is not None) as tx:
            self._execution_event(tx, "execution.continued", permit, body)
        self._remember(judged)
        return replace(permit, dispatched=True)

    def finish(self, permit: Permit, outcome: Outcome) -> None:
        """T12: how it ended. Of a call that nobody was asked about it may ride with the next transaction.

        Raises StoreError for an approved call whose end cannot be written; it then stays unknown.
        """
        self._learn(permit, outcome)
        event = _END[outcome.kind]
        body = audit.Body(
            {
                "duration_ms": round(outcome.duration_ms, 3),
                "result_size": outcome.result_size,
                "result_mac": self.redactor.mac(outcome.result_text) if outcome.result_text else None,
                "error": self.redactor.text(outcome.error) if outcome.error else None,
            }
        )

        def write(tx: Transaction) -> None:
            after = records.move_execution(
                tx,
                permit.execution_id,
                event,
                claim_token=permit.claim_token,
                error=self.redactor.text(outcome.error),
                duration_ms=outcome.duration_ms,
                result_size=outcome.result_size,
            )
            kind = "execution.ended" if after is not None else "outcome.contradicted"
            self._execution_event(tx, kind, permit, body, outcome=after or outcome.kind.value)

        if permit.request_id is None:
            self.store.later(write)
        else:
            with self.store.write(full=True) as tx:
                write(tx)

    def detach(self, pending: Pending) -> None:
        """The waiter is gone; the request lives on for an identical retry."""
        with self.store.write(full=False) as tx:
            records.waiters(tx, pending.request_id, -1)

    def cancel(self, pending: Pending, reason: str = "") -> None:
        """T7: the requester takes the call back."""
        with self.store.write(full=True) as tx:
            row = records.request(tx, pending.request_id)
            if row is not None and row["state"] in (RequestState.PENDING, RequestState.APPROVED):
                requests.end(tx, row, RequestEvent.CANCEL, self.redactor.text(reason))

    def asked(self, principal: Principal, prompt: str) -> None:
        """The person said this to the agent, where an adapter can know it."""
        with self._sessions.lock:
            self._sessions.of(principal).asked(self.redactor.text(prompt))
            self._sessions.touched(principal)

    # -- what servers offer --------------------------------------------------------------------------------------------

    def pin(
        self, server: str, launch: Sequence[str], definitions: Sequence[ToolDefinition], *, complete: bool
    ) -> PinReport:
        """Compare a listing with the pins and keep what is new. Raises StoreError; then the listing must not pass."""
        found = self._pins.news(server, launch, definitions, complete=complete)
        if found:
            with self.store.write(full=True) as tx:
                self._pins.save(tx, server, found)
                for tool in found:
                    for row in records.open_requests_of_tool(tx, server, tool):
                        requests.end(tx, row, RequestEvent.DRIFT, "the tool's definition changed")
                    requests.end_grants_of_tool(tx, server, tool, "the tool's definition changed")
            self._pins.remember(server, found)
        return PinReport(
            changed=tuple(name for name, pin in found.items() if pin.change == "changed"),
            added=tuple(name for name, pin in found.items() if pin.change == "added"),
            withheld=tuple(d.name for d in definitions if self.config.policy.withholds(server, d.name)),
        )

    def pinned(self, server: str, tool: str) -> Pin | None:
        return self._pins.of(server).get(tool)

    # -- the rest ------------------------------------------------------------------------------------------------------

    def record(self, kind: str, contents: Mapping[str, Json] | None = None, **columns: str | None) -> None:
        """An event outside any call: a refused message, a dropped line. Raises StoreError."""
        body = self.redactor.redact(dict(contents or {}))
        with self.store.write(full=True) as tx:
            audit.append(tx, kind, body, **columns)

    def stop(self, reviewer: Reviewer, reason: str, channel: Channel) -> None:
        """From now on whatever would be asked about is refused, until `release`. Raises StoreError."""
        with self.store.write(full=True) as tx:
            meta.keep(tx, meta.STOPPED, tx.now)
            audit.append(tx, "guard.stopped", {"reason": reason}, reviewer=reviewer.name, channel=channel)

    def release(self, reviewer: Reviewer, channel: Channel) -> None:
        """End the stop. Raises StoreError."""
        with self.store.write(full=True) as tx:
            meta.drop(tx, meta.STOPPED)
            audit.append(tx, "guard.released", {}, reviewer=reviewer.name, channel=channel)

    @property
    def stopped_since(self) -> str | None:
        """When the stop switch was turned on; None while it is off."""
        return meta.value(self.store, meta.STOPPED)

    def confirm_log(self, reviewer: Reviewer, reason: str, channel: Channel) -> bool:
        """A person knows why the log is shorter than its newest checkpoint (a restored backup); claims work again.

        False when there was nothing to confirm. Raises StoreError.
        """
        doubt = self.checkpoints.contradiction()
        if not doubt:
            return False
        with self.store.write(full=True) as tx:
            meta.drop(tx, meta.DOUBT)
            contents = {"what": doubt, "reason": reason}
            audit.append(tx, "log.confirmed", contents, reviewer=reviewer.name, channel=channel)
            self.checkpoints.write(tx)
        return True

    def version(self) -> int:
        """Changes whenever any process committed; cheap enough to poll. Raises StoreError."""
        return self.store.version()

    def tend(self) -> None:
        """End what is over and recover what a crash left, for every process of this database. Call it now and then."""
        with self.store.write(full=True) as tx:
            requests.expire_overdue(tx)
            requests.recover(tx)

    def close(self) -> None:
        """Write what waits, with a last checkpoint. Raises StoreError when that cannot be done."""
        if self.store.is_closed:
            return
        try:
            self._sessions.save_all()
            self.store.flush()
            self.checkpoints.write_if_due(now=True)
        finally:
            self.store.close()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- how -----------------------------------------------------------------------------------------------------------

    def _facts(self, call: ToolCall) -> Facts:
        return self._sessions.of(call.principal).facts(call, self._surroundings_of(call))

    def _surroundings_of(self, call: ToolCall) -> Surroundings:
        pin = self._pins.of(call.server).get(call.tool)
        return self._surroundings if pin is None or not pin.change else _with_change(self._surroundings, pin.change)

    def _judged(self, call: ToolCall, facts: Facts, call_id: str) -> Judged:
        decision = judge(_with_params(call), facts, self.config.policy, self._clock())
        arguments = self.redactor.redact(call.arguments)
        params = self.redactor.redact(call.other_params) if call.other_params else {}
        fingerprint = call_fingerprint(call, arguments, params)
        return Judged(call, call_id, decision, arguments, params, fingerprint, requests.decision_key(decision))

    def _decided(self, tx: Transaction, judged: Judged, body: audit.Body, request_id: str | None = None) -> None:
        requests.record_call(tx, judged)
        audit.append(
            tx,
            "call.decided",
            body,
            effect=judged.decision.effect.word,
            score=judged.decision.score,
            policy_digest=self.config.policy.digest,
            request_id=request_id,
            **judged.columns,
        )

    def _body(self, judged: Judged) -> audit.Body:
        """The contents of `call.decided`, made into bytes before any lock is taken."""
        return audit.Body(
            {
                **shown.decided(judged.call, judged.decision, self.redactor, self.config.prompts),
                "arguments": judged.arguments,
                "params": judged.params,
                "decision_key": judged.decision_key,
            }
        )

    def _allow(self, judged: Judged) -> Permit:
        """T17: decided, claimed and dispatched in one commit."""
        body, nothing = self._body(judged), audit.Body({})
        permit = Permit(
            requests.new_id("ex", self._milliseconds()),
            judged.call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            secrets.token_hex(16),
            dispatched=True,
        )
        with self.store.write(full=False) as tx:
            self._decided(tx, judged, body)
            requests.insert_execution(
                tx, judged, permit.execution_id, permit.claim_token, request_id=None, dispatched=True
            )
            audit.append(tx, "execution.dispatched", nothing, execution_id=permit.execution_id, **judged.columns)
        self._remember(judged)
        return permit

    def _deny(self, judged: Judged) -> Refusal:
        body = self._body(judged)
        with self.store.write(full=True) as tx:
            self._decided(tx, judged, body)
        self._remember(judged)
        return Refusal(
            RefusalCode.POLICY, answers.denied_by_policy(), _reasons(judged.decision), decision=judged.decision
        )

    def _ask(self, judged: Judged, facts: Facts) -> Answer:
        """T1 or T2, or one of the refusals that page nobody."""
        body = self._body(judged)
        self.checkpoints.key  # noqa: B018 - loaded before the lock is taken, since the first time costs 30 ms
        before = shown.replaced_text(judged.call, judged.decision, self.config.roots)
        principal = judged.call.principal
        with self.store.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.open_request(tx, principal, judged.call_fp)
            refusal = self._stopped(tx)
            if row is None and refusal is None:
                granted = self._granted(tx, judged, body)
                if granted is not None:
                    return granted
                refusal = self._refused_unasked(tx, judged)
            if refusal is not None:
                self._decided(tx, judged, body)
                return refusal
            attached = row is not None
            if row is not None:
                stale = requests.why_stale(row, judged)
                if stale is not None:
                    requests.end(tx, row, RequestEvent.DRIFT, _STALE_WORDS[stale])
                    row, attached = None, False
            if row is None:
                self._decided(tx, judged, body)
                view = self._view(tx, judged, facts, before)
                row = requests.create(tx, judged, view)
                self.checkpoints.write(tx)
            else:
                self._decided(tx, judged, body, row["request_id"])
                records.attach(tx, row["request_id"], judged.call_id)
                audit.append(tx, "call.attached", {}, request_id=row["request_id"], **judged.columns)
            records.waiters(tx, row["request_id"], +1)
            self._sessions.save(tx, principal)
        pending = self._pending(row, judged, attached=attached)
        return self._claim(pending) if row["state"] == RequestState.APPROVED else pending

    def _granted(self, tx: Transaction, judged: Judged, body: audit.Body) -> Permit | None:
        """T16: people allowed calls like this one for a while."""
        used = requests.use_grant(tx, judged)
        if used is None:
            return None
        self._decided(tx, judged, body)
        self._remember(judged)
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

    def _pending(self, row: Row, judged: Judged, *, attached: bool) -> Pending:
        return Pending(
            row["request_id"],
            row["code"],
            moment(row["decide_by"]),
            judged.call,
            judged.call_id,
            judged.decision,
            self.approvals.link(row["request_id"]),
            attached,
        )

    def _claim(self, pending: Pending) -> Answer:
        """T10, or T9 when something drifted, or what the request has become instead."""
        call = pending.call
        doubt = self.checkpoints.contradiction()
        if doubt:
            self._note_doubt(doubt)
            return Refusal(RefusalCode.LOG_ROLLED_BACK, answers.log_unavailable(), (doubt, answers.CONFIRM_HINT))
        self._pins.forget(call.server)
        pin = self._pins.of(call.server).get(call.tool)
        if pin is not None and pin.fingerprint != call.definition_fp and call.definition_fp:
            call = _redefined(call, pin)
        with self._sessions.lock:
            judged = self._judged(call, self._facts(call), pending.call_id)
        with self.store.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, pending.request_id)
            if row is None:
                raise StoreError(f"request {pending.request_id} is not in the database")
            if row["state"] == RequestState.PENDING:
                return pending
            stopped = self._stopped(tx)
            if stopped is not None:
                return stopped
            if row["state"] == RequestState.APPROVED:
                stale = requests.why_stale(row, judged)
                if stale is None and not (judged.call_fp == row["call_fp"] and requests.votes_hold(tx, row)):
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
        self._remember(judged)
        return Permit(
            claimed[0],
            call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            claimed[1],
            row["request_id"],
            row["code"],
        )

    def _ended(self, pending: Pending) -> Refusal:
        row = records.request(self.store, pending.request_id)
        if row is None:
            raise StoreError(f"request {pending.request_id} is not in the database")
        state, reason = RequestState(row["state"]), row["end_reason"] or ""
        return Refusal(
            _ENDED_CODES.get(state, RefusalCode.DIGEST_MISMATCH),
            answers.ended(state, row["request_id"], row["code"], reason),
            (reason,) if reason else (),
            row["request_id"],
            row["code"],
            retry=state in (RequestState.EXPIRED, RequestState.STALE),
            decision=pending.decision,
        )

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
            self.redactor,
            arguments=judged.arguments,
            params=judged.params,
            history=history,
            before=before,
            prompts=self.config.prompts,
            earlier=earlier,
        )

    def _remember(self, judged: Judged) -> None:
        principal = judged.call.principal
        with self._sessions.lock:
            self._sessions.of(principal).called(judged.call, judged.decision)
            self._sessions.touched(principal)

    def _learn(self, permit: Permit, outcome: Outcome) -> None:
        """The session learns from the result; secrets are taken out first, since memories are stored."""
        if outcome.result_text:
            principal = permit.call.principal
            text = self.redactor.text(outcome.result_text)
            with self._sessions.lock:
                self._sessions.of(principal).returned(permit.call, text)
                self._sessions.touched(principal)

    def _execution_event(
        self,
        tx: Transaction,
        kind: str,
        permit: Permit,
        body: audit.Body | Mapping[str, Json],
        outcome: str | None = None,
    ) -> None:
        principal = permit.call.principal
        audit.append(
            tx,
            kind,
            body,
            agent=principal.agent,
            person=principal.person,
            session=principal.session,
            server=permit.call.server,
            tool=permit.call.tool,
            call_id=permit.call_id,
            request_id=permit.request_id,
            grant_id=permit.grant_id,
            execution_id=permit.execution_id,
            call_fp=permit.call_fp,
            outcome=outcome,
        )

    def _note_doubt(self, doubt: str) -> None:
        """The log says once that it is not the one that was checkpointed."""
        if meta.value(self.store, meta.DOUBT) != doubt:
            with self.store.write(full=True) as tx:
                meta.keep(tx, meta.DOUBT, doubt)
                audit.append(tx, "log.rolled_back", {"what": doubt})

    def _milliseconds(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _log_unavailable(self, error: StoreError) -> Refusal:
        return Refusal(RefusalCode.LOG_UNAVAILABLE, answers.log_unavailable(), (str(error), error.hint))

    def _note_start(self) -> None:
        """A new log begins with its key; and it says which policy is in force, once for each change of it."""
        if audit.head(self.store)[0] == 0:
            key = self.checkpoints.key
            with self.store.write(full=True) as tx:
                if audit.is_empty(tx):
                    audit.append(tx, "log.opened", {"key_id": key.id, "public_key": key.public.hex()})
        policy = self.config.policy.digest
        if meta.value(self.store, meta.POLICY) == policy:
            return
        with self.store.write(full=True) as tx:
            meta.keep(tx, meta.POLICY, policy)
            audit.append(tx, "policy.loaded", {"preset": self.config.policy.preset.value}, policy_digest=policy)


_END: Final = {
    OutcomeKind.SUCCEEDED: ExecutionEvent.SUCCEED,
    OutcomeKind.FAILED: ExecutionEvent.FAIL,
    OutcomeKind.UNKNOWN: ExecutionEvent.LOSE,
    OutcomeKind.NOT_RUN: ExecutionEvent.LOSE,
}
_ENDED_CODES: Final = {
    RequestState.DENIED: RefusalCode.DENIED,
    RequestState.EXPIRED: RefusalCode.EXPIRED,
    RequestState.CANCELLED: RefusalCode.CANCELLED,
    RequestState.REVOKED: RefusalCode.REVOKED,
    RequestState.STALE: RefusalCode.STALE_POLICY,
    RequestState.CONSUMED: RefusalCode.ALREADY_CONSUMED,
}
_STALE_WORDS: Final = {
    RefusalCode.STALE_DEFINITION: "the tool's definition changed",
    RefusalCode.STALE_POLICY: "policy or risk changed since people were asked",
    RefusalCode.DIGEST_MISMATCH: "the stored request or its votes no longer fit together",
}


def _reasons(decision: Decision) -> tuple[str, ...]:
    return tuple(f"{rule.name}: {rule.why}" for rule in decision.rules if rule.effect is decision.effect)


def _with_change(surroundings: Surroundings, change: str) -> Surroundings:
    return replace(surroundings, definition_change=change)


def _redefined(call: ToolCall, pin: Pin) -> ToolCall:
    return replace(call, definition=pin.definition, definition_fp=pin.fingerprint)


def _with_params(call: ToolCall) -> ToolCall:
    """The call as detectors see it: what stands beside the arguments reaches the server too."""
    if not call.other_params:
        return call
    beside = {f"params.{name}": value for name, value in call.other_params.items()}
    return replace(call, arguments={**call.arguments, **beside})
