"""langchain-mcp-adapters, which asks for mcp 1.x, beside toolguard: python -m tests.langchain.versions adapters

Not collected with the rest, since mcp 2.x stands in that environment.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest

from tests.langchain.observing import text
from toolguard.guard import Guard

# By name, since type checkers see mcp 2.x.
adapters: Any = import_module("langchain_mcp_adapters.tools")
memory: Any = import_module("mcp.shared.memory")
server: Any = import_module("mcp.server.fastmcp").FastMCP("records")
deleted: list[int] = []


def find_record(number: int) -> str:
    """Find a record."""
    return f"record {number}: old"


def delete_all_records() -> str:
    """Delete all records."""
    deleted.append(1)
    return "deleted"


server.add_tool(find_record, annotations={"readOnlyHint": True})
server.add_tool(delete_all_records, annotations={"destructiveHint": True})


async def answers(guard: Guard | None) -> list[Any]:
    """What both tools answer, bare or guarded."""
    async with memory.create_connected_server_and_client_session(server._mcp_server) as session:
        tools = await adapters.load_mcp_tools(session)
        if guard is not None:
            tools = guard.wrap(tools, server="records", wait=0)
        given = [("find_record", {"number": 7}), ("delete_all_records", {})]
        calls: list[Any] = [{"name": n, "args": a, "id": n, "type": "tool_call"} for n, a in given]
        return [await tool.ainvoke(call) for tool, call in zip(tools, calls, strict=True)]


def test_tools_of_the_adapters_are_guarded_and_otherwise_as_they_were(guard: Guard) -> None:
    bare, guarded = asyncio.run(answers(None)), asyncio.run(answers(guard))

    assert version("mcp").startswith("1.")
    assert text(guarded[0]) == text(bare[0])
    assert guarded[1].status == "error"
    assert "PENDING APPROVAL" in guarded[1].content
    assert len(deleted) == 1
    (view,) = guard.approvals.list()
    assert "annotation.destructive" in {finding["id"] for finding in view.findings}


@pytest.mark.parametrize("module", ["toolguard.proxy", "toolguard.review.server", "toolguard.__main__"])
def test_the_rest_of_toolguard_starts_there_too(module: str) -> None:
    __import__(module)
