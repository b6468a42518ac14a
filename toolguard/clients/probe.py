"""Starts a server the way its client would and asks it for its tools, over stdio, in either era of the protocol.

Nothing but the handshake and `tools/list` is sent; the server is ended afterwards, with everything it started.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
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
"""Seconds that a server has to end after its input was closed, and again after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server answered."""

    era: str
    """The protocol version that was agreed on."""
    server: str
    """As the server names itself."""
    tools: tuple[str, ...]


class _Refused(Exception):
    """A JSON-RPC error as answer."""


def list_tools(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, within: float) -> Listing:
    """The tools of the server that `argv` starts.

    Raises UpstreamError when it cannot be started, ends, answers with an error or nonsense, or takes longer than
    `within` seconds. A server that refuses the older handshake is started once more and asked in the newer one, since
    servers settle on an era with the first message.
    """
    until = time.monotonic() + within
    try:
        return _ask(argv, env, cwd, until, _legacy)
    except _Refused as refused:
        try:
            return _ask(argv, env, cwd, until, _modern)
        except _Refused:
            raise UpstreamError(f"answers with an error: {refused}") from None


class _Connection:
    def __init__(self, child: subprocess.Popen[bytes], until: float) -> None:
        if child.stdin is None or child.stdout is None:
            raise UpstreamError("has no standard input or output")
        self._in, self._out, self._until = child.stdin, child.stdout, until
        self._ids = itertools.count(1)
        self._read = b""

    def request(self, method: str, params: Json) -> dict[str, Json]:
        """The result. Whatever else the server sends meanwhile is passed over."""
        number = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while line := self._line():
            message = _message(line)
            if message.get("id") != number or "method" in message:
                continue
            if "error" in message:
                error = message["error"]
                raise _Refused(str(error.get("message") if isinstance(error, dict) else error)[:300])
            result = message.get("result")
            if not isinstance(result, dict):
                raise UpstreamError(f"its answer to `{method}` is no object")
            return result
        raise UpstreamError(f"ended before it answered `{method}`")

    def notify(self, method: str) -> None:
        self._send({"jsonrpc": "2.0", "method": method})

    def _send(self, message: Json) -> None:
        with contextlib.suppress(BrokenPipeError):  # it ended; reading says so better
            self._in.write(json.dumps(message).encode() + b"\n")
            self._in.flush()

    def _line(self) -> bytes:
        """The next line; empty at the end."""
        while b"\n" not in self._read:
            if len(self._read) > _LONGEST_LINE:
                raise UpstreamError("sends a line that is too long")
            if not select.select([self._out], [], [], max(self._until - time.monotonic(), 0))[0]:
                raise UpstreamError("no answer in time", hint="start its command by hand to see what it waits for")
            chunk = os.read(self._out.fileno(), 65536)
            if not chunk:
                return b""
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        return line + b"\n"


def _message(line: bytes) -> dict[str, Json]:
    """One message; noise on standard output is none, and no reason to give up."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _legacy(connection: _Connection) -> Listing:
    greeting = connection.request("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT})
    connection.notify("notifications/initialized")
    return _listing(connection, str(greeting.get("protocolVersion")), greeting.get("serverInfo"), {})


def _modern(connection: _Connection) -> Listing:
    meta = {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": _CLIENT,
        }
    }
    found = connection.request("server/discover", meta)
    return _listing(connection, MODERN, found.get("serverInfo"), meta)


def _listing(connection: _Connection, era: str, server: Json, params: Mapping[str, Json]) -> Listing:
    tools: list[str] = []
    cursor: Json = None
    for _ in range(_MOST_PAGES):
        page = connection.request("tools/list", {**params, **({"cursor": cursor} if cursor else {})})
        listed = page.get("tools")
        tools += [str(tool.get("name")) for tool in listed or () if isinstance(tool, dict)]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    name = server.get("name") if isinstance(server, dict) else None
    return Listing(era, str(name or ""), tuple(tools))


def _ask(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
    until: float,
    dialogue: Callable[[_Connection], Listing],
) -> Listing:
    # A file instead of a pipe: a server may write as much as it likes without anybody reading along.
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(  # noqa: S603 - the client starts the very same words
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UpstreamError(f"cannot be started: {getattr(error, 'strerror', None) or error}") from None
        try:
            return dialogue(_Connection(child, until))
        except UpstreamError as error:
            _end(child)
            raise UpstreamError(f"{error}{_last_words(errors)}", hint=error.hint) from None
        finally:
            _end(child)


def _last_words(errors: IO[bytes]) -> str:
    """The end of what the server wrote to standard error, on one line."""
    errors.seek(max(errors.seek(0, os.SEEK_END) - 4096, 0))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return f": {' / '.join(line.strip() for line in lines[-3:])[-400:]}" if lines else ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """As the protocol asks for: close its input, wait, terminate, wait, kill; in the end with all that it started."""
    if child.returncode is not None:
        return
    if child.stdin:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout:
        child.stdout.close()
