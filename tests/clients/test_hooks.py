"""`toolguard install claude-code --hooks`: settings that others wrote stay, and come back to the byte."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Run, run
from toolguard.clients import jsonc
from toolguard.clients.hooks import EVENTS, is_installed

__all__ = ["run"]

THEIRS = [
    "",
    "{}",
    '{"model": "opus"}\n',
    '{\n\t"hooks": {\n\t\t"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}]\n\t}}',
    '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}, "env": {"A": "b"}}',
    """// mine
{
    "model": "opus", // the large one
    "hooks": {
        "PreToolUse": [
            {"hooks": [{"type": "command", "command": "log"}]}, /* more to come */
        ],
    },
}
""",
    '\ufeff{\r\n  "hooks": {"PostToolUse": [{"hooks": [{"type": "command", "command": "fmt"}]},]}\r\n}',
]
OURS = {"type": "command", "command": "/opt/toolguard/bin/toolguard hook claude-code", "timeout": 60}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    return tmp_path / ".claude" / "settings.json"


def write(settings: Path, text: str) -> None:
    if text:
        settings.parent.mkdir(exist_ok=True)
        settings.write_bytes(text.encode())


@pytest.mark.guarantee("install:undone-to-the-byte")
@pytest.mark.parametrize("text", THEIRS, ids=range(len(THEIRS)))
def test_hooks_are_put_in_and_taken_out_to_the_byte(text: str, settings: Path, run: Run) -> None:
    write(settings, text)

    assert run("install", "claude-code", "--hooks", "--json").json["hooks"]["changed"]
    assert is_installed(settings)
    assert not run("install", "claude-code", "--hooks", "--json").json["hooks"]["changed"]
    assert run("uninstall", "claude-code").status == 0

    assert (settings.read_bytes().decode() if settings.exists() else "") == text


def test_what_others_change_meanwhile_stays(settings: Path, run: Run) -> None:
    write(settings, THEIRS[3])
    run("install", "claude-code", "--hooks")
    changed: dict[str, Any] = json.loads(settings.read_text(encoding="utf-8"))
    changed["model"] = "opus"
    settings.write_text(json.dumps(changed), encoding="utf-8")

    run("uninstall", "claude-code")

    assert json.loads(settings.read_text(encoding="utf-8")) == {**json.loads(THEIRS[3]), "model": "opus"}


@pytest.mark.parametrize("text", THEIRS[2:], ids=range(2, len(THEIRS)))
def test_what_others_wrote_keeps_its_words_when_hooks_come_and_when_they_go(
    text: str, settings: Path, home: Path, run: Run
) -> None:
    write(settings, text)
    run("install", "claude-code", "--hooks")
    installed = settings.read_bytes().decode()
    shutil.rmtree(home / "backups")  # what was there before is not remembered

    run("uninstall", "claude-code")

    assert settings.read_bytes().decode() == text
    assert "// the large one" in installed or "//" not in text


def test_an_older_entry_of_ours_beside_others_is_replaced_alone(settings: Path, run: Run) -> None:
    theirs = {"type": "command", "command": "log"}
    before = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [OURS, theirs, OURS]}, {"hooks": [OURS]}]}}
    write(settings, json.dumps(before))

    run("install", "claude-code", "--hooks")
    groups = json.loads(settings.read_text(encoding="utf-8"))["hooks"]["PreToolUse"]
    run("uninstall", "claude-code")

    assert groups[0] == {"matcher": "Bash", "hooks": [theirs]}
    assert [group["matcher"] for group in groups] == ["Bash", "*"]


def test_a_dry_run_shows_what_would_be_written_and_writes_nothing(settings: Path, home: Path, run: Run) -> None:
    write(settings, THEIRS[3])

    shown = run("install", "claude-code", "--hooks", "--dry-run").out
    as_json = run("install", "claude-code", "--hooks", "--dry-run", "--json").json["hooks"]["diff"]

    assert settings.read_text(encoding="utf-8") == THEIRS[3]
    for diff in (shown, as_json):
        assert f"+++ {settings} (after)" in diff
        assert [line for line in diff.splitlines() if line[0] == "+" and '"PostToolUse": [' in line]
    assert not home.exists()
    run("install", "claude-code", "--hooks")
    undone = run("uninstall", "claude-code", "--dry-run").out
    assert [line for line in undone.splitlines() if line[0] == "-" and '"PostToolUse": [' in line]
    assert is_installed(settings)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.sampled_from([None, 1, 2, 4, "\t"]), JSON)
def test_what_is_appended_and_removed_again_leaves_the_text_as_it_was(
    held: dict[str, Any], indent: int | str | None, added: Any
) -> None:
    held = {**held, "list": [1, {"a": []}]}
    text = json.dumps(held, indent=indent)

    for path, at in ((("list",), 2), (("new", "deep"), 0)):
        more = jsonc.append(text, "f", path, added)
        found = json.loads(more)
        for step in (*path, at):
            found = found[step]
        assert found == added
        taken = jsonc.remove(more, "f", (*path, at) if path == ("list",) else ("new",))
        assert taken == text


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


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', '{"a": 1, "a": 2}', '{"hooks": {"Stop": [],, }}'],
)
def test_settings_that_cannot_be_understood_are_left_alone(text: str, settings: Path, run: Run) -> None:
    write(settings, text)

    ran = run("install", "claude-code", "--hooks")

    assert ran.status == 2
    assert settings.read_text(encoding="utf-8") == text


def test_a_client_without_hooks_says_so(settings: Path, run: Run) -> None:
    assert run("install", "cursor", "--hooks").status == 2


@pytest.fixture
def installed(settings: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Path]:
    """Hooks with a home whose name is short enough for a socket."""
    home = Path(tempfile.mkdtemp(prefix="tg"))
    monkeypatch.setenv("TOOLGUARD_HOME", str(home))
    run("install", "claude-code", "--hooks")
    yield settings
    shutil.rmtree(home, ignore_errors=True)  # a keeper may be closing its database just now


def hooks_check(run: Run) -> list[tuple[str, str]]:
    checks = run("doctor", "claude-code", "--json").json["checks"]
    return [(check["state"], check["what"]) for check in checks if check["name"] == "claude-code/hooks"]


def test_doctor_runs_the_hooks_as_the_client_does(installed: Path, run: Run) -> None:
    assert hooks_check(run) == [("ok", "Claude Code's own tools are judged")]


def test_doctor_says_that_hooks_are_not_installed_where_there_is_a_client(settings: Path, run: Run) -> None:
    assert hooks_check(run) == []
    write(settings, "{}")
    ((state, what),) = hooks_check(run)

    assert state == "note"
    assert "not installed" in what


SPOILED = {
    "switched off": (("{", '{"disableAllHooks": true,'), "disableAllHooks"),
    "one event led past": (('"PreToolUse"', '"NoToolUse"'), "lead past toolguard: PreToolUse"),
    "moved away": (("/hooks/send.py", "-1/toolguard/hooks/send.py"), "is gone"),
    "another home": (("--home /", "--home /proc/"), "cannot be used"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_doctor_finds_hooks_that_do_not_judge(installed: Path, run: Run, spoiled: str) -> None:
    (old, new), what = SPOILED[spoiled]
    text = installed.read_text(encoding="utf-8")
    assert old in text
    installed.write_text(text.replace(old, new, 1 if old == "{" else -1), encoding="utf-8")

    found = [(state, said) for state, said in hooks_check(run) if state == "problem"]

    assert [said for _, said in found if what in said]
