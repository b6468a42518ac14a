"""`toolguard audit`: reading the log and proving that nobody changed it."""

from __future__ import annotations

import sys

import click

from toolguard.cli import audit_proofs as proofs
from toolguard.cli import audit_retention as retention
from toolguard.cli import audit_verify
from toolguard.cli import audit_witnesses as witnesses
from toolguard.cli.asking import config_option, example, json_option, opened_desk
from toolguard.cli.frame import OK, report
from toolguard.cli.output import print_json, print_lines, print_table
from toolguard.core.canonical import pretty
from toolguard.core.model import Json
from toolguard.core.secrets.redact import Redactor
from toolguard.errors import ConfigError
from toolguard.store import audit as log
from toolguard.store.database import Database
from toolguard.store.keys import redaction_key
from toolguard.store.search import search as find

LIFE = 10_000
"""Events of one call or request; an honest one has a dozen."""
INDEXING_SECONDS = 600.0
"""For a first search over a large log; later ones index only what is new."""


@click.group(epilog=example("toolguard audit verify"))
def audit() -> None:
    """Read, verify, export and retain the audit log."""


for _command in (proofs.export, proofs.checkpoint, proofs.prove, proofs.rotate_key, proofs.confirm, proofs.copy):
    audit.add_command(_command)
for _command in (audit_verify.verify, witnesses.anchor, witnesses.receipts):
    audit.add_command(_command)
for _command in (retention.retain, retention.hold, retention.free, retention.erase):
    audit.add_command(_command)


@audit.command("list", epilog=example("toolguard audit list --kind call.decided --effect deny"))
@click.option("--after", type=click.IntRange(0), help="Only events after this number, the oldest first.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("--kind", help="Only this kind, for example `call.decided`.")
@click.option("--session", help="Only this session.")
@click.option("--server", help="Only this server.")
@click.option("--tool", help="Only this tool.")
@click.option("--agent", help="Only this agent.")
@click.option("--person", help="Only calls for this person.")
@click.option("--reviewer", help="Only what this reviewer did.")
@click.option("--effect", type=click.Choice(["allow", "ask", "deny"]), help="Only decisions with this effect.")
@click.option("--request", "request_id", help="Only the life of this approval request.")
@config_option
@json_option
def list_events(after: int | None, limit: int, config: str | None, as_json: bool, **where: str | None) -> int:
    """List events: the newest, or with --after the next ones."""
    with opened_desk(config) as desk:
        events = log.read(desk.store, after=after or 0, limit=limit, newest_first=after is None, **where)
    if after is None:
        events.reverse()
    if as_json:
        print_json(events)
    elif not events:
        click.echo("no such events")
    else:
        print_table(("SEQ", "WHEN", "KIND", "WHO", "TOOL", "OUTCOME"), [_row(event) for event in events])
    return OK


def _row(event: dict[str, Json]) -> tuple[str, ...]:
    score = f" {event['score']}" if event.get("score") is not None else ""
    tool = "/".join(part for part in (event.get("server"), event.get("tool")) if part)
    outcome = event.get("outcome") or f"{event.get('effect') or ''}{score}"
    return (
        str(event["seq"]),
        event["ts"],
        event["kind"],
        event.get("reviewer") or event.get("agent") or "",
        tool,
        outcome,
    )


@audit.command("show", epilog=example("toolguard audit show 17"))
@click.argument("event", metavar="ID")
@config_option
@json_option
def show(event: str, config: str | None, as_json: bool) -> int:
    """Show one event by its number, or the whole life of a call or request by its id."""
    with opened_desk(config) as desk:
        events = _events(desk.store, event)
    if not events:
        raise ConfigError(f"there is no event `{event}`", hint="`toolguard audit list` shows the newest")
    if as_json:
        print_json(events[0] if event.isdecimal() else events)
    else:
        for found in events:
            print_lines(pretty(found).split("\n"))
    return OK


def _events(store: Database, event: str) -> list[dict[str, Json]]:
    if event.isdecimal():
        number = int(event[:18])
        return log.read(store, after=number - 1, limit=1) if number > 0 else []
    if event.startswith("ap_"):
        return log.read(store, limit=LIFE, request_id=event)
    return log.read(store, limit=LIFE, call_id=event)


@audit.command("search", epilog=example("toolguard audit search invoices"))
@click.argument("text", required=False, default="")
@click.option("--secret", is_flag=True, help="Read a secret from standard input and find where it was used.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@config_option
@json_option
def search(text: str, secret: bool, limit: int, config: str | None, as_json: bool) -> int:
    """Find events that hold every word of TEXT, the newest first; `invoic*` finds words that begin so."""
    with opened_desk(config) as desk:
        if secret:
            key_id, key = redaction_key(desk.config.home)
            text = Redactor(key, key_id).mac(sys.stdin.read().removesuffix("\n"))
        elif not text:
            raise ConfigError("no words to look for", hint="name some, or use --secret")
        found = find(desk.store, text, limit=limit, patience=INDEXING_SECONDS)
    if found.behind:
        report(f"the newest {found.behind} events are not indexed yet", "search again to go on")
    if as_json:
        print_json(found.events)
    elif not found.events:
        click.echo("no such events")
    else:
        print_table(("SEQ", "WHEN", "KIND", "WHO", "TOOL", "OUTCOME"), [_row(event) for event in found.events])
    return OK
