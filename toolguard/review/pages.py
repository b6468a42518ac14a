"""The pages that people read and the forms on them. GET shows, POST decides; every vote ends in Approvals.vote."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolguard.core.canonical import pretty
from toolguard.core.layout.visible import escape
from toolguard.core.score import POINTS
from toolguard.core.secrets.redact import readable
from toolguard.detectors import kinds
from toolguard.guard.views import STRENGTH
from toolguard.review import edit_pages, figure_pages, group_pages, passkey_pages, words
from toolguard.review import visitor as visitors
from toolguard.review.answers import page, refusal_page
from toolguard.review.frame import SHOWN, everywhere, forged, requested, rights, signed_in, submitted
from toolguard.review.noting import NOTED
from toolguard.review.standing_pages import chosen_grant
from toolguard.review.visitor import Visitor, guard_of

if TYPE_CHECKING:
    from toolguard.guard import RequestView, Reviewer, VoteResult

FORBIDDEN_CODES: Final = frozenset({"self_vote", "not_eligible", "weak_channel"})


# --- lists -------------------------------------------------------------------------------------------------------


@signed_in
async def waiting(request: Request, visitor: Visitor) -> Response:
    """What waits, grouped, oldest deadline first."""
    frame = await everywhere(request, visitor, "waiting")
    after = request.query_params.get("after")
    views: Sequence[RequestView] = frame["pending"]
    if after:
        views = await run_in_threadpool(guard_of(request).approvals.list, "pending", after=after, limit=SHOWN)
    more = views[-1].id if len(views) == SHOWN else None
    return page("waiting.html", groups=words.groups(views), mark=_mark(views), more=more, **frame)


@signed_in
async def finished(request: Request, visitor: Visitor) -> Response:
    """What is no longer waiting, newest first."""
    state = request.query_params.get("state") or None
    if state is not None and state not in words.STATES:
        raise HTTPException(404, "There is no such state.")
    after = request.query_params.get("after") or None
    frame = await everywhere(request, visitor, "finished")
    found = await run_in_threadpool(guard_of(request).approvals.list, state, after=after, limit=SHOWN)
    views = [view for view in found if state or view.state != "pending"]
    more = found[-1].id if len(found) == SHOWN else None
    return page(
        "finished.html", views=views, mark=_mark(views), more=more, state=state or "", states=words.ENDED, **frame
    )


def _mark(views: Sequence[RequestView]) -> str:
    """Changes whenever anything that these requests show changes; tells the script what to replace."""
    parts = [f"{v.id}{v.state}{len(v.votes)}{v.execution and v.execution['state']}" for v in views]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


# --- one request -------------------------------------------------------------------------------------------------


@signed_in
async def one(request: Request, visitor: Visitor) -> Response:
    """One request: everything a decision needs, and afterwards what became of it."""
    view = await requested(request)
    if view.state == "pending" and view.requirement["strength"] >= STRENGTH["passkey"]:
        there = passkey_pages.other_address(request)
        if there:
            return RedirectResponse(there, 303)
    return await _show(request, visitor, view)


@signed_in
async def arguments(request: Request, visitor: Visitor) -> Response:
    """The arguments as JSON, with what cannot be seen written as escapes."""
    view = await requested(request)
    return Response(escape(pretty(readable(view.arguments))), media_type="application/json")


async def _show(
    request: Request, visitor: Visitor, view: RequestView, *, alert: str = "", reason: str = "", status: int = 200
) -> Response:
    frame = await everywhere(request, visitor)
    found = words.reasons(view.findings)
    headline, target = words.headline(view)
    order = [other.id for other in frame["pending"]]
    at = order.index(view.id) if view.id in order else -1
    demand = await passkey_pages.demand(request, visitor.reviewer, view)
    strength = STRENGTH["passkey"] if demand else STRENGTH["account"]
    return page(
        "request.html",
        status,
        view=view,
        at=words.standing(view.state, view.execution, is_edited=view.edited_to is not None),
        changes=edit_pages.changes(view),
        grant_minutes=words.grant_minutes(guard_of(request).config.policy.grants),
        grant_uses=words.grant_uses(guard_of(request).config.policy.grants),
        shown=await run_in_threadpool(words.presentation, view),
        found=found,
        sum=words.combination(found, view.score),
        mark=_mark([view]),
        open=view.state == "pending",
        strict=view.score >= words.HIGH,
        obstacle=words.obstacle(view, visitor.reviewer, strength) or (demand.obstacle if demand else ""),
        demand=demand,
        headline=headline,
        target=target,
        newer=order[at + 1] if at + 1 < len(order) else "",
        older=order[at - 1] if at > 0 else "",
        alert=alert,
        reason=reason,
        **frame,
    )


@submitted
async def vote(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """A reviewer's answer."""
    view = await requested(request)
    choice, reason = fields.get("vote"), fields.get("reason", "").strip()
    if choice not in ("approve", "grant", "deny"):
        raise HTTPException(400, "This form holds no answer.")
    limits = guard_of(request).config.policy.grants
    grant = chosen_grant(view, fields, limits) if choice == "grant" else None
    if choice != "deny" and view.score >= words.HIGH and fields.get("seen") != "yes" and view.state == "pending":
        unseen = "Not approved: the score is high, so Approve counts only after you have read the whole call."
        return await _show(request, visitor, view, alert=unseen, reason=reason, status=422)
    evidence = None if choice == "deny" else await passkey_pages.evidence(request, visitor, view, fields)
    result = await run_in_threadpool(
        lambda: guard_of(request).approvals.vote(
            view.id,
            visitor.reviewer,
            "deny" if choice == "deny" else "approve",
            request_digest=fields.get("request_digest", ""),
            channel="web",
            strength=STRENGTH["account" if evidence is None else "passkey"],
            evidence=evidence,
            reason=reason,
            grant=grant,
        )
    )
    return await _after(request, visitor, view, result, reason)


@submitted
async def revoke(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Take an approval back before it is used."""
    view = await requested(request)
    reason = fields.get("reason", "").strip()
    result = await run_in_threadpool(guard_of(request).approvals.revoke, view.id, visitor.reviewer, reason, "web")
    return await _after(request, visitor, view, result, reason)


@submitted
async def settle(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Say how a call of unknown end ended."""
    view = await requested(request)
    execution = view.execution["id"] if view.execution else ""
    if fields.get("execution") != execution or fields.get("done") not in ("yes", "no"):
        raise HTTPException(400, "This form does not say what happened to which call.")
    result = await run_in_threadpool(
        lambda: guard_of(request).approvals.settle(
            execution, visitor.reviewer, done=fields["done"] == "yes", note=fields.get("note", ""), channel="web"
        )
    )
    return await _after(request, visitor, view, result, "")


async def _after(request: Request, visitor: Visitor, view: RequestView, result: VoteResult, reason: str) -> Response:
    if result.accepted:
        return RedirectResponse(f"/approvals/{quote(view.id, safe='')}", 303)
    request.scope[NOTED] = True
    status = 403 if result.code in FORBIDDEN_CODES else 409
    alert = result.text[:1].upper() + result.text[1:] + "."
    return await _show(request, visitor, result.request or view, alert=alert, reason=reason, status=status)


# --- signing in and out ------------------------------------------------------------------------------------------


async def sign_in_page(request: Request) -> Response:
    """Says whose link this is and shows a button. Opening it spends nothing: mail scanners open links too."""
    code = request.query_params.get("code", "")
    target = visitors.own_path(request.query_params.get("next"))
    person = await run_in_threadpool(guard_of(request).reviewers.by_link, code) if code else None
    return _sign_in(request, target, person=person, code=code, alert=_LINK_IS_OVER if code and person is None else "")


async def sign_in(request: Request) -> Response:
    """Spends a one-time link or takes a token, and begins a session."""
    fields = await visitors.form(request)
    reviewers = guard_of(request).reviewers
    target = visitors.own_path(fields.get("next"))
    code = fields.get("code", "")
    if code:
        begun = await run_in_threadpool(reviewers.redeem, code)
    else:
        begun = await run_in_threadpool(reviewers.sign_in, fields.get("token", "").strip())
    if begun is None:
        return _sign_in(request, target, alert=_LINK_IS_OVER if code else "No reviewer has this token.", status=403)
    answer = RedirectResponse(target, 303)
    visitors.keep(answer, request, begun[1])
    return answer


_LINK_IS_OVER: Final = "This link has been used already, or is too old."


def _sign_in(
    request: Request, target: str, *, person: Reviewer | None = None, code: str = "", alert: str = "", status: int = 200
) -> Response:
    return page(
        "sign_in.html",
        status,
        reviewer=None,
        person=person,
        code=code,
        next=target,
        alert=alert,
        rights=rights(guard_of(request)),
    )


async def sign_out(request: Request) -> Response:
    """Ends the session on this browser and in the database."""
    visitor = await visitors.visitor(request)
    if visitor is not None:
        if not visitors.is_genuine(visitor, await visitors.form(request)):
            return forged()
        await run_in_threadpool(guard_of(request).reviewers.sign_out, visitor.secret)
    answer = RedirectResponse("/sign-in", 303)
    visitors.forget(answer, request)
    return answer


# --- the rest ----------------------------------------------------------------------------------------------------


async def events(request: Request) -> Response:
    """The stream that keeps open pages up to date."""
    if await visitors.visitor(request) is None:
        return refusal_page(401, "Sign in first.")
    answer: Response = await request.app.state.feed.answer(request)
    return answer


@signed_in
async def finding(request: Request, visitor: Visitor) -> Response:
    """What a finding means."""
    kind = kinds().get(request.path_params["id"])
    if kind is None:
        raise HTTPException(404, "There is no such finding.")
    frame = await everywhere(request, visitor)
    return page("finding.html", kind=kind, points=POINTS[kind.severity][kind.confidence], **frame)


ROUTES: Final = [
    Route("/", waiting),
    Route("/finished", finished),
    Route("/approvals/{id}", one),
    Route("/approvals/{id}/arguments.json", arguments),
    Route("/approvals/{id}/vote", vote, methods=["POST"]),
    Route("/approvals/{id}/revoke", revoke, methods=["POST"]),
    Route("/approvals/{id}/settle", settle, methods=["POST"]),
    Route("/sign-in", sign_in_page, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/events", events),
    Route("/findings/{id}", finding),
    *edit_pages.ROUTES,
    *group_pages.ROUTES,
    *figure_pages.ROUTES,
]
