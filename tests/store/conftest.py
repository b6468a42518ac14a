"""A database in a temporary folder, with a clock that only moves forward when asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from toolguard.store import Database

NOW = "2026-11-22T12:00:00.000Z"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "home" / "toolguard.db", clock=lambda: NOW)
    yield opened
    opened.close()
