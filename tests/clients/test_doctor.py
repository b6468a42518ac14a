"""`toolguard doctor` with real servers behind the real proxy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import toolguard
from toolguard.clients.where import CLIENTS, Client, usual_file

TIME = {"command": sys.executable, "args": ["-m", "mcp_server_time"]}


def configure(client: Client, person: Path, servers: dict[str, Any]) -> Path:
    path = usual_file(client, {"HOME": str(person)}, sys.platform)
    path.parent.mkdir(parents=True, exist_ok=True)
    if client.name == "codex":
        lines = [
            f"[mcp_servers.{n}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in s.items())
            for n, s in servers.items()
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path.write_text(json.dumps({client.containers[0][0]: servers}), encoding="utf-8")
    return path


def cursor(person: Path, servers: dict[str, Any]) -> Path:
    return configure(next(one for one in CLIENTS if one.name == "cursor"), person, servers)


def examined(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    capsys.readouterr()
    status = toolguard("doctor", *words, "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is (status == 0)
    worst_last = sorted(document["checks"], key=lambda check: ["note", "ok", "problem"].index(check["state"]))
    return status, {check["name"]: check for check in worst_last}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_an_installed_server_is_proved_to_be_behind_the_proxy(
    client: Client, person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(client, person, {"time": TIME})
    toolguard("install", client.name)

    status, checks = examined(capsys)

    assert status == 0
    assert checks[f"{client.name}/time"]["state"] == "ok"
    assert "2 tools" in checks[f"{client.name}/time"]["what"]


def test_a_server_that_is_not_behind_the_proxy_is_a_problem_and_is_not_started(
    person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"time": TIME})
    toolguard("install", "cursor")
    cursor(person, {"bare": {"command": "touch", "args": [str(person / "started")]}})

    status, checks = examined(capsys)

    assert status == 1
    assert checks["cursor/bare"]["state"] == "problem"
    assert checks["cursor/bare"]["next"] == "toolguard install cursor"
    assert not (person / "started").exists()


def test_a_server_that_does_not_start_is_a_problem_that_says_why(
    person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"gone": {"command": "/no/such/server"}})
    toolguard("install", "cursor")

    status, checks = examined(capsys, "cursor")

    assert status == 1
    assert "/no/such/server" in checks["cursor/gone"]["what"]


def test_a_toolguard_that_was_moved_away_is_a_problem(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cursor(person, {"time": TIME})
    toolguard("install", "cursor")
    path.write_text(path.read_text(encoding="utf-8").replace(sys.executable, "/gone/python", 1), encoding="utf-8")

    status, checks = examined(capsys, "cursor")

    assert status == 1
    assert checks["cursor/time"]["state"] == "problem"


def test_a_program_that_only_looks_like_the_proxy_is_found_out(
    person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"time": TIME})
    toolguard("install", "cursor")
    fake = tmp_path / "toolguard"
    fake.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcp_server_time\n', encoding="utf-8")
    fake.chmod(0o755)
    cursor(person, {"time2": {"command": str(fake), "args": ["proxy", "--name", "time2", "--", "x"]}})

    status, checks = examined(capsys, "cursor")

    assert status == 1
    assert "on record" in checks["cursor/time2"]["what"]


def test_a_server_of_a_project_is_reported_and_never_started(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cursor(person, {"time": TIME})
    toolguard("install", "cursor")
    impostor = person / "python"
    impostor.write_text(f"#!/bin/sh\ntouch '{person}/started'\n", encoding="utf-8")
    impostor.chmod(0o755)
    evil = {"command": str(impostor), "args": ["-m", "toolguard", "proxy", "--", "x"]}
    hostile = {"bare": {"command": "touch", "args": [str(person / "started")]}, "dressed-up": evil}
    (person / ".mcp.json").write_text(json.dumps({"mcpServers": hostile}), encoding="utf-8")

    status, checks = examined(capsys)

    assert status == 1
    assert checks["claude-code/bare"]["next"] == f"toolguard install claude-code --project {person}"
    assert checks["claude-code/dressed-up"]["state"] == "note"
    assert not (person / "started").exists()


def test_projects_that_the_client_remembers_are_looked_at(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = person / "shop"
    shop.mkdir()
    (shop / ".mcp.json").write_text(json.dumps({"mcpServers": {"shop-db": {"command": "x"}}}), encoding="utf-8")
    document = {"mcpServers": {"time": TIME}, "projects": {str(shop): {}, "/no/such/folder": {}}}
    (person / ".claude.json").write_text(json.dumps(document), encoding="utf-8")
    toolguard("install", "claude-code")

    _, checks = examined(capsys)

    assert checks["claude-code/time"]["state"] == "ok"
    assert checks["claude-code/shop-db"]["state"] == "problem"


LEFT = [
    ("a URL", {"url": "https://tools.example/mcp"}, "note"),
    ("neither", {"note": "later"}, "problem"),
    ("a placeholder", {"command": "x", "args": ["${workspaceFolder}"]}, "ok"),
    ("a placeholder in its environment", {"command": "x", "env": {"K": "${input:key}"}}, "ok"),
    ("switched off", {"command": "/no/such/server", "disabled": True}, "ok"),
]


@pytest.mark.parametrize(("server", "state"), [pytest.param(server, state, id=name) for name, server, state in LEFT])
def test_servers_that_cannot_be_started_from_here(
    server: dict[str, Any], state: str, person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"a": server})
    toolguard("install", "cursor")

    _, checks = examined(capsys, "cursor")

    assert checks["cursor/a"]["state"] == state


def test_a_broken_client_file_is_a_problem_with_its_place(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cursor(person, {})
    path.write_text("{\n", encoding="utf-8")

    status, checks = examined(capsys, "cursor")

    assert status == 1
    assert f"{path}:2:" in checks["cursor"]["what"]


def test_a_broken_configuration_is_a_problem_and_the_rest_is_examined(
    person: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"time": TIME})
    toolguard("install", "cursor")
    (home / "toolguard.yaml").write_text("durabilty: full\n", encoding="utf-8")

    status, checks = examined(capsys)

    assert status == 1
    assert "durabilty" in checks["configuration"]["what"]
    assert checks["reviewers"]["state"] == "ok"


def test_holding_calls_longer_than_the_client_waits_is_a_problem(
    person: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desktop = next(one for one in CLIENTS if one.name == "claude-desktop")
    configure(desktop, person, {"time": TIME})
    toolguard("install", "claude-desktop")
    (home / "toolguard.yaml").write_text("approvals: {hold: 120s}\n", encoding="utf-8")

    toolguard("doctor", "claude-desktop")

    assert "gives up after 60 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "entry", "approvals", "is_problem"),
    [
        ("claude-desktop", TIME, "{}", False),
        ("cursor", TIME, "{}", False),
        ("codex", TIME, "{}", False),
        ("codex", {**TIME, "tool_timeout_sec": 120}, "{}", True),
        ("codex", {**TIME, "tool_timeout_sec": 120}, "{hold_by_client: {codex-mcp-client: 90s}}", False),
        ("cursor", TIME, '{hold_by_client: {"cursor*": 10m}}', True),
    ],
)
def test_what_counts_is_how_long_calls_of_this_client_are_held(
    name: str,
    entry: dict[str, Any],
    approvals: str,
    is_problem: bool,
    person: Path,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(next(one for one in CLIENTS if one.name == name), person, {"time": entry})
    toolguard("install", name)
    (home / "toolguard.yaml").write_text(f"approvals: {approvals}\n", encoding="utf-8")

    toolguard("doctor", name)

    assert ("gives up after" in capsys.readouterr().out) == is_problem


def test_a_server_with_an_environment_of_its_own_is_still_guarded_by_this_home(
    person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = str(person / "elsewhere")
    hostile = {"TOOLGUARD_HOME": elsewhere, "HOME": elsewhere, "XDG_DATA_HOME": elsewhere, "PYTHONPATH": elsewhere}
    impostor = person / "elsewhere/toolguard"
    impostor.mkdir(parents=True)
    (impostor / "__init__.py").write_text("raise SystemExit('the impostor ran')", encoding="utf-8")
    cursor(person, {"time": {**TIME, "env": hostile}})
    toolguard("install", "cursor")

    status, checks = examined(capsys, "cursor")

    assert (status, checks["cursor/time"]["state"]) == (0, "ok")


def test_two_servers_of_one_name_are_told_apart_for_the_person(
    person: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor(person, {"time": TIME})
    vscode = next(one for one in CLIENTS if one.name == "vscode")
    configure(vscode, person, {"time": {**TIME, "args": ["-m", "mcp_server_time", "--local-timezone=Asia/Tokyo"]}})
    toolguard("install", "cursor")
    toolguard("install", "vscode")
    capsys.readouterr()

    toolguard("doctor")

    assert "note     vscode/time: has the name of cursor/time" in capsys.readouterr().out


def test_a_timeout_that_the_client_was_given_counts(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codex = next(one for one in CLIENTS if one.name == "codex")
    configure(codex, person, {"time": {**TIME, "tool_timeout_sec": 20}})
    toolguard("install", "codex")
    capsys.readouterr()

    assert toolguard("doctor", "codex") == 1
    assert "gives up after 20 s" in capsys.readouterr().out


def test_a_machine_without_clients_has_nothing_to_prove(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, checks = examined(capsys)

    assert status == 1
    assert checks["reviewers"]["state"] == "problem"
    assert checks["clients"]["state"] == "note"


def test_a_file_of_ones_own_needs_its_client_named(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert toolguard("doctor", "--config-file", "x.json") == 2
    assert "exactly one CLIENT" in capsys.readouterr().err
