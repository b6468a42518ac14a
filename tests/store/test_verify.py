"""Tampering with the log, row by row: what the verifier must find, and what it must leave alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.conftest import NOW
from toolguard.store import Database, audit
from toolguard.store.verify import Report, verify

EVENTS = 12
SWAPPED = """
UPDATE audit_event SET seq = 99 WHERE seq = 5;
UPDATE audit_event SET seq = 5 WHERE seq = 6;
UPDATE audit_event SET seq = 6 WHERE seq = 99
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small log of allowed calls, closed, its triggers dropped as its owner could."""
    path = tmp_path / "home" / "toolguard.db"
    database = Database(path, clock=lambda: NOW)
    for number in range(EVENTS // 2):
        with database.write(full=True) as tx:
            call = f"ca_{number}"
            audit.append(tx, "call.decided", {"n": number, "text": "ü € \U0001f600"}, call_id=call, effect="allow")
            audit.append(tx, "execution.dispatched", {}, call_id=call, execution_id=f"ex_{number}", score=3)
    database.close()
    with sqlite3.connect(path) as connection:
        for name in ("audit_event_keeps", "audit_event_stays", "audit_event_once"):
            connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    return path


def checked(path: Path) -> Report:
    database = Database(path, clock=lambda: NOW)
    try:
        return verify(audit.stream(database), state={})
    finally:
        database.close()


def edit(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def test_an_honest_log_is_consistent_and_says_that_nothing_outside_confirms_it(log: Path) -> None:
    report = checked(log)

    assert (report.ok, report.events, report.anchored) == (True, EVENTS, False)


@pytest.mark.parametrize(
    ("tampering", "seq"),
    [
        ("UPDATE audit_event SET tool = 'other' WHERE seq = 3", 3),
        ("UPDATE audit_event SET score = 4 WHERE seq = 4", 4),
        ("UPDATE audit_event SET score = NULL WHERE seq = 4", 4),
        ("UPDATE audit_event SET ts = '2026-11-22T12:00:00.001Z' WHERE seq = 5", 5),
        ("UPDATE audit_body SET body = replace(body, '\"n\":1', '\"n\":2') WHERE seq = 3", 3),
        ("UPDATE audit_body SET body = replace(body, ':', ': ') WHERE seq = 3", 3),
        ("DELETE FROM audit_body WHERE seq = 3", 3),
        ("DELETE FROM audit_event WHERE seq = 6", 7),
        ("DELETE FROM audit_event WHERE seq = 1", 2),
        ("DELETE FROM audit_event WHERE seq = 6; UPDATE audit_event SET seq = seq - 1 WHERE seq > 6", 6),
        (SWAPPED, 5),
        ("UPDATE audit_event SET row_hash = lower(hex(zeroblob(32))) WHERE seq = 5", 5),
        ("UPDATE audit_event SET log_id = 'another' WHERE seq = 5", 5),
        ("UPDATE audit_event SET execution_id = 'ex_9' WHERE seq = 2", 2),
    ],
)  # fmt: skip
def test_tampering_is_found_and_its_place_named(log: Path, tampering: str, seq: int) -> None:
    edit(log, tampering)

    report = checked(log)

    assert not report.ok
    assert seq in [problem.seq for problem in report.problems]


def test_every_single_bit_of_the_columns_counts(log: Path) -> None:
    connection = sqlite3.connect(log)
    connection.row_factory = sqlite3.Row
    rows = [
        dict(row) for row in connection.execute("SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq)")
    ]
    connection.close()
    missed = []
    for index in (0, 1, len(rows) - 1):
        for name, value in rows[index].items():
            if not isinstance(value, str):
                continue
            for position in range(len(value)):
                flipped = value[:position] + chr(ord(value[position]) ^ 1) + value[position + 1 :]
                forged = [*rows[:index], {**rows[index], name: flipped}, *rows[index + 1 :]]
                if verify(forged).ok:
                    missed.append((index, name, position))

    assert missed == []


def rehash(rows: list[dict[str, object]]) -> None:
    """What a forger with the file in hand would do: recompute every hash."""
    import hashlib
    import json

    head = "0" * 64
    for row in rows:
        row["prev_hash"] = head
        header = {k: v for k, v in row.items() if v is not None and k not in ("row_hash", "body")}
        encoded = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        row["row_hash"] = head = hashlib.sha256(b"toolguard/event/v1\0" + encoded).hexdigest()


def drop_decision(rows: list[dict[str, object]]) -> None:
    del rows[4]
    for number, row in enumerate(rows, 1):
        row["seq"] = number


def repeat_execution(rows: list[dict[str, object]]) -> None:
    rows.append({**rows[-1], "seq": len(rows) + 1})


def claim_from_nothing(rows: list[dict[str, object]]) -> None:
    rows[-1].update(kind="execution.claimed", request_id="ap_never")


def approve_from_nothing(rows: list[dict[str, object]]) -> None:
    rows[-1].update(kind="approval.approved", request_id="ap_never")


@pytest.mark.parametrize(
    "forge", [drop_decision, repeat_execution, claim_from_nothing, approve_from_nothing], ids=lambda f: f.__name__
)
def test_a_rehashed_log_must_still_tell_a_possible_story(
    log: Path, forge: Callable[[list[dict[str, object]]], None]
) -> None:
    connection = sqlite3.connect(log)
    connection.row_factory = sqlite3.Row
    rows = [
        dict(row) for row in connection.execute("SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq)")
    ]
    connection.close()
    rehash(rows)
    assert verify(rows).ok

    forge(rows)
    rehash(rows)

    assert not verify(rows).ok
