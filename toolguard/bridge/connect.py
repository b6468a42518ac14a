"""`toolguard connect NAME`: what a client starts where toolguard runs under another user.

It carries bytes between its standard streams and the socket of `toolguard listen`, and holds no secret: no
configuration is read, no key, no credential of a server. Nothing is judged here.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from toolguard.errors import UpstreamError

GREETING: Final = b"toolguard/1 "
QUESTION: Final = "?"
"""In place of a server's name: how strong is the weakest evidence with which a call could be approved?"""
HOOK: Final = "hook claude-code"
"""In place of a server's name: one event of a client's hooks follows (hooks/send.py)."""
LONGEST_LINE: Final = 500
CHUNK: Final = 64 * 1024


def connect(name: str, path: Path) -> int:
    """Until one side ends: 0 when it was the client, 1 when it was the server. Raises UpstreamError."""
    connection = _opened(name, path)
    has_left = threading.Event()
    threading.Thread(target=_send, args=(connection, has_left), daemon=True).start()
    with suppress(OSError):  # whoever reads our output left: then the server shall hear of it, too
        while chunk := connection.recv(CHUNK):
            _write(chunk)
    connection.close()
    return 0 if has_left.is_set() else 1


def _opened(name: str, path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
        connection.sendall(GREETING + name.encode() + b"\n")
        answer = line(connection)
    except OSError as error:
        connection.close()
        raise UpstreamError(
            f"nobody answers at `{path}`: {(error.strerror or str(error)).lower()}",
            hint="`toolguard listen` must run, as the user that toolguard belongs to",
        ) from None
    if answer != "ok":
        connection.close()
        raise UpstreamError(f"`{name}` is not to be had: {answer or 'no answer'}", hint="ask who runs toolguard here")
    return connection


def least_strength(path: Path) -> int:
    """As the toolguard says that listens there; 0, which promises nothing, when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(path))
            connection.sendall(GREETING + QUESTION.encode() + b"\n")
            word, _, number = line(connection).partition(" ")
    except OSError:
        return 0
    return int(number) if word == "strength" and number.isdecimal() else 0


def line(connection: socket.socket) -> str:
    """One line, without its end, and not a byte more; what follows belongs to the conversation. Raises OSError."""
    read = b""
    while not read.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte or len(read) > LONGEST_LINE:
            return ""
        read += byte
    return read[:-1].decode(errors="replace")


def _send(connection: socket.socket, has_left: threading.Event) -> None:
    with suppress(OSError):
        while chunk := os.read(0, CHUNK):
            connection.sendall(chunk)
    has_left.set()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


def _write(chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(1, left) :]
