"""Recorded calls for comparing and learning policies: from session files, or from the audit log when none is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from toolguard import config as configuration
from toolguard.cli.frame import report
from toolguard.cli.replay import sessions as read_file
from toolguard.config import Config
from toolguard.core.decide import decide
from toolguard.core.model import Decision, Effect, Json, ToolCall
from toolguard.core.policy.learning import Recorded
from toolguard.core.policy.policy import Policy
from toolguard.errors import ConfigError
from toolguard.guard.history import answered, decided
from toolguard.guard.replaying import RecordedSession, replay
from toolguard.guard.times import iso, utc_now
from toolguard.store.database import Database


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded call under two policies."""

    name: str
    call: ToolCall
    before: Decision
    after: Decision

    @property
    def is_same(self) -> bool:
        return self.before.effect is self.after.effect

    @property
    def kind(self) -> str:
        return f"{self.before.effect.word} -> {self.after.effect.word}"

    def told(self) -> str:
        """The change on one line."""
        deciding = self.after if self.after.effect >= self.before.effect else self.before
        rules = ", ".join(rule.name for rule in deciding.rules if rule.effect is deciding.effect)
        return f"{self.name}  {self.call.server}/{self.call.tool}  {self.kind}  {rules}"

    def as_json(self) -> dict[str, Json]:
        return {
            "id": self.name,
            "server": self.call.server,
            "tool": self.call.tool,
            "from": self.before.effect.word,
            "to": self.after.effect.word,
            "score": self.after.score,
            "rules": [rule.name for rule in self.after.rules],
        }


def changes(old: Config, new: Policy, files: Sequence[str]) -> Iterator[Change]:
    """Every recorded call with its decision under both policies. Raises ConfigError."""
    if files:
        yield from _changes_of_files(old, new, files)
        return
    with _log(old) as store:
        for _, one in decided(store):
            before, after = (_redecided(one, policy) for policy in (old.policy, new))
            yield Change(one.name, one.call, before, after)


def _changes_of_files(old: Config, new: Policy, files: Sequence[str]) -> Iterator[Change]:
    around, now = configuration.surroundings(old), datetime.now(UTC)
    for session in _sessions(files):
        pairs = zip(replay(session, old.policy, around, now), replay(session, new, around, now), strict=True)
        for number, (before, after) in enumerate(pairs, 1):
            yield Change(f"{session.id}:{number}", before.call, before.decision, after.decision)


def _redecided(one: Recorded, policy: Policy) -> Decision:
    """The findings of then under a policy of now: detectors saw the values, the log keeps only their redacted form."""
    return decide(one.call, one.classification, one.findings, one.facts, policy, one.at)


def recorded(config: Config, files: Sequence[str]) -> Iterator[Recorded]:
    """Calls with their answers, from files or from the log. Raises ConfigError."""
    if not files:
        with _log(config) as store:
            yield from answered(store)
        return
    around, now = configuration.surroundings(config), datetime.now(UTC)
    for session in _sessions(files):
        for number, step in enumerate(replay(session, config.policy, around, now), 1):
            is_denied = step.answer == "deny" or step.decision.effect is Effect.DENY
            yield Recorded(
                f"{session.id}:{number}",
                step.call,
                step.decision.classification,
                step.decision.findings,
                step.facts,
                now,
                False if is_denied else (True if step.answer == "approve" else None),
            )


def _sessions(files: Sequence[str]) -> Iterator[RecordedSession]:
    """The sessions of all files; a line that cannot be read is named on stderr and left out."""
    for file in files:
        for session in read_file(file):
            if isinstance(session, ConfigError):
                report(str(session), "this line is left out")
            else:
                yield session


@contextmanager
def _log(config: Config) -> Iterator[Database]:
    if not config.database.is_file():
        hint = "name files of recorded sessions instead"
        raise ConfigError(f"there is no audit log `{config.database}` yet", hint=hint)
    store = Database(config.database, clock=lambda: iso(utc_now()))
    try:
        yield store
    finally:
        store.close()
