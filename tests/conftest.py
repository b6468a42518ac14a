"""For every test: a home of its own, and property tests that find the same thing on every machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("toolguard", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("toolguard")

# What a shell starts in the background ignores ctrl-c, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`TOOLGUARD_HOME` for this test and the programs that it starts; nobody's real one is touched."""
    for name in [name for name in os.environ if name.startswith("TOOLGUARD_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "toolguard-home"
    monkeypatch.setenv("TOOLGUARD_HOME", str(folder))
    return folder
