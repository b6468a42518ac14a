"""Programs under other operating-system users, which need no entry in any file: only root can start them.

Where the interpreter or the checkout lies below a folder that only root may enter, such as root's own home, the program
starts in a mount namespace of its own, in which that folder is replaced by an empty one that holds nothing else.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import toolguard

GUARD = 61_407
"""toolguard's own user."""
AGENT = 61_408
"""The user under which an agent runs."""
STRANGER = 61_409


def as_user(uid: int, command: Sequence[str]) -> list[str]:
    """The command, started by root, without any of root's rights."""
    words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--", *command]
    hidden = sorted(set(_hidden()))
    if not hidden:
        return words
    script = ["set -e", "mount -t tmpfs -o mode=755 tmpfs /mnt"]
    for number, (_, needed) in enumerate(hidden):
        script += [f"mkdir /mnt/{number}", f"mount --rbind {shlex.quote(str(needed))} /mnt/{number}"]
    script += [
        f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(top))}" for top in sorted({top for top, _ in hidden})
    ]
    for number, (_, needed) in enumerate(hidden):
        quoted = shlex.quote(str(needed))
        script += [f"mkdir -p {quoted}", f"mount --rbind /mnt/{number} {quoted}"]
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        "; ".join([*script, shlex.join(["exec", *words])]),
    ]


def _hidden() -> Iterator[tuple[Path, Path]]:
    """Folders that only their owner may enter, each with what is needed below it."""
    needed = {Path(sys.base_prefix), Path(sys.prefix), Path(toolguard.__file__).parents[1], Path(__file__).parents[2]}
    for path in sorted(needed):
        for folder in reversed(path.resolve().parents):
            if not folder.stat().st_mode & 0o001:
                yield folder, path.resolve()
                break


@functools.cache
def why_not() -> str:
    """Why programs of other users cannot be started here; empty when they can."""
    if os.getuid() != 0:
        return "only root can start programs of other users"
    ran = subprocess.run(
        as_user(AGENT, [sys.executable, "-c", "import toolguard.guard"]), capture_output=True, text=True, cwd="/"
    )
    return ran.stderr.strip().splitlines()[-1] if ran.returncode else ""
