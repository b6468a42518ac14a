"""What the doctor says about toolguard's own house."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from toolguard import config as configuration
from toolguard.clients.check import Check
from toolguard.clients.house import examine_clock, examine_house, examine_serve, examine_sqlite
from toolguard.config import Config, ReviewSettings
from toolguard.guard import Guard

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@pytest.fixture
def config(home: Path) -> Config:
    """A house in order: a database and a reviewer. Nothing listens at its address."""
    found = replace(configuration.load(), review=ReviewSettings(url="http://127.0.0.1:1"))
    with Guard.open(found) as guard:
        guard.reviewers.add("ana")
    return found


def states(checks: Iterator[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def problem(checks: Iterator[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name and check.state == "problem"]
    assert found.then, "a problem without anything to do about it"
    return found


def test_a_house_in_order_has_no_problem(config: Config) -> None:
    assert "problem" not in states(examine_house(config, datetime.now(UTC))).values()


def test_before_the_first_use_only_the_reviewer_is_missing_and_nothing_is_created(home: Path) -> None:
    found = states(examine_house(configuration.load(), NOW))

    assert [name for name, state in found.items() if state == "problem"] == ["reviewers"]
    assert not home.exists()


@pytest.mark.parametrize("name", ["toolguard.db", "keys", "keys/redaction-k1.key", "."])
def test_what_others_may_read_is_a_problem(config: Config, name: str) -> None:
    (config.home / name).chmod(0o755)

    assert "chmod" in problem(examine_house(config, NOW), "home").then


def test_a_configuration_that_others_may_write_is_a_problem(config: Config) -> None:
    file = config.home / "toolguard.yaml"
    file.write_text("durability: full\n", encoding="utf-8")
    file.chmod(0o666)

    problem(examine_house(replace(config, file=file), NOW), "configuration")


def test_a_log_that_was_tampered_with_is_a_problem(config: Config) -> None:
    with Guard.open(config) as guard, guard.store.write(full=True) as tx:
        triggers = [row[0] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            tx.execute(f"DROP TRIGGER {trigger}")
        tx.execute("UPDATE audit_event SET reviewer = 'mallory' WHERE reviewer = 'ana'")

    assert "audit verify" in problem(examine_house(config, NOW), "audit").then


def test_a_database_that_is_none_is_a_problem(config: Config) -> None:
    for file in config.home.glob("toolguard.db*"):
        file.unlink()
    config.database.write_bytes(b"not a database" * 100)

    problem(examine_house(config, NOW), "database")


def test_nobody_to_approve_is_a_problem(config: Config) -> None:
    with Guard.open(config) as guard:
        guard.reviewers.remove("ana")

    problem(examine_house(config, NOW), "reviewers")


@pytest.mark.parametrize(
    ("now", "newest", "state"),
    [
        (NOW, "", "ok"),
        (NOW, (NOW - timedelta(days=400)).isoformat(), "ok"),
        (NOW, (NOW + timedelta(seconds=30)).isoformat(), "ok"),
        (NOW, (NOW + timedelta(hours=1)).isoformat(), "problem"),
        (datetime(1970, 1, 1, tzinfo=UTC), "", "problem"),
        (datetime(2024, 5, 1, tzinfo=UTC), "", "problem"),
    ],
)
def test_a_clock_that_cannot_be_right_is_a_problem(now: datetime, newest: str, state: str) -> None:
    assert examine_clock(now, newest).state == state


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ((3, 40, 1), "note"),
        ((3, 44, 5), "note"),
        ((3, 44, 6), "ok"),
        ((3, 45, 0), "note"),
        ((3, 50, 6), "note"),
        ((3, 50, 7), "ok"),
        ((3, 51, 2), "note"),
        ((3, 51, 3), "ok"),
        ((3, 53, 4), "ok"),
    ],
)
def test_versions_with_the_wal_reset_bug_are_named(version: tuple[int, ...], state: str) -> None:
    assert examine_sqlite(version).state == state


class _Answer(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests' output is for people."""


@pytest.mark.parametrize(
    ("body", "state"),
    [(b'{"status": "ok"}', "ok"), (b"<html>another page</html>", "problem"), (b"[]", "problem"), (b"", "problem")],
)
def test_only_the_review_page_counts_as_the_review_page(home: Path, body: bytes, state: str) -> None:
    answers = type("Answers", (_Answer,), {"body": body})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"

        check = examine_serve(replace(configuration.load(), review=ReviewSettings(url=url)))

        server.shutdown()
        thread.join()
    assert check.state == state


@pytest.mark.parametrize(
    ("url", "state"),
    [("http://127.0.0.1:1", "note"), ("http://127.0.0.1:port", "problem"), ("nonsense", "problem"), ("", "problem")],
)
def test_an_address_without_an_answer(home: Path, url: str, state: str) -> None:
    assert examine_serve(replace(configuration.load(), review=ReviewSettings(url=url))).state == state
