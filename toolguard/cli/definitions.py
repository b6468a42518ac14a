"""`toolguard definitions`: what servers say of their tools, and accepting what changed."""

from __future__ import annotations

from typing import Final

import click

from toolguard.cli.asking import config_option, example, json_option, opened_desk, reviewer_who_decides
from toolguard.cli.frame import OK
from toolguard.cli.output import print_json, print_lines, print_table
from toolguard.errors import ConfigError
from toolguard.guard import introductions
from toolguard.guard.pins import accept, changes

_ITSELF: Final = "(its instructions)"


@click.group(epilog=example("toolguard definitions list"))
def definitions() -> None:
    """List changed tool definitions and accept them."""


@definitions.command("list", epilog=example("toolguard definitions list --json"))
@config_option
@json_option
def list_changes(config: str | None, as_json: bool) -> int:
    """List what servers changed or added after they were first seen; calls of it ask until accepted."""
    with opened_desk(config) as desk:
        found = changes(desk.store)
    if as_json:
        print_json([change.as_json() for change in found])
    elif not found:
        click.echo("every tool is as it was first seen, or was accepted")
    else:
        print_table(("SERVER", "TOOL", "CHANGE"), [(each.server, each.tool or _ITSELF, each.change) for each in found])
        for change in found:
            print_lines(["", f"{change.server}/{change.tool or _ITSELF}", *change.lines])
    return OK


@definitions.command("accept", epilog=example("toolguard definitions accept files read_file"))
@click.argument("server")
@click.argument("tool", required=False, default="")
@config_option
@json_option
def accept_change(server: str, tool: str, config: str | None, as_json: bool) -> int:
    """Accept the definition of TOOL as it is now, or the server's instructions without TOOL.

    Needs a terminal, or a reviewer's token in the environment.
    """
    with opened_desk(config) as desk:
        reviewer = reviewer_who_decides(desk.reviewers)
        accepted = (
            accept(desk.store, server, tool, reviewer.name)
            if tool
            else introductions.accept(desk.store, server, reviewer.name)
        )
        if not accepted:
            what = f"`{tool}` of `{server}` has" if tool else f"the instructions of `{server}` have"
            raise ConfigError(f"{what} no change to accept", hint="`toolguard definitions list` shows what has")
    if as_json:
        print_json({"server": server, "tool": tool, "accepted_by": reviewer.name})
    else:
        click.echo("accepted")
    return OK
