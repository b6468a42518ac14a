"""The demo's tool server, with the SDK's client in one process."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextContent

from toolguard.demo.server import DATABASE, server


async def _call(scratch: Path, tool: str, arguments: dict[str, Any], journal: Path | None = None) -> tuple[str, bool]:
    async with Client(server(scratch, journal)) as client:
        result = await client.call_tool(tool, arguments)
    text = "\n".join(content.text for content in result.content if isinstance(content, TextContent))
    return text, bool(result.is_error)


def call(scratch: Path, tool: str, journal: Path | None = None, **arguments: Any) -> tuple[str, bool]:
    return asyncio.run(_call(scratch, tool, arguments, journal))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    return folder


def test_it_lists_reads_and_writes_files(scratch: Path) -> None:
    assert call(scratch, "list_files") == ("a.txt\nshop.db\nsub/", False)
    assert call(scratch, "write_file", path="sub/b.txt", content="häuser") == ("6 characters written", False)
    assert call(scratch, "read_file", path="sub/b.txt") == ("häuser", False)


def test_it_changes_and_reads_the_database(scratch: Path) -> None:
    call(scratch, "query", sql="INSERT INTO t VALUES (7), (8)")

    assert call(scratch, "query", sql="SELECT n FROM t ORDER BY n") == ("[[7], [8]]", False)


def test_it_runs_commands_in_its_folder(scratch: Path) -> None:
    assert call(scratch, "run_shell", command="cat a.txt; echo no >&2; exit 3") == (
        "exit status 3\none\ntwo\nno",
        False,
    )


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_file", {"path": "missing.txt"}),
        ("read_file", {"path": "a\0b"}),
        ("list_files", {"path": "a.txt"}),
        ("write_file", {"path": "no/such/folder/x", "content": ""}),
        ("query", {"sql": "SELEC"}),
        ("query", {"sql": "SELECT 1; DROP TABLE t"}),
        ("run_shell", {}),
    ],
)
def test_what_goes_wrong_is_an_answer_that_says_why(scratch: Path, tool: str, arguments: dict[str, Any]) -> None:
    text, is_error = call(scratch, tool, **arguments)

    assert is_error
    assert text


def test_its_journal_holds_every_call_that_arrived_even_one_that_failed(scratch: Path, tmp_path: Path) -> None:
    journal = tmp_path / "reached.jsonl"

    call(scratch, "list_files", journal)
    call(scratch, "read_file", journal, path="missing.txt")

    assert [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] == [
        {"tool": "list_files", "arguments": {"path": "."}},
        {"tool": "read_file", "arguments": {"path": "missing.txt"}},
    ]


def test_it_says_of_its_tools_which_only_read(scratch: Path) -> None:
    async def hints() -> dict[str, bool | None]:
        async with Client(server(scratch)) as client:
            listed = (await client.list_tools()).tools
        return {tool.name: tool.annotations.read_only_hint if tool.annotations else None for tool in listed}

    reads = {"list_files": True, "read_file": True}
    assert asyncio.run(hints()) == {**reads, "write_file": False, "query": False, "run_shell": False}
