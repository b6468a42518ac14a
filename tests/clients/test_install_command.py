"""`toolguard install` and `uninstall` as a person uses them: real files in a home of their own."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import toolguard
from toolguard.clients.where import NAMES, client, usual_file
from toolguard.guard import Guard

FILES = Path(__file__).parent / "files"


def configured(name: str, person: Path) -> Path:
    """The client's usual file, with real content."""
    path = usual_file(client(name), {"HOME": str(person)}, sys.platform)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(next(FILES.glob(f"{name}.*")).read_bytes())
    return path


@pytest.mark.guarantee("install:undone-to-the-byte")
@pytest.mark.parametrize("name", NAMES)
def test_install_and_uninstall_find_the_file_of_each_client_and_leave_it_as_it_was(name: str, person: Path) -> None:
    path = configured(name, person)
    before = path.read_bytes()

    assert toolguard("install", name) == 0
    assert b"toolguard" in path.read_bytes()
    assert toolguard("uninstall", name) == 0

    assert path.read_bytes() == before


def test_a_dry_run_shows_the_diff_without_secrets_and_touches_nothing(
    person: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured("claude-desktop", person)
    before = path.read_bytes()

    assert toolguard("install", "claude-desktop", "--dry-run") == 0

    shown = capsys.readouterr().out
    assert path.read_bytes() == before
    assert not home.exists()
    assert '+      "command": "' in shown
    assert '-      "command": "npx",' in shown
    assert "wk-4f9c2a" not in shown


def test_the_first_install_enrols_the_person_once(person: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured("cursor", person)

    toolguard("install", "cursor", "--json")
    first = json.loads(capsys.readouterr().out)["reviewer"]
    toolguard("install", "cursor", "--json")
    second = json.loads(capsys.readouterr().out)["reviewer"]

    assert second is None
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with Guard.open() as guard:
        (reviewer,) = guard.reviewers.list()
        assert reviewer.name == first["name"]
        code = first["link"].rpartition("=")[2]
        assert guard.reviewers.redeem(code) is not None
        assert guard.reviewers.redeem(code) is None


def test_the_proxy_is_told_its_home_since_clients_drop_the_environment_and_servers_set_their_own(
    person: Path, home: Path
) -> None:
    path = configured("cursor", person)

    toolguard("install", "cursor")

    arguments = json.loads(path.read_text(encoding="utf-8"))["mcpServers"]["browser"]["args"]
    assert arguments[arguments.index("--home") + 1] == str(home)
    assert arguments[arguments.index("--") + 1 :] == ["npx", "-y", "@playwright/mcp@latest"]


def test_a_backup_holds_what_was_there_before(person: Path, home: Path) -> None:
    before = configured("codex", person).read_bytes()

    toolguard("install", "codex")

    (backup,) = (home / "backups").iterdir()
    assert backup.read_bytes() == before


def test_a_second_install_writes_nothing(person: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured("vscode", person)
    toolguard("install", "vscode")
    once = path.stat()
    capsys.readouterr()

    assert toolguard("install", "vscode", "--json") == 0

    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert not file["changed"]
    assert path.stat().st_mtime_ns == once.st_mtime_ns
    assert len(list((home / "backups").iterdir())) == 1


def test_servers_reached_by_url_are_reported_as_not_covered(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured("cursor", person)

    toolguard("install", "cursor", "--json")

    (file,) = json.loads(capsys.readouterr().out)["files"]
    results = {server["name"]: (server["result"], server["behind"]) for server in file["servers"]}
    assert results == {"browser": ("wrapped", True), "search": ("remote", False), "shell": ("wrapped", True)}


def test_a_server_of_a_toolguard_of_another_user_is_left_alone(
    person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured("cursor", person)
    entries = {
        "apart": {"command": "/opt/toolguard/bin/toolguard", "args": ["connect", "files"]},
        "module": {"command": "/usr/bin/python3", "args": ["-I", "-m", "toolguard", "connect", "files"]},
        "other": {"command": "mycli", "args": ["connect", "files"]},
    }
    path.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")

    toolguard("install", "cursor", "--json")

    (file,) = json.loads(capsys.readouterr().out)["files"]
    results = {server["name"]: (server["result"], server["behind"]) for server in file["servers"]}
    assert results == {"apart": ("apart", True), "module": ("apart", True), "other": ("wrapped", True)}


def test_a_broken_file_is_refused_with_its_place_and_nothing_is_changed(
    person: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured("cursor", person)
    path.write_text('{"mcpServers": {\n"a": {"command": "x",,}}}', encoding="utf-8")

    assert toolguard("install", "cursor") == 2

    assert f"{path}:2:" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == '{"mcpServers": {\n"a": {"command": "x",,}}}'
    assert not home.exists()


def test_one_broken_file_of_several_leaves_the_others_alone_too(person: Path) -> None:
    path = configured("vscode", person)
    before = path.read_bytes()
    profile = path.parent / "profiles/1a/mcp.json"
    profile.parent.mkdir(parents=True)
    profile.write_text("{", encoding="utf-8")

    assert toolguard("install", "vscode") == 2

    assert path.read_bytes() == before


def test_every_profile_is_covered(person: Path) -> None:
    path = configured("vscode", person)
    profile = path.parent / "profiles/1a/mcp.json"
    profile.parent.mkdir(parents=True)
    profile.write_text('{"servers": {"a": {"command": "x"}}}', encoding="utf-8")

    toolguard("install", "vscode")

    assert "toolguard" in profile.read_text(encoding="utf-8")


def test_a_projects_own_file_is_edited_only_when_asked_for(person: Path) -> None:
    configured("claude-code", person)
    project = person / "shop"
    project.mkdir()
    (project / ".mcp.json").write_text('{"mcpServers": {"a": {"command": "x"}}}', encoding="utf-8")

    toolguard("install", "claude-code")
    untouched = (project / ".mcp.json").read_text(encoding="utf-8")
    toolguard("install", "claude-code", "--project", project)

    assert "toolguard" not in untouched
    assert "toolguard" in (project / ".mcp.json").read_text(encoding="utf-8")


REFUSED: list[tuple[str, list[str], str]] = [
    ("a client without a file", ["install", "cursor"], "no MCP servers configured yet"),
    ("an unknown client", ["install", "emacs"], "claude-desktop"),
    ("no client", ["install"], "CLIENT"),
    ("a file that is not there", ["install", "cursor", "--config-file", "none.json"], "cannot be read"),
    ("a client without projects", ["install", "claude-desktop", "--project", "."], "no files of projects"),
    ("two files", ["install", "cursor", "--config-file", "a.json", "--project", "."], "give one"),
    ("a configuration that is not there", ["install", "cursor", "--config", "none.yaml"], "no such file"),
]


@pytest.mark.parametrize(("words", "what"), [pytest.param(words, what, id=name) for name, words, what in REFUSED])
def test_bad_input_is_refused_in_one_line(
    words: list[str], what: str, person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toolguard(*words) == 2

    said = capsys.readouterr().err
    assert what in said
    assert "Traceback" not in said


def test_uninstall_without_anything_installed_says_so(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert toolguard("uninstall", "cursor") == 0

    assert "Nothing to undo" in capsys.readouterr().out


def test_uninstall_needs_no_sound_configuration_of_toolguard(person: Path, home: Path) -> None:
    path = configured("cursor", person)
    before = path.read_bytes()
    toolguard("install", "cursor")
    (home / "toolguard.yaml").write_text("nonsense: [", encoding="utf-8")

    assert toolguard("uninstall", "cursor") == 0

    assert path.read_bytes() == before


def test_without_a_usable_home_no_client_is_touched(
    person: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured("cursor", person)
    home.write_text("a file in the way", encoding="utf-8")

    assert toolguard("install", "cursor") == 1

    assert path.read_bytes() == (FILES / "cursor.json").read_bytes()
    assert "TOOLGUARD_HOME" in capsys.readouterr().err


def test_uninstall_keeps_what_was_added_since_and_never_copies_the_backup_over_it(person: Path) -> None:
    path = configured("cursor", person)
    toolguard("install", "cursor")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    document["mcpServers"]["new"] = {"command": "new-mcp"}
    path.write_text(json.dumps(document), encoding="utf-8")

    toolguard("uninstall", "cursor")

    after = json.loads(path.read_text(encoding="utf-8"))
    expected = json.loads((FILES / "cursor.json").read_text(encoding="utf-8"))
    expected["mcpServers"]["new"] = {"command": "new-mcp"}
    assert after == expected


def test_names_cannot_steer_the_terminal(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured("cursor", person)
    path.write_text(json.dumps({"mcpServers": {"\x1b[2Jevil": {"command": "x"}}}), encoding="utf-8")

    toolguard("install", "cursor")

    assert "\x1b" not in capsys.readouterr().out
