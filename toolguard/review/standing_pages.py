"""What people allowed for a while and may end at once, and the switch that stops everything asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolguard.core.grants import GrantLimits
from toolguard.guard.views import GrantChoice
from toolguard.review import words
from toolguard.review.answers import page, refusal_page
from toolguard.review.frame import everywhere, signed_in, submitted
from toolguard.review.visitor import Visitor, guard_of

if TYPE_CHECKING:
    from toolguard.guard import GrantView, RequestView

REASON_LENGTH: Final = 1_000


def chosen_grant(view: RequestView, fields: Mapping[str, str], limits: GrantLimits) -> GrantChoice:
    """What the form of a request allows for a while. Raises HTTPException when it holds nothing the page offers.

    A place stays as it is in this call unless its box was ticked.
    """
    pointers = tuple(fields[f"loosen-{number}"] for number in range(len(view.offers)) if f"loosen-{number}" in fields)
    minutes, uses = fields.get("minutes", ""), fields.get("uses", "")
    times = {str(choice) for choice, _ in words.grant_minutes(limits)}
    offered = times, {str(choice) for choice in words.grant_uses(limits)}
    if minutes not in offered[0] or uses not in offered[1]:
        raise HTTPException(400, "This form does not say for how long and how often.")
    return GrantChoice(pointers, int(uses), int(minutes) * 60)


@signed_in
async def grants(request: Request, visitor: Visitor) -> Response:
    """Standing approvals, those in force first to be read and ended."""
    frame = await everywhere(request, visitor, "grants")
    found = await run_in_threadpool(lambda: guard_of(request).grants.list(live_only=False))
    now = guard_of(request).store.now()
    return page(
        "grants.html",
        live=[grant for grant in found if _is_live(grant, now)],
        ended=[grant for grant in found if not _is_live(grant, now)][: words.ENDED_GRANTS],
        **frame,
    )


def _is_live(grant: GrantView, now: str) -> bool:
    return grant.revoked_at is None and grant.left > 0 and grant.not_after > now


@submitted
async def revoke(request: Request, visitor: Visitor, _: dict[str, str]) -> Response:
    """End a grant; one that has ended meanwhile stays ended."""
    grant_id = request.path_params["id"]
    ended = await run_in_threadpool(guard_of(request).grants.revoke, grant_id, visitor.reviewer, "web")
    if ended is None:
        return refusal_page(409, "Nothing was changed: this grant has ended already, or never was.")
    return RedirectResponse("/grants", 303)


@submitted
async def stop(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """Refuse from now on what would be asked about, used under a grant, or claimed."""
    switch, reason = guard_of(request).stop_switch, fields.get("reason", "").strip()[:REASON_LENGTH]
    if switch.since is None:
        await run_in_threadpool(switch.stop, visitor.reviewer, reason, "web")
    return RedirectResponse("/", 303)


@submitted
async def release(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """End a stop."""
    switch = guard_of(request).stop_switch
    if fields.get("since") != switch.since:
        return refusal_page(409, "Nothing was changed: the stop that you saw is over, or another one is in force.")
    await run_in_threadpool(switch.release, visitor.reviewer, "web")
    return RedirectResponse("/", 303)


ROUTES: Final = [
    Route("/grants", grants),
    Route("/grants/{id}/revoke", revoke, methods=["POST"]),
    Route("/stop", stop, methods=["POST"]),
    Route("/release", release, methods=["POST"]),
]
