"""The examples run and say what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "langchain_agent.py": ["paused: Pay 40 to Ann", "answer: sent 40 EUR to Ann", "agent: Ann has her money."],
    "langgraph_durable.py": ["paused: Delete /srv/archive", "answer: deleted /srv/archive"],
    "langchain_mcp_tools.py": ["find_record: record 7: old", "PENDING APPROVAL", "annotation.destructive"],
}


@pytest.mark.parametrize(("name", "said"), EXAMPLES.items(), ids=EXAMPLES)
def test_an_example_runs(name: str, said: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, f"examples/{name}"], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=120
    )

    assert ran.returncode == 0, ran.stderr
    for text in said:
        assert text in ran.stdout


def test_every_example_of_this_kind_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("lang*.py")} == set(EXAMPLES)
