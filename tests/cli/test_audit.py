"""`toolguard audit`: the log as people and scripts read it, and its proof."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run, asked
from toolguard.core.model import Principal, ToolCall
from toolguard.guard import Guard


@pytest.fixture
def request_id(guard: Guard) -> str:
    """A log with an allowed call and one that waits."""
    guard.begin(ToolCall("files", "read_file", {"path": "notes.txt"}, Principal("claude", "bob", "files")))
    waiting = asked(guard).request_id
    guard.close()
    return waiting


def test_events_are_listed_and_filtered(request_id: str, run: Run) -> None:
    events = run("audit", "list", "--json").json

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["effect"] for event in events if event["kind"] == "call.decided"} == {"allow", "ask"}
    (asked_event,) = run("audit", "list", "--effect", "ask", "--json").json
    assert asked_event["tool"] == "risky_delete"
    assert {e["request_id"] for e in run("audit", "list", "--request", request_id, "--json").json} == {request_id}
    assert [e["seq"] for e in run("audit", "list", "--after", "1", "--limit", "2", "--json").json] == [2, 3]
    assert [e["seq"] for e in run("audit", "list", "--limit", "1", "--json").json] == [len(events)]
    assert "call.decided" in run("audit", "list").out


def test_an_event_or_a_whole_life_is_shown(request_id: str, run: Run) -> None:
    assert run("audit", "show", "1", "--json").json["seq"] == 1
    life = run("audit", "show", request_id, "--json").json
    assert life[0]["kind"] == "approval.requested"
    assert "risky_delete" in run("audit", "show", request_id).out
    for nothing in ("0", "999", "9" * 40, "ap_none", "x"):
        ran = run("audit", "show", nothing)
        assert (ran.status, ran.out) == (2, "")


def test_events_are_found_by_their_contents(request_id: str, run: Run) -> None:
    found = run("audit", "search", "/srv/old", "--json").json

    assert found
    assert all("/srv/old" in str(event["body"]) for event in found)
    assert run("audit", "search", "nowhere-to-be-found", "--json").json == []


def test_an_honest_log_verifies_and_says_what_that_is_worth(request_id: str, run: Run) -> None:
    ran = run("audit", "verify", "--json")

    assert ran.status == 0
    assert ran.json.keys() >= {"ok", "events", "problems", "anchored"}
    assert (ran.json["ok"], ran.json["problems"]) == (True, [])
    assert ran.json["events"] == len(run("audit", "list", "--json").json)


@pytest.mark.guarantee("audit:tampering-shows")
def test_a_changed_copy_fails_and_the_event_is_named(request_id: str, home: Path, tmp_path: Path, run: Run) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(home / "toolguard.db", copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("DROP TRIGGER audit_event_keeps")
        connection.execute("UPDATE audit_event SET tool = 'harmless' WHERE kind = 'call.decided' AND effect = 'ask'")
    connection.close()

    ran = run("audit", "verify", str(copy), "--json")

    assert ran.status == 1
    assert ran.json["ok"] is False
    assert any("changed" in problem["what"] for problem in ran.json["problems"])
    assert "CHANGED" in run("audit", "verify", str(copy)).out
    assert run("audit", "verify").status == 0


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\x00" * 200])
def test_what_is_no_database_of_ours_is_bad_input(content: bytes, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "other.db"
    file.write_bytes(content)

    ran = run("audit", "verify", str(file))

    assert (ran.status, ran.out) == (2, "")
    assert "other.db" in ran.err
    assert file.read_bytes() == content


def test_where_no_log_is_there_is_nothing_to_verify(home: Path, run: Run) -> None:
    ran = run("audit", "verify")

    assert ran.status == 2
    assert not home.exists()


# -- witnesses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def witnessed(request_id: str, home: Path, tmp_path: Path) -> Path:
    """The file of a configured witness."""
    file = tmp_path / "anchors.txt"
    settings = f"audit: {{anchors: {{usb: {{kind: file, path: '{file}'}}}}}}\n"
    (home / "toolguard.yaml").write_text(settings, encoding="utf-8")
    return file


def test_every_witness_is_told_and_its_file_confirms_the_log(witnessed: Path, tmp_path: Path, run: Run) -> None:
    assert run("audit", "anchor", "--json").json == [{"anchor": "usb", "kind": "file", "error": None}]
    receipts = tmp_path / "receipts.jsonl"
    receipts.write_text(run("audit", "receipts").out, encoding="utf-8")

    for kept in (witnessed, receipts):
        ran = run("audit", "verify", "--anchor", str(kept), "--require-anchor")
        assert ran.status == 0
        assert "anchored: " in ran.out
    ran = run("audit", "verify")
    assert "1 receipts in the log" in ran.out
    assert run("audit", "verify", "--require-anchor").status == 1


def test_a_witness_that_cannot_be_told_is_named(witnessed: Path, run: Run) -> None:
    witnessed.mkdir()

    ran = run("audit", "anchor")

    assert (ran.status, ran.out.split(":")[0]) == (1, "usb")


def test_without_a_witness_there_is_nobody_to_tell(request_id: str, run: Run) -> None:
    assert run("audit", "anchor").status == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--witness-key", "nobody"),
        ("--tsa-ca", "nowhere.pem"),
        ("--anchor", "stamp.tsr"),
        ("--anchor", "stamp.tsr", "--tsa-ca", "empty.pem"),
        ("--anchor", "noise.bin"),
    ],
)
def test_what_is_no_key_no_root_and_no_anchor_is_bad_input(
    words: tuple[str, ...], request_id: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stamp.tsr").write_bytes(b"0\x03\x02\x01\x00")
    (tmp_path / "empty.pem").write_text("", encoding="utf-8")
    (tmp_path / "noise.bin").write_bytes(b"\xff\xfe")

    ran = run("audit", "verify", *words)

    assert (ran.status, ran.out) == (2, "")


def test_an_anchor_that_holds_nothing_confirms_nothing(request_id: str, run: Run) -> None:
    ran = run("audit", "verify", "--anchor", "no checkpoint at all")

    assert ran.status == 1
    assert "holds no checkpoint" in ran.out
