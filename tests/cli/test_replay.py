"""`toolguard replay`: a line for a line, as a stream, and every bad line named."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

DROP = {"tool": "query", "arguments": {"sql": "DROP TABLE customers"}}
READ = {"tool": "read_file", "arguments": {"path": "notes.txt"}, "output": "hello"}


def lines(*sessions: dict[str, Any]) -> str:
    return "".join(json.dumps(session) + "\n" for session in sessions)


def decisions(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_step_is_decided_in_order(run: Run) -> None:
    ran = run("replay", "-", stdin=lines({"id": "a", "steps": [READ, DROP]}, {"id": 2, "steps": []}))

    first, second = decisions(ran.out)
    assert ran.status == 0
    assert first["id"] == "a"
    assert [step["effect"] for step in first["steps"]] == ["allow", "ask"]
    assert all({"effect", "class", "score", "findings", "ms"} <= step.keys() for step in first["steps"])
    assert second == {"id": 2, "steps": []}


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz", "packed-without-its-ending"])
def test_files_may_be_plain_or_packed(name: str, tmp_path: Path, run: Run) -> None:
    text = lines({"id": "a", "steps": [READ]}, {"id": "b", "steps": [DROP]}).encode()
    file = tmp_path / name
    file.write_bytes(text if name == "s.jsonl" else gzip.compress(text))

    ran = run("replay", str(file))

    assert [found["id"] for found in decisions(ran.out)] == ["a", "b"]


def test_members_may_be_absent_or_null_and_unknown_ones_are_ignored(run: Run) -> None:
    session = {
        "id": "a",
        "principal": None,
        "prompt": None,
        "labels": ["x"],
        "tools": [{"name": "t", "description": None, "input_schema": None, "annotations": None, "more": 1}, {}],
        "steps": [{"tool": "t", "arguments": None, "output": None, "server": None, "more": 1}, {"tool": "u"}],
    }

    ran = run("replay", "-", stdin=lines(session))

    assert ran.status == 0
    assert len(decisions(ran.out)[0]["steps"]) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "stdin:2:1: not JSON"),
        ("[]", "stdin:2: "),
        ('{"steps": []}', "stdin:2: `id`: field required"),
        ('{"id": "a", "steps": [{"arguments": {}}]}', "stdin:2: `steps.0.tool`: field required"),
        ('{"id": "a", "steps": [{"tool": "t", "arguments": []}]}', "stdin:2: `steps.0.arguments`"),
        ('{"id": "a", "steps": ' + "[" * 100_000, "stdin:2: not JSON"),
        ("\ufeff{}", "stdin:2:1: not JSON"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_still_decided(line: str, words: str, run: Run) -> None:
    good = lines({"id": "a", "steps": []})

    ran = run("replay", "-", stdin=good + line + "\n" + good)

    assert ran.status == 2
    assert len(decisions(ran.out)) == 2
    assert ran.err.startswith(f"toolguard: {words}")
    assert len(ran.err.splitlines()) == 1


def test_bytes_that_are_no_text_are_a_bad_line(run: Run) -> None:
    ran = run("replay", "-", stdin=b"\xff\xfe\n")

    assert (ran.status, ran.out) == (2, "")


def test_a_packed_file_that_was_cut_off_is_an_error_after_what_could_be_read(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "cut.gz"
    whole = gzip.compress("".join(lines({"id": str(i), "steps": []}) for i in range(20_000)).encode())
    file.write_bytes(whole[: len(whole) // 2])

    ran = run("replay", str(file))

    assert ran.status == 2
    assert "cut.gz: cannot be read" in ran.err
    assert decisions(ran.out)[0] == {"id": "0", "steps": []}


def test_decisions_are_written_as_soon_as_they_fall() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "toolguard", "replay", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for name in ("a", "b"):
            program.stdin.write(lines({"id": name, "steps": []}))
            program.stdin.flush()
            assert json.loads(program.stdout.readline())["id"] == name  # while stdin is still open
        program.stdin.close()

    assert program.returncode == 0


def test_budgets_count_over_the_steps_of_a_session(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("policy: {budgets: [{name: two, match: {tool: read_file}, limit: 2, per: 1h}]}", encoding="utf-8")

    ran = run(
        "replay",
        "-",
        "--config",
        str(config),
        stdin=lines({"id": "a", "steps": [READ] * 3}, {"id": "b", "steps": [READ]}),
    )

    first, second = decisions(ran.out)
    assert [step["effect"] for step in first["steps"]] == ["allow", "allow", "ask"]
    assert [step["effect"] for step in second["steps"]] == ["allow"]


def test_a_denied_step_counts_as_not_run(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(
        "policy: {rules: [{name: no, match: {tool: read_file, arguments: {/path: {equals: secret}}}, effect: deny}], "
        "budgets: [{name: one, match: {tool: read_file}, limit: 1, per: 1h}]}",
        encoding="utf-8",
    )
    secret = {"tool": "read_file", "arguments": {"path": "secret"}}

    ran = run("replay", "-", "--config", str(config), stdin=lines({"id": "a", "steps": [secret, READ, READ]}))

    assert [step["effect"] for step in decisions(ran.out)[0]["steps"]] == ["deny", "allow", "ask"]
