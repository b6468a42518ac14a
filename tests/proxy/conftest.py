"""Guards whose rules go by the tool's name, and the relay in memory around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.rig import Rig
from toolguard.config import Config
from toolguard.core.matching import Match
from toolguard.core.model import Effect
from toolguard.core.policy import Policy, Preset, Rule
from toolguard.guard import Guard, Reviewer

RULES = (
    Rule("safe", Effect.ALLOW, Match(tool=("safe*",))),
    Rule("risky", Effect.ASK, Match(tool=("risky*",))),
    Rule("never", Effect.DENY, Match(tool=("never*",))),
)


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    config = Config(home=tmp_path / "home", agent="claude", policy=Policy(Preset.BALANCED, RULES))
    with Guard(config) as opened:
        yield opened


@pytest.fixture
def reviewer(guard: Guard) -> Reviewer:
    found = guard.reviewers.by_token(guard.reviewers.add("bob").token)
    assert found is not None
    return found


@pytest.fixture
def rig(guard: Guard) -> Rig:
    return Rig(guard).listed()


@pytest.fixture
def new(guard: Guard) -> Rig:
    """Before the client listed the tools."""
    return Rig(guard)
