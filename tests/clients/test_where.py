"""Each client's files on each platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolguard.clients.where import CLIENTS, client, user_files, usual_file
from toolguard.config import CLIENT_FILES, PROJECT_FILES

HOME = {"HOME": "/home/ana"}
WINDOWS = {"USERPROFILE": "C:/Users/Ana", "APPDATA": "C:/Users/Ana/AppData/Roaming"}
USUAL = [
    ("claude-desktop", "linux", HOME, "/home/ana/.config/Claude/claude_desktop_config.json"),
    ("claude-desktop", "linux", {**HOME, "XDG_CONFIG_HOME": "/x"}, "/x/Claude/claude_desktop_config.json"),
    (
        "claude-desktop",
        "darwin",
        HOME,
        "/home/ana/Library/Application Support/Claude/claude_desktop_config.json",
    ),
    ("claude-desktop", "win32", WINDOWS, "C:/Users/Ana/AppData/Roaming/Claude/claude_desktop_config.json"),
    ("claude-code", "linux", HOME, "/home/ana/.claude.json"),
    ("claude-code", "darwin", {**HOME, "CLAUDE_CONFIG_DIR": "/home/ana/settings"}, "/home/ana/settings/.claude.json"),
    ("claude-code", "win32", WINDOWS, "C:/Users/Ana/.claude.json"),
    ("cursor", "linux", HOME, "/home/ana/.cursor/mcp.json"),
    ("cursor", "win32", WINDOWS, "C:/Users/Ana/.cursor/mcp.json"),
    ("vscode", "linux", HOME, "/home/ana/.config/Code/User/mcp.json"),
    ("vscode", "darwin", HOME, "/home/ana/Library/Application Support/Code/User/mcp.json"),
    ("vscode", "win32", WINDOWS, "C:/Users/Ana/AppData/Roaming/Code/User/mcp.json"),
    ("codex", "linux", HOME, "/home/ana/.codex/config.toml"),
    ("codex", "darwin", {**HOME, "CODEX_HOME": "/c"}, "/c/config.toml"),
    ("codex", "win32", WINDOWS, "C:/Users/Ana/.codex/config.toml"),
]


@pytest.mark.parametrize(("name", "platform", "environ", "path"), USUAL)
def test_the_usual_file(name: str, platform: str, environ: dict[str, str], path: str) -> None:
    assert usual_file(client(name), environ, platform).as_posix() == path


EXISTING = [
    ("vscode", "linux", [".config/Code/User/mcp.json", ".config/Code/User/profiles/5552b383/mcp.json"]),
    ("vscode", "linux", [".config/Code - Insiders/User/mcp.json", ".vscode-server/data/User/mcp.json"]),
    (
        "claude-desktop",
        "win32",
        ["AppData/Local/Packages/Claude_x1/LocalCache/Roaming/Claude/claude_desktop_config.json"],
    ),
    ("claude-code", "linux", [".claude.json", ".claude/.claude.json"]),
    ("codex", "linux", []),
]


@pytest.mark.parametrize(("name", "platform", "existing"), EXISTING)
def test_every_file_that_exists_is_found(name: str, platform: str, existing: list[str], tmp_path: Path) -> None:
    for one in existing:
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).write_text("{}", encoding="utf-8")

    found = user_files(client(name), {"HOME": str(tmp_path)}, platform)

    assert [path.relative_to(tmp_path).as_posix() for path in found] == existing


def test_a_file_reached_by_two_names_is_edited_once(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude.json").write_text("{}", encoding="utf-8")
    (tmp_path / ".claude/.claude.json").symlink_to(tmp_path / ".claude.json")

    assert user_files(client("claude-code"), {"HOME": str(tmp_path)}, "linux") == (tmp_path / ".claude.json",)


def test_every_file_of_a_client_is_out_of_bounds_for_the_agent() -> None:
    files = {template for one in CLIENTS for platform in ("linux", "darwin") for template in one.files[platform]}
    folders = tuple(f"{template}/" for template in CLIENT_FILES)

    assert {file for file in files if file not in CLIENT_FILES and not file.startswith(folders)} == set()
    assert {one.project_file for one in CLIENTS if one.project_file} <= set(PROJECT_FILES)


def test_every_client_knows_every_platform() -> None:
    assert {frozenset(one.files) for one in CLIENTS} == {frozenset({"linux", "darwin", "win32"})}
