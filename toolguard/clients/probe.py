"""Starts a server the way its client would and asks it for its tools, over stdio, in either era of the protocol.

Nothing but the handshake and `tools/list` is sent; the server is ended afterwards, with everything it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from toolguard.core.model import Json
from toolguard.errors import UpstreamError

LEGACY: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
_CLIENT: Final = {"name": "toolguard-doctor", "version": "1"}
# Listings of real servers stay below 1 MB; a line beyond this is not one.
_LONGEST_LINE: Final = 16 * 1024 * 1024
# Pages of a listing: a server that never ends its listing must not keep the doctor.
_MOST_PAGES: Final = 100
_GRACE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server answered."""

    era: str
    """The protocol version that was agreed on."""
    server: str
    """As the server names itself."""
    tools: tuple[str, ...]


async def list_tools(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, within: float) -> Listing:
    """The tools of the server that `argv` starts.

    Raises UpstreamError when it cannot be started, ends, answers with an error or nonsense, or takes longer than
    `within` seconds. A server that refuses the older handshake is started once more and asked in the newer one, since
    servers settle on an era with the first message.
    """
    try:
        async with asyncio.timeout(within):
            try:
                return await _ask(argv, env, cwd, _legacy)
            except _Refused as refused:
                try:
                    return await _ask(argv, env, cwd, _modern)
                except _Refused:
                    raise UpstreamError(f"answers with an error: {refused}") from None
    except TimeoutError:
        raise UpstreamError(
            f"no answer within {within:g} s",
            hint="start it by hand to see what it waits for",
        ) from None


class _Refused(Exception):
    """A JSON-RPC error as answer."""


class _Connection:
    def __init__(self, child: asyncio.subprocess.Process) -> None:
        if child.stdin is None or child.stdout is None:
            raise UpstreamError("has no standard input or output")
        self._in, self._out = child.stdin, child.stdout
        self._ids = itertools.count(1)

    async def request(self, method: str, params: Json) -> Json:
        """The result. Whatever else the server sends meanwhile is passed over."""
        number = next(self._ids)
        await self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while line := await self._line():
            message = _message(line)
            if message.get("id") != number or "method" in message:
                continue
            if "error" in message:
                raise _Refused(str((message["error"] or {}).get("message", message["error"]))[:300])
            result = message.get("result")
            if not isinstance(result, dict):
                raise UpstreamError(f"its answer to `{method}` is no object")
            return result
        raise UpstreamError(f"ended before it answered `{method}`")

    async def notify(self, method: str) -> None:
        await self._send({"jsonrpc": "2.0", "method": method})

    async def _send(self, message: Json) -> None:
        self._in.write(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it ended; reading says so better
            await self._in.drain()

    async def _line(self) -> bytes:
        try:
            return await self._out.readline()
        except ValueError:
            raise UpstreamError("sends a line that is too long") from None


def _message(line: bytes) -> dict[str, Json]:
    """One message; noise on standard output is not one, and no reason to give up."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


async def _legacy(connection: _Connection) -> Listing:
    greeting = await connection.request(
        "initialize",
        {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT},
    )
    await connection.notify("notifications/initialized")
    return await _listing(connection, str(greeting.get("protocolVersion")), greeting.get("serverInfo"), {})


async def _modern(connection: _Connection) -> Listing:
    meta = {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": _CLIENT,
        }
    }
    found = await connection.request("server/discover", meta)
    return await _listing(connection, MODERN, found.get("serverInfo"), meta)


async def _listing(connection: _Connection, era: str, info: Json, params: Mapping[str, Json]) -> Listing:
    tools: list[str] = []
    cursor: Json = None
    for _ in range(_MOST_PAGES):
        page = await connection.request("tools/list", {**params, **({"cursor": cursor} if cursor else {})})
        listed = page.get("tools")
        tools += [str(tool.get("name")) for tool in listed or () if isinstance(tool, dict)]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    name = info.get("name") if isinstance(info, dict) else None
    return Listing(era, str(name or ""), tuple(tools))


_Dialogue = Callable[[_Connection], Awaitable[Listing]]


async def _ask(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, dialogue: _Dialogue) -> Listing:
    # A file instead of a pipe: a server may write as much as it likes without anybody reading along.
    with tempfile.TemporaryFile() as errors:
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=dict(env),
                cwd=cwd,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UpstreamError(f"cannot be started: {getattr(error, 'strerror', None) or error}") from None
        try:
            return await dialogue(_Connection(child))
        except UpstreamError as error:
            await _end(child)
            raise UpstreamError(f"{error}{_last_words(errors)}", hint=error.hint) from None
        finally:
            await _end(child)


def _last_words(errors: IO[bytes]) -> str:
    """The last line that the server wrote to standard error, where there is one."""
    errors.seek(max(errors.seek(0, os.SEEK_END) - 4096, 0))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:300]}" if lines else ""


async def _end(child: asyncio.subprocess.Process) -> None:
    """As the protocol asks for: close its input, wait, then terminate, then kill, with all it started."""
    if child.stdin:
        child.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), _GRACE)
            return
