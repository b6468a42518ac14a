"""An exclusive lock on an open file, with a deadline. flock belongs to the open file, unlike POSIX record locks."""

from __future__ import annotations

import sys
import time
from typing import Final

from toolguard.errors import StoreError

_FIRST_PAUSE: Final = 0.0002
_LONGEST_PAUSE: Final = 0.001
"""Short, since who sleeps longest loses against who comes by chance: the slowest of 100 calls paid for it."""

if sys.platform == "win32":
    import msvcrt

    def try_once(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def release(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def try_once(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


def acquire(fd: int, seconds: float) -> None:
    """Raises StoreError when the lock is not ours within `seconds`."""
    if try_once(fd):
        return
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not try_once(fd):
        if time.monotonic() >= deadline:
            raise StoreError(
                "the database is locked by another process",
                hint="`toolguard doctor` shows which; no call runs until it lets go",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
