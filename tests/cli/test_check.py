"""`toolguard check`: effect, reasons, and exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

POLICY = """
policy:
  rules:
    - {name: never, match: {tool: forbidden}, effect: deny, reason: because}
    - {name: first-ask, match: {tool: asked, arguments: {/n: {min: 5}}}, effect: ask, need: 2}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(POLICY, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("tool", "arguments", "effect", "status"),
    [
        ("read_file", '{"path": "notes.txt"}', "allow", 0),
        ("asked", '{"n": 5}', "ask", 3),
        ("asked", '{"n": 4}', "allow", 0),
        ("asked", '{"n": "5"}', "ask", 3),
        ("forbidden", "{}", "deny", 4),
    ],
)
def test_the_exit_status_is_the_effect(
    tool: str, arguments: str, effect: str, status: int, policy: str, run: Run
) -> None:
    ran = run("check", "--tool", tool, "--arguments", arguments, "--config", policy, "--json")

    assert ran.status == status
    assert ran.json["effect"] == effect
    assert {"effect", "class", "score", "findings", "rules"} <= ran.json.keys()


def test_a_finding_says_what_and_where(run: Run) -> None:
    ran = run("check", "--tool", "query", "--arguments", '{"sql": "DROP TABLE customers"}', "--json")

    finding = ran.json["findings"][0]
    assert ran.status == 3
    assert ran.json["class"] == "delete"
    assert finding["pointer"] == "/sql"
    assert {"id", "severity", "pointer", "message"} <= finding.keys()


def test_without_json_a_person_reads_effect_findings_and_rules(policy: str, run: Run) -> None:
    ran = run("check", "--tool", "forbidden", "--arguments", "{}", "--config", policy)

    assert ran.out.startswith("DENY")
    assert "rule never: deny, because" in ran.out


def test_arguments_may_come_from_stdin(run: Run) -> None:
    ran = run("check", "--tool", "query", "--arguments", "-", "--json", stdin='{"sql": "DROP TABLE customers"}')

    assert ran.status == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("1", "not a JSON object"),
        ('{"a": 1, "a": 2}', "not JSON: a key stands twice"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": "\\ud800"}', "not JSON"),
        ("{" * 100, "not JSON"),
    ],
)
def test_arguments_that_two_parsers_could_read_differently_are_bad_input(arguments: str, words: str, run: Run) -> None:
    ran = run("check", "--tool", "t", "--arguments", arguments)

    assert ran.status == 2
    assert ran.err.startswith(f"toolguard: `--arguments`: {words}")


def test_nothing_is_written(home: Path, run: Run) -> None:
    run("check", "--tool", "forbidden", "--arguments", "{}")

    assert not home.exists()


def test_hidden_characters_of_a_tool_are_spelled_out(run: Run) -> None:
    ran = run("check", "--tool", "read\u202e_file", "--arguments", '{"path": "a\\u001b[31mb"}')

    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
