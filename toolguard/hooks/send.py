"""`toolguard hook claude-code`: hands one event to the session's keeper, which it starts when there is none.

A client starts this program for every tool call, so it imports next to nothing, and nothing of ours: `install --hooks`
names this file itself, to be run without `site`. The keeper (hooks/keeper.py) has the guard loaded. INVARIANT: whatever
goes wrong, a call is blocked (status 2, the reason on stderr) and never let through: any other status would let the
client go on (code.claude.com/docs/en/hooks, "Exit code output"), and so would an answer later than its limit.
"""

from __future__ import annotations

import _socket  # what `socket` is made of: that module imports enum and selectors, 4 ms for every call of an agent
import os
import sys
import time
import zlib

TYPE_CHECKING = False  # as type checkers know it; the import of typing would cost 5 ms
if TYPE_CHECKING:
    import subprocess

OK = 0
BLOCKED = 2
START_SECONDS = 15.0
"""For a keeper to load on a busy machine."""
WITHIN_SECONDS = 50.0
"""How long a call is held where `--within` does not say; older versions of the client wait 60 s for a hook."""
EXTRA_SECONDS = 45.0
"""Beyond that, until this program gives up. The client gives up later (clients/hooks.py), and then runs the call."""
MOST_TRIES = 5
"""With an event that ends every keeper, the call is blocked in the end."""
MOST_BYTES = 64 * 1024 * 1024
LONGEST_ADDRESS = 100
"""Characters of a socket's path; Linux allows 107, macOS 103."""
USAGE = (
    "usage: toolguard hook claude-code [--home DIR] [--config F] [--proxied NAMES] [--within SECONDS], "
    "or toolguard hook claude-code --socket PATH [--within SECONDS]"
)
_OPTIONS = ("--home", "--config", "--proxied", "--within", "--person", "--socket", "--framed")
GREETING = b"toolguard/1 hook claude-code\n"
"""To `toolguard listen`, which asks a keeper of its own user (bridge/listen.py)."""
_SESSION = b'"session_id"'


def main(arguments: list[str]) -> int:
    """The exit status for the client. Never raises."""
    is_framed = False
    try:
        if arguments[:1] == ["--keep"]:
            from toolguard.hooks.keeper import keep

            return keep(arguments[1:])
        options = parse(arguments)
        is_framed = bool(options["--framed"])
        status, out, err = _asked(options, _read())
    except BaseException as error:  # noqa: BLE001 - the border of the program: whatever it is, the call is blocked
        why = str(error) or type(error).__name__
        status, out, err = BLOCKED, "", f"toolguard cannot judge this call, so it is blocked: {why}"
    try:
        if is_framed:  # for a client of another user, whose socket our output is
            _write(1, framed(status, out.encode(), err.encode()))
            return OK
        _write(1, out.encode())
        _write(2, f"{err}\n".encode(errors="replace") if err else b"")
    except OSError:
        return BLOCKED  # half an answer is none
    return status


def _write(fd: int, left: bytes) -> None:
    """Without a buffer, which would fail only after the status is decided. Raises OSError."""
    while left:
        left = left[os.write(fd, left) :]


def parse(words: list[str]) -> dict[str, str]:
    """The options, empty where not given. Raises ValueError."""
    options = dict.fromkeys(_OPTIONS, "")
    rest = list(words)
    if rest[:1] == ["claude-code"]:
        rest.pop(0)
    while rest:
        name, given, value = rest.pop(0).partition("=")
        if name not in options or not (given or rest):
            raise ValueError(USAGE)
        options[name] = value if given else rest.pop(0)
    return options


def _read() -> bytes:
    event = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(event) > MOST_BYTES:
        raise ValueError("the event is too large to be judged")
    return event


def _asked(options: dict[str, str], event: bytes) -> tuple[int, str, str]:
    """What the keeper of this session answers. Raises OSError or ValueError."""
    deadline = time.monotonic() + float(options["--within"] or WITHIN_SECONDS) + EXTRA_SECONDS
    if options["--socket"]:
        listener = _connected(options["--socket"])
        if listener is None:
            raise OSError(f"nobody listens at `{options['--socket']}`")
        return _read_answer(_answer(listener, GREETING + event, deadline))
    home = options["--home"]
    if not home:
        from toolguard import config  # costs 40 ms; `install --hooks` names the home

        home = str(config.home())
    address = address_of(home, options, session_of(event))
    connection = _connected(address)
    for left in reversed(range(MOST_TRIES)):
        try:
            return _read_answer(_answer(connection or _started(address, home, options), event, deadline))
        except ConnectionError:
            # It was killed, or was just leaving; the next one may be met dying, too. Asking again is safe: nothing runs
            # before an answer, and what a keeper may have claimed for the call counts as unknown, not as free.
            if not left:
                raise
            connection = None
            time.sleep(0.02)
    raise OSError("the guard did not answer")


def framed(status: int, out: bytes, err: bytes) -> bytes:
    """An answer as it travels; by its last byte the reader knows that nothing is missing."""
    return b"%d %d\n%b%b\0" % (status, len(out), out, err)


def _read_answer(answer: bytes) -> tuple[int, str, str]:
    """Raises ValueError."""
    head, _, texts = answer.partition(b"\n")
    status, length = head.split()
    return int(status), texts[: int(length)].decode(), texts[int(length) :].decode()


def _answer(connection: _socket.socket, event: bytes, deadline: float) -> bytes:
    """Raises ConnectionError when the keeper ended before its answer did, and OSError for a keeper that hangs."""
    answer = b""
    try:
        connection.settimeout(max(1.0, deadline - time.monotonic()))
        connection.sendall(event)
        connection.shutdown(_socket.SHUT_WR)
        while part := connection.recv(65_536):
            answer += part
    except TimeoutError:
        raise OSError("the guard did not answer in time") from None
    finally:
        connection.close()
    if not answer.endswith(b"\0"):
        raise ConnectionResetError(answer.decode(errors="replace").strip() or "the guard ended before it answered")
    return answer[:-1]


def address_of(home: str, options: dict[str, str], session: str) -> str:
    """One keeper a session and installation; its socket lies in the home, which is the owner's alone."""
    installed = f"{__file__} {os.stat(__file__).st_mtime_ns}"  # an upgrade is not answered by the version before
    told = "\0".join((installed, *(options[name] for name in _OPTIONS[1:]), session))
    unique = "".join(letter for letter in session if letter.isascii() and letter.isalnum())[:36]
    name = f"hook-{unique}-{zlib.crc32(told.encode()):08x}.sock"  # no digest: importing hashlib takes milliseconds
    path = os.path.join(home, name)
    if len(path) <= LONGEST_ADDRESS:
        return path
    raise OSError(f"the folder `{home}` has too long a name for a socket; set TOOLGUARD_HOME to a shorter one")


def session_of(event: bytes) -> str:
    """The session's name. Raises ValueError for what is no event.

    The client writes it plainly. Where the name stands twice, as it may in a tool's arguments, or is not plain, the
    event is parsed, which costs 8 ms; what this returns only chooses the keeper, which parses strictly.
    """
    before, found, after = event.partition(_SESSION)
    value = after.lstrip(b" \t\r\n")[:300].removeprefix(b":").lstrip(b" \t\r\n")
    if found and _SESSION not in after and value[:1] == b'"':
        name, end, _ = value[1:].partition(b'"')
        if end and name.isascii() and b"\\" not in name and before.strip()[:1] == b"{":
            return name.decode()
    import json

    parsed = json.loads(event)
    if not isinstance(parsed, dict):
        raise ValueError("the event is not an object")  # noqa: TRY004 - one kind of error for what is no event
    return str(parsed.get("session_id", ""))


def _connected(address: str) -> _socket.socket | None:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(address)
    except OSError as error:
        connection.close()
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return None
        raise
    return connection


def _started(address: str, home: str, options: dict[str, str]) -> _socket.socket:
    """Start a keeper and wait until it listens.

    Two may start at once; one of them steps back. So may one that came while another was leaving: then it is started
    again, until one listens.
    """
    keeper = None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = _connected(address)
        if connection is not None:
            if keeper is not None and keeper.stderr is not None:
                keeper.stderr.close()
                keeper.returncode = 0  # it lives on by itself; nobody here waits for it
            return connection
        if keeper is None or keeper.poll() == OK:
            keeper = _start(address, home, options)
        elif keeper.poll() is not None and keeper.stderr is not None:
            raise OSError(keeper.stderr.read().decode(errors="replace").strip() or "the guard did not start")
        time.sleep(0.005)
    raise OSError("the guard did not start in time")


def _start(address: str, home: str, options: dict[str, str]) -> subprocess.Popen[bytes]:
    import subprocess  # once a session

    flag = "-I" if sys.flags.isolated else "-P"
    words = [sys.executable, flag, "-m", "toolguard", "hook", "--keep", address, "--home", home]
    for name in _OPTIONS[1:]:
        words += [name, options[name]] if options[name] else []
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


if __name__ == "__main__":  # run as a file, see clients/hooks.py
    sys.exit(main(sys.argv[1:]))
