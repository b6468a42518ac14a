"""The search index, and removing contents so that the proof of everything stays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard.conftest import PRINCIPAL, Clock
from tests.store.scenes import call, opened, play
from toolguard.core.model import Principal
from toolguard.guard import Guard, Pending
from toolguard.store import audit, retention
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.exporting import export
from toolguard.store.proofs import prove
from toolguard.store.proving import verify_file
from toolguard.store.retention import Removal
from toolguard.store.search import SearchIndex, search

OTHER = Principal("claude", "carol", "files")
CANARY = "xylophonist"


@pytest.fixture
def guard(home: Path) -> Iterator[Guard]:
    with opened(home) as made:
        play(made, text=CANARY)
        play(made, principal=OTHER, text="harpsichord")
        yield made


def found(guard: Guard, text: str) -> set[str]:
    return {str(event["person"]) for event in search(guard.store, text).events if event.get("person")}


@pytest.mark.parametrize(
    ("text", "people"),
    [
        (CANARY, {"alice"}),
        (CANARY.upper(), {"alice"}),
        ("harpsi*", {"carol"}),
        ("harpsi", set()),
        ("risky_delete harpsichord", {"carol"}),
        ("risky_delete", {"alice", "carol"}),
        ("notes.txt", {"alice", "carol"}),
        ("nothing-like-it", set()),
        (f"{CANARY} harpsichord", set()),
        ('"', set()),
        ("NEAR(", set()),
        ("harpsichord OR", set()),
        ("*", set()),
        ("", set()),
    ],
)
def test_events_are_found_by_their_words(guard: Guard, text: str, people: set[str]) -> None:
    assert found(guard, text) == people


def test_what_is_new_is_found_at_once_and_the_newest_comes_first(guard: Guard) -> None:
    search(guard.store, CANARY)
    guard.begin(call("read_file", PRINCIPAL, text=CANARY))

    events = search(guard.store, CANARY).events

    assert events[0]["kind"] == "call.decided"
    assert [event["seq"] for event in events] == sorted((event["seq"] for event in events), reverse=True)


def test_the_index_is_made_anew_when_it_is_gone_broken_or_of_another_log(guard: Guard, tmp_path: Path) -> None:
    index = SearchIndex(guard.store)
    assert found(guard, CANARY)

    index.forget()
    assert found(guard, CANARY)
    with sqlite3.connect(index.path) as connection:
        connection.execute("UPDATE log SET log_id = 'another'")
    connection.close()
    assert found(guard, CANARY)


def test_an_impatient_search_says_what_it_does_not_cover(guard: Guard) -> None:
    other = SearchIndex(guard.store)
    with other._open(), other._alone():
        assert search(guard.store, CANARY).behind == audit.head(guard.store)[0]


# -- retention ------------------------------------------------------------------------------------------------------


def erased(guard: Guard, **subject: str) -> Removal:
    return retention.erase(guard.store, guard.checkpoints, subject, "asked for it", reviewer="bob0", channel="cli")


def everywhere(home: Path, word: str) -> list[str]:
    """Files of the home that hold the word."""
    return [file.name for file in home.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]


def test_erasing_a_person_leaves_no_word_of_theirs_and_every_proof(guard: Guard, home: Path) -> None:
    assert found(guard, CANARY)
    before = [event["row_hash"] for event in audit.read(guard.store)]
    anchor = verify_file(guard.config.database).root

    made = erased(guard, person="alice")

    assert made.events > 8
    guard.store.fold()
    assert everywhere(home, CANARY) == []
    assert everywhere(home, "harpsichord")
    assert found(guard, "harpsichord") == {"carol"}
    assert [event["row_hash"] for event in audit.read(guard.store)][: len(before)] == before
    report = verify_file(guard.config.database, [f"{len(before)}/{anchor}"])
    assert (report.problems, report.removed, report.anchored_size) == ([], made.events, len(before))
    (event,) = audit.read(guard.store, kind="retention.erased")
    assert event["reviewer"] == "bob0"
    assert event["body"]["subject"] == {"person": "alice"}
    assert event["body"]["reason"] == "asked for it"


def test_exports_and_proofs_verify_after_contents_went(guard: Guard, tmp_path: Path) -> None:
    erased(guard, person="alice")
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(export(guard.store, "jsonl", "1")))

    assert verify_file(path).problems == []
    (first, _) = [e["seq"] for e in audit.read(guard.store, kind="call.decided") if e["body"] is None][:2]
    assert prove(guard.store, guard.checkpoints, first)["body"] is None
    for form in ("csv", "otlp", "ocsf", "cef"):
        assert CANARY not in b"".join(export(guard.store, form, "1")).decode()


def test_the_pages_of_an_emptied_request_still_show(guard: Guard) -> None:
    erased(guard, person="alice")

    for view in guard.approvals.list(None):
        assert json.dumps(view.as_json(), default=str)


def test_contents_that_are_taken_by_hand_are_evidence(guard: Guard) -> None:
    erased(guard, person="alice")
    seq = next(e["seq"] for e in audit.read(guard.store) if e.get("person") == "carol" and e["body"])
    with guard.store.write(full=True) as tx:
        tx.execute("DELETE FROM audit_body WHERE seq = ?", (seq,))

    assert [problem.seq for problem in verify_file(guard.config.database).problems] == [seq]


def test_a_retention_event_covers_nothing_that_verifying_needs(guard: Guard) -> None:
    with guard.store.write(full=True) as tx:
        tx.execute("DELETE FROM audit_body WHERE seq = 1")
        audit.append(tx, "retention.erased", {"ranges": [[1, 1]]})

    assert 1 in [problem.seq for problem in verify_file(guard.config.database).problems]


def test_by_age_only_what_is_older_goes(home: Path) -> None:
    clock = Clock()
    with opened(home, clock) as guard:
        guard.begin(call("read_file", PRINCIPAL, text=CANARY))
        clock.forward(days=30)
        guard.begin(call("read_file", PRINCIPAL, text="harpsichord"))
        boundary = "2026-12-01T00:00:00.000Z"
        running = retention.retain(guard.store, guard.checkpoints, before=boundary)

        assert running.events == 0, "calls that run keep their contents"

    with opened(home, clock) as guard:
        made = retention.retain(guard.store, guard.checkpoints, before=boundary)
        kept = [event for event in audit.read(guard.store) if event["body"] is None]
        assert {event["ts"] < boundary for event in kept} <= {True}
        assert made.events == len(kept)
        assert verify_file(guard.config.database).problems == []


def test_by_size_the_oldest_go_until_the_rest_fits(guard: Guard) -> None:
    made = retention.retain(guard.store, guard.checkpoints, keep_bytes=2_000)

    left = [len(json.dumps(event["body"])) for event in audit.read(guard.store, kind="call.decided") if event["body"]]
    assert made.events > 0
    assert sum(left) <= 4_000
    assert verify_file(guard.config.database).problems == []
    assert retention.retain(guard.store, guard.checkpoints, keep_bytes=10_000_000).events == 0


def test_open_requests_and_holds_keep_their_contents(guard: Guard) -> None:
    pending = guard.begin(call("risky_delete", PRINCIPAL, text="still open"))
    assert isinstance(pending, Pending)
    retention.hold(guard.store, "case", {"person": "carol"}, "legal", reviewer="bob0")

    erased(guard, person="carol")
    erased(guard, person="alice")

    kept = {e["person"] for e in audit.read(guard.store) if e["body"] and e.get("person")}
    assert kept == {"alice", "carol"}
    assert retention.holds(guard.store) == {"case": {"person": "carol"}}
    assert {e["request_id"] for e in audit.read(guard.store, person="alice") if e["body"] and e.get("request_id")} == {
        pending.request_id
    }
    assert retention.free(guard.store, "case", "closed", reviewer="bob0")
    assert not retention.free(guard.store, "case", "closed", reviewer="bob0")
    assert erased(guard, person="carol").events > 0


def test_a_subject_that_is_no_column_is_refused(guard: Guard) -> None:
    with pytest.raises(ValueError, match="1=1"):
        erased(guard, **{"1=1 OR person": "x"})


# -- the key --------------------------------------------------------------------------------------------------------


def test_a_rotated_key_goes_on_and_the_old_one_is_gone(guard: Guard, home: Path) -> None:
    guard.checkpoints.write_if_due(now=True)
    old = guard.checkpoints.key

    new = guard.checkpoints.rotate("yearly", reviewer="bob0", channel="cli")

    guard.begin(call("read_file", PRINCIPAL))
    other = Checkpoints(guard.store)
    other.write_if_due(now=True)
    report = verify_file(guard.config.database)
    assert report.problems == []
    assert report.keys == [old.public.hex(), new.public.hex()]
    assert [file.name for file in (home / "keys").glob("audit-*")] == ["audit-a2.key"]


@pytest.mark.parametrize("what", ["signed_by_old", "signed_by_new", "public_key"])
def test_a_rotation_counts_only_with_both_signatures(guard: Guard, what: str) -> None:
    new = guard.checkpoints.rotate("yearly", reviewer="bob0")
    contents = dict(audit.read(guard.store, kind="key.rotated")[0]["body"])
    contents[what] = "00" * 64

    with guard.store.write(full=True) as tx:
        audit.append(tx, "key.rotated", {**contents, "key_id": new.id})

    assert any("old key" in problem.what for problem in verify_file(guard.config.database).problems)


def test_after_a_rotation_the_old_key_signs_nothing_that_counts(guard: Guard, home: Path) -> None:
    kept = (home / "keys" / "audit-a1.key").read_bytes()
    guard.checkpoints.rotate("yearly", reviewer="bob0")
    (home / "keys" / "audit-a1.key").write_bytes(kept)
    guard.begin(call("read_file", PRINCIPAL))
    guard.store.flush()

    forger = Checkpoints(guard.store)
    with guard.store.write(full=True) as tx:
        tx.execute("DELETE FROM meta WHERE key = 'audit_key'")
        forger.write(tx)

    assert any("not signed by the log's key" in p.what for p in verify_file(guard.config.database).problems)


def test_an_edited_vote_or_state_contradicts_the_log(guard: Guard) -> None:
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE vote SET choice = 'approve' WHERE choice = 'deny'")

    assert any("vote of bob" in problem.what for problem in verify_file(guard.config.database).problems)


def test_after_retention_the_rest_is_found_and_no_removed_word_is_in_the_index(guard: Guard, home: Path) -> None:
    assert found(guard, CANARY)
    last = max(event["seq"] for event in audit.read(guard.store, person="alice", limit=1_000))

    made = retention.retain(guard.store, guard.checkpoints, keep_bytes=_bytes_after(guard, last))

    assert made.events > 0
    guard.store.fold()
    assert set(everywhere(home, CANARY)) <= {"toolguard.db"}, "sessions that go on remember it"
    assert CANARY not in str([e["body"] for e in audit.read(guard.store, limit=1_000) if e["seq"] <= last])
    assert (home / "search.db").stat().st_size > 0, "it was not made anew"
    assert found(guard, CANARY) == set()
    assert found(guard, "harpsichord") == {"carol"}
    assert found(guard, "alice risky_delete") == {"alice"}, "headers stay, and are found"
    assert verify_file(guard.config.database).problems == []


def _bytes_after(guard: Guard, seq: int) -> int:
    (row,) = guard.store.read("SELECT sum(length(body)) AS size FROM audit_body WHERE seq > ?", (seq,))
    return int(row["size"])


def test_over_many_events_retention_goes_in_steps_and_each_is_covered(home: Path) -> None:
    with opened(home) as guard:
        with guard.store.write(full=True) as tx:
            for number in range(11_000):
                audit.append(tx, "call.decided", {"n": number}, effect="deny", session=f"s{number % 3}")
        search(guard.store, "s1", patience=60)
        retention.hold(guard.store, "case", {"session": "s2"}, "legal", reviewer="bob")

        made = retention.retain(guard.store, guard.checkpoints, before="2999-01-01T00:00:00.000Z", reason="all")

        events = audit.read(guard.store, kind="retention.applied")
        kept = [event for event in audit.read(guard.store, limit=20_000, kind="call.decided") if event["body"]]
        assert len(events) == 3
        assert sum(event["body"]["removed"] for event in events) == made.events
        assert {event["session"] for event in kept} == {"s2"}
        assert verify_file(guard.config.database).problems == []
