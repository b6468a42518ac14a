"""The scripted client: the MCP SDK's own, over stdio, started in front of the proxy as any client starts a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp_types import Implementation, TextContent

from toolguard.core.model import Json
from toolguard.errors import UpstreamError

START_SECONDS: Final = 30
"""For the proxy and the server behind it to start and introduce themselves; they need about two."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent reads as the answer to its call."""

    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Agent:
    """A connected client."""

    _client: Client
    _log: Path

    async def call(self, tool: str, arguments: Mapping[str, Json], seconds: float) -> Reply:
        """Call a tool and wait for the answer. Raises TimeoutError after so many seconds, UpstreamError without one."""
        try:
            async with asyncio.timeout(seconds):
                # A progress callback makes the client send a token, so a held call hears that it is waiting.
                result = await self._client.call_tool(tool, dict(arguments), progress_callback=_heard)
        except MCPError as error:
            raise UpstreamError(
                f"{tool} got no result: {error}", hint=f"`{self._log}` holds what the proxy said"
            ) from error
        texts = [content.text for content in result.content if isinstance(content, TextContent)]
        return Reply("\n".join(texts), bool(result.is_error))


async def _heard(progress: float, total: float | None, message: str | None) -> None:
    """The demonstration tells of the wait itself."""


@asynccontextmanager
async def connected(command: Sequence[str], folder: Path, log: Path) -> AsyncIterator[Agent]:
    """A client of the server that this command starts in a folder; what the command says on stderr goes to the log.

    Raises UpstreamError when it does not start. Leaving the block ends the command and all that it started.
    """
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]), cwd=folder)
    with log.open("w", encoding="utf-8") as errors:
        client = Client(
            stdio_client(parameters, errlog=errors), client_info=Implementation(name="toolguard-demo", version="1")
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await client.__aenter__()
        except Exception as error:
            raise UpstreamError(
                f"the proxy or the tool server did not start ({type(error).__name__})",
                hint=f"`{log}` holds what they said",
            ) from error
        try:
            yield Agent(client, log)
        finally:
            await client.__aexit__(None, None, None)
