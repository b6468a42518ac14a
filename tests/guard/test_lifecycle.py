"""A machine that drives the guard at random and compares the database with the tables after every step."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.guard.conftest import Clock, call
from tests.guard.racing import POLICY
from toolguard.config import Config
from toolguard.core.approvals import REQUEST, RequestState, is_terminal
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Guard, Pending, Permit
from toolguard.store import audit, records
from toolguard.store.verify import verify

CALLS = st.integers(0, 3)
REQUEST_WAYS = {(start, after) for (start, _), after in REQUEST.items()}


class Lifecycle(RuleBasedStateMachine):
    """Two connections to one database, as two processes have; every request and execution is watched."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        config = Config(home=self.folder / "home", agent="claude", policy=POLICY)
        self.guards = [Guard(config, clock=self.clock) for _ in range(2)]
        people = self.guards[0].reviewers
        self.reviewers = [people.by_token(people.add(name).token) for name in ("bob", "carol")]
        self.waiting: list[tuple[int, Pending]] = []
        self.permits: list[tuple[int, Permit]] = []
        self.requests: dict[str, str] = {}
        self.executions: dict[str, str] = {}
        self.approved: set[str] = set()
        self.denied_while_open: set[str] = set()

    @rule(which=st.integers(0, 1), number=CALLS)
    def begin(self, which: int, number: int) -> None:
        self.keep(which, self.guards[which].begin(call(number=number)))

    def keep(self, which: int, answer: object) -> None:
        if isinstance(answer, Pending):
            self.waiting.append((which, answer))
        elif isinstance(answer, Permit):
            assert answer.request_id in self.approved
            assert answer.request_id not in self.denied_while_open
            self.permits.append((which, answer))

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 99))
    def resume(self, pick: int) -> None:
        which, pending = self.waiting.pop(pick % len(self.waiting))
        self.keep(which, self.guards[which].resume(pending))

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 99), who=st.integers(0, 1), choice=st.sampled_from(["approve", "deny"]))
    def vote(self, pick: int, who: int, choice: str) -> None:
        which, pending = self.waiting[pick % len(self.waiting)]
        view = self.guards[which].approvals.show(pending.request_id)
        reviewer = self.reviewers[who]
        assert view is not None
        assert reviewer is not None
        result = self.guards[1 - which].approvals.vote(
            view.id,
            reviewer,
            choice,  # type: ignore[arg-type]  # both choices are named above
            request_digest=view.request_digest,
            channel="rest",
            strength=2,
        )
        if result.accepted and choice == "approve":
            self.approved.add(view.id)
        if result.accepted and choice == "deny":
            self.denied_while_open.add(view.id)

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        which, pending = self.waiting.pop(pick % len(self.waiting))
        self.guards[which].cancel(pending, "no longer needed")

    @precondition(lambda self: self.permits)
    @rule(pick=st.integers(0, 99), kind=st.sampled_from(OutcomeKind), send=st.booleans())
    def run(self, pick: int, kind: OutcomeKind, send: bool) -> None:
        which, permit = self.permits.pop(pick % len(self.permits))
        if send:
            self.guards[which].dispatch(permit)
        if kind in (OutcomeKind.SUCCEEDED, OutcomeKind.FAILED) and not send:
            return
        self.guards[which].finish(permit, Outcome(kind, "done", 4, "", 1.0))

    @rule(minutes=st.sampled_from([1, 14, 16, 61]))
    def wait(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)
        self.guards[0].tend()

    @invariant()
    def every_state_is_reached_along_the_table(self) -> None:
        requests = records.states(self.guards[0].store)
        for request_id, state in requests.items():
            before = self.requests.get(request_id, "pending")
            path_exists = before == state or any(
                (before, middle) in REQUEST_WAYS and (middle == state or (middle, state) in REQUEST_WAYS)
                for middle in RequestState
            )
            assert path_exists, (before, state)
            assert not (is_terminal(RequestState(before)) and before != state)
        self.requests = requests
        rows = self.guards[0].store.read("SELECT execution_id, request_id, state FROM execution")
        used = [row["request_id"] for row in rows]
        assert len(used) == len(set(used)), "one approval, two executions"

    def teardown(self) -> None:
        for guard in self.guards:
            guard.store.flush()
        report = verify(audit.stream(self.guards[0].store), state=records.states(self.guards[0].store))
        for guard in self.guards:
            guard.close()
        shutil.rmtree(self.folder)
        assert report.problems == []


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
