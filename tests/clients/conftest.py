"""A person's home of their own, and the command line as they use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolguard.cli.app import invoke
from toolguard.cli.frame import run


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home without any client in it."""
    folder = tmp_path / "person"
    folder.mkdir()
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


def toolguard(*words: str | Path) -> int:
    return run(lambda: invoke([str(word) for word in words]))
