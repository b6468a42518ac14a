"""Grants: made with an approval, listed, and revoked at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolguard.core.canonical import parse, text
from toolguard.core.grants import GrantLimits, Loosened, Predicate
from toolguard.core.model import Json
from toolguard.guard import requests
from toolguard.guard.times import later
from toolguard.guard.views import GrantChoice, GrantView, grant_view, may_grant
from toolguard.store import audit, grants
from toolguard.store.database import Database, Row, Transaction

if TYPE_CHECKING:
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer


class Grants:
    """Standing approvals as people see and end them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, *, live_only: bool = True) -> Sequence[GrantView]:
        """Standing approvals, the newest first."""
        return [grant_view(row) for row in grants.every(self._database, live_only=live_only)]

    def revoke(self, grant_id: str, reviewer: Reviewer, channel: Channel) -> GrantView | None:
        """End a grant at once; None when it has ended, or never was. Raises StoreError."""
        with self._database.write(full=True) as tx:
            row = grants.revoke(tx, grant_id)
            if row is None:
                return None
            columns = requests.grant_columns(row)
            audit.append(tx, "grant.revoked", {"reason": ""}, reviewer=reviewer.name, channel=channel, **columns)
        return grant_view(row)


def terms_of(tx: Transaction, row: Row, choice: GrantChoice, limits: GrantLimits) -> dict[str, Json] | None:
    """The terms of a grant as the vote binds them; None when they are not among what was offered."""
    offered = {place["pointer"]: Loosened.from_json(place) for place in parse(row["offers"])}
    if not may_grant(row) or not set(choice.pointers) <= offered.keys():
        return None
    if not limits.permits(choice.uses, choice.seconds):
        return None
    loosened = tuple(place for pointer, place in offered.items() if pointer in choice.pointers)
    predicate = Predicate(row["server"], row["tool"], parse(row["shown"])["arguments"], loosened)
    return {"predicate": predicate.as_json(), "uses": choice.uses, "expiry": later(tx.now, choice.seconds)}


def give(tx: Transaction, row: Row, reviewer: Reviewer, channel: Channel, terms: Mapping[str, Json]) -> None:
    """T15, in the transaction of the vote that asked for it."""
    grant_id = "gr_" + secrets.token_hex(8)
    sentence = Predicate.from_json(terms["predicate"]).sentence
    columns = requests.request_columns(row)
    grants.insert(
        tx,
        {
            **{name: row[name] for name in ("server", "tool", "agent", "person", "session")},
            "grant_id": grant_id,
            "predicate": text(terms["predicate"]),
            "sentence": sentence,
            "def_fp": row["def_fp"],
            "decision_key": row["decision_key"],
            "created": tx.now,
            "reviewer": reviewer.name,
            "not_before": tx.now,
            "not_after": terms["expiry"],
            "max_uses": terms["uses"],
            "max_score": row["score"],
            "from_request": row["request_id"],
        },
    )
    contents = {**terms, "sentence": sentence, "max_score": row["score"]}
    audit.append(tx, "grant.created", contents, grant_id=grant_id, reviewer=reviewer.name, channel=channel, **columns)
