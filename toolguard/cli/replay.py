"""`toolguard replay`: recorded sessions in, decisions out, a line for a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example
from toolguard.cli.frame import BAD_INPUT, OK, report
from toolguard.errors import ConfigError
from toolguard.guard.replaying import RecordedSession, as_json, read_sessions
from toolguard.guard.replaying import replay as replay_session


@click.command(epilog=example("toolguard replay sessions.jsonl.gz > decisions.jsonl"))
@click.argument("file")
@config_option
def replay(file: str, config: str | None) -> int:
    """Judge recorded sessions as the guard would have, an asked step counting as approved.

    FILE holds one session a line, in JSON; `.gz` works and `-` reads from stdin. One line of decisions is written for
    each session, as soon as it is decided. Sessions that cannot be read are named on stderr; the exit status is then 2.
    """
    loaded = configuration.load(config)
    around, now = configuration.surroundings(loaded), datetime.now(UTC)
    status = OK
    for session in sessions(file):
        if isinstance(session, ConfigError):
            report(str(session))
            status = BAD_INPUT
            continue
        steps = list(replay_session(session, loaded.policy, around, now))
        print(json.dumps(as_json(session, steps)), flush=True)
    return status


def sessions(file: str) -> Iterator[RecordedSession | ConfigError]:
    """The sessions of a file or of stdin; a line that cannot be read is a ConfigError. Raises ConfigError."""
    with opened(file) as stream:
        yield from read_sessions(stream, "stdin" if file == "-" else file)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or of stdin for `-`. Raises ConfigError."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=file) from error
