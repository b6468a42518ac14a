"""`toolguard audit export`, `checkpoint`, `prove`, `rotate-key` and `confirm`: for others to check."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from toolguard.cli.asking import Desk, config_option, example, json_option, opened_desk, reviewer_who_decides
from toolguard.cli.frame import FAILED, OK
from toolguard.cli.output import print_json
from toolguard.config import person
from toolguard.core.canonical import pretty
from toolguard.errors import ConfigError, StoreError
from toolguard.guard.doubt import Doubt
from toolguard.store import audit
from toolguard.store import checkpoints as notes
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.exporting import FORMATS
from toolguard.store.exporting import export as exported
from toolguard.store.proofs import prove as proof_of
from toolguard.store.publishing import publish

reason_option = click.option("--reason", required=True, metavar="TEXT", help="Recorded.")


@click.command("export", epilog=example("toolguard audit export --format jsonl > audit.jsonl"))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="Of each line or row."
)
@click.option("--after", type=click.IntRange(0), default=0, help="Only events after this number.")
@click.option("--arguments", is_flag=True, help="With otlp: put the redacted arguments into the spans.")
@click.option("--follow", is_flag=True, help="Go on as events come, until interrupted; not with jsonl.")
@config_option
def export(form: str, after: int, arguments: bool, follow: bool, config: str | None) -> int:
    """Write the log to standard output: jsonl (which `audit verify` checks), csv, otlp, ocsf or cef."""
    if follow and form == "jsonl":
        raise ConfigError("jsonl is an export of one moment", hint="follow with otlp, ocsf, cef or csv")
    with opened_desk(config) as desk:
        if not follow and after > audit.head(desk.store)[0]:
            raise ConfigError(f"there is no event after {after}", hint="`toolguard audit list` shows the newest")
        _note(desk, form, after)
        if form == "jsonl":
            checkpoints = Checkpoints(desk.store)
            checkpoints.write_if_due(now=True)
        for line in exported(desk.store, form, _version(), after=after, follow=follow, arguments=arguments):
            sys.stdout.buffer.write(line)
            if follow:
                sys.stdout.buffer.flush()
    return OK


def _note(desk: Desk, form: str, after: int = 0) -> None:
    """Who took the log out is an event of it, and of what is taken out."""
    if audit.head(desk.store)[0]:
        with desk.store.write(full=True) as tx:
            audit.append(tx, "export.made", {"format": form, "after": after}, person=person(), channel="cli")


def _version() -> str:
    from importlib.metadata import version

    return version("toolguard-firewall")


@click.command("checkpoint", epilog=example("toolguard audit checkpoint --append /media/usb/anchors.txt"))
@click.option("--append", "file", metavar="FILE", help="Add the note to this file, an anchor kept elsewhere.")
@config_option
@json_option
def checkpoint(file: str | None, config: str | None, as_json: bool) -> int:
    """Sign the log as it stands and print the note: kept elsewhere, it proves later that nothing was changed since."""
    with opened_desk(config) as desk:
        Checkpoints(desk.store).write_if_due(now=True)
        newest = notes.newest(desk.store)
    if newest is None:
        raise ConfigError("there is no event to sign yet", hint="it begins with the first guarded call")
    if file:
        try:
            with Path(file).open("a", encoding="utf-8") as anchors:
                anchors.write(newest["note"] + "\n")
        except OSError as error:
            raise ConfigError(f"`{file}` cannot be written: {error.strerror}") from error
    if as_json:
        print_json({name: newest[name] for name in ("size", "root", "head", "key_id", "ts", "note")})
    else:
        click.echo(newest["note"])
    return OK


@click.command("prove", epilog=example("toolguard audit prove 17 > proof.json"))
@click.argument("seq", type=click.IntRange(1))
@config_option
def prove(seq: int, config: str | None) -> int:
    """Print a proof that event SEQ stands in the log; docs/audit.md shows how to check it without toolguard."""
    with opened_desk(config) as desk:
        try:
            click.echo(pretty(proof_of(desk.store, Checkpoints(desk.store), seq)))
        except StoreError as error:
            raise ConfigError(str(error), hint=error.hint) from error
    return OK


@click.command("rotate-key", epilog=example('toolguard audit rotate-key --reason "yearly"'))
@reason_option
@config_option
def rotate_key(reason: str, config: str | None) -> int:
    """Let a new key sign checkpoints from now on; the old one vouches for it and is destroyed."""
    with opened_desk(config) as desk:
        reviewer = reviewer_who_decides(desk.reviewers)
        new = Checkpoints(desk.store).rotate(reason, reviewer=reviewer.name, channel="cli")
    click.echo(f"key {new.id} signs from now on, public half {new.public.hex()}")
    return OK


@click.command("confirm", epilog=example('toolguard audit confirm --reason "restored after the disk failed"'))
@reason_option
@config_option
def confirm(reason: str, config: str | None) -> int:
    """Say that you know why the log is shorter than its newest checkpoint (a restored backup); approved calls then run
    again. Exit status 1 when the log is in no doubt."""
    with opened_desk(config) as desk:
        reviewer = reviewer_who_decides(desk.reviewers)
        if Doubt(desk.store, Checkpoints(desk.store)).confirm(reviewer, reason, "cli"):
            click.echo("confirmed: the log goes on from here")
            return OK
    click.echo("the log is in no doubt")
    return FAILED


@click.command("copy", epilog=example("toolguard audit copy audit.db"))
@click.argument("file", metavar="FILE")
@config_option
def copy(file: str, config: str | None) -> int:
    """Write a copy of the log for others: one file that verifies and opens in Datasette, without credentials."""
    with opened_desk(config) as desk:
        Checkpoints(desk.store).write_if_due(now=True)
        try:
            publish(desk.store, Path(file))
        except StoreError as error:
            raise ConfigError(str(error), hint=error.hint) from error
        _note(desk, "copy")
    click.echo(f"{file}: `toolguard audit verify {file}` checks it")
    return OK
