"""Reads and writes file descriptors on an asyncio loop, without a task or a stream object per message.

A round trip through asyncio's streams costs twice that of these callbacks, and StreamReader raises on long
lines. Nothing here knows what a message is.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CHUNK: Final = 64 * 1024
"""The size of a pipe's buffer on Linux; a larger read returns no more."""


class Source:
    """One descriptor to read from; `on_chunk` gets what arrives, `on_end` is called once at its end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        on_chunk: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._loop, self._on_chunk, self._on_end = loop, on_chunk, on_end
        self._fd = fd
        self._is_reading = False
        self.is_open = True
        if stat.S_ISREG(os.fstat(fd).st_mode):
            # A file as standard input cannot be polled (epoll refuses it); a pipe in between can.
            self._fd, into = os.pipe()
            threading.Thread(target=_copy, args=(fd, into), daemon=True).start()

    def read(self, wanted: bool = True) -> None:
        """Start reading, or pause: whoever writes then waits, as it would without a proxy."""
        if wanted == self._is_reading or not self.is_open:
            return
        self._is_reading = wanted
        if wanted:
            self._loop.add_reader(self._fd, self._ready)
        else:
            self._loop.remove_reader(self._fd)

    def end(self) -> None:
        """Stop for good, without calling `on_end`."""
        self.read(wanted=False)
        self.is_open = False

    def _ready(self) -> None:
        try:
            chunk = os.read(self._fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # a terminal that hung up
            chunk = b""
        if chunk:
            self._on_chunk(chunk)
        else:
            self.end()
            self._on_end()


class Sink:
    """One descriptor to write to; what does not fit waits here, in order."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        on_change: Callable[[], None],
        on_broken: Callable[[], None],
    ) -> None:
        self._loop, self._fd, self._on_change, self._on_broken = loop, fd, on_change, on_broken
        self._waiting: deque[memoryview] = deque()
        self._closes_when_empty = False
        self.size = 0
        """Bytes that wait."""
        self.is_open = True
        mode = os.fstat(fd).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.set_blocking(fd, False)
            # The reader's end of a pipe or socket that goes away shows as readable.
            loop.add_reader(fd, self._peer_may_be_gone)

    def write(self, line: bytes) -> None:
        """Send one line, newline added; silently nothing when the other end is gone."""
        if not self.is_open or self._closes_when_empty:
            return
        if self._waiting:
            self._keep(memoryview(line + b"\n"))
            return
        whole = line + b"\n"
        written = self._try(whole)
        if written < len(whole):
            self._loop.add_writer(self._fd, self._ready)
            self._keep(memoryview(whole)[written:])

    def close(self) -> None:
        """Close once everything is written."""
        self._closes_when_empty = True
        if not self._waiting:
            self._close()

    def _keep(self, part: memoryview) -> None:
        self._waiting.append(part)
        self.size += len(part)
        self._on_change()

    def _try(self, part: bytes | memoryview) -> int:
        """Bytes that need not be written again; all of them when nobody is there to read."""
        try:
            return os.write(self._fd, part)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:  # broken pipe
            self._break()
            return len(part)

    def _ready(self) -> None:
        while self._waiting:
            part = self._waiting[0]
            written = self._try(part)
            if not self.is_open:
                return
            self.size -= written
            if written < len(part):
                self._waiting[0] = part[written:]
                break
            self._waiting.popleft()
        if not self._waiting:
            self._loop.remove_writer(self._fd)
            if self._closes_when_empty:
                self._close()
        self._on_change()

    def _peer_may_be_gone(self) -> None:
        poll = select.poll()
        poll.register(self._fd, 0)
        if poll.poll(0):  # asked for nothing, so only an error or a hang-up answers
            self._break()
        else:  # a socket on which the other side also speaks, or speaks no more: writing will tell
            self._loop.remove_reader(self._fd)

    def _break(self) -> None:
        if self.is_open:
            self._close()
            self._on_broken()

    def _close(self) -> None:
        if not self.is_open:
            return
        self.is_open = False
        self._waiting.clear()
        self.size = 0
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        with suppress(OSError):
            os.close(self._fd)


def _copy(fd: int, into: int) -> None:
    with suppress(OSError), open(into, "wb", buffering=0) as pipe:
        while chunk := os.read(fd, CHUNK):
            pipe.write(chunk)
