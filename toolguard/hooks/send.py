"""`toolguard hook claude-code`: hands one event to the session's keeper, which it starts when there is none.

A client starts this program for every tool call, so it imports next to nothing; the keeper (hooks/keeper.py) has the
guard loaded. INVARIANT: whatever goes wrong, a call is blocked (status 2, the reason on stderr) and never let through:
any other status would let the client go on (code.claude.com/docs/en/hooks, "Exit code output").
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import zlib

from toolguard import __version__

OK = 0
BLOCKED = 2
START_SECONDS = 15.0
"""For a keeper to load on a busy machine."""
ANSWER_SECONDS = 3_600.0
"""The keeper settles calls by itself after `hold`; the client's own limit (install.py) comes first."""
MOST_BYTES = 64 * 1024 * 1024
LONGEST_ADDRESS = 100
"""Characters of a socket's path; Linux allows 107, macOS 103."""
USAGE = "usage: toolguard hook claude-code [--home DIR] [--config F] [--proxied NAMES] [--within SECONDS]"
_OPTIONS = ("--home", "--config", "--proxied", "--within")


def main(arguments: list[str]) -> int:
    """The exit status for the client. Never raises."""
    try:
        if arguments[:1] == ["--keep"]:
            from toolguard.hooks.keeper import keep

            return keep(arguments[1:])
        options = parse(arguments)
        status, out, err = _asked(options, _read())
    except BaseException as error:  # noqa: BLE001 - the border of the program: whatever it is, the call is blocked
        status, out, err = BLOCKED, "", f"toolguard cannot judge this call, so it is blocked: {error}"
    if out:
        sys.stdout.write(out)
    if err:
        sys.stderr.write(err + "\n")
    return status


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
    home = options["--home"]
    if not home:
        from toolguard import config  # costs 40 ms; `install --hooks` names the home

        home = str(config.home())
    address = address_of(home, options, str(json.loads(event).get("session_id", "")))
    connection = _connected(address) or _started(address, home, options)
    with connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.sendall(event)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    if not answer:
        raise OSError("the guard ended before it answered")
    found = json.loads(answer)
    return int(found["status"]), str(found["out"]), str(found["err"])


def address_of(home: str, options: dict[str, str], session: str) -> str:
    """One keeper a session and version; its socket lies in the home, which is the owner's alone."""
    told = "\0".join((__version__, *(options[name] for name in _OPTIONS[1:]), session))
    unique = "".join(letter for letter in session if letter.isascii() and letter.isalnum())[:36]
    name = f"hook-{unique}-{zlib.crc32(told.encode()):08x}.sock"  # no digest: importing hashlib takes milliseconds
    path = os.path.join(home, name)
    if len(path) <= LONGEST_ADDRESS:
        return path
    raise OSError(f"the folder `{home}` has too long a name for a socket; set TOOLGUARD_HOME to a shorter one")


def _connected(address: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


def _started(address: str, home: str, options: dict[str, str]) -> socket.socket:
    """Start a keeper and wait until it listens. Two may start at once; one of them steps back."""
    import subprocess  # once a session

    flag = "-I" if sys.flags.isolated else "-P"
    words = [sys.executable, flag, "-m", "toolguard", "hook", "--keep", address, "--home", home]
    for name in _OPTIONS[1:]:
        words += [name, options[name]] if options[name] else []
    keeper = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = _connected(address)
        if connection is not None:
            if keeper.stderr is not None:
                keeper.stderr.close()
            keeper.returncode = 0  # it lives on by itself; nobody here waits for it
            return connection
        if keeper.poll() not in (None, 0) and keeper.stderr is not None:
            raise OSError(keeper.stderr.read().decode(errors="replace").strip() or "the guard did not start")
        time.sleep(0.005)
    raise OSError("the guard did not start in time")
