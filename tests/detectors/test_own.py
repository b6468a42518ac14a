"""toolguard's own files are out of bounds whatever its home is called; a client's settings may be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolguard.config import CLIENT_FILES, PROJECT_FILES, defaults, surroundings
from toolguard.core.model import Principal, ToolCall
from toolguard.core.reading import read
from toolguard.core.session.memory import Session
from toolguard.detectors import own

PRINCIPAL = Principal("claude", "alice", "files")


def seen(home: str, path: str) -> list[str]:
    call = ToolCall("files", "read_file", {"path": path}, PRINCIPAL)
    facts = Session().facts(call, surroundings(defaults(Path(home))))
    return [finding.id for finding in own.inspect(read(call), facts)]


@pytest.mark.parametrize("home", ["/home/ana/.local/share/toolguard", "/srv/tg", "/var/lib/guard/home", "/data"])
@pytest.mark.parametrize("file", ["toolguard.db", "keys/redaction-k1.key", "keys/audit-a1.key", "toolguard.yaml"])
def test_what_is_in_the_home_is_not_read_whatever_the_home_is_called(home: str, file: str) -> None:
    assert seen(home, f"{home}/{file}") == [own.OWN_FILES.id]


@pytest.mark.parametrize("path", ["/srv/tgx/toolguard.db", "/srv/notes.txt", str(Path.home() / ".cursor" / "mcp.json")])
def test_other_files_and_clients_settings_are_read(path: str) -> None:
    assert seen("/srv/tg", path) == []


def test_every_clients_file_is_told_from_ours() -> None:
    assert [file for file in (*CLIENT_FILES, *PROJECT_FILES) if not own._CLIENTS_NAME.search(f"/{file}")] == []
