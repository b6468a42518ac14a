"""`toolguard audit anchor` and `receipts`: telling witnesses outside, and keeping what they answered."""

from __future__ import annotations

import asyncio

import click

from toolguard.channels.anchoring import Anchoring, opened
from toolguard.cli.asking import config_option, example, json_option, opened_guard
from toolguard.cli.frame import FAILED, OK
from toolguard.cli.output import print_json, print_lines
from toolguard.core.canonical import text
from toolguard.errors import ConfigError
from toolguard.guard import Guard
from toolguard.store import anchors
from toolguard.store import checkpoints as notes
from toolguard.store.anchors import Told


@click.command("anchor", epilog=example("toolguard audit anchor"))
@config_option
@json_option
def anchor(config: str | None, as_json: bool) -> int:
    """Sign the log as it stands and tell every configured witness now; `toolguard serve` does it by itself.

    Exit status: 0 all were told, 1 some could not be.
    """
    with opened_guard(config) as guard:
        if not guard.config.audit.anchors:
            raise ConfigError("no witness is configured", hint="see `audit.anchors` in docs/configuration.md")
        guard.checkpoints.write_if_due(now=True)
        told = asyncio.run(_tell(guard))
    if as_json:
        print_json([{"anchor": one.anchor, "kind": one.kind, "error": one.error or None} for one in told])
    else:
        print_lines(f"{one.anchor}: {one.error or 'told'}" for one in told)
    return FAILED if any(one.error for one in told) else OK


async def _tell(guard: Guard) -> list[Told]:
    witnesses = opened(guard.config.audit.anchors)
    newest = notes.newest(guard.store)
    if newest is None:  # every log begins with an event, which was signed above
        raise ConfigError("there is no event to sign yet")
    anchoring = Anchoring(guard, witnesses, guard.now)
    return [await anchoring.tell(one, newest) for one in witnesses]


@click.command("receipts", epilog=example("toolguard audit receipts > receipts.jsonl"))
@config_option
def receipts(config: str | None) -> int:
    """Print what witnesses answered, one receipt a line, to keep elsewhere and give to `audit verify --anchor`."""
    with opened_guard(config) as guard:
        for receipt in anchors.receipts(guard.store):
            click.echo(text(receipt))
    return OK
