"""Passkeys on the pages: enrolling, removing, and the answer that a vote carries where policy demands one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolguard.core.canonical import text
from toolguard.core.model import Json
from toolguard.guard.passkeys import enrolment_challenge
from toolguard.guard.views import STRENGTH
from toolguard.guard.voting import vote_digest
from toolguard.review.answers import page
from toolguard.review.frame import everywhere, signed_in, submitted
from toolguard.review.visitor import Visitor, guard_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolguard.guard import RequestView, Reviewer
    from toolguard.guard.passkeys import Passkey

_CODE: Final = re.compile(r"(?:.*[?&]code=)?([A-Za-z0-9_-]{16,64})(?:&.*)?")
"""A one-time code, alone or in its link."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request that demands a passkey asks this browser."""

    options: str
    """JSON for the browser; empty when this person cannot answer here."""
    obstacle: str
    """Why not."""


def at_the_party(request: Request) -> bool:
    """Whether this page is open where passkeys work; by its configured address, which a browser checks again."""
    party = guard_of(request).passkeys.party
    return party is not None and request.url.netloc.lower() == urlsplit(party.origin).netloc


def other_address(request: Request) -> str:
    """The same page where passkeys work, when it is this server under its other name; empty otherwise.

    Browsers take no IP address for a passkey, so `http://127.0.0.1:8787` has to become `http://localhost:8787`.
    """
    party = guard_of(request).passkeys.party
    if party is None or at_the_party(request):
        return ""
    there = urlsplit(party.origin)
    is_same_server = (there.scheme, there.port) == (request.url.scheme, request.url.port)
    return party.origin + request.url.path if is_same_server else ""


async def demand(request: Request, reviewer: Reviewer, view: RequestView) -> Demand | None:
    """None when the request demands no passkey."""
    if view.requirement["strength"] < STRENGTH["passkey"] or view.state != "pending":
        return None
    passkeys = guard_of(request).passkeys
    if passkeys.party is None:
        return Demand("", "Approving this call needs a passkey, which browsers do not allow at this address.")
    if not at_the_party(request):
        return Demand("", f"Approving this call needs a passkey, which works at {passkeys.party.origin} only.")
    known = await run_in_threadpool(passkeys.of, reviewer)
    if not known:
        return Demand("", "Approving this call needs a passkey, and you have none here yet: add one under your name.")
    from toolguard.review.passkeys import request_options

    return Demand(text(request_options(passkeys.party, _challenge(view), known)), "")


async def evidence(
    request: Request, visitor: Visitor, view: RequestView, fields: Mapping[str, str]
) -> dict[str, Json] | None:
    """The passkey's answer in a form that approves; None where none is demanded.

    Empty when it proves nothing: then the guard refuses the vote, and its log says so.
    """
    if view.requirement["strength"] < STRENGTH["passkey"]:
        return None
    passkeys = guard_of(request).passkeys
    if passkeys.party is None or not fields.get("passkey"):
        return {}
    from toolguard.review import passkeys as door

    known = await run_in_threadpool(passkeys.of, visitor.reviewer)
    try:
        return door.evidence(passkeys.party, fields["passkey"], _challenge(view), known)
    except door.NotProvenError:
        return {}


def _challenge(view: RequestView) -> bytes:
    return bytes.fromhex(vote_digest(view.request_digest, "approve"))


@signed_in
async def passkeys(request: Request, visitor: Visitor) -> Response:
    """One's own passkeys."""
    return await _page(request, visitor)


@submitted
async def begin(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Takes a one-time link without spending it, and offers to make a passkey."""
    found = _CODE.fullmatch(fields.get("code", "").strip())
    owner = await run_in_threadpool(guard_of(request).reviewers.by_link, found[1]) if found else None
    if found is None or owner is None or owner.id != visitor.reviewer.id:
        return await _page(request, visitor, alert=_NO_LINK, status=403)
    return await _page(request, visitor, code=found[1])


_WRONG_MAKE: Final = "Nothing was added: the policy does not take passkeys of this make."
_NO_LINK: Final = "This is no unused link of yours."


@submitted
async def enrol(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Keeps the passkey that the browser made, and spends the link."""
    guard, code = guard_of(request), fields.get("code", "")
    label = fields.get("label", "").strip()
    if guard.passkeys.party is None or not label:
        raise HTTPException(400, "This form names no device.")
    from toolguard.review import passkeys as door

    challenge = enrolment_challenge(visitor.reviewer, code)
    models = guard.passkeys.models
    try:
        passkey = door.made(guard.passkeys.party, fields.get("passkey", ""), challenge, label)
    except door.NotProvenError:
        return await _page(request, visitor, alert="Nothing was added: this is no passkey made here.", status=403)
    if models and passkey.aaguid not in models:
        return await _page(request, visitor, alert=_WRONG_MAKE, status=403)
    if not await run_in_threadpool(guard.passkeys.enrol, visitor.reviewer, code, passkey, "web"):
        return await _page(request, visitor, alert=f"Nothing was added. {_NO_LINK}", status=403)
    return RedirectResponse("/passkeys", 303)


@submitted
async def remove(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Ends one of one's own passkeys."""
    credential_id = fields.get("credential_id", "")
    if not await run_in_threadpool(guard_of(request).passkeys.remove, visitor.reviewer, credential_id, "web"):
        return await _page(request, visitor, alert="You have no such passkey.", status=409)
    return RedirectResponse("/passkeys", 303)


async def _page(request: Request, visitor: Visitor, *, code: str = "", alert: str = "", status: int = 200) -> Response:
    guard = guard_of(request)
    known = await run_in_threadpool(guard.passkeys.of, visitor.reviewer)
    return page(
        "passkeys.html",
        status,
        party=guard.passkeys.party,
        known=known,
        elsewhere=not at_the_party(request),
        options=_creation(request, visitor.reviewer, known, code) if code else "",
        code=code,
        alert=alert,
        **await everywhere(request, visitor),
    )


def _creation(request: Request, reviewer: Reviewer, known: Sequence[Passkey], code: str) -> str:
    from toolguard.review.passkeys import creation_options

    party, models = guard_of(request).passkeys.party, guard_of(request).passkeys.models
    if party is None:
        return ""
    challenge = enrolment_challenge(reviewer, code)
    return text(creation_options(party, reviewer, challenge, known, names_its_make=bool(models)))


ROUTES: Final = [
    Route("/passkeys", passkeys, methods=["GET"]),
    Route("/passkeys", enrol, methods=["POST"]),
    Route("/passkeys/begin", begin, methods=["POST"]),
    Route("/passkeys/remove", remove, methods=["POST"]),
]
