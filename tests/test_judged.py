"""Breadth: calls of many kinds and domains, and whether a person is asked about them under the default policy.

tests/cases says which finding is whose; here only the outcome counts, so that a rule may move without touching these.
Each file of tests/judged is a language (`function` for tools without one), with calls that ask and calls that pass;
`prompt` is the person's request, `told` what the tool's description says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from toolguard.core import yaml
from toolguard.core.model import Effect, Principal, ToolCall, ToolDefinition
from toolguard.core.policy.policy import Policy
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session
from toolguard.guard.judging import judge

FOLDER: Final = Path(__file__).parent / "judged"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
AROUND: Final = Surroundings(roots=("/home/ana/project",), cwd="/home/ana/project", home="/home/ana")
TOOLS: Final = {
    "shell": ("bash", "command"),
    "powershell": ("powershell", "command"),
    "cmd": ("cmd", "command"),
    "python": ("execute_python", "code"),
    "javascript": ("run_javascript", "code"),
    "sql": ("execute_sql", "query"),
}


LANGUAGES: Final = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def cases(language: str, kind: str) -> list[Any]:
    path = FOLDER / f"{language}.yaml"
    value = yaml.parse(path.read_text(encoding="utf-8"), str(path)).value
    return list(value[kind])


def asks(language: str, case: str | dict[str, Any]) -> bool:
    session = Session()
    if isinstance(case, str):
        tool, argument = TOOLS[language]
        call = ToolCall("tools", tool, {argument: case}, Principal("agent", "ana", "session"))
    else:
        session.asked(case.get("prompt", ""))
        told = ToolDefinition(case["tool"], case["told"]) if "told" in case else None
        call = ToolCall("tools", case["tool"], case["arguments"], Principal("agent", "ana", "session"), told)
    return judge(call, session.facts(call, AROUND), Policy(), NOW).effect is not Effect.ALLOW


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_destroys_escalates_or_leaks_is_asked_about(language: str) -> None:
    assert [case for case in cases(language, "asked") if not asks(language, case)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_daily_work_passes(language: str) -> None:
    assert [case for case in cases(language, "passes") if asks(language, case)] == []
