"""Plans: computed from a file, checked before anything is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from toolguard.clients.install import notes, plan_install, this_toolguard
from toolguard.clients.where import Client, client
from toolguard.errors import ConfigError


@pytest.fixture
def cursor() -> Client:
    return client("cursor")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mcp.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("quoted", ['"something else"', "no literal", '"a", "b"', '"x"}, "more": {"command": "y"'])
def test_an_edit_that_would_change_anything_else_is_refused(quoted: str, cursor: Client, tmp_path: Path) -> None:
    path = written(tmp_path, '{"mcpServers": {"a": {"command": "x", "args": ["-y"]}}}')
    broken = replace(cursor, format=replace(cursor.format, quote=lambda _: quoted))

    with pytest.raises(ConfigError):
        plan_install(broken, path, this_toolguard(tmp_path))


def test_a_name_with_quotes_and_line_breaks_is_quoted(cursor: Client, tmp_path: Path) -> None:
    path = written(tmp_path, '{"mcpServers": {"a \\"b\\"\\n, --": {"command": "x"}}}')

    (change,) = plan_install(cursor, path, this_toolguard(tmp_path)).changes

    assert change.what == "wrapped"


NOTED = [
    (
        "two of one name",
        '{"mcpServers": {"a": {"command": "x"}}, "projects": {"/p": {"mcpServers": {"a": {"command": "y"}}}}}',
        "stands here twice",
    ),
    ("a sandbox", '{"mcpServers": {"a": {"command": "x", "sandboxEnabled": true}}}', "sandbox"),
]
NOT_NOTED = [
    (
        "the same server twice",
        '{"mcpServers": {"a": {"command": "x"}}, "projects": {"/p": {"mcpServers": {"a": {"command": "x"}}}}}',
    ),
    ("a sandbox that is off", '{"mcpServers": {"a": {"command": "x", "sandboxEnabled": false}}}'),
    ("two servers", '{"mcpServers": {"a": {"command": "x"}, "b": {"command": "y"}}}'),
]


@pytest.mark.parametrize(("text", "note"), [pytest.param(text, note, id=name) for name, text, note in NOTED])
def test_what_the_person_should_know(text: str, note: str, tmp_path: Path) -> None:
    plan = plan_install(client("claude-code"), written(tmp_path, text), this_toolguard(tmp_path))

    assert any(note in one for one in notes(plan))


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in NOT_NOTED])
def test_what_needs_no_note(text: str, tmp_path: Path) -> None:
    plan = plan_install(client("claude-code"), written(tmp_path, text), this_toolguard(tmp_path))

    assert list(notes(plan)) == []
