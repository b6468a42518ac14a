"""`toolguard proxy`: one client on our standard streams, one server as our child, and the relay between them.

Order of an end: the client's end of input closes the server's input, then SIGTERM, then SIGKILL; the server's end
closes our output, and its exit code is ours. Only messages reach the client: file descriptor 1 is set aside at the
start, and whatever else prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from toolguard import config as configuration
from toolguard.config import Config, Server
from toolguard.core.model import Principal
from toolguard.core.strict_json import MAX_BYTES
from toolguard.errors import ConfigError
from toolguard.proxy.child import Child
from toolguard.proxy.eager import new_loop
from toolguard.proxy.framing import Lines
from toolguard.proxy.opening import Opening
from toolguard.proxy.pipes import Sink, Source
from toolguard.proxy.wire import Upstream, Wire

if TYPE_CHECKING:  # both are imported while the server starts
    from toolguard.guard import Guard
    from toolguard.proxy.relay import Relay

GRACE_SECONDS: Final = 0.8
"""Between the steps of an end. Clients of the official SDKs send SIGTERM after 2 s and SIGKILL after 4 s."""
DRAIN_SECONDS: Final = 0.5
"""How long the server's output may stay open after its exit, held by a process that it left behind."""
TEND_SECONDS: Final = 15.0
BACKLOG: Final = 1024 * 1024
"""Bytes waiting for one side before the other is no longer read."""
REFUSED_BACKLOG: Final = 64 * BACKLOG
"""Bytes waiting for a client that writes and never reads; it is then not read either, answers could fill the memory."""
LOADING_SWITCH_SECONDS: Final = 0.0005
"""Between threads while one loads the guard: the handshake in the other shall not wait Python's 5 ms each time."""
SERVER_MAX_BYTES: Final = 4 * MAX_BYTES
"""A server's line may be larger than a client's: results carry whole files, encoded."""

LAUNCHERS: Final = frozenset({"npx", "bunx", "uvx", "pipx", "uv", "node", "bun", "deno", "docker", "podman", "env"})


def run(command: list[str], *, name: str = "", load: Callable[[], Config]) -> int:
    """Relay between our standard streams and a server until one of them ends; the exit status.

    Without a command the server is the one that the configuration declares under `name`. The configuration is
    loaded while the server starts. Raises ConfigError, UpstreamError when the server cannot be started, StoreError.
    """
    if command:
        environment = configuration.wrapped_environment()
    else:
        server = load().servers.get(name)
        command = _launch(server)
        if server is None or not command:
            raise ConfigError(
                f"no command, and no server `{name}` with one", hint="toolguard proxy -- COMMAND [ARG...]"
            )
        environment = configuration.server_environment(server)
    output = os.dup(1)
    with suppress(OSError):  # without a standard error nobody would see it anyway
        os.dup2(2, 1)
    child = Child(command, environment)
    loop = new_loop()
    try:
        return Session(loop, load, child, name or name_of(command), command, output).run()
    finally:
        child.kill()
        loop.close()


def _launch(server: Server | None) -> list[str]:
    return [server.command, *server.args] if server is not None and server.command else []


def _upstream(config: Config, name: str, command: list[str]) -> Upstream:
    """Who is called, for whom. Only the command that the operator wrote down is trusted, not whatever a client
    starts under its name."""
    declared = config.servers.get(name)
    trusted = declared is not None and declared.trusted and _launch(declared) == command
    return Upstream(name, tuple(command), trusted, Principal(config.agent, configuration.person(_client_uid()), name))


def _client_uid() -> int | None:
    """Whose client it is, where our standard input is a socket that another user opened (docs/separate-user.md)."""
    from toolguard.guard import owner

    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        return None
    with suppress(OSError), socket.socket(fileno=os.dup(0)) as connection:
        if connection.family == socket.AF_UNIX:
            return owner.peer(connection)[1]
    return None


def name_of(command: list[str]) -> str:
    """A name for a server that has none: its program, or what a launcher such as npx is told to launch."""
    words = [os.path.basename(word.rstrip("/")) for word in command if not word.startswith("-")]
    program = words[0] if words else command[0]
    if (program in LAUNCHERS or program.startswith("python")) and len(words) > 1:
        program = next((word for word in words[1:] if word not in ("run", "exec", "x")), program)
    return program


class Session:
    """The pipes of one client and one server, from the first byte to the exit status."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        load: Callable[[], Config],
        child: Child,
        name: str,
        command: list[str],
        output: int,
    ) -> None:
        self._loop, self._load_config, self._child, self._name, self._command = loop, load, child, name, command
        self._to_client = Sink(loop, output, self._balance, self._client_left)
        self._to_server = Sink(loop, child.stdin, self._balance, self._server_deaf)
        self._relay: Relay | Opening = Opening(self._to_client.write, self._to_server.write)
        self._guard: Guard | None = None
        self._failure: Exception | None = None
        self._from_client = Source(loop, 0, self._client_chunk, self._client_left)
        self._from_server = Source(loop, child.stdout, self._server_chunk, self._server_silent)
        self._client_lines, self._server_lines = Lines(MAX_BYTES), Lines(SERVER_MAX_BYTES)
        self._is_ending = self._is_over = self._is_muted = False
        self._exit_code: int | None = None

    def run(self) -> int:
        """Until one side ends. Raises what kept the guard from opening."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGCHLD, self._child_changed)
        self._from_client.read()
        self._from_server.read()
        self._loop.call_later(TEND_SECONDS, self._tend)
        self._child_changed()  # it may be gone already
        threading.Thread(target=self._load, name="toolguard-load", daemon=True).start()
        try:
            self._loop.run_forever()
        finally:
            if self._guard is not None:
                self._guard.close()
        if self._failure is not None:
            raise self._failure
        return self._exit_code or 0

    # -- the guard, loaded in a thread while the server starts and the handshake passes ------------------------------

    def _load(self) -> None:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(LOADING_SWITCH_SECONDS)
        try:
            from toolguard.guard import Guard
            from toolguard.proxy.relay import Relay

            config = self._load_config()
            upstream = _upstream(config, self._name, self._command)
            take_over: Callable[[], None] = partial(self._take_over, Guard(config), Relay, upstream)
        except Exception as error:  # noqa: BLE001 - raised again by `run`, in the thread that people hear of
            self._failure = error
            take_over = self._loop.stop
        finally:
            sys.setswitchinterval(usual)
        with suppress(RuntimeError):  # the session ended meanwhile
            self._loop.call_soon_threadsafe(take_over)

    def _take_over(self, guard: Guard, relay_class: type[Relay], upstream: Upstream) -> None:
        opening, self._guard = self._relay, guard
        wire = Wire(self._send_client, self._send_server, _to_stderr, self._loop.time, self._loop.call_later)
        self._relay = relay_class(guard, wire, upstream)
        if isinstance(opening, Opening):
            opening.hand_over(self._relay, self._mute)
        gc.collect()
        gc.freeze()  # what was loaded stays; the collector need not look at it during calls

    def _mute(self, muted: bool) -> None:
        self._is_muted = muted

    def _send_client(self, line: bytes) -> None:
        if not self._is_muted:
            self._to_client.write(line)

    def _send_server(self, line: bytes) -> None:
        if not self._is_muted:
            self._to_server.write(line)

    # -- bytes ------------------------------------------------------------------------------------------------------

    def _client_chunk(self, chunk: bytes) -> None:
        for line in self._client_lines.feed(chunk):
            self._relay.from_client(line)

    def _server_chunk(self, chunk: bytes) -> None:
        for line in self._server_lines.feed(chunk):
            self._relay.from_server(line)

    def _balance(self) -> None:
        """Let each side feel that the other is slow, as it would without a proxy."""
        to_client, to_server = self._to_client.size, self._to_server.size
        self._from_server.read(to_client < BACKLOG)
        self._from_client.read(to_server < BACKLOG and to_client < REFUSED_BACKLOG)
        if self._is_over and not self._to_client.is_open:
            self._loop.stop()

    # -- ends -------------------------------------------------------------------------------------------------------

    def _client_left(self) -> None:
        """The client sends nothing more, or does not read. What the server still owes may yet arrive."""
        self._from_client.end()
        if self._relay.is_listing:  # calls wait for it that the client sent before it left
            self._loop.call_later(DRAIN_SECONDS / 10, self._client_left)
            return
        self._relay.client_left()
        self._to_server.close()
        self._end_soon()
        self._balance()

    def _server_deaf(self) -> None:
        """The server closed its input; it can only be ending."""
        self._from_client.end()
        self._relay.client_left()
        self._end_soon()

    def _server_silent(self) -> None:
        """The server closed its output: nothing more can be answered."""
        if self._exit_code is not None:
            self._finish()
        else:
            self._to_server.close()
            self._end_soon()

    def _signalled(self, number: int) -> None:
        """The client or the person ends us: the server gets the same signal."""
        self._from_client.end()
        self._relay.client_left()
        self._child.signal(number)
        self._loop.call_later(GRACE_SECONDS, self._to_server.close)
        self._loop.call_later(GRACE_SECONDS, self._child.signal, signal.SIGTERM)
        self._loop.call_later(2 * GRACE_SECONDS, self._child.kill)

    def _end_soon(self) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._loop.call_later(GRACE_SECONDS, self._insist)

    def _insist(self) -> None:
        """The server had its time to end by itself; more of it while a client that still reads is owed an answer."""
        if self._relay.is_busy and self._to_client.is_open and self._from_server.is_open:
            self._loop.call_later(GRACE_SECONDS, self._insist)
            return
        self._child.signal(signal.SIGTERM)
        self._loop.call_later(GRACE_SECONDS, self._child.kill)

    def _child_changed(self) -> None:
        code = self._child.exit_code()
        if code is None or self._exit_code is not None:
            return
        self._exit_code = code
        if self._from_server.is_open:
            self._from_server.read()
            self._loop.call_later(DRAIN_SECONDS, self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._from_client.end()
        self._from_server.end()
        self._relay.server_left(f"the server ended with status {self._exit_code} before it answered")
        self._to_server.close()
        self._to_client.close()
        self._loop.call_later(GRACE_SECONDS, self._loop.stop)  # a client that reads no more loses the rest
        self._balance()

    def _tend(self) -> None:
        self._relay.tend()
        self._loop.call_later(TEND_SECONDS, self._tend)


def _to_stderr(line: bytes) -> None:
    with suppress(OSError):
        os.write(2, line + b"\n")
