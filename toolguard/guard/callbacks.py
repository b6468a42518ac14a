"""What a signed callback proves: the holder of a reviewer's key approved exactly this. Anyone with the log can check.

Asked at the vote and again when the call is to run, as for passkeys.
"""

from __future__ import annotations

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.core.proof.callback import Callback
from toolguard.store import people
from toolguard.store.signing import is_signed
from toolguard.store.transaction import Row, Transaction


def refusal(tx: Transaction, reviewer_id: str, request_id: str, request_digest: str, evidence: Json) -> str:
    """Why this evidence is no signed yes of this reviewer to this request; empty when it is."""
    callback = Callback.from_json(evidence)
    if callback is None or not people.is_identity(tx, "v1a", callback.key, reviewer_id):
        return "it is no message under a key of yours"
    fault = callback.fault(request_id, request_digest)
    if fault:
        return fault
    signed = any(is_signed(callback.public_key, callback.signed, one) for one in callback.signatures)
    return "" if signed else "its signature is wrong"


def holds(tx: Transaction, vote: Row) -> bool:
    """Whether a stored vote of this strength is still proven. A callback gives no grant, so a vote with one is not."""
    evidence = parse(vote["evidence"]) if vote["evidence"] else None
    why = refusal(tx, vote["reviewer_id"], vote["request_id"], vote["request_digest"], evidence)
    return not why and not vote["grant_terms"]
