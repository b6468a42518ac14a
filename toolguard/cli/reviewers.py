"""`toolguard reviewers`: the people who may decide."""

from __future__ import annotations

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example, json_option, opened_desk, opened_guard
from toolguard.cli.frame import OK
from toolguard.cli.output import print_json, print_lines, print_table
from toolguard.review.links import sign_in


@click.group(epilog=example("toolguard reviewers add alice --group dba"))
def reviewers() -> None:
    """Enrol, list and remove the people who may decide."""


@reviewers.command("add", epilog=example("toolguard reviewers add alice --me"))
@click.argument("name")
@click.option("--group", "groups", multiple=True, metavar="G", help="A group they belong to; may be repeated.")
@click.option("--me", is_flag=True, help="They are the operating-system user who runs this command.")
@config_option
@json_option
def add(name: str, groups: tuple[str, ...], me: bool, config: str | None, as_json: bool) -> int:
    """Enrol a reviewer. Prints a token and a one-time link, this once."""
    with opened_guard(config) as guard:
        enrolled = guard.reviewers.add(name, groups, person=configuration.person() if me else "")
        link = sign_in(guard.config.review.url, enrolled.link_code)
    if as_json:
        print_json({"name": enrolled.name, "token": enrolled.token, "link": link})
    else:
        print_lines(
            [
                f"enrolled {enrolled.name}",
                f"token    {enrolled.token}   (for REST and the command line; not shown again)",
                f"link     {link}   (signs in once; `toolguard serve` must run)",
            ]
        )
    return OK


@reviewers.command("list", epilog=example("toolguard reviewers list --json"))
@config_option
@json_option
def list_reviewers(config: str | None, as_json: bool) -> int:
    """List the reviewers."""
    with opened_desk(config) as desk:
        found = [reviewer.as_json() for reviewer in desk.reviewers.list()]
    if as_json:
        print_json(found)
    elif not found:
        click.echo("nobody is enrolled: `toolguard reviewers add NAME --me` enrols you")
    else:
        rows = [(r["name"], ", ".join(r["groups"]), r["person"], r["created"]) for r in found]
        print_table(("NAME", "GROUPS", "OS USER", "SINCE"), rows)
    return OK


@reviewers.command("link", epilog=example("toolguard reviewers link alice"))
@click.argument("name")
@config_option
@json_option
def link(name: str, config: str | None, as_json: bool) -> int:
    """Print a new one-time link that signs a reviewer in to the review page."""
    with opened_guard(config) as guard:
        address = sign_in(guard.config.review.url, guard.reviewers.link(name))
    if as_json:
        print_json({"name": name, "link": address})
    else:
        print_lines([address])
    return OK


@reviewers.command("remove", epilog=example("toolguard reviewers remove alice"))
@click.argument("name")
@config_option
@json_option
def remove(name: str, config: str | None, as_json: bool) -> int:
    """End every credential of a reviewer; their past votes stay in the log, open ones no longer count."""
    with opened_guard(config) as guard:
        guard.reviewers.remove(name)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        print_lines([f"removed {name}"])
    return OK
