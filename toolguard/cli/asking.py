"""Options and small steps that several commands share: the configuration, an opened guard, and who is sitting here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from toolguard import config as configuration
from toolguard.errors import ConfigError
from toolguard.guard import Guard, Reviewer

TOKEN_VARIABLE = "TOOLGUARD_REVIEWER_TOKEN"  # noqa: S105 - the name of a variable, not its value

config_option: Callable[[Any], Any] = click.option(
    "--config", metavar="F", help="Configuration file instead of the home's toolguard.yaml."
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def example(text: str) -> str:
    """The end of a command's help: an example on a line of its own, however narrow the terminal is."""
    return f"\b\nExample:\n  {text}"


@contextmanager
def opened(config: str | None) -> Iterator[Guard]:
    """The guard of a configuration, closed afterwards."""
    guard = Guard.open(config)
    try:
        yield guard
    finally:
        guard.close()


def reviewer_of_token(guard: Guard) -> Reviewer | None:
    """The reviewer whose token the environment holds; None without one. Raises ConfigError for a token nobody has."""
    token = configuration.variable(TOKEN_VARIABLE)
    if token is None:
        return None
    reviewer = guard.reviewers.by_token(token)
    if reviewer is None:
        raise ConfigError(
            f"the token in {TOKEN_VARIABLE} belongs to no reviewer",
            hint="`toolguard reviewers list` shows who is enrolled; `reviewers add` prints a new token once",
        )
    return reviewer


def reviewer_here(guard: Guard) -> Reviewer:
    """The reviewer who is this operating-system user. Raises ConfigError when there is none."""
    reviewer = guard.reviewers.by_person(configuration.person())
    if reviewer is None:
        raise ConfigError(
            f"no reviewer is the operating-system user `{configuration.person()}`",
            hint=f"enrol yourself with `toolguard reviewers add NAME --me`, or set {TOKEN_VARIABLE} to your token",
        )
    return reviewer


def at_terminal() -> bool:
    """Somebody can type here and sees what is printed."""
    return sys.stdin.isatty() and sys.stdout.isatty()
