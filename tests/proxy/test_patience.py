"""How long a call is held: by what rules say, what is configured, and what is known of its client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxy.rig import MODERN, Rig
from toolguard.config import ApprovalSettings, Config, load
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import Guard
from toolguard.guard.patience import seconds

DEFAULT = ApprovalSettings()
CHOSEN = replace(DEFAULT, hold=40, is_hold_set=True)
BY_CLIENT = replace(CHOSEN, hold_by_client=(("cursor*", 90.0), ("cursor-vscode", 95.0), ("claude-code", 0.0)))


@pytest.mark.parametrize(
    ("settings", "rules", "client", "silent", "with_progress"),
    [
        (DEFAULT, None, "", 50, 50),
        (DEFAULT, None, "somebody", 50, 50),
        (DEFAULT, None, "claude-ai", 50, 50),
        (DEFAULT, None, "Claude-Code", 50, 50),
        (DEFAULT, None, "not-claude-code", 50, 50),
        (DEFAULT, None, "claude-code", 210, 210),
        (DEFAULT, None, "codex-mcp-client", 210, 210),
        (DEFAULT, None, "cursor-vscode", 210, 210),
        (DEFAULT, None, "Visual Studio Code - Insiders", 210, 210),
        (DEFAULT, None, "github-copilot-developer", 150, 150),
        (DEFAULT, None, "opencode", 50, 210),
        (DEFAULT, None, "JetBrains-IU-copilot-intellij", 28, 28),
        (CHOSEN, None, "claude-code", 40, 40),
        (CHOSEN, None, "somebody", 40, 40),
        (BY_CLIENT, None, "cursor-vscode", 90, 90),
        (BY_CLIENT, None, "claude-code", 0, 0),
        (BY_CLIENT, None, "JetBrains-IU", 40, 40),
        (BY_CLIENT, 7.0, "cursor-vscode", 7, 7),
        (DEFAULT, 0.0, "claude-code", 0, 0),
    ],
)
def test_the_nearest_word_counts(
    settings: ApprovalSettings, rules: float | None, client: str, silent: float, with_progress: float
) -> None:
    assert seconds(settings, rules, client, progress=False) == silent
    assert seconds(settings, rules, client, progress=True) == with_progress


@pytest.mark.parametrize("is_modern", [False, True])
def test_a_client_known_to_wait_is_held_longer_in_both_protocols(new: Rig, is_modern: bool) -> None:
    who = {"name": "claude-code", "version": "2"}
    if not is_modern:
        new.client({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"clientInfo": who}})
        new.answer(0, protocolVersion="2025-11-25", capabilities={}, serverInfo={"name": "s"})
    new.listed()
    meta = {**MODERN, "io.modelcontextprotocol/clientInfo": who} if is_modern else None

    new.call("risky_delete", id=1, meta=meta)
    new.wait(209)
    assert new.to_client == []
    new.wait(2)

    assert "PENDING APPROVAL" in new.refusal


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Rig]:
    rule = Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(hold=3.0))
    with Guard(Config(home=tmp_path / "home", policy=Policy(Preset.BALANCED, (rule,)))) as guard:
        yield Rig(guard).listed()


def test_a_rule_can_hold_its_calls_for_less(impatient: Rig) -> None:
    impatient.call("risky_delete")
    impatient.wait(3.1)

    assert "PENDING APPROVAL" in impatient.refusal


def test_the_file_sets_times_by_client(tmp_path: Path) -> None:
    file = tmp_path / "toolguard.yaml"
    file.write_text('approvals: {hold_by_client: {"cursor*": 2m, codex-mcp-client: 10s}}\n', encoding="utf-8")

    approvals = load(file).approvals

    assert approvals.hold_by_client == (("codex-mcp-client", 10.0), ("cursor*", 120.0))
    assert not approvals.is_hold_set
