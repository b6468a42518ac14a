"""A server of the Python SDK whose tool asks the person before it answers."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

server = MCPServer("asking")


class Name(BaseModel):
    name: str


def ask() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@server.tool()
def greet(greeting: str, person: Annotated[Name, Resolve(ask)]) -> str:
    """Greet whoever answers."""
    return f"{greeting}, {person.name}"


server.run(transport="stdio")
