"""Runs the application under uvicorn."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from toolguard.errors import ConfigError
from toolguard.review.application import application

if TYPE_CHECKING:
    from toolguard.guard import Guard


def run(guard: Guard, host: str, port: int) -> None:
    """Listen until a signal. Raises ConfigError when the address cannot be used."""
    listener = listen(host, port)
    try:
        server(guard).run(sockets=[listener])
    finally:
        listener.close()


class Server(uvicorn.Server):
    """Ends the event streams before it waits for connections to end; by themselves they last."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.feed.close()  # type: ignore[union-attr]  # we made the application
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            # Accepted while it shut down, and silent: uvicorn waits for it in vain and then leaves it open.
            connection.transport.abort()
        await asyncio.sleep(0)  # in which the loop closes them


def server(guard: Guard) -> Server:
    """The server, not yet running."""
    return Server(
        uvicorn.Config(
            application(guard),
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=3,
            proxy_headers=False,
            ws="none",
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's algorithm off only for sockets that say TCP; with it on,
    # every answer in two parts waits 40 ms for the other side's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="another program has this port, perhaps another toolguard; choose one with --port",
        ) from error
    return listener
