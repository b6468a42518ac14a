"""What `install` and `uninstall` would do to one client file, as a value; and doing it.

A plan is computed from the file's text alone and checked before it can be carried out: read back, every server must
start exactly what it started before, behind the proxy or not, and nothing else may differ.
"""

from __future__ import annotations

import difflib
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from toolguard.clients import file as files
from toolguard.clients.entry import Edit, Entry, apply, place
from toolguard.clients.where import Client
from toolguard.clients.wrap import Launcher, is_ours, kind, unwrap, wrap, wrapping
from toolguard.core.model import Json
from toolguard.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one server."""

    entry: Entry
    what: str
    """`wrapped`, `renewed`, `unwrapped`; or why not: `unchanged`, `apart`, `remote`, `broken`, `by-hand`."""
    line: int

    @property
    def is_wrapped(self) -> bool:
        """Whether it ran behind a proxy before."""
        return wrapping(self.entry) is not None

    @property
    def is_behind(self) -> bool:
        """Whether it runs behind a proxy afterwards."""
        return self.what in ("wrapped", "renewed", "by-hand", "apart") or (self.what == "unchanged" and self.is_wrapped)

    @property
    def uncovered(self) -> str:
        """Why calls to this server do not pass the proxy, for a person; empty when they do or when it was asked for."""
        return {
            "remote": "reached by URL: not covered until the gateway exists",
            "broken": "neither a command with a list of arguments nor a URL: left as it is",
        }.get(self.what, "")


@dataclass(frozen=True, slots=True)
class Plan:
    """One file before and after."""

    client: Client
    file: files.ClientFile
    after: str
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        return self.after != self.file.text

    def diff(self) -> str:
        """Unified, with the values of environment and headers hidden."""
        name = str(self.file.path)
        return "".join(
            difflib.unified_diff(
                _hidden(self.client, self.file.text, name).splitlines(keepends=True),
                _hidden(self.client, self.after, name).splitlines(keepends=True),
                f"{name} (now)",
                f"{name} (after)",
            )
        )


def this_toolguard(home: Path, config: Path | None = None) -> Launcher:
    """How a client starts the toolguard that is running now. Raises ConfigError when it cannot.

    The home is always named: clients drop most of the environment, and the entry of a server may set HOME or
    TOOLGUARD_HOME to a folder of its own, where nobody reviews.
    """
    return Launcher(launch(), {"--home": str(home), **({"--config": str(config)} if config else {})})


@functools.cache
def launch() -> tuple[str, ...]:
    """The words before `proxy`. Raises ConfigError when this toolguard is not installed.

    Python runs isolated, else PYTHONPATH of a client or a server decides whose code the guard imports, and the agent
    can often write there; `-P` is for an installation in the user's own site folder, which isolation leaves out.
    """
    for flag in ("-I", "-P"):
        words = (sys.executable, flag, "-c", "import toolguard")
        found = subprocess.run(words, check=False, capture_output=True, cwd="/")  # noqa: S603 - our own interpreter
        if found.returncode == 0:
            return (sys.executable, flag, "-m", "toolguard")
    raise ConfigError("this toolguard is not installed, so clients cannot start it", hint="pip install it first")


def plan_install(client: Client, path: Path, launcher: Launcher) -> Plan:
    """Raises ConfigError, with the place, when the file cannot be understood."""
    file = files.read(path)
    changes, edits = [], []
    for entry in client.format.read(file.text, str(path), client.containers):
        what, made = _put_behind(file.text, entry, client, launcher)
        changes.append(Change(entry, what, place(file.text, entry.at)[0]))
        edits += made
    return _checked(Plan(client, file, apply(file.text, edits), tuple(changes)))


def plan_uninstall(client: Client, path: Path) -> Plan:
    """Raises ConfigError, with the place, when the file cannot be understood."""
    file = files.read(path)
    changes, edits = [], []
    for entry in client.format.read(file.text, str(path), client.containers):
        present = wrapping(entry)
        what = "unchanged"
        if present and is_ours(present, client.name):
            what = "unwrapped"
            edits += unwrap(file.text, entry)
        elif present:
            what = "by-hand"
        changes.append(Change(entry, what, place(file.text, entry.at)[0]))
    return _checked(Plan(client, file, apply(file.text, edits), tuple(changes)))


def _put_behind(text: str, entry: Entry, client: Client, launcher: Launcher) -> tuple[str, list[Edit]]:
    present = wrapping(entry)
    if present and not is_ours(present, client.name):
        return "by-hand", []
    if present:
        edits = wrap(text, entry, client.name, launcher, client.format.quote)
        return ("renewed" if edits else "unchanged"), edits
    if kind(entry) == "stdio":
        return "wrapped", wrap(text, entry, client.name, launcher, client.format.quote)
    return kind(entry), []


def _checked(plan: Plan) -> Plan:
    """The plan, if it loses nothing. INVARIANT: no edit reaches a disk without this."""
    name = str(plan.file.path)
    before = _meaning(plan.client, plan.file.text, name)
    after = _meaning(plan.client, plan.after, name)
    if before != after:
        raise ConfigError(
            "cannot be edited without changing something else",
            file=name,
            hint="please report this file's layout; nothing was changed",
        )
    return plan


def _meaning(client: Client, text: str, name: str) -> list[tuple[tuple[str, ...], Json]]:
    """Each entry as it would be without a proxy in front of it."""
    found = []
    for entry in client.format.read(text, name, client.containers):
        present = wrapping(entry)
        started = entry.argv[len(present.head) :] if present and is_ours(present, client.name) else entry.argv
        rest = {key: value for key, value in entry.members.items() if key not in ("command", "args")}
        found.append((entry.pointer, (started, rest)))
    return found


def carry_out(plan: Plan, backups: Path, now: datetime) -> Path:
    """Backs the file up, then replaces it; returns the backup. Raises ConfigError with the file as it was."""
    backup = files.back_up(plan.file, backups, now)
    files.write(plan.file, plan.after)
    return backup


def notes(plan: Plan) -> Iterator[str]:
    """What the person should know beside the changes."""
    started: dict[str, list[Json]] = {}
    for change in plan.changes:
        name, argv = change.entry.name, change.entry.argv
        if started.setdefault(change.entry.name, argv) != argv and change.what != "remote":
            yield f"`{name}` stands here twice with different commands: rename one, else its tools seem to change"
        if change.entry.members.get("sandboxEnabled") is True:
            yield f"`{name}` runs in its client's sandbox: allow it to write toolguard's home"
    if re.search(r"[/\\]archive-v\d+[/\\]", sys.executable):  # where uvx keeps environments until it cleans up
        yield "this toolguard runs from a temporary environment: install it with `uv tool install`, then run this again"


def _hidden(client: Client, text: str, name: str) -> str:
    entries = client.format.read(text, name, client.containers)
    return apply(text, [Edit(span, client.format.quote("(hidden)")) for entry in entries for span in entry.secrets])
