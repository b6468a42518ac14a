"""For every test: a home of its own, and property tests that find the same thing on every machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(autouse=True)
def no_loop_of_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright's loop counts as running in this thread from then on; a test without a browser has none."""
    running = asyncio._get_running_loop()
    if running is None or "browser" in request.fixturenames:
        yield
        return
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of level L2 need root. Who is not root gets the others, and a line of the summary that says so."""
    if not [item for item in items if item.get_closest_marker("other_users")]:
        return
    from tests.bridge.users import why_not

    if why_not():
        left_out = [item for item in items if item.get_closest_marker("other_users")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from tests.bridge.users import why_not

    if why_not():
        terminalreporter.section("left out: the tests of a separate user (tests/bridge)", sep="-")
        terminalreporter.line(f"{why_not()}; run as root: pytest -m other_users tests/bridge")
