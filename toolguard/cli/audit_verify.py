"""`toolguard audit verify`: proving that nobody changed the log, with whatever was kept outside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example, json_option
from toolguard.cli.frame import BAD_INPUT, FAILED, OK, report
from toolguard.cli.output import print_json, print_lines
from toolguard.core.proof.cosignature import witness_key
from toolguard.errors import ConfigError, StoreError
from toolguard.store.proving import verify_file
from toolguard.store.verify import Report
from toolguard.store.verify_anchors import Anchor, Trust

PROBLEMS_SHOWN: Final = 20
"""Lines for a person; --json prints all."""
WITNESSES_SHOWN: Final = 5
_DER: Final = b"0"
"""A time stamp begins with the tag of a SEQUENCE, which is the digit too; no text of ours begins with one."""


@click.command("verify", epilog=example("toolguard audit verify /media/evidence/toolguard.db --json"))
@click.argument("file", required=False)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    help="A file kept outside with checkpoints, receipts or a time stamp (.tsr), or the text `SIZE/ROOT`.",
)
@click.option("--tsa-ca", "roots", metavar="PEM", help="Root certificates of time-stamping authorities to believe.")
@click.option("--witness-key", "keys", multiple=True, metavar="KEY", help="A witness to believe, `name+hash+base64`.")
@click.option("--require-anchor", is_flag=True, help="Fail unless something outside this file confirms the log.")
@config_option
@json_option
def verify(
    file: str | None,
    anchors: tuple[str, ...],
    roots: str | None,
    keys: tuple[str, ...],
    require_anchor: bool,
    config: str | None,
    as_json: bool,
) -> int:
    """Prove that the log is whole and in order, and that no call ran without its permission.

    FILE is a copy of a database or an export as JSON lines; without it the home's own database is checked. Nothing is
    written.
    Exit status: 0 consistent, 1 evidence of a change, 2 not a database of toolguard.
    """
    path = Path(file) if file else configuration.load(config).database
    if not path.is_file():
        raise ConfigError(f"there is no database `{path}`", hint="name a copy, or set TOOLGUARD_HOME")
    trust, outside = _trust(roots, keys), [_anchor(text) for text in anchors]
    if any(isinstance(anchor, bytes) for anchor in outside) and not trust.authorities:
        raise ConfigError("a time stamp proves nothing without its authority", hint="name the root with --tsa-ca PEM")
    try:
        found = verify_file(path, outside, trust)
    except StoreError as error:
        report(str(error), "restore the file from a backup and verify that")
        return BAD_INPUT
    if as_json:
        print_json(found.as_json())
    else:
        _tell(found)
    if not found.ok or (require_anchor and not found.anchored):
        return FAILED
    return OK


def _trust(roots: str | None, keys: tuple[str, ...]) -> Trust:
    """Raises ConfigError for what is no key or no file."""
    try:
        authorities = Path(roots).read_bytes() if roots else b""
        return Trust(authorities, tuple(map(witness_key, keys)))
    except OSError as error:
        raise ConfigError(f"`{roots}` cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"no witness's key: {error}", hint="copy it as the witness publishes it") from error


def _anchor(text: str) -> Anchor:
    """An anchor as written, or the contents of the file of that name. Raises ConfigError."""
    path = Path(text)
    try:
        if not path.is_file():
            return text
        content = path.read_bytes()
        return content if content.startswith(_DER) and b"\0" in content else content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{path}` cannot be read: {error}", hint="name a text file, or write SIZE/ROOT") from error


def _tell(found: Report) -> None:
    result = "consistent" if found.ok else "CHANGED"
    print_lines([f"{result}: {found.events} events, head {found.head}"])
    for problem in found.problems[:PROBLEMS_SHOWN]:
        print_lines([f"  event {problem.seq}: {problem.what}" if problem.seq is not None else f"  {problem.what}"])
    if len(found.problems) > PROBLEMS_SHOWN:
        click.echo(f"  and {len(found.problems) - PROBLEMS_SHOWN} more; --json prints all")
    if found.waiting:
        click.echo(f"{found.waiting} entries wait for the log; the next toolguard that opens this database adds them")
    if found.removed:
        click.echo(f"contents of {found.removed} events were removed by retention, as the log says")
    if found.is_part:
        click.echo("a part of a log: hashes and checkpoints were checked, the beginning of its story is elsewhere")
    if found.checkpoints:
        click.echo(f"signed checkpoints that fit: {found.checkpoints}, root {found.root}")
    _tell_witnesses(found)


def _tell_witnesses(found: Report) -> None:
    for witness in found.witnesses[-WITNESSES_SHOWN:]:
        moment = f", {witness['at']}" if witness["at"] else ""
        print_lines([f"  {witness['size']} events: {witness['by']}{moment}"])
    if found.anchored:
        later = found.events - found.anchored_size
        click.echo(f"anchored: {found.anchored_size} events confirmed from outside, the {later} after them not yet")
    elif found.ok:
        click.echo("not anchored: nothing outside this file confirms it, so a rewrite of all of it would go unseen")
    if found.receipts and not found.anchored:
        click.echo(f"{found.receipts} receipts in the log: name whom you believe with --tsa-ca or --witness-key")
