"""What `toolguard audit`, `stop` and `release` do to a log: retention, holds, keys, exports, proofs; and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, asked
from toolguard.core.model import Outcome, OutcomeKind, Principal, ToolCall
from toolguard.core.proof.signed_note import find_all
from toolguard.guard import Guard, Permit

TOKEN = "TOOLGUARD_REVIEWER_TOKEN"


@pytest.fixture
def token(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    made: str = run("reviewers", "add", "alice", "--json").json["token"]
    monkeypatch.setenv(TOKEN, made)
    return made


@pytest.fixture
def log(guard: Guard) -> None:
    """An allowed call that ended, and one that waits."""
    permit = guard.begin(ToolCall("files", "read_file", {"path": "xylophone.txt"}, Principal("claude", "bob", "files")))
    assert isinstance(permit, Permit)
    guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "ok", 2, "", 1.0))
    asked(guard)
    guard.close()


def kinds(run: Run) -> list[str]:
    return [event["kind"] for event in run("audit", "list", "--limit", "500", "--json").json]


# -- stop and release -------------------------------------------------------------------------------------------------


def test_a_stop_is_recorded_with_who_and_why_and_ends_with_a_release(log: None, token: str, run: Run) -> None:
    assert run("stop", "--reason", "something odd").status == 0
    (event,) = run("audit", "list", "--kind", "guard.stopped", "--json").json
    assert (event["reviewer"], event["channel"], event["body"]["reason"]) == ("alice", "cli", "something odd")

    assert run("release").status == 0

    assert kinds(run)[-1] == "guard.released"


def test_only_a_person_releases(log: None, run: Run) -> None:
    assert run("release").status == 2
    assert "guard.released" not in kinds(run)


# -- retention --------------------------------------------------------------------------------------------------------


def test_old_contents_go_and_the_log_verifies(log: None, run: Run) -> None:
    made = run("audit", "retain", "--keep", "1KB", "--reason", "small disk", "--json").json

    assert made["removed"] > 0
    gone = [event["seq"] for event in run("audit", "list", "--json").json if event["body"] is None]
    assert len(gone) == made["removed"]
    assert not {event["seq"] for event in run("audit", "search", "xylophone", "--json").json} & set(gone)
    verified = run("audit", "verify", "--json").json
    assert (verified["ok"], verified["removed"]) == (True, made["removed"])
    assert f"contents of {made['removed']} events were removed" in run("audit", "verify").out
    assert "removed" in run("audit", "retain", "--older-than", "90d", "--reason", "rule").out


def test_what_is_configured_is_done_when_nothing_is_named(log: None, home: Path, run: Run) -> None:
    (home / "toolguard.yaml").write_text("audit: {retention: {keep: 1KB}}\n", encoding="utf-8")

    assert run("audit", "retain", "--json").json["removed"] > 0

    (event,) = run("audit", "list", "--kind", "retention.applied", "--json").json
    assert event["body"]["reason"] == "configured: at most 1000 bytes"


def test_a_hold_keeps_contents_until_it_is_freed(log: None, token: str, run: Run) -> None:
    held = run("audit", "hold", "case-7", "--session", "files", "--reason", "legal")
    assert (held.status, held.out) == (0, "holds in force: case-7: session files\n")
    assert run("audit", "erase", "--person", "bob", "--reason", "asked", "--json").json["removed"] == 0

    assert run("audit", "free", "case-7", "--reason", "closed").status == 0
    assert run("audit", "free", "case-7", "--reason", "closed").status == 1

    assert run("audit", "erase", "--person", "bob", "--reason", "asked", "--json").json["removed"] > 0
    (event,) = run("audit", "list", "--kind", "retention.erased", "--json").json
    assert (event["reviewer"], event["body"]["subject"], event["body"]["reason"]) == (
        "alice",
        {"person": "bob"},
        "asked",
    )
    assert run("audit", "verify").status == 0


def test_a_hold_without_a_subject_covers_everything(log: None, token: str, run: Run) -> None:
    assert "everything" in run("audit", "hold", "all", "--reason", "legal").out

    assert run("audit", "retain", "--keep", "1KB", "--reason", "disk", "--json").json["removed"] == 0


# -- the key, notes and proofs ----------------------------------------------------------------------------------------


def test_a_rotated_key_signs_from_then_on(log: None, token: str, home: Path, run: Run) -> None:
    before = run("audit", "verify", "--json").json["keys"]

    said = run("audit", "rotate-key", "--reason", "yearly").out

    keys = run("audit", "verify", "--json").json["keys"]
    assert keys[: len(before)] == before
    assert keys[-1] in said
    assert not (home / "keys" / "audit-a1.key").exists()
    assert run("audit", "checkpoint", "--json").json["key_id"] == "a2"
    assert run("audit", "verify").status == 0


def test_notes_are_appended_where_they_are_kept_and_confirm_the_log(log: None, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "anchors.txt"
    for _ in range(2):
        assert run("audit", "checkpoint", "--append", str(file)).status == 0

    assert len(find_all(file.read_text(encoding="utf-8"))) == 2
    ran = run("audit", "verify", "--anchor", str(file), "--require-anchor", "--json")
    assert (ran.status, ran.json["anchored"]) == (0, True)


def test_a_proof_is_printed_for_an_event_that_is_there(log: None, run: Run) -> None:
    assert run("audit", "prove", "2").json["header"]["seq"] == 2


def test_a_log_in_no_doubt_needs_no_confirmation(log: None, token: str, run: Run) -> None:
    assert run("audit", "confirm", "--reason", "restored").status == 1


# -- exports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "csv", "otlp", "ocsf", "cef"])
def test_every_format_is_written_and_goes_on_after_a_number(log: None, form: str, run: Run) -> None:
    whole = run("audit", "export", "--format", form)
    rest = run("audit", "export", "--format", form, "--after", str(len(kinds(run)) - 1))

    assert whole.status == rest.status == 0
    assert len(rest.out) < len(whole.out)
    assert kinds(run).count("export.made") == 2


def test_an_exported_log_verifies_from_its_file(log: None, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(run("audit", "export").out, encoding="utf-8", newline="")

    assert run("audit", "verify", str(file), "--json").json["ok"]
    file.write_text(file.read_text(encoding="utf-8").replace("xylophone", "saxophone"), encoding="utf-8", newline="")
    assert run("audit", "verify", str(file)).status == 1


def test_a_copy_for_others_verifies_and_is_not_written_over_another_file(log: None, tmp_path: Path, run: Run) -> None:
    file = str(tmp_path / "audit.db")

    assert run("audit", "copy", file).status == 0
    assert run("audit", "verify", file, "--json").json["ok"]
    assert run("audit", "copy", file).status == 2


def test_a_secret_is_found_by_its_value_and_shown_nowhere(guard: Guard, run: Run) -> None:
    principal = Principal("claude", "bob", "files")
    guard.begin(ToolCall("files", "read_file", {"password": "open-sesame-1"}, principal))
    guard.close()

    ran = run("audit", "search", "--secret", "--json", stdin="open-sesame-1\n")

    assert [event["kind"] for event in ran.json][-1] == "call.decided"
    assert "open-sesame-1" not in ran.out
    assert run("audit", "search", "--secret", "--json", stdin="another\n").json == []


def test_terminals_and_scripts_get_no_control_characters_from_the_log(guard: Guard, run: Run) -> None:
    evil = "a\x1b[2Jb\u202ec\u200bd"
    guard.begin(ToolCall("files", "read_file", {"text": evil}, Principal("claude", "bob", evil)))
    guard.close()

    for words in (("list",), ("list", "--json"), ("show", "3"), ("search", "read_file"), ("export", "--format", "cef")):
        out = run("audit", *words).out
        assert not set("\x1b\u202e\u200b") & set(out), words
    assert json.loads(run("audit", "list", "--json").out)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("retain",),
        ("retain", "--keep", "1KB"),
        ("retain", "--keep", "1KB", "--older-than", "1d", "--reason", "x"),
        ("retain", "--older-than", "0d", "--reason", "x"),
        ("retain", "--older-than", "90", "--reason", "x"),
        ("retain", "--keep", "1TB", "--reason", "x"),
        ("erase", "--reason", "x"),
        ("erase", "--person", "bob"),
        ("hold", "--reason", "x"),
        ("hold", "case"),
        ("free",),
        ("prove",),
        ("prove", "0"),
        ("prove", "99999"),
        ("prove", "one"),
        ("show", "99999"),
        ("list", "--effect", "perhaps"),
        ("list", "--after", "-1"),
        ("list", "--limit", "0"),
        ("search",),
        ("export", "--format", "xml"),
        ("export", "--follow"),
        ("export", "--after", "99999"),
        ("checkpoint", "--append", "/nowhere/at/all.txt"),
        ("verify", "nowhere.db"),
        ("copy",),
        ("copy", "/nowhere/at/all.db"),
        ("anchor",),
        ("rotate-key",),
        ("confirm",),
        ("nothing",),
    ],
    ids=" ".join,
)
def test_what_a_command_cannot_use_is_bad_input_in_two_lines_and_changes_nothing(
    words: tuple[str, ...], log: None, token: str, run: Run
) -> None:
    before = kinds(run)

    ran = run("audit", *words)

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("toolguard: ")
    assert len(ran.err.splitlines()) <= 2
    assert kinds(run) == before


@pytest.mark.parametrize(
    "words",
    [
        ("erase", "--person", "bob", "--reason", "x"),
        ("hold", "case", "--reason", "x"),
        ("free", "case", "--reason", "x"),
        ("rotate-key", "--reason", "x"),
        ("confirm", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_what_a_person_answers_for_needs_one(words: tuple[str, ...], log: None, run: Run) -> None:
    before = kinds(run)

    ran = run("audit", *words)

    assert ran.status == 2
    assert "person" in ran.err or "terminal" in ran.err
    assert kinds(run) == before


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("{anchors: {a: {kind: webhook, url: 'https://x.example/', secret: 'env:NOT_SET'}}}", "audit.anchors.a.secret"),
        ("{traces: {url: 'https://x.example/', headers: {a: 'env:NOT_SET'}}}", "audit.traces.headers.a"),
    ],
)
def test_serve_does_not_start_without_a_secret_that_it_needs(settings: str, field: str, home: Path, run: Run) -> None:
    home.mkdir(exist_ok=True)
    (home / "toolguard.yaml").write_text(f"audit: {settings}\nreview: {{port: 1}}\n", encoding="utf-8")

    ran = run("serve")

    assert ran.status == 2
    assert field in ran.err
