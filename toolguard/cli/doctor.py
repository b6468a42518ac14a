"""`toolguard doctor`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from toolguard import config as configuration
from toolguard.bridge.connect import least_strength
from toolguard.cli.frame import FAILED, OK
from toolguard.cli.output import print_json, print_lines
from toolguard.clients import doctor as examining
from toolguard.clients import where
from toolguard.clients.check import Check
from toolguard.clients.doctor import Subject
from toolguard.clients.hooks_check import examine_hooks
from toolguard.clients.house import examine_house
from toolguard.clients.level import examine_level
from toolguard.clients.where import Client
from toolguard.config import Config
from toolguard.errors import ConfigError


@click.command(epilog="Example: toolguard doctor cursor")
@click.argument("clients", nargs=-1, type=click.Choice(where.NAMES), metavar="[CLIENT]...")
@click.option(
    "--config-file", "client_file", type=click.Path(path_type=Path), help="Examine this file of the one CLIENT named."
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=30,
    show_default=True,
    help="Seconds that a server has to start and answer.",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="toolguard.yaml to use.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(
    clients: tuple[str, ...], client_file: Path | None, timeout: int, config_file: Path | None, as_json: bool
) -> int:
    """Prove that the MCP servers of your clients are behind toolguard, and that toolguard is sound.

    Each configured server is started the way its client starts it, and asked for its tools. Exit status 0 when all is
    well, 1 when there is a problem; each problem comes with what to do about it.
    """
    if client_file is not None and len(clients) != 1:
        raise click.UsageError("--config-file needs exactly one CLIENT")
    config, checks = _configuration(config_file)
    checks += examine_house(config, datetime.now(UTC))
    checks.append(examine_level(config, configuration.agent_socket(), least_strength))
    chosen = [where.client(name) for name in clients or where.NAMES]
    found: list[Subject] = []
    for client in chosen:
        in_files, broken = _subjects(client, client_file)
        found += in_files
        checks += broken
    environ = configuration.wrapped_environment()
    checks += examining.examine_servers(found, config, environ, timeout)
    if client_file is None and any(client.name == "claude-code" for client in chosen):
        checks += examine_hooks(config, environ, timeout)
    checks += _blind_spots(chosen, found)
    if not found and not any(check.name in where.NAMES for check in checks):
        checks.append(_nothing_configured(chosen))
    ok = not any(check.state == "problem" for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": [check.as_json() for check in checks]})
    else:
        print_lines(_lines(checks))
    return OK if ok else FAILED


def _configuration(config_file: Path | None) -> tuple[Config, list[Check]]:
    """The configuration; when it cannot be used, the defaults, so that the rest is examined all the same."""
    try:
        config = configuration.load(config_file)
    except ConfigError as error:
        if config_file is None and not os.access(configuration.home(), os.X_OK) and configuration.home().exists():
            what = f"{configuration.home()} is out of this user's reach"
            return configuration.defaults(configuration.home()), [Check("configuration", "note", what)]
        return configuration.defaults(configuration.home()), [Check("configuration", "problem", str(error), error.hint)]
    return config, [Check("configuration", "ok", str(config.file) if config.file else "none: the defaults hold")]


def _subjects(client: Client, client_file: Path | None) -> tuple[list[Subject], list[Check]]:
    """The servers of a client's files, those of the projects that it knows, and of the folder we are in."""
    if client_file is not None:
        return examining.subjects(client, client_file)
    own = where.user_files(client, configuration.wrapped_environment(), sys.platform)
    sources: list[tuple[Path, Path | None]] = [(path, None) for path in own]
    if client.project_file:
        folders = [Path.cwd(), *(folder for path in own for folder in examining.known_projects(client, path))]
        files = dict.fromkeys((folder / client.project_file, folder) for folder in folders)
        users = {path.resolve() for path in own}
        sources += [(file, folder) for file, folder in files if file.is_file() and file.resolve() not in users]
    read = [examining.subjects(client, path, project) for path, project in sources]
    return [one for found, _ in read for one in found], [check for _, broken in read for check in broken]


def _blind_spots(clients: list[Client], found: list[Subject]) -> Iterator[Check]:
    """What no edit of a client's files covers, said every time."""
    used = {subject.client.name for subject in found}
    for client in clients:
        if client.name in used:
            yield Check(client.name, "note", f"toolguard does not see {client.blind}")


def _nothing_configured(clients: list[Client]) -> Check:
    titles = ", ".join(client.title for client in clients)
    return Check(
        "clients", "note", f"no MCP servers are configured in {titles}", "add one there, then toolguard install CLIENT"
    )


def _lines(checks: list[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{check.state:<8} {check.name}: {check.what}"
        if check.then:
            yield f"         next: {check.then}"
    problems = sum(check.state == "problem" for check in checks)
    yield "No problems." if not problems else f"{problems} problem{'' if problems == 1 else 's'}."
