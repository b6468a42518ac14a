"""Guards whose rules go by the tool's name, and the relay in memory around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.rig import Rig
from toolguard.config import Config, load
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
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


# What tests with real processes use.

POLICY = """
policy:
  preset: balanced
  rules:
    - {name: safe, match: {tool: "safe*"}, effect: allow}
    - {name: risky, match: {tool: "risky*"}, effect: ask}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "toolguard.yaml").write_text(POLICY, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "server"


@pytest.fixture
def office(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """The reviewers' side: another process on the same database."""
    monkeypatch.setenv("TOOLGUARD_HOME", str(home))
    with Guard.open(load()) as opened:
        yield opened
