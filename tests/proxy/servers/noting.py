"""A server of the Python SDK with one tool that leaves a trace; argument 1 is the file."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer

server = MCPServer("noting")


@server.tool()
def risky_note(text: str) -> str:
    """Keep a text."""
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    return "kept"


server.run(transport="stdio")
