"""Locking, durability and refusals of the database file."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.store.conftest import NOW
from toolguard.errors import StoreError
from toolguard.store import Database, audit, filelock, keys, meta
from toolguard.store import database as module
from toolguard.store.transaction import Transaction


def test_home_database_and_lock_are_private_to_their_owner(database: Database) -> None:
    folder = database.path.parent

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_a_wider_home_that_is_ours_is_tightened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)

    Database(home / "toolguard.db", clock=lambda: NOW).close()

    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    def half() -> None:
        with database.write(full=True) as tx:
            meta.keep(tx, "half", "done")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()

    assert meta.value(database, "half") is None


def test_both_tiers_write_to_one_log_in_order(database: Database) -> None:
    for full in (False, True, False, True):
        with database.write(full=full) as tx:
            audit.append(tx, "log.opened", {"full": full})

    assert [event["seq"] for event in audit.read(database)] == [1, 2, 3, 4]


def test_an_outcome_that_waits_is_written_before_the_transaction_it_rides_with(database: Database) -> None:
    def outcome(tx: Transaction) -> None:
        audit.append(tx, "execution.ended", {})

    database.later(outcome)

    with database.write(full=True) as tx:
        audit.append(tx, "call.decided", {})

    assert [event["kind"] for event in audit.read(database)] == ["execution.ended", "call.decided"]


def test_an_outcome_that_waits_is_written_by_itself_when_nothing_else_is(database: Database) -> None:
    written = threading.Event()

    def outcome(tx: Transaction) -> None:
        audit.append(tx, "execution.ended", {})
        written.set()

    database.later(outcome)

    assert written.wait(5)


def test_closing_writes_what_still_waits(tmp_path: Path) -> None:
    path = tmp_path / "home" / "toolguard.db"
    first = Database(path, clock=lambda: NOW)
    first.later(lambda tx: meta.keep(tx, "late", "kept"))
    first.close()
    first.close()

    second = Database(path, clock=lambda: NOW)
    assert meta.value(second, "late") == "kept"
    second.close()


def test_an_outcome_is_kept_when_its_transaction_fails(database: Database) -> None:
    database.later(lambda tx: meta.keep(tx, "late", "kept"))
    with pytest.raises(ZeroDivisionError), database.write(full=True):
        raise ZeroDivisionError

    database.flush()

    assert meta.value(database, "late") == "kept"


def test_another_process_that_holds_the_lock_leads_to_an_error_and_not_to_a_wait_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    other = os.open(f"{database.path}.lock", os.O_RDWR)
    filelock.acquire(other, 1)

    with pytest.raises(StoreError, match="locked"), database.write(full=True):
        pass

    filelock.release(other)
    os.close(other)
    with database.write(full=True) as tx:
        meta.keep(tx, "after", "free")


def test_a_full_disk_is_said_and_nothing_is_half_written(database: Database) -> None:
    with database.write(full=True) as tx:
        pages = tx.execute("PRAGMA page_count").fetchone()[0]
    database._full.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match="full") as caught, database.write(full=True) as tx:
        meta.keep(tx, "large", "x" * 1_000_000)

    assert "space" in caught.value.hint
    assert meta.value(database, "large") is None


def test_a_home_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")

    with pytest.raises(StoreError) as caught:
        Database(blocked / "home" / "toolguard.db", clock=lambda: NOW)

    assert "TOOLGUARD_HOME" in caught.value.hint


def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    path = home / "toolguard.db"
    path.write_bytes(b"my shopping list" * 100)

    with pytest.raises(StoreError):
        Database(path, clock=lambda: NOW)

    assert path.read_bytes() == b"my shopping list" * 100


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home" / "toolguard.db"
    Database(path, clock=lambda: NOW).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    with pytest.raises(StoreError, match="newer"):
        Database(path, clock=lambda: NOW)


def test_many_processes_may_create_the_database_at_once(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "home" / "toolguard.db"
    code = (
        "import sys; from pathlib import Path; from toolguard.store import Database, audit\n"
        f"d = Database(Path(sys.argv[1]), clock=lambda: {NOW!r})\n"
        "with d.write(full=True) as tx: audit.append(tx, 'log.opened', {})\n"
        "d.close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(6)]

    assert [process.wait(60) for process in started] == [0] * 6
    opened = Database(path, clock=lambda: NOW)
    assert audit.head(opened)[0] == 6
    opened.close()


def test_reading_connections_see_another_process_by_the_version_number(database: Database, tmp_path: Path) -> None:
    before = database.version()
    other = Database(database.path, clock=lambda: NOW)

    with other.write(full=False) as tx:
        meta.keep(tx, "seen", "yes")
    other.close()

    assert database.version() != before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET kind = 'other'",
        "DELETE FROM audit_event",
        "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event",
    ],
)
def test_triggers_keep_honest_code_from_changing_the_log(database: Database, statement: str) -> None:
    with database.write(full=True) as tx:
        audit.append(tx, "log.opened", {})

    with pytest.raises(StoreError), database.write(full=True) as tx:
        tx.execute(statement)


def test_the_redaction_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = keys.redaction_key(tmp_path)

    assert keys.redaction_key(tmp_path) == first
    file = tmp_path / "keys" / "redaction-k1.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_key_file_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    keys.redaction_key(tmp_path)
    (tmp_path / "keys" / "redaction-k1.key").write_bytes(b"short")

    with pytest.raises(StoreError):
        keys.redaction_key(tmp_path)
