"""Reviewers' passkeys, and what one proves: this person approved exactly this, checkable by anyone with the log.

The challenge is the vote's digest (voting.vote_digest), so an answer means one approval of one request and nothing
else; there is none for denying. A deny that needed one could be replayed as a yes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.core.proof.passkey import Assertion, RelyingParty, relying_party
from toolguard.store import audit, passkeys, people
from toolguard.store.database import Database
from toolguard.store.signing import is_signed_by_passkey
from toolguard.store.transaction import Row, Transaction

if TYPE_CHECKING:
    from toolguard.config import Config
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer

LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Passkey:
    """A reviewer's passkey as people see it."""

    credential_id: str
    """Base64url."""
    label: str
    created: str
    aaguid: str
    """The make of the authenticator, where it says."""
    public_key: str
    """SubjectPublicKeyInfo (RFC 5280), hexadecimal."""
    cose: str
    """The same key as the authenticator gave it (RFC 9052), hexadecimal."""
    sign_count: int = 0


class Passkeys:
    """Enrolment and removal."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self.party: RelyingParty | None = relying_party(config.review.url)
        self.models = config.policy.passkey_models
        """Makes that the policy takes; any where it names none."""

    def of(self, reviewer: Reviewer) -> Sequence[Passkey]:
        """Those that work here, the oldest first."""
        if self.party is None:
            return []
        live = passkeys.live_of(self._database, reviewer.id, self.party.id, self.party.origin)
        return [_shown(row) for row in live if not self.models or row["aaguid"] in self.models]

    def enrol(self, reviewer: Reviewer, link_code: str, passkey: Passkey, channel: Channel) -> bool:
        """Add a passkey, spending a one-time link of this reviewer: a stolen session or token alone adds none.

        False when the link is spent, too old or somebody else's, or the passkey is known. Raises StoreError.
        """
        if self.party is None or (self.models and passkey.aaguid not in self.models):
            return False
        with self._database.write(full=True) as tx:
            if passkeys.find(tx, passkey.credential_id) is not None:
                return False
            owner = people.by_live_credential(tx, "link", link_code)
            if owner is None or owner["reviewer_id"] != reviewer.id:
                return False
            people.use_up(tx, "link", link_code)
            values = {
                "credential_id": passkey.credential_id,
                "public_key": passkey.public_key,
                "rp_id": self.party.id,
                "origin": self.party.origin,
                "aaguid": passkey.aaguid,
                "label": passkey.label[:LABEL_LENGTH],
            }
            row = {**values, "cose": passkey.cose, "sign_count": passkey.sign_count, "created": tx.now}
            passkeys.insert(tx, {**row, "reviewer_id": reviewer.id})
            audit.append(tx, "credential.added", {"kind": "passkey", **values}, reviewer=reviewer.name, channel=channel)
        return True

    def remove(self, reviewer: Reviewer, credential_id: str, channel: Channel) -> bool:
        """End a passkey; an approval by it that was not used yet no longer holds. Raises StoreError."""
        with self._database.write(full=True) as tx:
            row = passkeys.find(tx, credential_id)
            if row is None or row["reviewer_id"] != reviewer.id or not passkeys.end(tx, credential_id):
                return False
            contents: dict[str, Json] = {"kind": "passkey", "credential_id": credential_id}
            audit.append(tx, "credential.ended", contents, reviewer=reviewer.name, channel=channel)
        return True


def enrolment_challenge(reviewer: Reviewer, link_code: str) -> bytes:
    """Good for one enrolment, as the link is."""
    return hashlib.sha256(f"toolguard/enrolment/v1\0{reviewer.id}\0{link_code}".encode()).digest()


def refusal(tx: Transaction, reviewer_id: str, digest: str, evidence: Json) -> str:
    """Why this evidence is no passkey's yes of this reviewer to this vote digest; empty when it is."""
    assertion = Assertion.from_json(evidence)
    row = passkeys.find(tx, assertion.credential_id) if assertion else None
    if assertion is None or row is None or row["reviewer_id"] != reviewer_id or row["ended"] is not None:
        return "it is no answer of a passkey of yours to this question"
    fault = assertion.fault(bytes.fromhex(digest), RelyingParty(row["rp_id"], row["origin"]))
    if fault:
        return fault
    key = bytes.fromhex(row["public_key"])
    return "" if is_signed_by_passkey(key, assertion.signed, assertion.signature) else "its signature is wrong"


def count(tx: Transaction, reviewer: Reviewer, evidence: Json) -> bool:
    """Note how often the passkey has signed. False, and an alert in the log, when that fell: then there are two of it
    (WebAuthn, section 6.1.1). 0 means that it does not count."""
    assertion = Assertion.from_json(evidence)
    row = passkeys.find(tx, assertion.credential_id) if assertion else None
    if assertion is None or row is None:
        return False
    stored = row["sign_count"]
    if max(stored, assertion.count) > 0 and assertion.count <= stored:
        contents: dict[str, Json] = {
            "kind": "passkey",
            "credential_id": assertion.credential_id,
            "stored": stored,
            "seen": assertion.count,
        }
        audit.append(tx, "credential.alert", contents, reviewer=reviewer.name)
        return False
    passkeys.counted(tx, assertion.credential_id, assertion.count)
    return True


def is_of(tx: Transaction, evidence: Json, models: tuple[str, ...]) -> bool:
    """Whether the passkey is of one of these makes, as it said itself when it was enrolled; or none is demanded."""
    assertion = Assertion.from_json(evidence)
    row = passkeys.find(tx, assertion.credential_id) if models and assertion else None
    return not models or (row is not None and row["aaguid"] in models)


def holds(tx: Transaction, vote: Row) -> bool:
    """Whether a stored vote of this strength is still proven, asked again when the call is to run."""
    evidence = parse(vote["evidence"]) if vote["evidence"] else None
    return not refusal(tx, vote["reviewer_id"], vote["vote_digest"], evidence)


def _shown(row: Row) -> Passkey:
    return Passkey(**{name: row[name] for name in Passkey.__slots__})
