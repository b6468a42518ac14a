"""A guard that asks about tools by their names, and a person who answers."""

from __future__ import annotations

import asyncio
import inspect
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


def pytest_configure(config: pytest.Config) -> None:
    """LangChain's own tests import marks of plugins that this suite does not load."""
    for name in ("benchmark", "vcr"):
        config.addinivalue_line("markers", f"{name}: of a plugin of langchain-tests; nothing here carries it")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs the coroutines among LangChain's own tests, without a plugin that changes every other test."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


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
