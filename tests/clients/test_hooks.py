"""`toolguard install claude-code --hooks`: settings that others wrote stay, and come back to the byte."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, run
from toolguard.clients.hooks import EVENTS, is_installed

__all__ = ["run"]

THEIRS = [
    "",
    "{}",
    '{"model": "opus"}\n',
    '{\n\t"hooks": {\n\t\t"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}]\n\t}}',
    '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}, "env": {"A": "b"}}',
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    return tmp_path / ".claude" / "settings.json"


def write(settings: Path, text: str) -> None:
    if text:
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(text, encoding="utf-8")


@pytest.mark.guarantee("install:undone-to-the-byte")
@pytest.mark.parametrize("text", THEIRS, ids=range(len(THEIRS)))
def test_hooks_are_put_in_and_taken_out_to_the_byte(text: str, settings: Path, run: Run) -> None:
    write(settings, text)

    assert run("install", "claude-code", "--hooks", "--json").json["hooks"]["changed"]
    assert is_installed(settings)
    assert not run("install", "claude-code", "--hooks", "--json").json["hooks"]["changed"]
    assert run("uninstall", "claude-code").status == 0

    assert (settings.read_text(encoding="utf-8") if settings.exists() else "") == text


def test_what_others_change_meanwhile_stays(settings: Path, run: Run) -> None:
    write(settings, THEIRS[3])
    run("install", "claude-code", "--hooks")
    changed: dict[str, Any] = json.loads(settings.read_text(encoding="utf-8"))
    changed["model"] = "opus"
    settings.write_text(json.dumps(changed), encoding="utf-8")

    run("uninstall", "claude-code")

    assert json.loads(settings.read_text(encoding="utf-8")) == {**json.loads(THEIRS[3]), "model": "opus"}


def test_the_installed_command_judges(settings: Path, home: Path, tmp_path: Path, run: Run) -> None:
    run("install", "claude-code", "--hooks")

    hooks = json.loads(settings.read_text(encoding="utf-8"))["hooks"]
    assert set(hooks) == set(EVENTS)
    (entry,) = hooks["PreToolUse"][0]["hooks"]
    within = int(shlex.split(entry["command"])[shlex.split(entry["command"]).index("--within") + 1])
    assert within + 30 < entry["timeout"]
    event = {"hook_event_name": "PreToolUse", "session_id": "s", "cwd": str(tmp_path)}
    denied = {**event, "tool_name": "Edit", "tool_input": {"file_path": str(settings), "old_string": "a"}}
    command = entry["command"].replace(str(home), str(_short(home, tmp_path)))
    for one, answer in ((denied, "deny"), ({**event, "hook_event_name": "SessionEnd"}, "")):
        ran = subprocess.run(command, shell=True, input=json.dumps(one), capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        assert answer in ran.stdout


def _short(home: Path, tmp_path: Path) -> Path:
    """Sockets have short names; folders of tests have long ones."""
    import tempfile

    link = Path(tempfile.mkdtemp(prefix="tg")) / "h"
    link.symlink_to(home)
    return link


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', '// no\n{"a": 1}'])
def test_settings_that_cannot_be_understood_are_left_alone(text: str, settings: Path, run: Run) -> None:
    write(settings, text)

    ran = run("install", "claude-code", "--hooks")

    assert ran.status == 2
    assert settings.read_text(encoding="utf-8") == text


def test_a_client_without_hooks_says_so(settings: Path, run: Run) -> None:
    assert run("install", "cursor", "--hooks").status == 2
