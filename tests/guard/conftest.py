"""A guard over a real database in a temporary home, with a settable clock and a policy whose rules go by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from toolguard.config import Config
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.guard import Guard, Pending, Reviewer

PRINCIPAL = Principal("claude", "alice", "files")
RULES = (
    Rule("risky", Effect.ASK, Match(tool=("risky*",))),
    Rule("never", Effect.DENY, Match(tool=("never*",))),
)


class Clock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home", agent="claude", policy=Policy(Preset.OBSERVE, ()), roots=(str(tmp_path),))


@pytest.fixture
def guard_with(config: Config, clock: Clock) -> Iterator[Callable[..., Guard]]:
    opened: list[Guard] = []

    def make(*rules: Rule, **changes: object) -> Guard:
        policy = Policy(Preset.BALANCED, rules or RULES, obligations=Policy().obligations)
        guard = Guard(replace(config, policy=policy, **changes), clock=clock)  # type: ignore[arg-type]  # names are the test's
        opened.append(guard)
        return guard

    yield make
    for guard in opened:
        guard.close()


@pytest.fixture
def guard(guard_with: Callable[..., Guard]) -> Guard:
    return guard_with()


@pytest.fixture
def reviewer(guard: Guard) -> Reviewer:
    return enrolled(guard, "bob")


def enrolled(guard: Guard, name: str, *groups: str, person: str = "") -> Reviewer:
    token = guard.reviewers.add(name, groups, person=person).token
    found = guard.reviewers.by_token(token)
    assert found is not None
    return found


def call(tool: str = "risky_delete", principal: Principal = PRINCIPAL, **arguments: object) -> ToolCall:
    return ToolCall("files", tool, arguments or {"what": "cellar"}, principal)


def asked(guard: Guard, **arguments: object) -> Pending:
    pending = guard.begin(replace(call(), arguments=arguments or {"what": "cellar"}))
    assert isinstance(pending, Pending)
    return pending
