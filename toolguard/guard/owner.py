"""Who a running process is, so that others can tell whether it still lives: a pid alone is re-used."""

from __future__ import annotations

import functools
import json
import os
import platform
import socket
import struct
import time
from pathlib import Path


@functools.cache
def boot_id() -> str:
    """Changes with every start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"  # then a pid and its start must tell


def boot_clock() -> float:
    """Seconds that nobody can set back, the same for every process of this boot."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def _started(pid: int) -> str:
    """When the process with this pid started, in the kernel's ticks; empty where that cannot be known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


@functools.cache
def _own(pid: int) -> str:
    return json.dumps([platform.node(), boot_id(), pid, _started(pid)])


def this_process() -> str:
    return _own(os.getpid())


def is_alive(owner: str) -> bool:
    """Whether that process still runs. A process of another host counts as alive: its lease decides, not we."""
    host, boot, pid, started = json.loads(owner)
    if host != platform.node():
        return True
    if boot != boot_id():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return str(started) == _started(pid)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process id and user id of who opened the other end, as the kernel noted them then. Raises OSError."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        raise OSError("this system does not say who connects to a socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", credentials)
    return pid, uid


def listener(address: Path) -> tuple[int, int]:
    """Process id and user id of who listens at a socket. Raises OSError when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(address))
        return peer(connection)
