"""What surrounds the content of every page: who is signed in, what they may do, and whether everything is stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from toolguard.review import visitor as visitors
from toolguard.review.answers import page, refusal_page
from toolguard.review.visitor import Visitor, guard_of
from toolguard.store import audit

if TYPE_CHECKING:
    from toolguard.guard import Guard, RequestView

Endpoint = Callable[[Request], Awaitable[Response]]

SHOWN: Final = 200
"""Requests on one page of a list."""


def rights(guard: Guard) -> str:
    """What a reviewer may approve here, and what it is worth."""
    if guard.config.approvals.separation == "owner":
        return "You may approve calls of other people's agents. Calls of your own agent need another person."
    return (
        "You may approve calls of every agent here, your own included; a vote on your own agent's call is recorded as "
        "self-attested."
    )


async def everywhere(request: Request, visitor: Visitor, here: str = "") -> dict[str, Any]:
    """What the frame of every signed-in page shows."""
    guard = guard_of(request)
    drawn, _ = await run_in_threadpool(audit.head, guard.store)
    waiting = await run_in_threadpool(guard.approvals.list, "pending", limit=SHOWN)
    return {
        "reviewer": visitor.reviewer,
        "csrf": visitor.csrf,
        "rights": rights(guard),
        "here": here,
        "drawn": drawn,
        "pending": waiting,
        "waiting": len(waiting),
        "stop": await run_in_threadpool(lambda: guard.stop_switch.current),
        "now": datetime.now(UTC),
    }


async def requested(request: Request) -> RequestView:
    """The approval request that the address names; a page that says so when there is none."""
    view = await run_in_threadpool(guard_of(request).approvals.show, request.path_params["id"])
    if view is None:
        raise HTTPException(404, "There is no such request.")
    return view


def to_sign_in(request: Request) -> Response:
    """Where somebody without a session goes.

    A link opened from a chat or mail program is a cross-site navigation, on which a SameSite=Strict cookie stays at
    home. Such a visitor may well be signed in, so the browser is sent to the same address once more, from here.
    """
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method in {"GET", "HEAD"} and request.headers.get("sec-fetch-site") == "cross-site":
        return page("message.html", title="One moment", text="Opening the page.", again=path, reviewer=None)
    target = path if request.method in {"GET", "HEAD"} else "/"
    return RedirectResponse(f"/sign-in?next={quote(target, safe='/')}", 303)


def forged() -> Response:
    return refusal_page(
        403, "This form did not come from a page of your session. Open the request again, and answer there."
    )


def signed_in(shown: Callable[[Request, Visitor], Awaitable[Response]]) -> Endpoint:
    """A page for reviewers: whoever is not signed in is led there first."""

    @wraps(shown)
    async def guarded(request: Request) -> Response:
        found = await visitors.visitor(request)
        return to_sign_in(request) if found is None else await shown(request, found)

    return guarded


def submitted(action: Callable[[Request, Visitor, dict[str, str]], Awaitable[Response]]) -> Endpoint:
    """What a form of ours does, for whoever is signed in; a form from elsewhere changes nothing."""

    @signed_in
    @wraps(action)
    async def guarded(request: Request, visitor: Visitor) -> Response:
        fields = await visitors.form(request)
        return await action(request, visitor, fields) if visitors.is_genuine(visitor, fields) else forged()

    return guarded
