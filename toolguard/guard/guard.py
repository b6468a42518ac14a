"""The one use case: a call is judged, recorded, and then permitted, refused, or left pending until people answer.

    begin(call) -> Permit | Refusal | Pending        resume(pending) -> the same        dispatch, finish(permit)

Waiting is a value, not an await: adapters decide how to wait. INVARIANT: no answer leaves this file before its audit
event is committed; when the log cannot be written the answer is a refusal.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from toolguard import config as configuration
from toolguard.config import Config
from toolguard.core.approvals import ExecutionEvent, RefusalCode, RequestEvent, RequestState
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
from toolguard.core.policy.breakers import Counted
from toolguard.errors import StoreError
from toolguard.guard import answers, breaking, configuring, requests, standing
from toolguard.guard.answers import Pending, Permit, Refusal
from toolguard.guard.approvals import Approvals
from toolguard.guard.doubt import Doubt
from toolguard.guard.edits import Edits
from toolguard.guard.in_client import InClient
from toolguard.guard.introductions import Introductions
from toolguard.guard.judge import Judge
from toolguard.guard.names import Names
from toolguard.guard.passkeys import Passkeys
from toolguard.guard.pausing import Answer, Pausing
from toolguard.guard.pins import Pin, PinReport, Pins
from toolguard.guard.redacting import redactor_of
from toolguard.guard.requests import Judged
from toolguard.guard.reviewers import Reviewers
from toolguard.guard.sessions import Sessions
from toolguard.guard.standing import Grants
from toolguard.guard.stop_switch import StopSwitch
from toolguard.guard.times import iso, utc_now
from toolguard.guard.tries import Tries
from toolguard.store import audit, meta, records, spool
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database


class Guard:
    """Judges calls and keeps the record. One instance a process; safe to use from several threads."""

    def __init__(self, config: Config, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.config = config
        self._clock = clock
        self.store = Database(config.database, clock=lambda: iso(clock()), always_full=config.durability == "full")
        self.redactor = redactor_of(config)
        self.reviewers = Reviewers(self.store, clock)
        self.approvals = Approvals(self.store, config)
        self.in_client = InClient(self.store, self.approvals, self.reviewers)
        self.checkpoints = Checkpoints(self.store)
        self.store.duty = self.checkpoints.write_if_due
        self._names = Names(self.redactor)
        self._pins = Pins(self.store, self._names)
        self._introductions = Introductions(self.store, self.redactor)
        self._sessions = Sessions(self.store)
        self._judge = Judge(
            config, self.store, self.redactor, self._names, self._pins, self._introductions, self._sessions, clock
        )
        self.grants = Grants(self.store)
        self.passkeys = Passkeys(self.store, config)
        self.stop_switch = StopSwitch(self.store)
        self.doubt = Doubt(self.store, self.checkpoints)
        self._pausing = Pausing(
            config, self.store, self.redactor, self._judge, self._sessions, self.checkpoints, self.approvals.link
        )
        self.tries = Tries(self.store, self._judge, self._pausing)
        self.edits = Edits(config, self.store, self.redactor, self._judge, self._pins, self.checkpoints)
        self._policy_noted = False
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
            if not self._policy_noted:
                self._note_policy()
            judged, facts = self._judge.judged(call, requests.new_id("ca", self._milliseconds()))
            if judged.decision.effect is Effect.ALLOW:
                return self._allow(judged)
            if judged.decision.effect is Effect.DENY:
                return self._deny(judged)
            return self._pausing.ask(judged, facts)
        except StoreError as error:
            return self._log_unavailable(error)

    def announce(self, call: ToolCall) -> Pending | None:
        """Ask people about a call that comes later, so that one pause serves several calls; `begin` still decides then.

        Nothing is claimed and no grant is used. None where nobody is asked: the call is allowed, denied, covered by a
        grant or refused unasked, or the log is broken.
        """
        try:
            judged, facts = self._judge.judged(call, requests.new_id("ca", self._milliseconds()))
            if judged.decision.effect is not Effect.ASK or self._pausing.is_granted(judged):
                return None
            answer = self._pausing.ask(judged, facts, ahead=True)
        except StoreError:
            return None
        return answer if isinstance(answer, Pending) else None

    def resume(self, pending: Pending) -> Answer:
        """Look again. Claims when approved: the caller must be a live client call that will send at once."""
        try:
            row = records.current(self.store, pending.request_id)
            if row is not None and row["state"] == RequestState.PENDING and iso(self._clock()) < row["decide_by"]:
                return pending
            return self._pausing.claim(pending)
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
            audit.append(tx, "execution.dispatched", {}, **permit.columns)

    def follow(self, permit: Permit, call: ToolCall) -> Permit | None:
        """Another leg of an execution that is under way; `call` is the same call with the answers it was asked for.

        The answers are judged like arguments. None when they ask for more than was permitted: the leg is then a call
        of its own. Raises StoreError; then nothing may be sent.
        """
        if permit.asked is not None:
            call = replace(call, arguments=permit.call.arguments)
        judged, _ = self._judge.judged(call, permit.execution_id)
        was, now = permit.decision, judged.decision
        if now.effect > was.effect or (now.effect is not Effect.ALLOW and now.score > was.score):
            return None
        body = audit.Body({"params": judged.params, "class": now.effect_class.value, "score": now.score})
        with self.store.write(full=permit.request_id is not None) as tx:
            audit.append(tx, "execution.continued", body, **permit.columns)
        self._judge.remember(judged)
        return replace(permit, dispatched=True)

    def finish(self, permit: Permit, outcome: Outcome) -> None:
        """T12: how it ended. Of a call that nobody was asked about it may ride with the next transaction.

        Raises StoreError for an approved call whose end cannot be written; it then stays unknown.
        """
        self._judge.learn(permit.call, outcome)
        if permit.request_id is None:
            self.store.put_soon(lambda: self._ended(permit, outcome))
        else:
            with self.store.write(full=True) as tx:
                spool.settle(tx, [self._ended(permit, outcome)])

    def _ended(self, permit: Permit, outcome: Outcome) -> str:
        # The server's words, which may hold half a character; JSON cannot say that.
        why = self.redactor.text(outcome.error).encode("utf-8", "backslashreplace").decode() if outcome.error else ""
        contents: dict[str, Json] = {
            "duration_us": round(outcome.duration_ms * 1000),  # whole: a float costs canonical JSON 30 us
            "result_size": outcome.result_size,
            "result_mac": self.redactor.mac(outcome.result_text) if outcome.result_text else None,
            "error": why or None,
        }
        change: dict[str, str | float | None] = {
            "execution_id": permit.execution_id,
            "claim_token": permit.claim_token,
            "error": why,
            "duration_ms": outcome.duration_ms,
            "result_size": outcome.result_size,
        }
        call = permit.call
        columns = {"server": call.server, "tool": call.tool, "outcome": outcome.kind.value}
        return spool.ended(_END[outcome.kind], change, contents, columns)

    def catch_up(self, principal: Principal) -> None:
        """Work that was put off, for a moment in which nobody waits: while the tool runs. Never needed."""
        self._judge.catch_up(principal)
        with suppress(StoreError):  # what could not be settled stays in the spool
            self.store.settle_spool()

    def detach(self, pending: Pending) -> None:
        """The waiter is gone; the request lives on for an identical retry."""
        with self.store.write(full=False) as tx:
            row = records.current(tx, pending.request_id)
            if row is not None:
                records.waiters(tx, row["request_id"], -1)

    def cancel(self, pending: Pending, reason: str = "") -> None:
        """T7: the requester takes the call back."""
        with self.store.write(full=True) as tx:
            row = records.current(tx, pending.request_id)
            if row is not None and row["state"] in (RequestState.PENDING, RequestState.APPROVED):
                requests.end(tx, row, RequestEvent.CANCEL, self.redactor.text(reason))

    def at(self, folder: str) -> None:
        """The agent works in this folder from now on: relative paths of its calls start there."""
        self._judge.at(folder)

    def asked(self, principal: Principal, prompt: str) -> None:
        """The person said this to the agent, where an adapter can know it."""
        self._judge.asked(principal, prompt)

    def wrap(self, tools: Any, **options: Any) -> Any:
        """LangChain tools in, the same types out, each judged before it runs; see toolguard.langchain.wrap."""
        from toolguard.langchain import wrap

        return wrap(self, tools, **options)

    # -- what servers offer --------------------------------------------------------------------------------------------

    def pin(
        self,
        server: str,
        launch: Sequence[str],
        definitions: Sequence[ToolDefinition],
        *,
        complete: bool,
        doubled: frozenset[str] = frozenset(),
    ) -> PinReport:
        """Compare a listing with the pins and keep what is new. Raises StoreError; then the listing must not pass.

        `doubled` are names that the listing holds more than once; `definitions` has the first of each.
        """
        found = self._pins.news(server, launch, definitions, complete=complete, doubled=doubled)
        if found:
            with self.store.write(full=True) as tx:
                self._pins.save(tx, server, found)
                for tool in found:
                    for row in records.open_requests_of_tool(tx, server, tool):
                        requests.end(tx, row, RequestEvent.DRIFT, "the tool's definition changed")
                    standing.end_of_tool(tx, server, tool, "the tool's definition changed")
            self._pins.remember(server, found)
        return PinReport(
            changed=tuple(name for name, pin in found.items() if pin.change == "changed"),
            added=tuple(name for name, pin in found.items() if pin.change == "added"),
            withheld=tuple(d.name for d in definitions if self.config.policy.withholds(server, d.name)),
        )

    def introduced(self, server: str, instructions: str) -> None:
        """Compare a server's instructions with those first seen. Raises StoreError."""
        self._introductions.introduced(server, instructions)

    def pinned(self, server: str, tool: str) -> Pin | None:
        return self._pins.of(server).get(self._names.of(tool))

    # -- the rest ------------------------------------------------------------------------------------------------------

    def record(self, kind: str, contents: Mapping[str, Json] | None = None, **columns: str | None) -> None:
        """An event outside any call: a refused message, a dropped line. Raises StoreError."""
        body = self.redactor.redact(dict(contents or {}))
        columns["tool"] = self._names.of(columns.get("tool") or "") or None
        with self.store.write(full=True) as tx:
            audit.append(tx, kind, body, **columns)

    def now(self) -> datetime:
        """The time by which this guard judges."""
        return self._clock()

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
            self._judge.remember_all()
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

    def _allow(self, judged: Judged) -> Permit:
        """T17: decided, claimed and dispatched in one commit."""
        permit = Permit(
            requests.execution_of(judged.call_id),
            judged.call,
            judged.decision,
            judged.call_id,
            judged.call_fp,
            secrets.token_hex(16),
            dispatched=True,
        )
        entry = spool.allowed(
            requests.call_row(judged),
            requests.execution_row(permit.execution_id, permit.claim_token),
            judged.draws,
            self._judge.decided(judged),
            self.config.policy.digest,
        )
        self.store.put(entry)
        self._judge.remember_soon(judged)
        return permit

    def _deny(self, judged: Judged) -> Refusal:
        body = audit.Body(self._judge.decided(judged))
        with self.store.write(full=True) as tx:
            self._judge.record(tx, judged, body)
            breaking.count(tx, self.config.policy, Counted.DENIED, judged.call.principal)
        self._judge.remember(judged)
        return Refusal(
            RefusalCode.POLICY, answers.denied_by_policy(), _reasons(judged.decision), decision=judged.decision
        )

    def _milliseconds(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _log_unavailable(self, error: StoreError) -> Refusal:
        return Refusal(RefusalCode.LOG_UNAVAILABLE, answers.log_unavailable(), (str(error), error.hint))

    def _note_start(self) -> None:
        """A new log begins with its key."""
        if audit.head(self.store)[0] == 0:
            key = self.checkpoints.key
            with self.store.write(full=True) as tx:
                if audit.is_empty(tx):
                    audit.append(tx, "log.opened", {"key_id": key.id, "public_key": key.public.hex()})

    def _note_policy(self) -> None:
        """Before the first call is judged the log says by which policy and settings, once for each change of them."""
        self._policy_noted = True
        configuring.note(self.store, self.config, self.redactor)
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


def _reasons(decision: Decision) -> tuple[str, ...]:
    return tuple(f"{rule.name}: {rule.why}" for rule in decision.rules if rule.effect is decision.effect)
