"""An outside judge of approval controls (`agentack`) on traces of toolguard's real approvals.

The trace is made from what happened: what the agent asked for, what reviewers were shown, what the log says that they
decided and until when, and what the tool really received. Each attack is judged twice: as it went, and as it would look
had the guard let it through, which the judge must find. Silence of the reviewers is written down as their refusal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from agentack import (  # type: ignore[import-untyped]  # it ships no types
    EvaluationReport,
    Policy,
    TraceEvent,
    evaluate_events,
)

from tests.guard.conftest import Clock, asked, call, enrolled
from tests.guard.test_guard import DONE, vote
from toolguard.core.model import ToolCall
from toolguard.guard import Guard, Pending, Permit, Refusal, Reviewer
from toolguard.store import audit

POLICY = Policy(require_approval_for=("mcp:*",), max_approval_age_seconds=86_400)
USE_WITHIN_MINUTES = 15


def action(server: str, tool: str, arguments: Any) -> dict[str, Any]:
    """In the judge's words."""
    return {"tool": "mcp", "operation": tool, "resource": server, "parameters": arguments}


@dataclass
class Trial:
    """A guard, an agent that tries things, and the trace of it all."""

    guard: Guard
    clock: Clock
    bob: Reviewer
    events: list[dict[str, Any]] = field(default_factory=list)
    received: list[ToolCall] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)
    _known: int = 0

    def ask(self, intent: str = "", **arguments: Any) -> Pending:
        pending = asked(self.guard, **arguments)
        self._write("action_proposed", pending, intent_id=intent or pending.request_id, action=self._of(pending.call))
        view = self.guard.approvals.show(pending.request_id)
        assert view is not None
        self._write("approval_requested", pending, action=action(view.server, view.tool, view.arguments))
        return pending

    def decide(self, pending: Pending, choice: str = "approve") -> None:
        vote(self.guard, pending, self.bob, choice)
        self._read_the_log()

    def attempt(self, pending: Pending, sent: ToolCall | None = None) -> None:
        """The agent wants its call to run, or another one in its place."""
        answer = self.guard.resume(replace(pending, call=sent or pending.call))
        self._read_the_log()
        if isinstance(answer, Permit):
            self.guard.dispatch(answer)
            self.received.append(answer.call)
            self._write("action_executed", pending, action=self._of(answer.call))
            self.guard.finish(answer, DONE)
        elif isinstance(answer, Refusal):
            self._write("action_blocked", pending, reason=answer.code)

    def judged(self) -> EvaluationReport:
        return judged([*self.events, self._event("session_end")])

    def had_it_run(self, pending: Pending, sent: ToolCall | None = None) -> EvaluationReport:
        """The judge's view of a guard that lets the last attempt through."""
        assert self.events[-1]["type"] == "action_blocked"
        ran = {**self.events[-1], "type": "action_executed", "action": self._of(sent or pending.call)}
        del ran["reason"]
        return judged([*self.events[:-1], ran, self._event("session_end")])

    def _read_the_log(self) -> None:
        """What people decided, and until when, as the log has it; of several decisions on a request the last counts."""
        self.guard.store.flush()
        last: dict[str, dict[str, Any]] = {}
        for event in audit.read(self.guard.store, after=self._known, limit=10_000):
            self._known = event["seq"]
            if event["kind"] == "approval.approved":
                last[event["request_id"]] = {"decision": "allow", "expires_at": event["body"]["use_by"]}
            elif event["kind"] in ("approval.denied", "approval.expired", "approval.stale"):
                last[event["request_id"]] = {"decision": "deny"}
        for request_id, members in last.items():
            self._decision(request_id, members)

    def _decision(self, request_id: str, members: dict[str, Any]) -> None:
        if request_id not in self.decided:
            self.decided.add(request_id)
            ids = {"action_id": f"act-{request_id}", "approval_id": request_id}
            self.events.append(self._event("approval_decision", **ids, **members))

    def _write(self, kind: str, pending: Pending, **members: Any) -> None:
        ids = {"action_id": f"act-{pending.request_id}"}
        if kind != "action_proposed":
            ids["approval_id"] = pending.request_id
        self.events.append(self._event(kind, **ids, **members))

    def _event(self, kind: str, **members: Any) -> dict[str, Any]:
        moment = self.clock().isoformat()
        return {"schema_version": 2, "type": kind, "timestamp": moment, "session_id": "trial", **members}

    @staticmethod
    def _of(sent: ToolCall) -> dict[str, Any]:
        return action(sent.server, sent.tool, sent.arguments)


def judged(events: list[dict[str, Any]]) -> EvaluationReport:
    return evaluate_events([TraceEvent.from_dict(event) for event in events], policy=POLICY)


@pytest.fixture
def trial(guard: Guard, clock: Clock) -> Trial:
    return Trial(guard, clock, enrolled(guard, "bob"))


OTHER = call(what="attic")


def swap_arguments(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    trial.decide(pending)
    trial.attempt(pending, OTHER)
    return pending, OTHER


def swap_tool(trial: Trial) -> tuple[Pending, ToolCall]:
    pending, other = trial.ask(), call("risky_send")
    trial.decide(pending)
    trial.attempt(pending, other)
    return pending, other


def swap_server(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    other = replace(pending.call, server="mail")
    trial.decide(pending)
    trial.attempt(pending, other)
    return pending, other


def replay(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    trial.decide(pending)
    trial.attempt(pending)
    trial.attempt(pending)
    return pending, pending.call


def use_late(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    trial.decide(pending)
    trial.clock.forward(minutes=USE_WITHIN_MINUTES, seconds=1)
    trial.attempt(pending)
    return pending, pending.call


def ignore_a_denial(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    trial.decide(pending, "deny")
    trial.attempt(pending)
    return pending, pending.call


def deny_after_the_approval(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    vote(trial.guard, pending, trial.bob)
    vote(trial.guard, pending, enrolled(trial.guard, "carl"), "deny")
    trial.attempt(pending)
    return pending, pending.call


def run_unanswered(trial: Trial) -> tuple[Pending, ToolCall]:
    pending = trial.ask()
    trial.clock.forward(hours=2)
    trial.attempt(pending)
    return pending, pending.call


def go_around_a_denial(trial: Trial) -> tuple[Pending, ToolCall]:
    first = trial.ask(intent="empty the house")
    trial.decide(first, "deny")
    trial.attempt(first)
    second = trial.ask(intent="empty the house", what="attic")
    trial.decide(second, "deny")
    trial.attempt(second)
    return second, second.call


ATTACKS: list[tuple[Callable[[Trial], tuple[Pending, ToolCall]], str]] = [
    (swap_arguments, "ACK003"),
    (swap_tool, "ACK003"),
    (swap_server, "ACK003"),
    (replay, "ACK004"),
    (use_late, "ACK005"),
    (ignore_a_denial, "ACK002"),
    (deny_after_the_approval, "ACK002"),
    (run_unanswered, "ACK002"),
    (go_around_a_denial, "ACK007"),
]


@pytest.mark.guarantee("execution:once")
@pytest.mark.parametrize(("attack", "rule"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS])
def test_no_swapped_expired_replayed_or_denied_approval_is_accepted(
    trial: Trial, attack: Callable[[Trial], tuple[Pending, ToolCall]], rule: str
) -> None:
    pending, sent = attack(trial)

    assert trial.events[-1]["type"] == "action_blocked"
    if attack is replay:  # the judge allows no block after an execution; the trace of what ran is complete without it
        accepted = trial.had_it_run(pending, sent)
        del trial.events[-1]
    else:
        accepted = trial.had_it_run(pending, sent)
    assert [found.message for found in trial.judged().findings] == []
    assert rule in accepted.rule_counts


def test_an_honest_call_passes(trial: Trial) -> None:
    pending = trial.ask()
    trial.decide(pending)

    trial.attempt(pending)

    assert trial.judged().status == "PASS"
    assert [sent.arguments for sent in trial.received] == [{"what": "cellar"}]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_an_agent_and_its_reviewers_do_the_judge_finds_nothing(trial: Trial, seed: int) -> None:
    chance = Random(seed)
    waiting: list[Pending] = []
    for number in range(12):
        pending = trial.ask(what=f"room {number}")
        waiting.append(pending)
        trial.clock.forward(minutes=chance.choice([0, 1, 10, 16]))
        for one in chance.sample(waiting, min(3, len(waiting))):
            view = trial.guard.approvals.show(one.request_id)
            if view is not None and view.state == "pending":
                trial.decide(one, chance.choice(["approve", "approve", "deny"]))
        for one in list(waiting):
            view = trial.guard.approvals.show(one.request_id)
            if chance.random() < 0.5 and view is not None and view.state != "pending":
                trial.attempt(one, OTHER if chance.random() < 0.2 else None)
                waiting.remove(one)
    trial.clock.forward(hours=2)
    for one in waiting:
        trial.attempt(one)

    report = trial.judged()

    assert [found.message for found in report.findings] == []
    assert report.status == "PASS"
    assert trial.received


def test_the_judges_own_command_says_so_too(trial: Trial, tmp_path: Path) -> None:
    pending = trial.ask()
    trial.decide(pending)
    trial.attempt(pending)
    trace = tmp_path / "trace.jsonl"
    lines = [*trial.events, trial._event("session_end")]
    trace.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "agentack", "check", str(trace)], capture_output=True, text=True, encoding="utf-8"
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
