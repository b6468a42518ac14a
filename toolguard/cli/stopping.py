"""`toolguard stop` and `toolguard release`: the switch for every guard on this database at once."""

from __future__ import annotations

import click

from toolguard.cli.asking import (
    config_option,
    example,
    opened_desk,
    reviewer_here,
    reviewer_of_token,
    reviewer_who_decides,
)
from toolguard.cli.frame import OK
from toolguard.guard.stop_switch import StopSwitch


@click.command(epilog=example('toolguard stop --reason "something odd"'))
@click.option("--reason", default="", metavar="TEXT", help="Recorded.")
@config_option
def stop(reason: str, config: str | None) -> int:
    """Refuse every call that would be asked about, used under a grant, or claimed, until somebody releases it."""
    with opened_desk(config) as desk:
        reviewer = reviewer_of_token(desk.reviewers) or reviewer_here(desk.reviewers)
        StopSwitch(desk.store).stop(reviewer, reason, "cli")
    click.echo("stopped: `toolguard release` ends it")
    return OK


@click.command(epilog=example("toolguard release"))
@config_option
def release(config: str | None) -> int:
    """End a stop: calls are asked about again. Needs a person at a terminal, or a reviewer's token."""
    with opened_desk(config) as desk:
        StopSwitch(desk.store).release(reviewer_who_decides(desk.reviewers), "cli")
    click.echo("released")
    return OK
