"""Examines whether each server of each client stands behind the proxy, by starting it the way its client does.

Servers are started only from files that the client itself starts them from without asking: what came with a project
may be hostile, and is only read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

from toolguard.clients import file as files
from toolguard.clients import probe
from toolguard.clients.check import Check
from toolguard.clients.entry import Entry
from toolguard.clients.install import launch
from toolguard.clients.probe import Listing
from toolguard.clients.where import Client
from toolguard.clients.wrap import Wrapping, is_apart, kind, wrapping
from toolguard.config import Config
from toolguard.core.secrets.redact import Redactor
from toolguard.errors import ConfigError, StoreError, UpstreamError
from toolguard.guard import Guard, patience

_AT_ONCE: Final = 4
"""Servers started at the same time: some bring a whole browser."""

Answer = Listing | UpstreamError | None
"""What came of starting a server; None when it was not started."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One server to be examined."""

    client: Client
    file: Path
    entry: Entry
    project: Path | None = None
    """The folder whose file it stands in, when nobody asked us to trust that folder."""

    @property
    def label(self) -> str:
        return f"{self.client.name}/{self.entry.name}"

    @property
    def wrapping(self) -> Wrapping | None:
        return wrapping(self.entry)

    @property
    def environment(self) -> dict[str, str]:
        """What the entry adds to the environment of its client."""
        named = self.entry.members.get("env")
        pairs = named.items() if isinstance(named, dict) else ()
        return {str(name): str(value) for name, value in pairs if value is not None}

    @property
    def patience(self) -> float | None:
        """Seconds that its client waits for a call; None when it waits for hours."""
        own = self.entry.members.get(self.client.patience_member)
        return own if isinstance(own, int | float) else self.client.patience

    @property
    def why_not_started(self) -> str:
        """Why the doctor leaves it alone; empty when it starts it."""
        members = self.entry.members
        texts = [*self.entry.argv, *self.environment.values(), members.get("cwd")]
        if self.project:
            return "its file came with a project"
        if members.get("disabled") is True or members.get("enabled") is False:
            return "its client has it switched off"
        if any(isinstance(text, str) and "${" in text for text in texts):
            return "only its client can fill in the ${...} of its entry"
        return ""

    @property
    def install(self) -> str:
        """The command that puts it behind the proxy."""
        return f"toolguard install {self.client.name}" + (
            f" --project {quote(str(self.project))}" if self.project else ""
        )


def subjects(client: Client, path: Path, project: Path | None = None) -> tuple[list[Subject], list[Check]]:
    """The servers of one file; a file that cannot be understood is a problem of its own."""
    try:
        entries = client.format.read(files.read(path).text, str(path), client.containers)
    except ConfigError as error:
        return [], [Check(client.name, "problem", str(error), error.hint)]
    return [Subject(client, path, entry, project) for entry in entries], []


def known_projects(client: Client, path: Path) -> Iterator[Path]:
    """The folders that a user's file remembers and that bring a file of servers themselves."""
    if not client.projects:
        return
    try:
        entries = client.format.read(files.read(path).text, str(path), (client.projects,))
    except ConfigError:
        return  # said when its servers are examined
    for folder in (Path(entry.name) for entry in entries):
        if folder.is_absolute() and (folder / client.project_file).is_file():
            yield folder


def examine_servers(
    found: Sequence[Subject], config: Config, environ: Mapping[str, str], within: float
) -> Iterator[Check]:
    """The checks of each server, in order; `environ` is the environment of the client as far as we know it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda subject: _start(subject, environ, within), found))
    recorded = _recorded(list(zip(found, answers, strict=True)), config)
    for subject, came in zip(found, answers, strict=True):
        yield from _standing(subject, config)
        yield from _proof(subject, came, config, recorded)
    yield from _shared_names(found)


def _start(subject: Subject, environ: Mapping[str, str], within: float) -> Answer:
    if not (subject.wrapping or is_apart(subject.entry)) or subject.why_not_started:
        return None
    cwd = subject.entry.members.get("cwd")
    argv = [str(word) for word in subject.entry.argv]
    environment = {**environ, **subject.environment}
    try:
        return probe.list_tools(argv, environment, cwd if isinstance(cwd, str) else None, within)
    except UpstreamError as error:
        return error


def _recorded(answers: list[tuple[Subject, Answer]], config: Config) -> set[str]:
    """Labels of the servers whose tools the guard of this home has seen, which only its proxy can have told it."""
    if not os.access(config.database, os.R_OK):
        return set()
    try:
        with Guard.open(config) as guard:
            return {
                subject.label
                for subject, came in answers
                if isinstance(came, Listing)
                and subject.wrapping
                and any(guard.pinned(subject.wrapping.option("--name") or "", tool) for tool in came.tools)
            }
    except StoreError:
        return set()  # said where the database is examined


def _standing(subject: Subject, config: Config) -> Iterator[Check]:
    """What the configuration alone tells."""
    label, present = subject.label, subject.wrapping
    if is_apart(subject.entry):
        return  # proved or not by starting it
    if present is None:
        yield _bare(subject)
        return
    executable = Path(present.launch[0])
    if executable.is_absolute() and not os.access(executable, os.X_OK):
        yield Check(label, "problem", f"`{executable}` is gone: it cannot start", subject.install)
    home = present.option("--home")
    if home and Path(home) != config.home:
        yield Check(label, "note", f"keeps its records in `{home}`", f"TOOLGUARD_HOME={quote(home)} toolguard doctor")
    limit, name = subject.patience, subject.client.calls_itself
    held = patience.seconds(config.approvals, None, name, progress=True)
    if limit is not None and held >= limit:
        yield Check(
            label,
            "problem",
            f"calls are held for {held:g} s, but {subject.client.title} gives up after {limit:g} s",
            f'in toolguard.yaml, let approvals.hold_by_client say less: {{"{name}": {limit * 0.8:.0f}s}}',
        )


def _bare(subject: Subject) -> Check:
    label = subject.label
    match kind(subject.entry):
        case "stdio":
            return Check(label, "problem", f"is not behind toolguard ({subject.file})", subject.install)
        case "remote":
            return Check(label, "note", "is reached by URL: its calls are not judged", "the gateway will cover it")
        case _:
            what = f"has neither a command with a list of arguments nor a URL ({subject.file})"
            return Check(label, "problem", what, "correct or remove it")


def _proof(subject: Subject, came: Answer, config: Config, recorded: set[str]) -> Iterator[Check]:
    """What starting it showed."""
    label, present = subject.label, subject.wrapping
    if is_apart(subject.entry):
        yield _proof_apart(label, came, subject.why_not_started)
        return
    if present is None:
        return
    if came is None and present.launch == launch():
        yield Check(label, "ok", f"is behind toolguard; not started: {subject.why_not_started}")
        return
    if came is None:
        what = f"says that it runs behind `{' '.join(present.launch)}`; not proved: {subject.why_not_started}"
        yield Check(label, "note", what)
        return
    if isinstance(came, UpstreamError):
        then = came.hint or "start its command by hand to see why"
        yield Check(label, "problem", f"is behind toolguard, but {Redactor(b'').text(str(came))}", then)
        return
    tools = f"{len(came.tools)} tool{'' if len(came.tools) == 1 else 's'}"
    elsewhere = Path(present.option("--home") or config.home) != config.home
    if came.tools and not elsewhere and label not in recorded:
        what = f"answers with {tools}, but nothing of them is on record in {config.home}"
        yield Check(label, "problem", what, f"{subject.install}, with the TOOLGUARD_HOME you use now")
        return
    yield Check(label, "ok", f"is behind toolguard and answers with {tools} (protocol {came.era})")


def _proof_apart(label: str, came: Answer, why_not_started: str) -> Check:
    """What starting a server of another user's toolguard showed; whether it is judged there, only that user can see."""
    if came is None:
        return Check(label, "note", f"reaches a toolguard of another user; not proved: {why_not_started}")
    if isinstance(came, UpstreamError):
        then = came.hint or "start its command by hand to see why"
        return Check(label, "problem", f"reaches no toolguard: {Redactor(b'').text(str(came))}", then)
    tools = f"{len(came.tools)} tool{'' if len(came.tools) == 1 else 's'}"
    return Check(label, "ok", f"is behind a toolguard of another user and answers with {tools} (protocol {came.era})")


def _shared_names(found: Sequence[Subject]) -> Iterator[Check]:
    """Servers that toolguard takes for one: it knows a server and its tools by the name."""
    first: dict[str, Subject] = {}
    for subject in found:
        present = subject.wrapping
        if present is None:
            continue
        other = first.setdefault(present.option("--name") or "", subject)
        if other.wrapping and other.wrapping.argv != present.argv:
            what = f"has the name of {other.label}, which starts another command: their tools seem to change"
            yield Check(subject.label, "note", what, "rename one of the two")
