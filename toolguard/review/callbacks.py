"""The signed approval callback: POST /webhooks/approvals, a vote by the Standard Webhooks specification.

The key that verified names the reviewer; what the body says of a reviewer may only agree. A message counts once: its id
is noted in the vote's own transaction. Every refusal has a status and an audit event.
"""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.config import secret
from toolguard.core.model import Json
from toolguard.core.proof.callback import Callback
from toolguard.core.proof.webhook_signature import Key, Verified, verify
from toolguard.core.strict_json import NotStrict, parse
from toolguard.guard import Guard
from toolguard.guard.views import STRENGTH
from toolguard.review import visitor as visitors
from toolguard.review.answers import JsonResponse, problem
from toolguard.review.noting import NOTED
from toolguard.review.pages import FORBIDDEN_CODES
from toolguard.review.visitor import guard_of
from toolguard.store.signing import is_signed

ENDPOINT: Final = "callback"
MEMBERS: Final = {"id", "vote", "reason", "request_digest", "reviewer"}


async def callback(request: Request) -> Response:
    """One signed vote."""
    guard = guard_of(request)
    body = await visitors.body(request)
    verified = await run_in_threadpool(_verified, guard, request, body)
    if isinstance(verified, str):
        await _note(request, "unsigned", verified)
        return problem(401, f"This message is not signed by a reviewer's key: {verified}.", code="bad_signature")
    try:
        vote = parse(body, max_depth=4)
    except NotStrict as error:
        await _note(request, "unreadable", str(error))
        return problem(400, f"The body cannot be read: {error}.", code="not_json")
    wrong = _wrong_with(vote, verified)
    if wrong:
        await _note(request, "malformed", wrong)
        return problem(422, wrong, code="bad_vote")
    return await run_in_threadpool(_vote, guard, vote, verified, body)


def _verified(guard: Guard, request: Request, body: bytes) -> Verified | str:
    keys = [
        Key(reviewer.name, secret(key, f"reviewers.{reviewer.name}.keys"))
        for reviewer in guard.config.reviewers
        for key in reviewer.keys
    ]
    if not keys:
        return "no reviewer has a key for callbacks"
    return verify(request.headers.raw, body, keys, guard.now().timestamp(), is_signed)


def _wrong_with(vote: Json, verified: Verified) -> str:
    if not isinstance(vote, dict) or not vote.keys() <= MEMBERS:
        return f"The body has the members {', '.join(sorted(MEMBERS))} and no others."
    for name in ("id", "request_digest"):
        if not isinstance(vote.get(name), str):
            return f"`{name}` is missing."
    if vote.get("vote") not in ("approve", "deny"):
        return "`vote` is `approve` or `deny`."
    if not isinstance(vote.get("reason", ""), str):
        return "`reason` is text."
    if vote.get("reviewer", verified.key) != verified.key:
        return "`reviewer` is not whose key signed this message."
    return ""


def _vote(guard: Guard, vote: dict[str, Json], verified: Verified, body: bytes) -> Response:
    reviewer = guard.reviewers.by_name(verified.key)
    if reviewer is None:
        return problem(403, "Whose key this is may not decide here.", code="not_eligible")
    result = guard.approvals.vote(
        vote["id"],
        reviewer,
        vote["vote"],
        request_digest=vote["request_digest"],
        channel="webhook",
        strength=STRENGTH["signed" if verified.scheme == "v1a" else "account"],
        reason=vote.get("reason") or "",
        evidence=_evidence(verified, body),
        inbound=(ENDPOINT, verified.webhook_id),
    )
    if result.accepted:
        return JsonResponse({"accepted": True, "code": result.code, "text": result.text}, 201)
    if result.code == "unknown":
        return problem(404, "There is no such approval request.", code="unknown")
    status = 403 if result.code in FORBIDDEN_CODES else 409
    return problem(status, result.text, code=result.code)


def _evidence(verified: Verified, body: bytes) -> dict[str, Json]:
    """Under `v1a` the whole message, which proves the vote to anyone; a shared secret proves nothing to others."""
    if verified.scheme == "v1a":
        name, stamp = verified.webhook_id, verified.timestamp
        return Callback(verified.public_key, name, stamp, verified.signature, body.decode()).as_json()
    return {
        "scheme": verified.scheme,
        "webhook_id": verified.webhook_id,
        "timestamp": verified.timestamp,
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }


async def _note(request: Request, code: str, why: str) -> None:
    """A message that nobody can be held to is an event too."""
    request.scope[NOTED] = True
    guard = guard_of(request)
    await run_in_threadpool(guard.record, "vote.refused", {"code": code, "why": why}, channel="webhook")


ROUTES: Final = [Route("/webhooks/approvals", callback, methods=["POST"])]
