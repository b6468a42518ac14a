"""Tampering with the log, row by row: what the verifier must find, and what it must leave alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.conftest import NOW
from tests.store.scenes import opened, play
from toolguard.core.model import Principal
from toolguard.store import Database, audit
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.proving import verify_file
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
@pytest.mark.guarantee("audit:tampering-shows")
def test_tampering_is_found_and_its_place_named(log: Path, tampering: str, seq: int) -> None:
    edit(log, tampering)

    report = checked(log)

    assert not report.ok
    assert seq in [problem.seq for problem in report.problems]


@pytest.mark.guarantee("audit:tampering-shows")
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
@pytest.mark.guarantee("audit:tampering-shows")
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


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A home whose log has signed checkpoints at sizes 3, 7 and 12."""
    home = tmp_path / "home"
    database = Database(home / "toolguard.db", clock=lambda: NOW)
    checkpoints = Checkpoints(database)
    with database.write(full=True) as tx:
        audit.append(tx, "log.opened", {"key_id": "a1", "public_key": checkpoints.key.public.hex()})
    for number in range(1, EVENTS):
        with database.write(full=True) as tx:
            audit.append(tx, "policy.loaded", {"n": number})
            if number in (2, 6, 11):
                checkpoints.write(tx)
    database.close()
    with sqlite3.connect(home / "toolguard.db") as connection:
        for name in ("audit_event_keeps", "audit_event_stays", "audit_event_once"):
            connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    return home


def witness(home: Path, size: int) -> str:
    """What a reviewer's message said: size/root."""
    connection = sqlite3.connect(home / "toolguard.db")
    root = connection.execute("SELECT root FROM audit_checkpoint WHERE size = ?", (size,)).fetchone()[0]
    connection.close()
    return f"audit {size}/{root} at the time of the message"


def test_signed_checkpoints_fit_an_honest_log_and_an_anchor_confirms_it(signed: Path) -> None:
    report = verify_file(signed / "toolguard.db", [witness(signed, 7)])

    assert report.problems == []
    assert (report.checkpoints, report.anchored, report.anchored_size) == (3, True, 7)


CUT = "DELETE FROM audit_event WHERE seq > 9; DELETE FROM audit_body WHERE seq > 9;"
FORGET = "DELETE FROM audit_checkpoint WHERE size > 9;"


@pytest.mark.parametrize(
    ("tampering", "forget_file", "anchor", "found"),
    [
        (CUT, False, False, True),  # the newest checkpoint in the log knows better
        (CUT + FORGET, False, False, True),  # the file beside it knows better
        (CUT + FORGET, True, False, False),  # nothing is left that could know: said as `anchored: false`
        (CUT + FORGET, True, True, True),  # a message in a reviewer's mailbox knows better
        ("UPDATE audit_checkpoint SET note = replace(note, 'head', 'heaD')", False, False, True),
        ("UPDATE audit_checkpoint SET note = (SELECT note FROM audit_checkpoint WHERE size = 3)", False, False, True),
        ("DELETE FROM audit_checkpoint", False, False, False),  # the file still holds the newest, and it fits
    ],
)
def test_a_cut_tail_is_found_as_long_as_one_witness_is_left(
    signed: Path, tampering: str, forget_file: bool, anchor: bool, found: bool
) -> None:
    anchors = [witness(signed, 12)] if anchor else []
    edit(signed / "toolguard.db", tampering)
    if forget_file:
        (signed / "audit-checkpoint.txt").unlink()

    report = verify_file(signed / "toolguard.db", anchors)

    assert report.ok is not found
    assert found or not report.anchored


def rewritten(signed: Path, *, resign: bool) -> None:
    """The whole log rewritten by who holds the file: every hash new, and with `resign` the log's key as well."""
    path = signed / "toolguard.db"
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    rows = [
        dict(row) for row in connection.execute("SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq)")
    ]
    rows[4]["tool"] = "innocent"
    rehash(rows)
    for row in rows:
        connection.execute(
            "UPDATE audit_event SET tool = ?, prev_hash = ?, row_hash = ? WHERE seq = ?",
            (row["tool"], row["prev_hash"], row["row_hash"], row["seq"]),
        )
    if resign:
        connection.execute("DELETE FROM audit_checkpoint")
    connection.commit()
    connection.close()
    if resign:
        (signed / "audit-checkpoint.txt").unlink()
        database = Database(path, clock=lambda: NOW)
        with database.write(full=True) as tx:
            Checkpoints(database).write(tx)
        database.close()


def test_a_rehashed_log_contradicts_its_signed_checkpoints(signed: Path) -> None:
    rewritten(signed, resign=False)

    assert not verify_file(signed / "toolguard.db").ok


def test_a_rewrite_with_the_logs_own_key_is_found_by_a_witness_and_only_by_one(signed: Path) -> None:
    anchor = witness(signed, 12)
    rewritten(signed, resign=True)

    alone = verify_file(signed / "toolguard.db")
    assert (alone.ok, alone.anchored) == (True, False)
    assert not verify_file(signed / "toolguard.db", [anchor]).ok


def test_checkpoints_of_another_key_or_another_log_do_not_count(signed: Path, tmp_path: Path) -> None:
    note = (signed / "audit-checkpoint.txt").read_text(encoding="utf-8")
    (signed / "keys" / "audit-a1.key").unlink()
    other = Database(tmp_path / "other" / "toolguard.db", clock=lambda: NOW)
    with other.write(full=True) as tx:
        audit.append(tx, "log.opened", {"key_id": "a1", "public_key": Checkpoints(other).key.public.hex()})
    other.close()

    assert not verify_file(tmp_path / "other" / "toolguard.db", [note]).ok
    edit(signed / "toolguard.db", "DELETE FROM audit_checkpoint")
    database = Database(signed / "toolguard.db", clock=lambda: NOW)
    with database.write(full=True) as tx:
        Checkpoints(database).write(tx)
    database.close()
    assert not verify_file(signed / "toolguard.db").ok


def test_votes_of_somebody_who_was_removed_still_agree_with_the_log(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as guard:
        play(guard)
        guard.reviewers.remove("bob0")
        play(guard, principal=Principal("codex", "carol", "files"))  # its reviewer has the name that became free
        guard.store.flush()

        report = verify_file(guard.config.database)

    assert report.problems == []
