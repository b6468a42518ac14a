"""What somebody who owns the file can do to a log with approvals in it, and what the verifier says: alone, and with
what a reviewer's message had said."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.store.conftest import NOW
from tests.store.scenes import opened, play
from tests.store.test_verify import rehash
from toolguard.errors import StoreError
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.proving import verify_file
from toolguard.store.report import Report

TRIGGERS = ("audit_event_keeps", "audit_event_stays", "audit_event_once")


@dataclass(frozen=True)
class Evidence:
    """A closed log, and what reviewers were told along with a request: `size/root`."""

    path: Path
    anchor: str
    kinds: dict[str, int]
    """The last event of each kind."""

    def seq(self, kind: str) -> int:
        return self.kinds[kind]


def evidence(home: Path) -> Evidence:
    with opened(home) as guard:
        play(guard)
        guard.checkpoints.write_if_due(now=True)
        guard.store.flush()
        kinds = {row["kind"]: row["seq"] for row in guard.store.read("SELECT seq, kind FROM audit_event ORDER BY seq")}
    guard.close()
    connection = sqlite3.connect(home / "toolguard.db")
    for name in TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    size, root = connection.execute("SELECT size, root FROM audit_checkpoint ORDER BY size DESC").fetchone()
    connection.commit()
    connection.close()
    return Evidence(home / "toolguard.db", f"the log: {size}/{root}", kinds)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return evidence(tmp_path_factory.mktemp("pristine") / "home")


@pytest.fixture
def log(pristine: Evidence, tmp_path: Path) -> Evidence:
    shutil.copytree(pristine.path.parent, tmp_path / "home")
    return Evidence(tmp_path / "home" / "toolguard.db", pristine.anchor, pristine.kinds)


def change(log: Evidence, script: str) -> None:
    connection = sqlite3.connect(log.path)
    connection.executescript(script)
    connection.close()


def rewritten(log: Evidence, alter: Callable[[list[dict[str, object]]], None]) -> None:
    """Every event hashed anew, and whatever knew better is gone; then signed with the log's own key."""
    connection = sqlite3.connect(log.path)
    connection.row_factory = sqlite3.Row
    joined = connection.execute("SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq) ORDER BY seq")
    rows = [dict(row) for row in joined]
    alter(rows)
    rehash(rows)
    connection.executescript("DELETE FROM audit_event; DELETE FROM audit_checkpoint")
    for row in rows:
        names = [name for name in row if name != "body"]
        marks = ", ".join("?" * len(names))
        connection.execute(
            f"INSERT INTO audit_event ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names]
        )
    connection.commit()
    connection.close()
    log.path.with_name("audit-checkpoint.txt").unlink()
    sign(log)


def sign(log: Evidence) -> None:
    database = Database(log.path, clock=lambda: NOW)
    with database.write(full=True) as tx:
        Checkpoints(database).write(tx)
    database.close()


def edit(log: Evidence) -> None:
    change(log, f"UPDATE audit_event SET tool = 'harmless' WHERE seq = {log.seq('call.decided')}")


def edit_contents(log: Evidence) -> None:
    change(log, f"UPDATE audit_body SET body = replace(body, 'a', 'b') WHERE seq = {log.seq('vote.cast')}")


def delete(log: Evidence) -> None:
    change(log, f"DELETE FROM audit_event WHERE seq = {log.seq('vote.cast')}")


def delete_and_renumber(log: Evidence) -> None:
    seq = log.seq("vote.cast")
    change(log, f"DELETE FROM audit_event WHERE seq = {seq}; UPDATE audit_event SET seq = seq - 1 WHERE seq > {seq}")


def cut(log: Evidence) -> None:
    change(log, "DELETE FROM audit_event WHERE seq > 9; DELETE FROM audit_body WHERE seq > 9")


def cut_with_all_that_knew(log: Evidence) -> None:
    """Nine events are a story that may have ended there; the tables are made to fit."""
    cut(log)
    change(
        log,
        "DELETE FROM audit_checkpoint WHERE size > 9; DELETE FROM approval_request; DELETE FROM vote;",
    )
    log.path.with_name("audit-checkpoint.txt").unlink()


def reorder(log: Evidence) -> None:
    seq = log.seq("vote.cast")
    change(
        log,
        f"UPDATE audit_event SET seq = 999 WHERE seq = {seq}; UPDATE audit_event SET seq = {seq} WHERE seq = {seq} + 1;"
        f"UPDATE audit_event SET seq = {seq} + 1 WHERE seq = 999",
    )


def insert(log: Evidence) -> None:
    """A copy of the newest event, after it, as if it had happened twice."""
    columns = "v, log_id, ts, kind, reviewer, channel, request_id, call_id, body_hash, prev_hash, row_hash"
    change(
        log,
        f"INSERT INTO audit_event (seq, {columns}) SELECT (SELECT max(seq) + 1 FROM audit_event), {columns} "
        "FROM audit_event ORDER BY seq DESC LIMIT 1;"
        "INSERT INTO audit_body (seq, body) SELECT max(seq) + 1, body FROM audit_body ORDER BY seq DESC LIMIT 1",
    )


def insert_between(log: Evidence) -> None:
    seq = log.seq("vote.cast")
    change(
        log,
        f"UPDATE audit_event SET seq = -seq - 1 WHERE seq >= {seq}; UPDATE audit_event SET seq = -seq WHERE seq < 0;"
        f"INSERT INTO audit_event SELECT {seq}, v, log_id, ts, kind, agent, person, session, server, tool, reviewer, "
        "channel, call_id, request_id, execution_id, grant_id, effect, score, outcome, call_fp, policy_digest, "
        f"body_hash, prev_hash, row_hash FROM audit_event WHERE seq = {seq} + 1",
    )


def rewrite(log: Evidence) -> None:
    rewritten(log, lambda rows: rows[4].update(tool="innocent"))


def rewrite_with_another_key(log: Evidence) -> None:
    """The whole log made anew, from its first event on, under a key that the forger made."""
    import hashlib

    (log.path.parent / "keys" / "audit-a1.key").unlink()
    database = Database(log.path, clock=lambda: NOW)
    public = Checkpoints(database).key.public.hex()
    old = str(database.read("SELECT body FROM audit_body WHERE seq = 1")[0]["body"])
    database.close()
    body = re.sub(r'"public_key":"[0-9a-f]{64}"', f'"public_key":"{public}"', old)
    connection = sqlite3.connect(log.path)
    connection.execute("UPDATE audit_body SET body = ? WHERE seq = 1", (body,))
    connection.commit()
    connection.close()
    digest = hashlib.sha256(b"toolguard/body/v1\0" + body.encode()).hexdigest()
    rewritten(log, lambda rows: rows[0].update(body_hash=digest))


def replace_key(log: Evidence) -> None:
    """The key file is another one, and the checkpoints after it are signed with that."""
    (log.path.parent / "keys" / "audit-a1.key").unlink()
    connection = sqlite3.connect(log.path)
    connection.execute("DELETE FROM audit_checkpoint")
    connection.commit()
    connection.close()
    sign(log)


def edit_the_key(log: Evidence) -> None:
    change(log, 'UPDATE audit_body SET body = replace(body, \'"public_key":"\', \'"public_key":"0\') WHERE seq = 1')


def swap_database(log: Evidence) -> None:
    """Another log, honest by itself, in this one's place; the file beside it was forgotten."""
    other = evidence(log.path.parent.parent / "other")
    shutil.copy(other.path, log.path)


def swap_whole_home(log: Evidence) -> None:
    other = evidence(log.path.parent.parent / "other")
    shutil.rmtree(log.path.parent)
    shutil.copytree(other.path.parent, log.path.parent)


def edit_vote(log: Evidence) -> None:
    change(log, "UPDATE vote SET vote_digest = lower(hex(zeroblob(32))) WHERE choice = 'approve'")


def turn_vote(log: Evidence) -> None:
    change(log, "UPDATE vote SET choice = 'approve' WHERE choice = 'deny'")


def add_vote(log: Evidence) -> None:
    change(
        log,
        "INSERT INTO vote SELECT request_id, reviewer_id, 'approve', channel, strength, request_digest, vote_digest, "
        "reason, self_attested, evidence, grant_terms, at FROM vote WHERE choice = 'deny'",
    )


def drop_vote(log: Evidence) -> None:
    change(log, "DELETE FROM vote WHERE choice = 'deny'")


def edit_state(log: Evidence) -> None:
    change(log, "UPDATE approval_request SET state = 'approved' WHERE state = 'denied'")


def edit_root(log: Evidence) -> None:
    change(log, "UPDATE audit_checkpoint SET root = lower(hex(zeroblob(32)))")


def edit_frontier(log: Evidence) -> None:
    change(log, "UPDATE audit_checkpoint SET frontier = replace(frontier, 'a', 'b')")


def remove_contents(log: Evidence) -> None:
    change(log, f"DELETE FROM audit_body WHERE seq = {log.seq('approval.requested')}")


def checked(log: Evidence, *anchors: str) -> Report:
    return verify_file(log.path, anchors)


MATRIX: list[tuple[Callable[[Evidence], None], str, str, bool]] = [
    # What was done, the kind of event that a problem must be about ("" for none), words that it must hold, and whether
    # the file alone shows it. With an anchor everything must be found.
    (edit, "call.decided", "was changed after it was written", True),
    (edit_contents, "vote.cast", "its contents were changed", True),
    (delete, "vote.cast", "is missing", True),
    (delete_and_renumber, "vote.cast", "was changed after it was written", True),
    (cut, "", "its tail was cut", True),
    (cut_with_all_that_knew, "", "its tail was cut", False),
    (reorder, "vote.cast", "does not follow", True),
    (insert, "", "was changed after it was written", True),
    (insert_between, "vote.cast", "was changed after it was written", True),
    (rewrite, "", "an anchor from outside shows another log", False),
    (rewrite_with_another_key, "", "an anchor from outside shows another log", False),
    (replace_key, "", "is not signed by the log's key", True),
    (edit_the_key, "log.opened", "its contents were changed", True),
    (swap_database, "", "", True),
    (swap_whole_home, "", "an anchor from outside shows another log", False),
    (edit_vote, "", "the stored vote of bob0", True),
    (turn_vote, "", "the stored vote of bob0", True),
    (add_vote, "", "the stored vote of bob0", True),
    (drop_vote, "", "the vote of bob0", True),
    (edit_state, "", "is stored as approved, the log says denied", True),
    (edit_root, "", "the stored checkpoint here says something else", True),
    (edit_frontier, "", "the stored checkpoint here says something else", True),
    (remove_contents, "approval.requested", "has lost its contents", True),
]


@pytest.mark.guarantee("audit:tampering-shows")
@pytest.mark.parametrize(("tamper", "kind", "words", "alone"), MATRIX, ids=[row[0].__name__ for row in MATRIX])
def test_what_was_done_to_a_log_is_found_and_named(
    log: Evidence, tamper: Callable[[Evidence], None], kind: str, words: str, alone: bool
) -> None:
    assert checked(log, log.anchor).problems == []

    tamper(log)

    by_itself = checked(log)
    assert by_itself.ok is not alone
    assert alone or not by_itself.anchored, "what nobody can see is at least not called confirmed"
    report = checked(log, log.anchor)
    said = [problem for problem in report.problems if words in problem.what]
    assert said, [problem.what for problem in report.problems]
    if kind:
        near = {log.seq(kind), log.seq(kind) + 1}
        assert any(problem.seq in near for problem in said)


@pytest.mark.guarantee("audit:tampering-shows")
@pytest.mark.parametrize("each", [9_973, pytest.param(199, marks=pytest.mark.soak)])
def test_no_flipped_bit_of_the_database_file_changes_the_log_unseen(log: Evidence, each: int) -> None:
    """A flip shows, or SQLite refuses the file, or the log says what it said: free pages and other tables."""
    whole = log.path.read_bytes()
    told = said_by(log.path)
    assert told is not None
    missed = []
    for number in range(0, 8 * len(whole), each):  # odd, so that every bit of a byte has its turn
        at, bit = divmod(number, 8)
        log.path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        try:
            seen = not checked(log).ok
        except StoreError:
            seen = True
        if not seen and said_by(log.path) not in (told, None):  # None: damaged where the verifier need not look
            missed.append((at, bit))

    assert missed == []


def said_by(path: Path) -> list[tuple[object, ...]] | None:
    """Everything that the verifier answers for; None when it cannot be read."""
    connection = sqlite3.connect(path)
    try:
        return [
            row
            for statement in (
                "SELECT * FROM audit_event ORDER BY seq",
                "SELECT * FROM audit_body ORDER BY seq",
                "SELECT size, root, head, frontier FROM audit_checkpoint ORDER BY size",
                "SELECT request_id, state FROM approval_request ORDER BY 1",
                "SELECT request_id, choice, vote_digest FROM vote ORDER BY 1, 2",
            )
            for row in connection.execute(statement)
        ]
    except sqlite3.Error:
        return None
    finally:
        connection.close()
