"""What a vote binds, and whether the votes for a request still hold when its call is to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from toolguard.core.canonical import digest, parse
from toolguard.core.model import Json
from toolguard.core.quorum import reached
from toolguard.guard import callbacks, passkeys
from toolguard.guard.requests import rebuilt_digest
from toolguard.guard.views import STRENGTH, may_ask_in_client
from toolguard.store import records
from toolguard.store.transaction import Row, Transaction

_SIGNED: Final = STRENGTH["signed"]
_PASSKEY: Final = STRENGTH["passkey"]


def vote_digest(request_digest: str, choice: str, terms: Mapping[str, Json] | None = None) -> str:
    """What a signature of a vote covers, so that "approve once" can never become "approve with a grant".

    `terms` are those of the grant that goes with it: its exact predicate, how many uses, and until when.
    """
    terms = terms or {"predicate": None, "uses": None, "expiry": None}
    return digest(
        "toolguard/vote/v1",
        {
            "request_digest": request_digest,
            "choice": choice,
            "grant": terms["predicate"],
            "uses": terms["uses"],
            "expiry": terms["expiry"],
        },
    )


def votes_hold(tx: Transaction, row: Row) -> bool:
    """Whether the votes in the database still make a quorum for exactly this request (re-checked at the claim)."""
    if rebuilt_digest(row) != row["request_digest"]:
        return False
    requirement = parse(row["requirement"])
    cast = records.votes(tx, row["request_id"])
    if any(vote["choice"] == "deny" for vote in cast):
        return False
    valid = [
        frozenset(parse(vote["groups"]))
        for vote in cast
        if vote["choice"] == "approve"
        and vote["enabled"]
        and vote["vote_digest"] == vote_digest(row["request_digest"], "approve", _terms(vote))
        and vote["strength"] >= requirement["strength"]
        and (vote["channel"] != "elicitation" or counts_in_client(row))
        and (vote["strength"] < _PASSKEY or passkeys.holds(tx, vote))
        and (vote["strength"] != _SIGNED or callbacks.holds(tx, vote))
        and not (requirement["separation"] == "owner" and (vote["self_attested"] or is_author(row, vote["name"])))
    ]
    return reached(requirement, valid)


def counts_in_client(row: Row) -> bool:
    """Whether an answer in the client may count for this request."""
    return may_ask_in_client(parse(row["requirement"]), parse(row["shown"]))


def is_author(row: Row, reviewer: str) -> bool:
    """Whether this reviewer wrote some of the arguments."""
    edited = parse(row["shown"]).get("edited")
    return edited is not None and reviewer in edited["by"]


def _terms(vote: Row) -> Mapping[str, Json] | None:
    terms: Mapping[str, Json] | None = parse(vote["grant_terms"]) if vote["grant_terms"] else None
    return terms
