"""A guard that asks about tools by their names, and a person who answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolguard.config import ApprovalSettings, Config
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.guard import Guard, Reviewer, VoteResult

RULES = (
    Rule("risky", Effect.ASK, Match(tool=("risky*",))),
    Rule("never", Effect.DENY, Match(tool=("never*",))),
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    policy = Policy(Preset.BALANCED, RULES)
    return Config(home=tmp_path / "home", agent="agent", policy=policy, approvals=ApprovalSettings(hold=30.0))


@pytest.fixture
def guard_of(config: Config) -> Iterator[Callable[[], Guard]]:
    """Opens a guard on the same database; a second one stands for another process."""
    opened: list[Guard] = []

    def make() -> Guard:
        opened.append(Guard(config))
        return opened[-1]

    yield make
    for guard in opened:
        guard.close()


@pytest.fixture
def guard(guard_of: Callable[[], Guard]) -> Guard:
    return guard_of()


@pytest.fixture
def reviewer(guard: Guard) -> Reviewer:
    return enrolled(guard, "bob")


def enrolled(guard: Guard, name: str) -> Reviewer:
    found = guard.reviewers.by_token(guard.reviewers.add(name).token)
    assert found is not None
    return found


def vote(
    guard: Guard, reviewer: Reviewer, choice: Any = "approve", *, request_id: str = "", reason: str = ""
) -> VoteResult:
    """Answer the only request that waits, or this one."""
    waiting = guard.approvals.list()
    view = next(one for one in waiting if one.id == request_id) if request_id else waiting[0]
    return guard.approvals.vote(
        view.id, reviewer, choice, request_digest=view.request_digest, channel="web", strength=2, reason=reason
    )


def events(guard: Guard) -> list[str]:
    """Kinds of the events of the log, in order."""
    from toolguard.store import audit

    guard.store.flush()
    return [row["kind"] for row in audit.stream(guard.store)]
