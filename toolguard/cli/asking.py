"""Options and small steps that several commands share: configuration, records, and who is sitting here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from toolguard import config as configuration
from toolguard.config import Config
from toolguard.errors import ConfigError
from toolguard.guard import Approvals, Guard, Reviewer, Reviewers
from toolguard.guard.times import iso, utc_now
from toolguard.store.database import Database

TOKEN_VARIABLE = "TOOLGUARD_REVIEWER_TOKEN"  # noqa: S105 - the name of a variable, not its value

config_option: Callable[[Any], Any] = click.option(
    "--config", metavar="F", help="Configuration file instead of the home's toolguard.yaml."
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def example(text: str) -> str:
    """The end of a command's help: an example on a line of its own, however narrow the terminal is."""
    return f"\b\nExample:\n  {text}"


@contextmanager
def opened_guard(config: str | None) -> Iterator[Guard]:
    """The guard of a configuration, closed afterwards."""
    guard = Guard.open(config)
    try:
        yield guard
    finally:
        guard.close()


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command needs that judges nothing: no guard, so it notes no policy that is not in force."""

    config: Config
    store: Database
    approvals: Approvals
    reviewers: Reviewers


@contextmanager
def opened_desk(config: str | None) -> Iterator[Desk]:
    """The records of a configuration, closed afterwards."""
    loaded = configuration.load(config)
    store = Database(loaded.database, clock=lambda: iso(utc_now()))
    try:
        yield Desk(loaded, store, Approvals(store, loaded), Reviewers(store, utc_now))
    finally:
        store.close()


def reviewer_of_token(reviewers: Reviewers) -> Reviewer | None:
    """The reviewer whose token the environment holds; None without one. Raises ConfigError for a token nobody has."""
    token = configuration.variable(TOKEN_VARIABLE)
    if token is None:
        return None
    reviewer = reviewers.by_token(token)
    if reviewer is None:
        raise ConfigError(
            f"the token in {TOKEN_VARIABLE} belongs to no reviewer",
            hint="`toolguard reviewers list` shows who is enrolled; `reviewers add` prints a new token once",
        )
    return reviewer


def reviewer_here(reviewers: Reviewers) -> Reviewer:
    """The reviewer who is this operating-system user. Raises ConfigError when there is none."""
    reviewer = reviewers.by_person(configuration.person())
    if reviewer is None:
        raise ConfigError(
            f"no reviewer is the operating-system user `{configuration.person()}`",
            hint=f"enrol yourself with `toolguard reviewers add NAME --me`, or set {TOKEN_VARIABLE} to your token",
        )
    return reviewer


def reviewer_who_decides(reviewers: Reviewers) -> Reviewer:
    """By a token, or the operating-system user at a terminal: no script of the agent is. Raises ConfigError."""
    reviewer = reviewer_of_token(reviewers)
    if reviewer is not None:
        return reviewer
    if not at_terminal():
        raise ConfigError("this needs a person at a terminal", hint=f"or a reviewer's token in {TOKEN_VARIABLE}")
    return reviewer_here(reviewers)


def at_terminal() -> bool:
    """Somebody can type here and sees what is printed."""
    return sys.stdin.isatty() and sys.stdout.isatty()
