"""Keys in files beside the database, never in it, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from toolguard.errors import StoreError

KEY_BYTES: Final = 32


def redaction_key(home: Path) -> tuple[str, bytes]:
    """The number and bytes of the key that redaction markers are made with; created at first use."""
    return "k1", load_or_create(home / "keys" / "redaction-k1.key")


def load_or_create(path: Path) -> bytes:
    """The key in this file, made at first use. Raises StoreError when it cannot be read or is no key."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(f"`{path}` cannot be used: {error.strerror}", hint="run `toolguard doctor`") from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"`{path}` is no key of {KEY_BYTES} bytes", hint="restore it from your backup")
    return key


def _create(path: Path) -> None:
    """Two processes may start at once: write aside, then link, which only one of them can do."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, secrets.token_bytes(KEY_BYTES))
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
