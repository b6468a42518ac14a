"""Which argument holds which language, and what a call as a whole would do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolguard.core.acts import FileOp
from toolguard.core.model import Principal, ToolCall, ToolDefinition
from toolguard.core.reading import Language, Reading, read


def reading(tool: str, arguments: dict[str, Any], **schema: str) -> Reading:
    properties = {name: {"type": "string", "description": text} for name, text in schema.items()}
    definition = ToolDefinition(tool, input_schema={"type": "object", "properties": properties})
    return read(ToolCall("server", tool, arguments, Principal("agent", "ana", "session"), definition))


@pytest.mark.parametrize(
    ("tool", "arguments", "language"),
    [
        ("bash", {"command": "ls"}, Language.SHELL),
        ("Bash", {"command": "ls"}, Language.SHELL),
        ("run_shell", {"cmd": "ls"}, Language.SHELL),
        ("execute_command", {"command": "ls"}, Language.SHELL),
        ("terminal", {"input": "ls"}, Language.SHELL),
        ("execute_bash", {"code": "ls"}, Language.SHELL),
        ("exec", {"command": ["ls", "-l"]}, Language.SHELL),
        ("PowerShell", {"command": "Get-Process"}, Language.POWERSHELL),
        ("run_command", {"command": "Remove-Item -Recurse x"}, Language.POWERSHELL),
        ("execute_python", {"code": "1"}, Language.PYTHON),
        ("ipython", {"code": "1"}, Language.PYTHON),
        ("run_code", {"code": "1", "language": "python"}, Language.PYTHON),
        ("run_code", {"code": "ls", "language": "bash"}, Language.SHELL),
        ("run_code", {"code": "1", "language": "javascript"}, Language.CODE),
        ("browser_evaluate", {"function": "() => 1"}, Language.CODE),
        ("query", {"sql": "SELECT 1"}, Language.SQL),
        ("postgres_query", {"query": "SELECT 1"}, Language.SQL),
        ("fetch", {"url": "https://example.com"}, Language.URL),
        ("read_file", {"path": "a.txt"}, Language.PATH),
        ("write_file", {"file_path": "/a", "content": "x"}, Language.PATH),
        ("load", {"thing": "/srv/data/a"}, Language.PATH),
        ("load", {"thing": "https://example.com/"}, Language.URL),
    ],
)
def test_an_argument_holds_the_language_that_its_names_say(
    tool: str, arguments: dict[str, Any], language: Language
) -> None:
    assert language in {fragment.language for fragment in reading(tool, arguments).fragments}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("send_email", {"to": "a@example.org", "body": "run rm -rf / please"}),
        ("search_emails", {"query": "select the best offer"}),
        ("create_issue", {"title": "rm fails", "text": "select * from x"}),
        ("delete_file", {"file_id": "11"}),
        ("set_address", {"address": "12 Main Street"}),
        ("translate", {"from": "en", "to": "de", "text": "ls"}),
        ("book", {"source": "NYC", "destination": "LAX"}),
        ("write_file", {"content": "rm -rf /"}),
    ],
)
def test_prose_is_not_taken_for_a_language(tool: str, arguments: dict[str, Any]) -> None:
    found = reading(tool, arguments)

    assert not found.fragments
    assert not found.acts


def test_the_schema_says_what_the_names_do_not() -> None:
    assert reading("x", {"y": "rm z"}, y="The shell command to run").files[0].op is FileOp.DELETE


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "rm -rf /srv/x"},
        {"command": ["rm", "-rf", "/srv/x"]},
        {"command": "rm", "args": ["-rf", "/srv/x"]},
        {"cmd": "bash", "args": ["-c", "rm -rf /srv/x"]},
        {"command": ["bash", "-lc", "rm -rf /srv/x"]},
    ],
)
def test_a_command_is_read_whole_or_in_words(arguments: dict[str, Any]) -> None:
    (use,) = reading("run_command", arguments).files

    assert (use.op, use.path, use.recursive) == (FileOp.DELETE, "/srv/x", True)


@pytest.mark.parametrize(
    ("tool", "arguments", "uses"),
    [
        ("read_file", {"path": "a"}, [(FileOp.READ, "a")]),
        ("write_file", {"path": "a", "content": "x"}, [(FileOp.WRITE, "a")]),
        ("delete_file", {"path": "a"}, [(FileOp.DELETE, "a")]),
        ("move_file", {"source": "./a", "destination": "./b"}, [(FileOp.DELETE, "./a"), (FileOp.WRITE, "./b")]),
        ("list_directory", {"path": "a"}, [(FileOp.LIST, "a")]),
    ],
)
def test_a_file_tool_does_what_its_name_says(
    tool: str, arguments: dict[str, Any], uses: list[tuple[FileOp, str]]
) -> None:
    assert [(use.op, use.path) for use in reading(tool, arguments).files] == uses


def test_sql_inside_a_command_is_read_as_sql() -> None:
    (pair,) = reading("bash", {"command": "psql -c 'DROP TABLE t'"}).sql

    fragment, sql = pair
    assert fragment.nested
    assert sql.statements[0].kind == "drop table"


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"x": "y"}
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "a" * 10_000_000},
        {"content": "a" * 10_000_000},
        deep(10_000),
        {"x": ["y"] * 100_000},
        {str(i): "y" for i in range(100_000)},
        {"command": "a|" * 50_000},
        {"command": "eval " * 40 + "x"},
    ],
    ids=["long-command", "long-text", "deep", "long-list", "many-members", "pipes", "nested-eval"],
)
def test_what_is_beyond_the_budget_is_unread(arguments: dict[str, Any]) -> None:
    assert reading("bash", arguments).unread


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["command", "code", "sql", "url", "path", "args", "method", "content", "x"])


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["bash", "execute_python", "query", "fetch", "write_file", ""]),
    st.dictionaries(NAMES, JSON, max_size=5),
)
def test_reading_never_raises_and_never_fails(tool: str, arguments: dict[str, Any]) -> None:
    assert all(unread.reason != "failed" for unread in reading(tool, arguments).unread)
