"""Which level of SECURITY.md this machine reaches, as tried by the user who asks: what an agent of theirs could do.

Nothing is changed by trying: files are opened and not written, signal 0 is sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from toolguard.clients.check import Check
from toolguard.config import Config, person
from toolguard.core.policy.policy import Preset
from toolguard.guard import owner

_SHOWN: Final = 3
_PASSKEY: Final = 4
"""Strength of a vote that a passkey signed."""
_MORE: Final = "docs/separate-user.md sets up a user of its own"


def examine_level(config: Config, socket: Path, strength_there: Callable[[Path], int]) -> Check:
    """The level, and why it is no higher. `strength_there` asks whoever listens at the socket for the weakest evidence
    with which a call can be approved, since this user may not read the policy."""
    listening = _listening(socket)
    uid = listening[1] if listening else _owner(config.home)
    if os.getuid() == 0:
        what = "not known: this is root, against whom nothing on this machine holds"
        return Check("level", "note", what, "run `toolguard doctor` as the user under which the agent runs")
    if uid is None or uid == os.getuid():
        return _same_user(config)
    guard = person(uid)
    done = [name for name, attempt in attempts(config.home, uid) if _succeeds(attempt)]
    if done:
        more = "" if len(done) <= _SHOWN else f" and {len(done) - _SHOWN} more"
        what = f"L1: toolguard belongs to {guard}, yet this user can {', '.join(done[:_SHOWN])}{more}"
        return Check("level", "problem", what, _MORE)
    if listening is None:
        what = f"L2 for database, keys and policy, which belong to {guard}; but nobody listens at {socket}"
        return Check("level", "note", what, f"`toolguard listen`, as {guard}")
    apart = (
        f"toolguard runs as {guard}; this user can neither read nor change its database, keys and policy, nor read or "
        "signal its processes"
    )
    if strength_there(socket) >= _PASSKEY:
        what = f"L3: {apart}; and every approval needs a passkey. Not L4: it runs on this machine"
        return Check("level", "ok", what)
    return Check("level", "ok", f"L2: {apart}. Not L3: some calls can be approved without a passkey")


def _same_user(config: Config) -> Check:
    if config.policy.preset is Preset.OBSERVE:
        what = "L0: the preset `observe` denies nothing, toolguard's own files included"
        return Check("level", "note", what, "`preset: balanced` reaches L1")
    what = (
        "L1 for an agent of this user: calls that touch toolguard's own files and commands are denied, but a program "
        "of this user that passes no proxy can read and write the database"
    )
    return Check("level", "note", what, _MORE)


def attempts(home: Path, uid: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What an agent must not be able to do, each as words and something to try that raises OSError when refused."""
    yield f"list {home}", partial(os.listdir, home)
    yield f"put files into {home}", partial(_must_be_allowed, home, os.W_OK)
    for file in (home / name for name in ("toolguard.db", "toolguard.db-wal", "toolguard.yaml", "keys")):
        yield f"read {file.name}", partial(_must_be_allowed, file, os.R_OK)
        yield f"write {file.name}", partial(_must_be_allowed, file, os.W_OK)
    for pid in _processes(uid):
        yield f"signal process {pid}", partial(os.kill, pid, 0)
        yield f"read the environment of process {pid}", Path(f"/proc/{pid}/environ").read_bytes
        yield f"read the memory of process {pid}", partial(_open, Path(f"/proc/{pid}/mem"))


def _must_be_allowed(file: Path, mode: int) -> None:
    if not os.access(file, mode):
        raise PermissionError(str(file))


def _open(file: Path) -> None:
    file.open("rb").close()


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _processes(uid: int) -> list[int]:
    """Of that user; none where the system does not list them."""
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _owner(folder) == uid]


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _listening(address: Path) -> tuple[int, int] | None:
    try:
        return owner.listener(address)
    except OSError:
        return None
