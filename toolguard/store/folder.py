"""The folder that holds the database, and the words for what SQLite or the disk says about the file in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from toolguard.errors import StoreError


def prepare_folder(folder: Path) -> None:
    """The home is private: created 0700, and an existing wider one that is ours is tightened."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if hasattr(os, "getuid") and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"`{folder}` cannot be used: {error.strerror}", hint="set TOOLGUARD_HOME to a folder you can write"
        ) from error


def sync_folder(folder: Path) -> None:
    """A lost directory entry is a lost log."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def store_error(path: Path, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or str(error)
    hints = {
        "database or disk is full": "free some space; no call runs until the log can be written",
        "attempt to write a readonly database": "give the toolguard user write access to the file and its folder",
        "database disk image is malformed": "run `toolguard audit verify`, keep the file, and restore a backup",
        "database is locked": "another process holds the database; `toolguard doctor` shows which",
    }
    return StoreError(f"`{path}` cannot be used: {reason}", hint=hints.get(reason, "run `toolguard doctor`"))
