"""`toolguard grants`: standing approvals, listed and ended."""

from __future__ import annotations

import click

from toolguard.cli.asking import config_option, example, json_option, opened_desk, reviewer_here, reviewer_of_token
from toolguard.cli.frame import OK
from toolguard.cli.output import print_json, print_lines, print_table
from toolguard.errors import ConfigError
from toolguard.guard import GrantView
from toolguard.guard.standing import Grants


@click.group(epilog=example("toolguard grants list"))
def grants() -> None:
    """List and revoke what reviewers allowed for a while."""


@grants.command("list", epilog=example("toolguard grants list --all --json"))
@click.option("--all", "ended_too", is_flag=True, help="Also those that expired, were used up or revoked.")
@config_option
@json_option
def list_grants(ended_too: bool, config: str | None, as_json: bool) -> int:
    """List the grants in force, the newest first."""
    with opened_desk(config) as desk:
        found = Grants(desk.store).list(live_only=not ended_too)
    if as_json:
        print_json([grant.as_json() for grant in found])
    elif not found:
        click.echo("none")
    else:
        print_table(("ID", "UNTIL", "USES", "BY", "AGENT", "WHAT"), [_row(grant) for grant in found])
    return OK


def _row(grant: GrantView) -> tuple[str, ...]:
    until = f"revoked {grant.revoked_at}" if grant.revoked_at else grant.not_after
    return (
        grant.id,
        until,
        f"{grant.uses} of {grant.max_uses}",
        grant.reviewer,
        grant.principal["agent"],
        grant.sentence,
    )


@grants.command("revoke", epilog=example("toolguard grants revoke gr_0123456789abcdef"))
@click.argument("grant_id", metavar="ID")
@config_option
@json_option
def revoke(grant_id: str, config: str | None, as_json: bool) -> int:
    """End a grant at once; the next such call asks again."""
    with opened_desk(config) as desk:
        reviewer = reviewer_of_token(desk.reviewers) or reviewer_here(desk.reviewers)
        ended = Grants(desk.store).revoke(grant_id, reviewer, "cli")
    if ended is None:
        raise ConfigError(f"there is no grant `{grant_id}` in force", hint="`toolguard grants list` shows them")
    if as_json:
        print_json(ended.as_json())
    else:
        print_lines([f"revoked: {ended.sentence}"])
    return OK
