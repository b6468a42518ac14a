"""Judging with all that this process knows: pins, the memory of the session, the policy, and the redactor."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from toolguard import config as configuration
from toolguard.config import Config
from toolguard.core.canonical import call_fingerprint
from toolguard.core.decide import NOTHING_SPENT
from toolguard.core.model import Decision, Finding, Json, Outcome, Principal, ToolCall
from toolguard.core.secrets.redact import Redactor, readable
from toolguard.core.session.facts import Facts, Surroundings
from toolguard.detectors.definitions import DOUBLED, INSTRUCTIONS, SHADOWS
from toolguard.guard import requests, shown
from toolguard.guard.introductions import Introductions
from toolguard.guard.judging import draws_of, judge
from toolguard.guard.names import Names
from toolguard.guard.pins import Pins
from toolguard.guard.requests import Judged
from toolguard.guard.sessions import Sessions
from toolguard.store import audit, spending
from toolguard.store.database import Database
from toolguard.store.transaction import Transaction


class Judge:
    """Turns calls into judged calls, records decisions, and lets sessions learn from what ran."""

    def __init__(
        self,
        config: Config,
        store: Database,
        redactor: Redactor,
        names: Names,
        pins: Pins,
        introductions: Introductions,
        sessions: Sessions,
        clock: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._store = store
        self._redactor = redactor
        self._names = names
        self._pins = pins
        self._introductions = introductions
        self._sessions = sessions
        self._clock = clock
        self._surroundings = configuration.surroundings(config)
        self._unremembered: deque[Judged] = deque()
        self._remembering = threading.Lock()
        self._redacted_last: tuple[Json, Json] = (None, None)
        """Arguments and their redacted form: those of a call are asked for again when it ends."""

    def at(self, folder: str) -> None:
        """Relative paths start in this folder from now on."""
        if folder != self._surroundings.cwd:
            self._surroundings = replace(self._surroundings, cwd=folder)

    def judged(self, call: ToolCall, call_id: str) -> tuple[Judged, Facts]:
        """The call with its decision and digests, and the facts that it was judged by."""
        self.remember_all()
        tool = self._names.of(call.tool)
        if tool != call.tool:
            call = replace(call, tool=tool)
        policy, now = self._config.policy, self._clock()
        spent = spending.spent(self._store, policy.budgets, call, now) if policy.budgets else NOTHING_SPENT
        memory, surroundings = self._sessions.of(call.principal), self._surroundings_of(call)
        with self._sessions.lock:
            facts = memory.facts(call, surroundings)
            found = judge(_with_params(call), facts, policy, now, spent)
            draws = draws_of(call, found, facts, policy, now)
        arguments = self._redactor.redact(call.arguments)
        self._redacted_last = (call.arguments, arguments)
        params = self._redactor.redact(call.other_params) if call.other_params else {}
        # Where nothing was found and nothing redacted, the words about the call hold no secret either.
        spotless = arguments is call.arguments and not found.findings and not found.rules and not params
        decision = found if spotless else self._redacted(found)
        fingerprint = call_fingerprint(call, arguments, params)
        key = requests.decision_key(decision)
        return Judged(call, call_id, decision, arguments, params, fingerprint, key, draws), facts

    def judged_edit(
        self,
        call: ToolCall,
        arguments: Json,
        params: Json,
        *,
        cwd: str,
        roots: tuple[str, ...],
        carried: tuple[Finding, ...],
    ) -> tuple[Judged, Facts]:
        """A call as a reviewer rewrote it, judged as the process that asked would: its folder, its memory.

        `arguments` and `params` are redacted, and `call` has them in words; `carried` are findings about the secrets.
        """
        policy, now = self._config.policy, self._clock()
        spent = spending.spent(self._store, policy.budgets, call, now) if policy.budgets else NOTHING_SPENT
        self._pins.forget(call.server)
        self._introductions.forget(call.server)
        around = replace(self._surroundings_of(call), cwd=cwd, roots=roots)
        facts = self._sessions.as_stored(call.principal).facts(call, around)
        decision = self._redacted(judge(_with_params(call), facts, policy, now, spent, carried))
        fingerprint = call_fingerprint(call, arguments, params)
        return Judged(call, "", decision, arguments, params, fingerprint, requests.decision_key(decision)), facts

    def _redacted(self, decision: Decision) -> Decision:
        """The decision without secrets in its words, so that whatever shows or keeps it cannot leak them."""
        kind, text = decision.classification, self._redactor.text
        headline, target = text(kind.headline), text(kind.target)
        if (headline, target) != (kind.headline, kind.target):
            kind = replace(kind, headline=headline, target=target)
        if not decision.findings and kind is decision.classification:
            return decision
        findings = tuple(replace(f, message=text(f.message)) for f in decision.findings)
        rules = tuple(replace(rule, why=text(rule.why)) for rule in decision.rules)
        return replace(decision, classification=kind, findings=findings, rules=rules)

    def _surroundings_of(self, call: ToolCall) -> Surroundings:
        server, tool = call.server, call.tool
        pin = self._pins.of(server).get(tool)
        if (pin is not None and pin.change) or INSTRUCTIONS.id in self._introductions.findings(server):
            # A person may have accepted it meanwhile, in another process. Such a call asks, so looking costs little.
            self._pins.forget(server)
            self._introductions.forget(server)
            pin = self._pins.of(server).get(tool)
        found = self._introductions.findings(server)
        if pin is not None and tool in self._pins.shadowed(server):
            found = (*found, SHADOWS.id)
        if tool in self._pins.doubled(server):
            found = (*found, DOUBLED.id)
        change = pin.change if pin is not None else ""
        if not (change or found):
            return self._surroundings
        return replace(self._surroundings, definition_change=change, definition_findings=found)

    def redefined(self, call: ToolCall) -> ToolCall:
        """The call with the tool's definition as it is pinned now: another process may have seen it change."""
        self._pins.forget(call.server)
        self._introductions.forget(call.server)
        pin = self._pins.of(call.server).get(call.tool)
        if pin is None or not call.definition_fp or pin.fingerprint == call.definition_fp:
            return call
        return replace(call, definition=pin.definition, definition_fp=pin.fingerprint)

    def record(self, tx: Transaction, judged: Judged, body: audit.Body, request_id: str | None = None) -> None:
        """The decision, in the caller's transaction."""
        requests.record_call(tx, judged)
        columns = self.columns(judged)
        audit.append(tx, "call.decided", body, request_id=request_id, **columns, **judged.columns)

    def columns(self, judged: Judged) -> dict[str, str | int]:
        """What `call.decided` says beside the columns that every event of the call repeats."""
        decision = judged.decision
        return {"effect": decision.effect.word, "score": decision.score, "policy_digest": self._config.policy.digest}

    def decided(self, judged: Judged) -> dict[str, Json]:
        """The contents of `call.decided`."""
        return {
            **shown.decided(judged.call, judged.decision, self._redactor, self._config.prompts),
            "arguments": judged.arguments,
            "params": judged.params,
            "decision_key": judged.decision_key,
        }

    def remember_soon(self, judged: Judged) -> None:
        """`remember` it before the session is asked again, but not while this call waits."""
        self._unremembered.append(judged)

    def remember_all(self) -> None:
        """What was put off, in its order."""
        if self._unremembered:
            with self._remembering:
                while self._unremembered:
                    self.remember(self._unremembered.popleft())

    def remember(self, judged: Judged) -> None:
        """The session knows of a decision that fell; secrets stay out, since memories are stored."""
        principal = judged.call.principal
        call = _told(judged.call, judged.arguments)
        memory = self._sessions.of(principal)
        with self._sessions.lock:
            memory.called(call, judged.decision)
            self._sessions.touched(principal)

    def learn(self, call: ToolCall, outcome: Outcome) -> None:
        """The session learns from the result; secrets are taken out first, since memories are stored."""
        self.remember_all()
        if outcome.result_text:
            principal = call.principal
            text = self._redactor.text(outcome.result_text)
            known, arguments = self._redacted_last
            if known is not call.arguments:
                arguments = self._redactor.redact(call.arguments)
            memory = self._sessions.of(principal)
            with self._sessions.lock:
                memory.returned(_told(call, arguments), text)
                self._sessions.touched(principal)

    def catch_up(self, principal: Principal) -> None:
        """The session remembers what it has put off, and reads it once that is much."""
        self.remember_all()
        memory = self._sessions.of(principal)
        if memory.is_behind():
            with self._sessions.lock:
                memory.catch_up()

    def asked(self, principal: Principal, prompt: str) -> None:
        """The person said this to the agent."""
        memory, text = self._sessions.of(principal), self._redactor.text(prompt)
        with self._sessions.lock:
            memory.asked(text)
            self._sessions.touched(principal)


def _with_params(call: ToolCall) -> ToolCall:
    """The call as detectors see it: what stands beside the arguments reaches the server too."""
    if not call.other_params:
        return call
    beside = {f"params.{name}": value for name, value in call.other_params.items()}
    return replace(call, arguments={**call.arguments, **beside})


def _told(call: ToolCall, redacted: Json) -> ToolCall:
    """The call as sessions remember it: memories are stored, so no secret of its arguments comes along."""
    if redacted is call.arguments:
        return call
    shown = readable(redacted)
    # A secret in a key hides the whole object.
    return replace(call, arguments=shown if isinstance(shown, dict) else {"redacted": shown})
