"""`toolguard install CLIENT` and `toolguard uninstall CLIENT`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from toolguard import config as configuration
from toolguard.cli.output import print_json, print_lines
from toolguard.clients import hooks as client_hooks
from toolguard.clients import install as installing
from toolguard.clients import where
from toolguard.clients.enrol import FirstReviewer, first_reviewer
from toolguard.clients.hooks import HooksPlan
from toolguard.clients.install import Plan
from toolguard.clients.where import Client
from toolguard.config import Config
from toolguard.core.model import Json
from toolguard.core.secrets.redact import Redactor
from toolguard.errors import ConfigError
from toolguard.guard import Guard
from toolguard.hooks import send
from toolguard.review import links

_WORDS = {
    "wrapped": "put behind toolguard",
    "renewed": "behind toolguard, brought up to date",
    "unwrapped": "taken out from behind toolguard",
    "apart": "reaches a toolguard of another user already",
    "by-hand": "left alone: its proxy was set up by hand",
}

_client = click.argument("client", type=click.Choice(where.NAMES), metavar="CLIENT")
_client_file = click.option(
    "--config-file",
    "client_file",
    type=click.Path(path_type=Path),
    help="The client's file, where it is not the usual one.",
)
_project = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    help="The client's file of this project's folder instead of yours.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Show the changes as a unified diff and write nothing.")
_config = click.option("--config", "config_file", type=click.Path(path_type=Path), help="toolguard.yaml to use.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command(epilog="Example: toolguard install claude-code --dry-run")
@_client
@_client_file
@_project
@click.option(
    "--hooks", is_flag=True, help="Guard the client's own tools, too (Bash, Edit, WebFetch...); claude-code only."
)
@_dry_run
@_config
@_as_json
def install(
    client: str,
    client_file: Path | None,
    project: Path | None,
    hooks: bool,
    dry_run: bool,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Put every stdio MCP server of CLIENT behind toolguard.

    CLIENT is claude-desktop, claude-code, cursor, vscode or codex. The client's own configuration is edited in place:
    comments, order and everything else stay, a backup is kept, and `uninstall` takes the edit back. The first time,
    you are enrolled as reviewer.
    """
    config = configuration.load(config_file)
    chosen = where.client(client)
    if hooks and client != "claude-code":
        raise ConfigError(f"{chosen.title} has no hooks that toolguard knows", hint="leave out --hooks")
    paths = _files(chosen, client_file, project)
    if not paths and not hooks:
        usual = where.usual_file(chosen, configuration.wrapped_environment(), sys.platform)
        raise ConfigError(
            f"{chosen.title} has no MCP servers configured yet",
            file=str(usual),
            hint=f"add one in {chosen.title} and run this again, or name its file with --config-file",
        )
    launcher = installing.this_toolguard(config.home, config_file.absolute() if config_file else None)
    plans = [installing.plan_install(chosen, path, launcher) for path in paths]
    hooked = _plan_hooks(plans, config, config_file) if hooks else None
    backups: list[Path] = []
    reviewer = None
    if not dry_run:
        # Opened first: without a database every call behind the proxy would be refused.
        with Guard.open(config) as guard:
            backups = _carry_out(plans, config.home)
            if hooked is not None:
                client_hooks.carry_out(hooked, config.home, datetime.now(UTC), keeps=True)
            reviewer = first_reviewer(guard)
    if as_json:
        more = {"hooks": _hooks_as_json(hooked, dry_run)} if hooked else {}
        _print_json(plans, backups, dry_run, {"reviewer": reviewer and _enrolment(reviewer, config), **more})
        return
    _print(plans, backups, dry_run)
    if hooked is not None:
        print_lines([f"{chosen.title}  {hooked.path}", "  its own tools: judged through hooks"])
        print_lines(_safe_lines(hooked.diff()) if dry_run else [])
    if reviewer:
        print_lines([f"You are the first reviewer, `{reviewer.name}`. This link signs you in, once, within a day:"])
        print_lines([f"  {_enrolment(reviewer, config)['link']}"])
    if not dry_run:
        click.echo(f"Next: restart {chosen.title}, start `toolguard serve`, and prove it all with `toolguard doctor`.")


@click.command(epilog="Example: toolguard uninstall claude-code")
@_client
@_client_file
@_project
@_dry_run
@_as_json
def uninstall(client: str, client_file: Path | None, project: Path | None, dry_run: bool, as_json: bool) -> None:
    """Take the MCP servers of CLIENT out from behind toolguard again.

    Only what `install` wrote is taken back; what changed since stays. If nothing else changed, the file is what it was
    before, to the byte. Database, keys and reviewers stay.
    """
    chosen = where.client(client)
    plans = [installing.plan_uninstall(chosen, path) for path in _files(chosen, client_file, project)]
    home = configuration.home()
    is_usual = client == "claude-code" and client_file is None and project is None
    settings = client_hooks.settings_file(configuration.wrapped_environment())
    hooked = client_hooks.plan_uninstall(settings, home) if is_usual else None
    backups = [] if dry_run else _carry_out(plans, home)
    if hooked is not None and not dry_run:
        client_hooks.carry_out(hooked, home, datetime.now(UTC), keeps=False)
    has_hooks = hooked is not None and hooked.changed
    if as_json:
        _print_json(plans, backups, dry_run, {"hooks": _hooks_as_json(hooked, dry_run)} if hooked and has_hooks else {})
        return
    _print(plans, backups, dry_run)
    if has_hooks:
        print_lines([f"{chosen.title}  {settings}", "  its own tools: no longer judged"])
        print_lines(_safe_lines(hooked.diff()) if dry_run and hooked else [])
    elif not any(plan.changed for plan in plans):
        click.echo("Nothing to undo.")
    if not dry_run and (has_hooks or any(plan.changed for plan in plans)):
        click.echo(f"Restart {chosen.title}: until then it uses what it has started.")


def _plan_hooks(plans: list[Plan], config: Config, config_file: Path | None) -> HooksPlan:
    """Servers behind the proxy afterwards are judged there, so their calls pass the hooks."""
    proxied = sorted({change.entry.name for plan in plans for change in plan.changes if change.is_behind})
    options = {
        "--home": str(config.home),
        "--config": str(config_file.absolute()) if config_file else "",
        "--proxied": ",".join(proxied),
    }
    path = client_hooks.settings_file(configuration.wrapped_environment())
    python, isolation, *_ = installing.launch()
    # A file instead of a module, and without `site`: the client waits for it at every call (tests/bench/hooks.py).
    return client_hooks.plan_install(path, (python, isolation, "-S", send.__file__), options, config.approvals.hold)


def _files(client: Client, client_file: Path | None, project: Path | None) -> tuple[Path, ...]:
    if client_file is not None and project is not None:
        raise click.UsageError("--config-file and --project name two files; give one")
    if client_file is not None:
        return (client_file,)
    if project is None:
        return where.user_files(client, configuration.wrapped_environment(), sys.platform)
    if not client.project_file:
        raise ConfigError(f"{client.title} has no files of projects", hint="leave out --project")
    path = project / client.project_file
    return (path,)


def _carry_out(plans: list[Plan], home: Path) -> list[Path]:
    """Every file was understood before the first one is touched."""
    now = datetime.now(UTC)
    return [installing.carry_out(plan, home / "backups", now) for plan in plans if plan.changed]


def _print(plans: list[Plan], backups: list[Path], dry_run: bool) -> None:
    for plan in plans:
        print_lines(_lines(plan))
        if dry_run:
            print_lines(_safe_lines(plan.diff()))
    print_lines(f"Backup: {backup}" for backup in backups)


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.client.title}  {plan.file.path}"
    for change in plan.changes:
        yield f"  {change.entry.name}: {change.uncovered or _WORDS.get(change.what) or _standing(change)}"
    if not plan.changes:
        yield "  no servers"
    yield from (f"  note: {note}" for note in installing.notes(plan))


def _standing(change: installing.Change) -> str:
    return "behind toolguard already" if change.is_wrapped else "not behind toolguard"


def _enrolment(reviewer: FirstReviewer, config: Config) -> dict[str, str]:
    return {"name": reviewer.name, "link": links.sign_in(config.review.url, reviewer.link_code)}


def _safe_lines(diff: str) -> list[str]:
    """The lines of a diff without secrets."""
    return Redactor(b"").text(diff).splitlines()


def _hooks_as_json(plan: HooksPlan, dry_run: bool) -> dict[str, Json]:
    document: dict[str, Json] = {"file": str(plan.path), "changed": plan.changed}
    return {**document, "diff": "\n".join(_safe_lines(plan.diff()))} if dry_run else document


def _print_json(plans: list[Plan], backups: list[Path], dry_run: bool, more: dict[str, Json]) -> None:
    document = {
        "dry_run": dry_run,
        "files": [_file_as_json(plan, dry_run) for plan in plans],
        "backups": [str(backup) for backup in backups],
        **more,
    }
    print_json(document)


def _file_as_json(plan: Plan, dry_run: bool) -> dict[str, Json]:
    document: dict[str, Json] = {
        "client": plan.client.name,
        "file": str(plan.file.path),
        "changed": plan.changed,
        "servers": [
            {"name": one.entry.name, "result": one.what, "behind": one.is_behind, "line": one.line}
            for one in plan.changes
        ],
        "notes": list(installing.notes(plan)),
    }
    return {**document, "diff": "\n".join(_safe_lines(plan.diff()))} if dry_run else document
