"""Real processes, killed at the worst moment: nothing runs a second time and nothing runs unasked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FORMS = ("both", "graph")


def step(folder: Path, form: str, name: str, dies: str = "") -> Any:
    """One process of a run; what it said, or None when it was killed."""
    program = [sys.executable, "-m", "tests.langchain.processes", str(folder), form, name, *([dies] if dies else [])]
    ran = subprocess.run(program, capture_output=True, encoding="utf-8", cwd=ROOT, timeout=120)
    if dies:
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        return None
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if ran.stdout else None


def ran(folder: Path) -> list[str]:
    file = folder / "ran"
    return sorted(file.read_text(encoding="utf-8").splitlines()) if file.exists() else []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.guarantee("execution:once")
def test_a_run_goes_on_in_another_process_and_each_call_runs_once(tmp_path: Path, form: str) -> None:
    paused = step(tmp_path, form, "start")
    assert paused["pauses"]
    assert [line for line in ran(tmp_path) if line.startswith("paid")] == []
    step(tmp_path, form, "approve")
    ended = step(tmp_path, form, "resume")

    assert not ended["pauses"]
    assert ran(tmp_path) == ["looked at door", "paid ann", "paid bea"]
    assert len(ended["answers"]) == 3


@pytest.mark.parametrize("form", [f"{form} one" for form in FORMS])
@pytest.mark.guarantee("execution:no-second-after-a-crash")
def test_a_call_killed_between_dispatch_and_end_is_never_run_again(tmp_path: Path, form: str) -> None:
    step(tmp_path, form, "start")
    step(tmp_path, form, "approve")
    step(tmp_path, form, "resume", dies="paid ann")
    assert ran(tmp_path) == ["paid ann"]
    again = step(tmp_path, form, "resume")

    assert ran(tmp_path) == ["paid ann"]
    ((_, status, text),) = again["answers"]
    assert status == "error"
    assert "may have happened" in text


@pytest.mark.parametrize("form", FORMS)
def test_a_kill_among_several_calls_repeats_no_call_that_people_approved(tmp_path: Path, form: str) -> None:
    step(tmp_path, form, "start")
    step(tmp_path, form, "approve")
    step(tmp_path, form, "resume", dies="paid bea")
    again = step(tmp_path, form, "resume")
    while again["pauses"]:
        # Calls run side by side: the other payment had its permission, and had not begun when the process died.
        step(tmp_path, form, "approve")
        again = step(tmp_path, form, "resume")

    paid = [line for line in ran(tmp_path) if line.startswith("paid")]
    assert len(paid) == len(set(paid))
    assert "paid bea" in paid
    texts = {call: text for call, _, text in again["answers"]}
    assert "may have happened" in texts["c3"]


@pytest.mark.parametrize("form", ["wrapped free", "graph free"])
def test_a_deletion_that_nobody_was_asked_about_is_not_repeated_after_a_kill(tmp_path: Path, form: str) -> None:
    step(tmp_path, form, "start", dies="deleted 7")
    again = step(tmp_path, form, "resume")

    assert ran(tmp_path) == ["deleted 7"]
    assert "may have happened" in again["answers"][0][2]
