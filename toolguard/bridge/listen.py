"""`toolguard listen`: clients of other operating-system users reach the servers of toolguard.yaml through a socket.

Who connects names a server and nothing else: commands, environments and credentials come from toolguard.yaml, which
the other user cannot read. The kernel says who connects. Each connection gets a process of its own, `toolguard proxy`
or a hook, whose standard streams it is; that process, the server behind it and this one belong to toolguard's user, so
the other user can neither read nor signal them. INVARIANT: there is no word here to vote with (tests/bridge).
"""

from __future__ import annotations

import contextlib
import pwd
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from toolguard import config as configuration
from toolguard.bridge.connect import CHUNK, GREETING, HOOK, QUESTION, line
from toolguard.config import Config
from toolguard.errors import ConfigError, ToolguardError
from toolguard.guard import owner

GREETING_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5
END_SECONDS: Final = 5.0
"""For the proxies to end their servers, when this program ends."""
MOST_UNREAD: Final = 1_024
"""Reads of a refused connection, of 64 kB each: an event is no larger."""
MOST_OPEN: Final = 100
"""Connections at once; each costs a process."""


Launch = Callable[[str, Config, str], list[str]]
"""The program for a connection: of the server of that name, or of `HOOK`, for that person."""


class Listener:
    """The socket, and a process for each of its connections."""

    def __init__(
        self, path: Path, uids: Collection[int], load: Callable[[], Config], launch: Launch, say: Callable[[str], None]
    ) -> None:
        self._path, self._uids, self._load, self._launch, self._say = path, uids, load, launch, say
        self._open: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def serve(self, is_ready: Callable[[], None]) -> None:
        """Until SIGTERM or Ctrl-C. Raises ConfigError when the socket cannot be made."""
        with _listening(self._path) as listener, _until_told() as is_told:
            is_ready()
            while not is_told():
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    threading.Thread(target=self._admit, args=(connection,), daemon=True).start()
        self._end()

    def _admit(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(GREETING_SECONDS)
            _, uid = owner.peer(connection)
            person = configuration.person(uid)
            name = line(connection).removeprefix(GREETING.decode())
            try:
                config = self._load()
            except ToolguardError as error:
                self._say(str(error))
                _refuse(connection, "toolguard's configuration cannot be used")
                return
            if why := self._why_not(uid, name, config):
                self._say(f"refused {name!r} to {person} (uid {uid}): {why}")
                _refuse(connection, why)
            elif name == QUESTION:
                connection.sendall(b"strength %d\n" % config.policy.least_strength)
            elif name == HOOK:
                self._run(self._launch(name, config, person), connection)
            else:
                connection.sendall(b"ok\n")
                self._say(f"opened {name!r} for {person} (uid {uid})")
                self._run(self._launch(name, config, person), connection)
                self._say(f"closed {name!r} for {person} (uid {uid})")

    def _why_not(self, uid: int, name: str, config: Config) -> str:
        """For the one who asks, so nothing of the configuration is told but that a server is not in it."""
        if uid not in self._uids:
            return "you are not among those who may connect"
        if len(self._open) >= MOST_OPEN or len(list(config.home.glob("hook-*.sock"))) >= MOST_OPEN:
            return "too many connections are open"
        server = config.servers.get(name)
        is_known = name in (QUESTION, HOOK) or (server is not None and server.command)
        return "" if is_known else "no such server"

    def _run(self, words: Sequence[str], connection: socket.socket) -> None:
        connection.settimeout(None)
        program = subprocess.Popen(  # noqa: S603 - our own interpreter and files; names are those of the configuration
            words, stdin=connection.fileno(), stdout=connection.fileno(), start_new_session=True
        )
        with self._lock:
            self._open.add(program)
        connection.close()  # else the client would not hear of the program's end
        program.wait()
        with self._lock:
            self._open.discard(program)

    def _end(self) -> None:
        with self._lock:
            left = list(self._open)
        for proxy in left:
            proxy.terminate()
        for proxy in left:
            with contextlib.suppress(subprocess.TimeoutExpired):
                proxy.wait(END_SECONDS)


def _refuse(connection: socket.socket, why: str) -> None:
    """In words. What was sent is read first: closing with something unread takes the words back. Raises OSError."""
    connection.sendall(f"{why}\n".encode())
    connection.shutdown(socket.SHUT_WR)
    for _ in range(MOST_UNREAD):
        if not connection.recv(CHUNK):
            return


def uids_of(users: Sequence[str]) -> frozenset[int]:
    """Users by name or number. Raises ConfigError."""
    found = set()
    for user in users:
        if user.isascii() and user.isdecimal():
            found.add(int(user))
            continue
        try:
            found.add(pwd.getpwnam(user).pw_uid)
        except KeyError:
            raise ConfigError(f"no user `{user}` on this machine", hint="name a user, or its number") from None
    return frozenset(found)


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """A socket that every user may open: who may go on is asked of the kernel, at each connection."""
    if not hasattr(socket, "SO_PEERCRED"):
        raise ConfigError("this system does not say who connects to a socket", hint="`toolguard listen` needs Linux")
    try:
        folder = path.parent.stat()
    except OSError as error:
        raise ConfigError(f"no folder for the socket: {error.strerror}", file=str(path.parent)) from None
    if folder.st_mode & 0o022 and not folder.st_mode & stat.S_ISVTX:
        raise ConfigError(
            "others can write this folder, and put a socket of their own in the place of ours",
            file=str(path.parent),
            hint="chmod go-w",
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _answers(path):
            raise ConfigError("another program listens here", file=str(path), hint="end it first")
        try:
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            path.chmod(0o666)
        except OSError as error:
            raise ConfigError(f"cannot listen here: {(error.strerror or str(error)).lower()}", file=str(path)) from None
        listener.listen(64)
        listener.settimeout(LOOK_SECONDS)
        yield listener
    finally:
        listener.close()
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        return attempt.connect_ex(str(path)) == 0


@contextlib.contextmanager
def _until_told() -> Iterator[Callable[[], bool]]:
    """SIGTERM and Ctrl-C end the loop instead of the process."""
    told = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: told.set()) for number in numbers]
    try:
        yield told.is_set
    finally:
        for number, usual in zip(numbers, before, strict=True):
            signal.signal(number, usual)
