"""The process that holds the guard of one client session: it answers events on a socket and leaves with the session.

It is one process for a session, so that what the session knows (prompts, taint, open calls) stays in one memory and a
call's end finds its beginning.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from toolguard import config as configuration
from toolguard.errors import ToolguardError
from toolguard.guard import Guard, owner
from toolguard.hooks import send
from toolguard.hooks.claude_code import Answer, ClaudeCode
from toolguard.store import filelock

IDLE_SECONDS: Final = 3_600.0
"""A session without an event for so long is over; what was sent and not answered then counts as unknown."""
LOOK_SECONDS: Final = 2.0
"""Until it notices that the session is over, or that its socket was taken away with the home."""


def keep(arguments: list[str]) -> int:
    """Serve one session. The exit status; 0 as well when another keeper was faster, or has not left yet."""
    address, options = Path(arguments[0]), send.parse(arguments[1:])
    try:
        address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        turn = Path(f"{address}.lock")
        lock = os.open(turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Who had the lock before may have taken the file away: then the lock on it holds nobody off.
            if filelock.try_once(lock) and _is_at(turn, os.fstat(lock)):
                _keep(address, turn, os.fstat(lock), options)
        finally:
            os.close(lock)
    except ToolguardError as error:
        sys.stderr.write(f"{error}: {error.hint}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"the folder `{address.parent}` cannot be used: {error.strerror or error}\n")
        return 1
    return 0


def _keep(address: Path, turn: Path, locked: os.stat_result, options: dict[str, str]) -> None:
    with _Keeper(options) as keeper, _listening(address) as listener:
        bound = address.stat()
        try:
            keeper.serve(listener, lambda: _is_at(address, bound))
        finally:
            _take_away(address, bound, turn, locked)


def _take_away(address: Path, bound: os.stat_result, turn: Path, locked: os.stat_result) -> None:
    """The socket and the lock, while both are ours.

    INVARIANT: never a successor's socket (tests/hooks): in a home that was removed and made anew there may be one,
    under a lock of its own. The socket that listens and the lock that is open keep their inodes from being used again.
    """
    if _is_at(turn, locked):
        if _is_at(address, bound):
            address.unlink()
        turn.unlink()


def _is_at(path: Path, file: os.stat_result) -> bool:
    """Whether the path still leads to this very file."""
    try:
        return os.path.samestat(path.stat(), file)
    except OSError:
        return False


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
        within = float(self._options["--within"] or send.WITHIN_SECONDS)
        return ClaudeCode(Guard.open(config), proxied, within, self._options["--person"])

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.guard.close()

    def serve(self, listener: socket.socket, is_reachable: Callable[[], bool]) -> None:
        """Until the session is over, or idle for long, or nobody can reach the socket; never while a call waits."""
        listener.settimeout(LOOK_SECONDS)
        while self._busy or (not self._is_over and time.monotonic() - self._last < IDLE_SECONDS and is_reachable()):
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                if _is_same_user(connection):
                    with self._lock:
                        self._busy += 1
                    threading.Thread(target=self._answer, args=(connection,), daemon=True).start()
                else:
                    connection.close()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                event = b"".join(iter(lambda: connection.recv(65_536), b""))
                answer = self._judged(event)
                connection.sendall(send.framed(answer.status, answer.out.encode(), answer.err.encode()))
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
            hint = f": {error.hint}" if isinstance(error, ToolguardError) and error.hint else ""
            return Answer(send.BLOCKED, "", f"toolguard cannot judge this call, so it is blocked: {error}{hint}")
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
    return not hasattr(socket, "SO_PEERCRED") or owner.peer(connection)[1] == os.getuid()
