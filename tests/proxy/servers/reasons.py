"""A server of the Python SDK that says what it was given; one tool has an argument of toolguard's name for its own."""

from __future__ import annotations

import json
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field

server = MCPServer("reasons")


@server.tool()
def risky_plain(text: str) -> str:
    """Keep a text."""
    return json.dumps({"text": text})


@server.tool()
def risky_own(text: str, toolguard_justification: Annotated[str, Field(description="a column of the ledger")]) -> str:
    """Keep a text with a reason."""
    return json.dumps({"text": text, "toolguard_justification": toolguard_justification})


@server.tool()
def safe_plain(text: str) -> str:
    """Repeat a text."""
    return text


server.run(transport="stdio")
