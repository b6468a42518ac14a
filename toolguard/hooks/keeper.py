"""The process that holds the guard of one client session: it answers events on a socket and leaves with the session.

It is one process for a session, so that what the session knows (prompts, taint, open calls) stays in one memory and a
call's end finds its beginning.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from toolguard import config as configuration
from toolguard.core.canonical import compact
from toolguard.errors import ToolguardError
from toolguard.guard import Guard
from toolguard.hooks import send
from toolguard.hooks.claude_code import WITHIN_SECONDS, Answer, ClaudeCode
from toolguard.store import filelock

IDLE_SECONDS: Final = 3_600.0
"""A session without an event for so long is over; what was sent and not answered then counts as unknown."""
LOOK_SECONDS: Final = 5.0


def keep(arguments: list[str]) -> int:
    """Serve one session. The exit status; 0 as well when another keeper was faster."""
    address, options = Path(arguments[0]), send.parse(arguments[1:])
    address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(f"{address}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not filelock.try_once(lock):
        return 0
    try:
        with _Keeper(options) as keeper, _listening(address) as listener:
            keeper.serve(listener)
    except ToolguardError as error:
        sys.stderr.write(f"{error}: {error.hint}\n")
        return 1
    finally:
        address.unlink(missing_ok=True)
        os.close(lock)
    return 0


class _Keeper:
    def __init__(self, options: dict[str, str]) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._busy = 0
        self._is_over = False
        self._client = self._opened()

    def _opened(self) -> ClaudeCode:
        config = configuration.load(self._options["--config"] or None, self._options["--home"] or None)
        self._read = _stamp(config.file or config.home / configuration.FILE_NAME)
        proxied = frozenset(filter(None, self._options["--proxied"].split(",")))
        return ClaudeCode(Guard.open(config), proxied, float(self._options["--within"] or WITHIN_SECONDS))

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.guard.close()

    def serve(self, listener: socket.socket) -> None:
        listener.settimeout(LOOK_SECONDS)
        while not self._is_over and (self._busy or time.monotonic() - self._last < IDLE_SECONDS):
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                if _is_same_user(connection):
                    threading.Thread(target=self._answer, args=(connection,), daemon=True).start()
                else:
                    connection.close()

    def _answer(self, connection: socket.socket) -> None:
        with self._lock:
            self._busy += 1
        try:
            with connection:
                event = b"".join(iter(lambda: connection.recv(65_536), b""))
                answer = self._judged(event)
                connection.sendall(compact({"status": answer.status, "out": answer.out, "err": answer.err}))
        except OSError:
            pass  # the client went away; what waits lives on as a request
        finally:
            with self._lock:
                self._busy -= 1
                self._last = time.monotonic()

    def _judged(self, event: bytes) -> Answer:
        try:
            with self._lock:
                if _stamp(self._client.guard.config.file or self._default()) != self._read:
                    fresh = self._opened()
                    fresh.adopt(self._client)
                    self._client = fresh
            answer = self._client.answer(event)
        except Exception as error:  # noqa: BLE001 - a defect or a broken log ends the call, it never lets it through
            return Answer(send.BLOCKED, "", f"toolguard cannot judge this call, so it is blocked: {error}")
        self._is_over = answer.is_last
        return answer

    def _default(self) -> Path:
        return self._client.guard.config.home / configuration.FILE_NAME


@contextlib.contextmanager
def _listening(address: Path) -> Iterator[socket.socket]:
    """A socket that only its owner can reach. What a keeper that crashed left is taken away; the lock is ours."""
    address.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(address))
        finally:
            os.umask(before)
        listener.listen(64)
        yield listener
    finally:
        listener.close()


def _stamp(file: Path) -> tuple[int, int] | None:
    """Changes when the file does; None while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_same_user(connection: socket.socket) -> bool:
    """The socket lies in a private folder; where the kernel says who connects, it is asked as well."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return bool(uid == os.getuid())
