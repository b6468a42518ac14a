"""An agent with tools of an MCP server, guarded in-process: their hints and definitions count, the prompt is known.

    pip install 'toolguard-firewall[langchain]' 'langchain[mcp]'
    python examples/langchain_mcp_tools.py

The server runs in memory here; `MCPAdapter` takes an address, a command or a configuration all the same.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from fastmcp import FastMCP
from langchain.agents import create_agent
from langchain.mcp import MCPAdapter
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage

from toolguard import Guard
from toolguard.config import Config

server = FastMCP("records")


@server.tool(annotations={"readOnlyHint": True})
def find_record(number: int) -> str:
    """Find a record."""
    return f"record {number}: old"


@server.tool(annotations={"destructiveHint": True})
def delete_all_records() -> str:
    """Delete all records."""
    return "deleted"


class ScriptedModel(FakeMessagesListChatModel):
    """Stands for a real model; `bind_tools` is all that agents ask of it."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


def says(name: str, arguments: dict[str, Any], call_id: str) -> AIMessage:
    call: Any = {"name": name, "args": arguments, "id": call_id, "type": "tool_call"}
    return AIMessage("", tool_calls=[call])


async def main() -> None:
    script = [says("find_record", {"number": 7}, "c1"), says("delete_all_records", {}, "c2"), AIMessage("I wait.")]
    with tempfile.TemporaryDirectory() as home, Guard.open(Config(home=Path(home))) as guard:
        async with MCPAdapter(server) as adapter:
            tools = guard.wrap(await adapter.list_tools(), server="records", wait=0)
            agent = create_agent(ScriptedModel(responses=script), tools)
            state = await agent.ainvoke({"messages": [{"role": "user", "content": "Tidy up record 7."}]})
        for message in state["messages"]:
            if message.type == "tool":
                print(f"{message.name}: {message.text}")
        for request in guard.approvals.list():
            print("waits for a person:", request.tool, request.code, [finding["id"] for finding in request.findings])


if __name__ == "__main__":
    asyncio.run(main())
