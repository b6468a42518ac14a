"""`toolguard audit retain`, `hold`, `free` and `erase`: contents go, the proof of what was there stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import click

from toolguard.cli.asking import (
    Desk,
    config_option,
    example,
    json_option,
    opened_desk,
    opened_guard,
    reviewer_who_decides,
)
from toolguard.cli.audit_proofs import reason_option
from toolguard.cli.frame import FAILED, OK
from toolguard.cli.output import print_json, print_lines
from toolguard.errors import ConfigError
from toolguard.guard import retaining
from toolguard.guard.times import iso, utc_now
from toolguard.store import retention
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.retention import Removal

_AGE: Final = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168, "y": 8_766}
_SIZE: Final = re.compile(r"([1-9][0-9]{0,8})(KB|MB|GB)")
_BYTES: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def _subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, what in (
        ("call", "this call"),
        ("request", "this approval request"),
        ("server", "calls to this server"),
        ("session", "this session"),
        ("agent", "this agent"),
        ("person", "calls for this person"),
    ):
        column = {"call": "call_id", "request": "request_id"}.get(name, name)
        command = click.option(f"--{name}", column, help=f"Only {what}.")(command)
    return command


@click.command("retain", epilog=example('toolguard audit retain --older-than 90d --reason "our rule"'))
@click.option("--older-than", metavar="AGE", help="Remove contents older than this: 12h, 90d, 8w or 1y.")
@click.option("--keep", metavar="SIZE", help="Remove the oldest contents until at most so much is left: 500MB.")
@click.option("--reason", default="", metavar="TEXT", help="Recorded; needed with --older-than and --keep.")
@config_option
@json_option
def retain(older_than: str | None, keep: str | None, reason: str, config: str | None, as_json: bool) -> int:
    """Remove the contents of old events; hashes stay, and an event says what was removed and why.

    Without --older-than and --keep it does what `audit.retention` of the configuration says, as `toolguard serve` does
    by itself every hour.
    """
    if older_than and keep:
        raise ConfigError("one of --older-than and --keep is enough")
    if not (older_than or keep):
        return _tell(_as_configured(config, reason), as_json)
    if not reason:
        raise ConfigError("a reason is needed", hint='say it with --reason "..."; the log keeps it')
    rule: dict[str, Any] = {"before": _moment(older_than)} if older_than else {"keep_bytes": _size(keep or "")}
    with opened_desk(config) as desk:
        made = retention.retain(desk.store, Checkpoints(desk.store), reason=reason, **rule)
    return _tell(made, as_json)


def _as_configured(config: str | None, reason: str) -> Removal:
    with opened_guard(config) as guard:
        settings = guard.config.audit.retention
        if not (settings.older_than or settings.keep):
            raise ConfigError(
                "no retention is configured", hint="name --older-than or --keep, or see `audit.retention` in the docs"
            )
        return retaining.apply(guard, reason)


@click.command("erase", epilog=example('toolguard audit erase --person alice --reason "request of 3 May"'))
@_subject_options
@reason_option
@config_option
@json_option
def erase(reason: str, config: str | None, as_json: bool, **subject: str | None) -> int:
    """Remove the contents of one subject: arguments, prompts, headlines, reasons, and what its sessions remember."""
    chosen = {name: value for name, value in subject.items() if value}
    if not chosen:
        raise ConfigError("no subject", hint="name one, for example --person alice")
    with opened_desk(config) as desk:
        columns = _by(desk)
        made = retention.erase(desk.store, Checkpoints(desk.store), chosen, reason, **columns)
    return _tell(made, as_json)


@click.command("hold", epilog=example('toolguard audit hold case-7 --session web --reason "legal, case 7"'))
@click.argument("name")
@_subject_options
@reason_option
@config_option
def hold(name: str, reason: str, config: str | None, **subject: str | None) -> int:
    """Keep the contents of a subject, of everything when none is named, against retention and erasing."""
    with opened_desk(config) as desk:
        chosen = {column: value for column, value in subject.items() if value}
        retention.hold(desk.store, name, chosen, reason, **_by(desk))
        in_force = retention.holds(desk.store)
    covered = "; ".join(f"{one}: {_words(what)}" for one, what in in_force.items())
    print_lines([f"holds in force: {covered}"])
    return OK


@click.command("free", epilog=example('toolguard audit free case-7 --reason "case closed"'))
@click.argument("name")
@reason_option
@config_option
def free(name: str, reason: str, config: str | None) -> int:
    """End a hold. Exit status 1 when there is none of that name."""
    with opened_desk(config) as desk:
        ended = retention.free(desk.store, name, reason, **_by(desk))
    print_lines([f"hold `{name}` ended" if ended else f"there is no hold `{name}`"])
    return OK if ended else FAILED


def _by(desk: Desk) -> dict[str, str]:
    return {"reviewer": reviewer_who_decides(desk.reviewers).name, "channel": "cli"}


def _words(subject: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in subject.items()) or "everything"


def _moment(age: str) -> str:
    found = _AGE.fullmatch(age)
    if found is None:
        raise ConfigError(f"`{age}` is no age", hint="write a number and h, d, w or y, for example 90d")
    return iso(utc_now() - timedelta(hours=int(found[1]) * _HOURS[found[2]]))


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ConfigError(f"`{text}` is no size", hint="write a number and KB, MB or GB, for example 500MB")
    return int(found[1]) * _BYTES[found[2]]


def _tell(made: Removal, as_json: bool) -> int:
    if as_json:
        print_json({"removed": made.events, "ranges": made.ranges})
    else:
        print_lines([f"contents of {made.events} events removed; `toolguard audit verify` says so too"])
    return OK
