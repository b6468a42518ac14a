"""Reads a client's configuration file and replaces it whole.

INVARIANT: at every moment the file is either the old one or the new one, and a file that someone else changed since
it was read is left alone (tests/clients/test_file.py).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from toolguard.clients.entry import place
from toolguard.errors import ConfigError

_BOM = b"\xef\xbb\xbf"
# Claude Code keeps its history in the same file; beyond this it is no configuration.
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file as it was read."""

    path: Path
    """As named; may be a symbolic link, which stays one."""
    content: bytes
    text: str
    """Without the byte order mark, line ends as they are."""

    def encoded(self, text: str) -> bytes:
        """The bytes of another text for the same file."""
        return (_BOM if self.content.startswith(_BOM) else b"") + text.encode()


def read(path: Path) -> ClientFile:
    """Raises ConfigError when the file cannot be read or is no UTF-8."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError("too large to be a configuration file", file=str(path))
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    try:
        return ClientFile(path, content, content.removeprefix(_BOM).decode())
    except UnicodeDecodeError as error:
        line, column = place(content[: error.start].decode(), error.start)
        raise ConfigError(
            "not UTF-8 text", file=str(path), line=line, column=column, hint="save it as UTF-8; nothing was changed"
        ) from None


def write(file: ClientFile, text: str) -> None:
    """Replaces the file by `text`, with its mode and, where permitted, its owner.

    Raises ConfigError when it was changed since it was read, or cannot be written; then it is as it was.
    """
    target = file.path.resolve()
    try:
        mode = target.stat()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file.path)) from None
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(file.encoded(text))
            new.flush()
            os.fsync(new.fileno())
        os.chmod(name, mode.st_mode & 0o7777)
        if hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(name, mode.st_uid, mode.st_gid)
        if target.read_bytes() != file.content:
            raise ConfigError(
                "changed by another program in the meantime",
                file=str(file.path),
                hint="quit the client, then run this again",
            )
        os.replace(name, target)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file.path)) from None
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the replacement survive a power loss; not every platform can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def back_up(file: ClientFile, folder: Path, now: datetime) -> Path:
    """Copies what was read into `folder`, for its owner alone: such files hold credentials.

    Raises ConfigError when it cannot be written.
    """
    try:
        for one in (folder.parent, folder):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, copy = tempfile.mkstemp(prefix=f"{now:%Y%m%dT%H%M%SZ}-", suffix=f"-{file.path.name}", dir=folder)
        with os.fdopen(descriptor, "wb") as new:
            new.write(file.content)
            new.flush()
            os.fsync(new.fileno())
    except OSError as error:
        raise ConfigError(f"the backup cannot be written: {error.strerror}", file=str(folder)) from None
    return Path(copy)
