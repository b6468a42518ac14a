"""People who may decide: enrolment, sign-in, tokens. No credential of an agent or a proxy exists here."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from toolguard.config import secret
from toolguard.config_channels import ReviewerSettings
from toolguard.core.canonical import parse, text
from toolguard.core.model import Json
from toolguard.errors import ConfigError
from toolguard.guard.times import iso
from toolguard.store import audit, people
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

LINK_LASTS: Final = timedelta(hours=24)
SESSION_LASTS: Final = timedelta(days=14)
_NAME: Final = re.compile(r"[\w][\w .@+-]{0,63}")
"""Letters of any language, digits and what e-mail addresses need; nothing that a terminal or page could misread."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who may vote."""

    id: str
    name: str
    groups: tuple[str, ...]
    person: str
    """The operating-system user that this reviewer is, empty when that is not known; only for telling self-approval."""
    created: str

    def as_json(self) -> dict[str, Json]:
        return {"name": self.name, "groups": list(self.groups), "person": self.person, "created": self.created}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a new reviewer gets, shown this once."""

    name: str
    token: str
    """For REST and the command line."""
    link_code: str
    """Signs the person in, once."""


class Reviewers:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, groups: Sequence[str] = (), *, person: str = "") -> Enrolment:
        """Enrol a person. `person` is the operating-system user that they are on this machine, if any.

        Raises ConfigError when the name cannot be one, or is taken.
        """
        if not _NAME.fullmatch(name) or name != name.strip():
            raise ConfigError(
                f"`{name}` cannot be a reviewer's name",
                hint="use letters, digits, spaces and . @ + - _, at most 64 characters",
            )
        reviewer_id = "rv_" + secrets.token_hex(8)
        token, code = "tgr_" + secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        with self._database.write(full=True) as tx:
            if people.by_name(tx, name) is not None:
                raise ConfigError(
                    f"there is a reviewer `{name}` already",
                    hint="`toolguard reviewers list` shows all; remove the old one first, or choose another name",
                )
            people.add(tx, reviewer_id, name, text(list(groups)))
            if person:
                people.identify(tx, reviewer_id, "os", person)
            people.add_credential(tx, reviewer_id, "token", token)
            people.add_credential(tx, reviewer_id, "link", code, iso(self._clock() + LINK_LASTS))
            audit.append(tx, "reviewer.enrolled", {"groups": list(groups), "person": person}, reviewer=name)
        return Enrolment(name, token, code)

    def declare(self, declared: ReviewerSettings) -> bool:
        """Bring the database to what the file says of one person; whether anything changed. Raises StoreError.

        A person enrolled this way has no token yet: `toolguard reviewers link NAME` makes a one-time link. Raises
        ConfigError when a key that the file names cannot be read.
        """
        wanted = {("os", declared.person), ("slack", declared.slack)} - {("os", ""), ("slack", "")}
        keys = {key for key in self._keys(declared) if key.startswith("whpk_")}
        with self._database.write(full=True) as tx:
            row = people.by_name(tx, declared.name)
            if row is not None and parse(row["groups"]) == list(declared.groups):
                known = {(i["kind"], i["subject"]) for i in people.identities(tx, row["reviewer_id"])}
                if wanted <= known and keys == {subject for kind, subject in known if kind == "v1a"}:
                    return False
            reviewer_id = row["reviewer_id"] if row is not None else "rv_" + secrets.token_hex(8)
            if row is None:
                people.add(tx, reviewer_id, declared.name, text(list(declared.groups)))
            people.regroup(tx, reviewer_id, text(list(declared.groups)))
            for kind, subject in sorted(wanted):
                people.identify(tx, reviewer_id, kind, subject)
            contents: dict[str, Json] = {
                "groups": list(declared.groups),
                "person": declared.person,
                "slack": declared.slack,
            }
            audit.append(tx, "reviewer.enrolled", contents, reviewer=declared.name)
            _change_keys(tx, reviewer_id, declared.name, keys)
        return True

    def _keys(self, declared: ReviewerSettings) -> list[str]:
        return [secret(key, f"reviewers.{declared.name}.keys") for key in declared.keys]

    def by_slack(self, identity: str) -> Reviewer | None:
        """The reviewer who is this Slack user, written TEAM/USER."""
        row = people.by_identity(self._database, "slack", identity)
        return self._reviewer(row) if row else None

    def by_name(self, name: str) -> Reviewer | None:
        """For callers that have proof of who it is, such as a signature under this reviewer's key."""
        row = people.by_name(self._database, name)
        return self._reviewer(row) if row is not None and row["enabled"] else None

    def list(self) -> list[Reviewer]:
        return [self._reviewer(row) for row in people.everyone(self._database)]

    def remove(self, name: str) -> None:
        """End every credential of a reviewer. Raises ConfigError when there is none of that name."""
        with self._database.write(full=True) as tx:
            row = self._named(tx, name)
            people.disable(tx, row["reviewer_id"])
            audit.append(tx, "reviewer.removed", {}, reviewer=row["name"])

    def link(self, name: str) -> str:
        """A new one-time code that signs this reviewer in. Raises ConfigError when there is none of that name."""
        code = secrets.token_urlsafe(24)
        with self._database.write(full=True) as tx:
            row = self._named(tx, name)
            people.add_credential(tx, row["reviewer_id"], "link", code, iso(self._clock() + LINK_LASTS))
            audit.append(tx, "credential.added", {"kind": "link"}, reviewer=row["name"])
        return code

    def by_token(self, token: str) -> Reviewer | None:
        return self._live("token", token)

    def by_person(self, person: str) -> Reviewer | None:
        """The reviewer who is this operating-system user."""
        row = people.by_identity(self._database, "os", person)
        return self._reviewer(row) if row else None

    def by_link(self, link_code: str) -> Reviewer | None:
        """Whose one-time link this is; looking does not spend it."""
        return self._live("link", link_code)

    def redeem(self, link_code: str) -> tuple[Reviewer, str] | None:
        """Spend a one-time link: the reviewer and the secret of their new session."""
        secret = secrets.token_urlsafe(32)
        with self._database.write(full=True) as tx:
            row = people.use_up(tx, "link", link_code)
            if row is None:
                return None
            people.add_credential(tx, row["reviewer_id"], "session", secret, iso(self._clock() + SESSION_LASTS))
            audit.append(tx, "credential.added", {"kind": "session"}, reviewer=row["name"], channel="web")
        return self._reviewer(row), secret

    def sign_in(self, token: str) -> tuple[Reviewer, str] | None:
        """Begin a session with a token."""
        reviewer = self.by_token(token)
        if reviewer is None:
            return None
        secret = secrets.token_urlsafe(32)
        with self._database.write(full=True) as tx:
            people.add_credential(tx, reviewer.id, "session", secret, iso(self._clock() + SESSION_LASTS))
            audit.append(tx, "credential.added", {"kind": "session"}, reviewer=reviewer.name, channel="web")
        return reviewer, secret

    def by_session(self, secret: str) -> Reviewer | None:
        return self._live("session", secret)

    def sign_out(self, secret: str) -> None:
        with self._database.write(full=True) as tx:
            people.end_credential(tx, "session", secret)

    def _live(self, kind: str, secret: str) -> Reviewer | None:
        if not secret:
            return None
        row = people.by_credential(self._database, kind, secret, iso(self._clock()))
        return self._reviewer(row) if row else None

    def _named(self, tx: Transaction, name: str) -> Row:
        row = people.by_name(tx, name)
        if row is None or not row["enabled"]:
            raise ConfigError(f"there is no reviewer `{name}`", hint="`toolguard reviewers list` shows all")
        return row

    def _reviewer(self, row: Row) -> Reviewer:
        persons = [i["subject"] for i in people.identities(self._database, row["reviewer_id"]) if i["kind"] == "os"]
        return Reviewer(
            row["reviewer_id"], row["name"], tuple(parse(row["groups"])), persons[0] if persons else "", row["created"]
        )


def _change_keys(tx: Transaction, reviewer_id: str, name: str, wanted: set[str]) -> None:
    """Bring the keys of signed callbacks to what the file says; the log's own copies let votes be verified offline."""
    known = {i["subject"] for i in people.identities(tx, reviewer_id) if i["kind"] == "v1a"}
    for key in sorted(known - wanted):
        people.unidentify(tx, reviewer_id, "v1a", key)
        audit.append(tx, "credential.ended", {"kind": "webhook", "public_key": key}, reviewer=name)
    for key in sorted(wanted - known):
        people.identify(tx, reviewer_id, "v1a", key)
        audit.append(tx, "credential.added", {"kind": "webhook", "public_key": key}, reviewer=name)
