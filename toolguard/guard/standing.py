"""Grants: made with an approval, used by calls that are then not asked about, listed, and revoked at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolguard.core.canonical import parse, text
from toolguard.core.grants import GrantLimits, Loosened, Predicate
from toolguard.core.model import Json
from toolguard.guard import requests
from toolguard.guard.requests import Judged
from toolguard.guard.times import later
from toolguard.guard.views import GrantChoice, GrantView, grant_view, may_grant
from toolguard.store import audit, grants
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

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
            columns = columns_of(row)
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


def covering(tx: Transaction, judged: Judged) -> list[Row]:
    """Live grants under which this asked call may run."""
    call = judged.call
    if not requests.may_be_granted(judged) or judged.params:
        return []
    live = grants.live_for(
        tx,
        server=call.server,
        tool=call.tool,
        agent=call.principal.agent,
        person=call.principal.person,
        session=call.principal.session,
        def_fp=call.definition_fp,
        decision_key=judged.decision_key,
        score=judged.decision.score,
    )
    return [
        row
        for row in live
        if Predicate.from_json(parse(row["predicate"])).covers(call.server, call.tool, judged.arguments)
    ]


def use(tx: Transaction, judged: Judged) -> tuple[str, str, str] | None:
    """T16: the grant, execution and token under which this asked call may run, or None. Each use is counted."""
    for row in covering(tx, judged):
        if grants.use(tx, row["grant_id"]):
            return _granted(tx, judged, row)
    return None


def _granted(tx: Transaction, judged: Judged, row: Row) -> tuple[str, str, str]:
    execution_id, token = requests.execution_of(judged.call_id), secrets.token_hex(16)
    requests.insert_execution(
        tx, judged, execution_id, token, request_id=None, dispatched=True, grant_id=row["grant_id"]
    )
    ids = {"execution_id": execution_id, "grant_id": row["grant_id"], **judged.columns}
    audit.append(
        tx, "grant.used", {"use": row["uses"] + 1, "of": row["max_uses"], "from_request": row["from_request"]}, **ids
    )
    audit.append(tx, "execution.claimed", {"decision_key": judged.decision_key}, **ids)
    audit.append(tx, "execution.dispatched", {}, **ids)
    return row["grant_id"], execution_id, token


def end_of_tool(tx: Transaction, server: str, tool: str, reason: str) -> None:
    """A changed definition ends what was granted for the old one."""
    for row in grants.of_tool(tx, server, tool):
        if grants.revoke(tx, row["grant_id"]) is not None:
            audit.append(tx, "grant.revoked", {"reason": reason}, **columns_of(row))


def columns_of(row: Row) -> dict[str, str]:
    """What every event about a grant repeats."""
    return {name: row[name] for name in ("agent", "person", "session", "server", "tool", "grant_id")}
