"""`toolguard policy`: validate, explain, test, diff and learn, over files of sessions and over the audit log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from toolguard.config import load
from toolguard.core.model import Json, Principal, ToolCall
from toolguard.guard import Guard, Pending


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a file and returns its name."""

    def to(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return to


GOOD = "policy: {rules: [{name: drops, match: {class: delete, server: 'db*'}, effect: ask, need: 2}]}\n"


def test_a_sound_file_is_called_so(write: Any, run: Run) -> None:
    file = write("good.yaml", GOOD)

    assert run("policy", "validate", file).out == f"{file} is sound\n"
    assert run("policy", "validate", file, "--json").json["ok"] is True


def test_without_a_file_the_defaults_are_sound(run: Run) -> None:
    assert run("policy", "validate").status == 0
    assert run("policy", "validate", "--json").json == {"ok": True, "file": None, "problems": [], "notes": []}


def test_everything_that_is_wrong_is_named_with_its_place(write: Any, run: Run) -> None:
    file = write("bad.yaml", "servrs: {}\npolicy: {preset: strickt}\n")

    ran = run("policy", "validate", file)

    assert ran.status == 2
    assert f"{file}:1:1: `servrs`: unknown key; did you mean `servers`?" in ran.err
    assert f"{file}:2:18: `policy.preset`: allowed here: `observe`, `balanced` or `strict`" in ran.err
    listed = run("policy", "validate", file, "--json")
    assert listed.status == 2
    assert [(p["line"], p["field"]) for p in listed.json["problems"]] == [(1, "servrs"), (2, "policy.preset")]


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "mine.yaml"
    if content:
        file.write_bytes(content)

    ran = run("policy", "validate", str(file))

    assert ran.status == 2
    assert "mine.yaml" in ran.err


def test_what_is_allowed_but_probably_not_meant_is_noted(write: Any, run: Run) -> None:
    text = """
servers: {database: {command: x}}
policy:
  rules:
    - {name: typo, match: {finding: sql.dorp}, effect: allow}
    - {name: nowhere, match: {server: databse}, effect: ask}
    - {name: idle, match: {tool: x}, effect: allow}
"""

    notes = run("policy", "validate", write("odd.yaml", text), "--json").json["notes"]

    assert notes == [
        "rule `typo`: no detector reports `sql.dorp`; did you mean `sql.drop`?",
        "rule `nowhere`: no server is called `databse` here",
        "rule `idle`: it allows and names no finding, so under `balanced` it changes nothing",
    ]


def test_explain_says_who_spoke_and_why_the_others_did_not(write: Any, run: Run) -> None:
    text = """
policy:
  rules:
    - {name: drops, match: {class: delete, server: "db*"}, effect: ask, reason: drops hurt}
    - {name: elsewhere, match: {server: files}, effect: deny}
    - {name: spared, match: {class: delete}, unless: {server: db1}, effect: deny}
    - {name: numbers, match: {arguments: {/sql: {max: 1}}}, effect: deny}
"""
    words = ["--tool", "query", "--server", "db1", "--arguments", '{"sql": "DROP TABLE a"}']

    ran = run("policy", "explain", *words, "--config", write("p.yaml", text), "--json")

    assert ran.status == 3
    why = {rule["name"]: (rule["effect"], rule["why"]) for rule in ran.json["rules"]}
    assert why["drops"] == ("ask", "drops hurt")
    assert why["numbers"] == ("ask", "the rule could not be evaluated on this call")
    assert "sql.drop" in why["preset.balanced"][1]
    assert ran.json["silent"] == [
        {"name": "elsewhere", "why": "its `server` does not match"},
        {"name": "spared", "why": "its `unless` matches"},
    ]
    assert "rule spared: silent" in run("policy", "explain", *words, "--config", write("p.yaml", text)).out


CASES = """
cases:
  - name: two people for a drop
    call: {tool: query, server: db1, arguments: {sql: DROP TABLE a}}
    expect: {effect: ask, class: delete, need: 2, findings: sql.*, rules: [drops], score: {min: 40}}
  - name: a select passes
    call: {tool: query, server: db1, arguments: {sql: SELECT 1}, definition: {annotations: {readOnlyHint: true}}}
    prompt: count the rows
    at: 2026-11-22T23:00:00Z
    expect: {effect: allow, class: read, score: {max: 39}}
"""


def test_cases_beside_the_policy_are_run(write: Any, run: Run) -> None:
    config = write("toolguard.yaml", GOOD)
    write("toolguard.tests.yaml", CASES)

    ran = run("policy", "test", "--config", config)

    assert (ran.status, ran.out.splitlines()[-1]) == (0, "2 of 2 cases hold")


def test_a_case_that_fails_says_what_is_so_instead(write: Any, run: Run) -> None:
    wrong = CASES.replace("need: 2", "need: 3").replace("effect: allow", "effect: deny").replace("sql.*", "shell.*")

    ran = run("policy", "test", write("c.yaml", wrong), "--config", write("toolguard.yaml", GOOD))

    assert ran.status == 1
    assert "needs 2 approvals, not 3" in ran.out
    assert "no finding `shell.*` (there: sql.drop" in ran.out
    assert "effect is allow, not deny" in ran.out
    assert ran.out.endswith("0 of 2 cases hold\n")
    assert run("policy", "test", write("c.yaml", wrong), "--json").json["ok"] is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there are no cases in"),
        ("cases: []", "must not be empty"),
        ("cases: [{name: a, call: {tool: t}, expect: {efect: ask}}]", "did you mean `effect`?"),
        ("cases: [{name: a, call: {tool: t}, expect: {effect: ask}, at: yesterday}]", "c.yaml:1:63: `cases.0.at`"),
    ],
)
def test_a_mistake_in_the_cases_names_its_place(text: str | None, words: str, write: Any, run: Run) -> None:
    file = "c.yaml" if text is None else write("c.yaml", text)

    ran = run("policy", "test", file)

    assert ran.status == 2
    assert words in ran.err


SESSIONS = [
    {
        "id": "a",
        "steps": [{"tool": "query", "server": "db1", "arguments": {"sql": f"DROP TABLE t{i}"}} for i in (1, 2)],
    },
    {"id": "b", "steps": [{"tool": "query", "server": "db1", "arguments": {"sql": "SELECT 1"}}]},
]
DENY_DROPS = "policy: {rules: [{name: no-drops, match: {finding: sql.drop}, effect: deny}]}\n"


def as_lines(sessions: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(session) + "\n" for session in sessions)


def test_diff_shows_what_another_policy_would_change_in_recorded_sessions(write: Any, run: Run) -> None:
    sessions, new = write("s.jsonl", as_lines(SESSIONS)), write("new.yaml", DENY_DROPS)

    ran = run("policy", "diff", new, sessions)

    assert ran.status == 0
    assert ran.out.splitlines() == [
        "a:1  db1/query  ask -> deny  no-drops",
        "a:2  db1/query  ask -> deny  no-drops",
        "3 calls: 2 ask -> deny",
    ]
    listed = run("policy", "diff", new, sessions, "--json").json
    assert (listed["calls"], listed["counts"]) == (3, {"ask -> deny": 2})
    assert listed["changed"][0]["id"] == "a:1"


def test_a_bad_line_of_a_recording_is_named_and_left_out(write: Any, run: Run) -> None:
    ran = run("policy", "diff", write("new.yaml", DENY_DROPS), write("s.jsonl", as_lines(SESSIONS) + "{\n"))

    assert ran.out.endswith("3 calls: 2 ask -> deny\n")
    assert "s.jsonl:3:1: not JSON" in ran.err


def drop(guard: Guard, table: str, choice: str) -> None:
    """A call that is asked about and answered, in the log."""
    reviewer = guard.reviewers.by_person("tester")
    if reviewer is None:
        guard.reviewers.add("tester", person="tester")
        reviewer = guard.reviewers.by_person("tester")
    assert reviewer is not None
    call = ToolCall("db1", "query", {"sql": f"DROP TABLE {table}"}, Principal("claude", "bob", f"s-{table}-{choice}"))
    pending = guard.begin(call)
    assert isinstance(pending, Pending)
    view = guard.approvals.show(pending.request_id)
    assert view is not None
    guard.approvals.vote(
        view.id,
        reviewer,
        "approve" if choice == "approve" else "deny",
        request_digest=view.request_digest,
        channel="cli",
        strength=2,
    )
    guard.resume(pending)


def test_diff_and_learn_read_the_audit_log(write: Any, run: Run) -> None:
    with Guard(replace(load(), agent="claude")) as guard:
        for _ in range(3):
            drop(guard, "scratch", "approve")
        drop(guard, "customers", "deny")

    changed = run("policy", "diff", write("new.yaml", DENY_DROPS), "--json").json
    assert changed["counts"] == {"ask -> deny": 4}

    learned = run("policy", "learn", "--json").json
    (proposal,) = learned["proposals"]
    assert proposal["rule"]["match"]["arguments"] == {"/sql": {"equals": "DROP TABLE scratch"}}
    assert len(proposal["approved"]) == 3


def test_a_learned_rule_is_yaml_that_does_what_it_says(write: Any, run: Run) -> None:
    answered: list[dict[str, Json]] = [
        {"tool": "query", "server": "db1", "arguments": {"sql": "DROP TABLE scratch"}, "answer": "approve"}
    ] * 3
    denied = {"tool": "query", "server": "db1", "arguments": {"sql": "DROP TABLE customers"}, "answer": "deny"}
    sessions = write("s.jsonl", as_lines([{"id": "a", "steps": [*answered, denied]}]))

    ran = run("policy", "learn", sessions)

    indented = "".join(f"    {line}\n" for line in ran.out.splitlines())
    new = write("new.yaml", f"policy:\n  rules:\n{indented}")
    assert run("policy", "validate", new).status == 0
    after = run("policy", "diff", new, sessions)
    assert after.out.endswith("4 calls: 3 ask -> allow\n")


def test_learn_says_why_it_proposes_nothing(write: Any, run: Run) -> None:
    once = [{"id": "a", "steps": [{"tool": "query", "arguments": {"sql": "DROP TABLE a"}, "answer": "approve"}]}]

    ran = run("policy", "learn", write("s.jsonl", as_lines(once)))

    assert ran.out == "# nothing to propose\n"
    assert "approved 1 of the 3 times" in ran.err


def test_without_a_log_or_files_there_is_nothing_to_learn_from(home: Path, run: Run) -> None:
    for words in (["learn"], ["diff", "/dev/null"]):
        ran = run("policy", *words)
        assert ran.status == 2
        assert not home.exists()
