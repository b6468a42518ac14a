"""What the demonstration stands on: a scratch folder with something to lose, a guard, the review page, a reviewer.

Everything lives below one new folder, but the log and the keys go to the home that the environment names, if it does.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from toolguard import config as configuration
from toolguard.demo.server import DATABASE
from toolguard.errors import UpstreamError
from toolguard.review.links import sign_in
from toolguard.store import audit

if TYPE_CHECKING:
    import socket

    from toolguard.guard import Guard

HOST: Final = "127.0.0.1"
SERVER: Final = "workshop"
WAIT_MINUTES: Final = 10
"""How long a person has to answer; the call stays open as long."""
START_SECONDS: Final = 15
STOP_SECONDS: Final = 5
REVIEWER: Final = "demo reviewer"

_NOTES: Final = """\
# Notes

- Sum up the orders in summary.md.
- Clean up: the exports of last year are still in ../archive.
"""
_ORDERS: Final = (("paid", 120), ("paid", 80), ("open", 45), ("refunded", 30))
_EXPORTS: Final = ("orders-2024.csv", "customers-2024.csv", "invoices-2024.csv")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story takes place."""

    folder: Path
    home: Path
    config: Path
    url: str
    token: str
    """The reviewer's; the agent never gets it."""
    link: str
    """Signs the reviewer in, once."""
    begins: int = 0
    """Number of the newest event before the story: the log of a home in use holds others."""

    @property
    def workspace(self) -> Path:
        """The one root of the agent's work."""
        return self.folder / "workspace"

    @property
    def archive(self) -> Path:
        """Beside the workspace, so not the agent's to delete."""
        return self.folder / "archive"

    @property
    def journal(self) -> Path:
        """What reached the tool server, by its own account."""
        return self.folder / "reached.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "proxy.log"

    @property
    def database(self) -> Path:
        return self.home / "toolguard.db"

    @property
    def key(self) -> Path:
        """A secret of toolguard's own."""
        return self.home / "keys" / "redaction-k1.key"

    @property
    def command(self) -> list[str]:
        """The proxy with the tool server behind it, as a client's configuration would name them."""
        # -P: without it Python looks for modules in the working directory first, where the agent writes.
        python = [sys.executable, "-P", "-m"]
        proxy = [*python, "toolguard", "proxy", "--config", str(self.config), "--home", str(self.home)]
        server = [*python, "toolguard.demo.server", str(self.workspace), "--journal", str(self.journal)]
        return [*proxy, "--name", SERVER, "--", *server]

    def reached(self) -> list[dict[str, object]]:
        """The calls that reached the tool server, in order."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]


@contextmanager
def set_up(*, is_person: bool) -> Iterator[Stage]:
    """Build the stage, and take down what runs on it; the folder stays, so that its log can be looked at.

    With `is_person` the reviewer is the operating-system user, whose votes on their own agent's calls say so.

    Raises ConfigError, StoreError or UpstreamError.
    """
    from toolguard.guard import Guard
    from toolguard.review.server import listen

    folder = Path(tempfile.mkdtemp(prefix="toolguard-demo-"))
    home = configuration.home() if configuration.variable("TOOLGUARD_HOME") else folder / "home"
    _furnish(folder)
    with closing(listen(HOST, 0)) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        config = _configure(folder, listener.getsockname()[1])
        with Guard(configuration.load(config, home)) as guard, _enrolled(guard, is_person) as (token, code):
            stage = Stage(folder, home, config, url, token, sign_in(url, code), audit.head(guard.store)[0])
            with _serving(guard, listener):
                yield stage


def _furnish(folder: Path) -> None:
    workspace, archive = folder / "workspace", folder / "archive"
    workspace.mkdir()
    archive.mkdir()
    (workspace / "notes.md").write_text(_NOTES, encoding="utf-8")
    for name in _EXPORTS:
        (archive / name).write_text("id,amount\n1,120\n", encoding="utf-8")
    with closing(sqlite3.connect(workspace / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, amount INTEGER)")
        connection.executemany("INSERT INTO orders (status, amount) VALUES (?, ?)", _ORDERS)


def _configure(folder: Path, port: int) -> Path:
    """A toolguard.yaml of the stage's own: one that may stand in the home is left alone."""
    file = folder / "toolguard.yaml"
    file.write_text(
        f"""\
# Written by `toolguard demo`. Everything that is not here has its default: preset `balanced`.
agent: demo-agent
roots: [{json.dumps(str(folder / "workspace"))}]
approvals: {{hold: {WAIT_MINUTES}m, decide_within: {WAIT_MINUTES}m}}
review: {{port: {port}}}
""",
        encoding="utf-8",
    )
    return file


@contextmanager
def _enrolled(guard: Guard, is_person: bool) -> Iterator[tuple[str, str]]:
    """A reviewer for the time of the demonstration: token and one-time code. Their vote stays in the log."""
    if any(reviewer.name == REVIEWER for reviewer in guard.reviewers.list()):
        guard.reviewers.remove(REVIEWER)  # one that a killed demonstration left behind
    person = configuration.person()
    is_free = is_person and guard.reviewers.by_person(person) is None
    enrolled = guard.reviewers.add(REVIEWER, person=person if is_free else "")
    try:
        yield enrolled.token, enrolled.link_code
    finally:
        guard.reviewers.remove(REVIEWER)


@contextmanager
def _serving(guard: Guard, listener: socket.socket) -> Iterator[None]:
    """The review server in a thread of its own, on a port that is already taken for it."""
    from toolguard.review.server import server

    running = server(guard)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not running.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise UpstreamError("the review server did not start", hint="`toolguard serve` says why")
            thread.join(0.02)
        yield
    finally:
        running.should_exit = True
        thread.join(STOP_SECONDS)
