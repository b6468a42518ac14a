"""Calls that are alike, on one page: ticked and answered together, each voted on and recorded by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from toolguard.core.layout.present import Presentation
from toolguard.guard.views import STRENGTH
from toolguard.review import words
from toolguard.review.answers import page
from toolguard.review.frame import everywhere, signed_in, submitted
from toolguard.review.visitor import Visitor, guard_of

if TYPE_CHECKING:
    from toolguard.guard import RequestView, VoteResult

PICK: Final = "pick-"
"""Before a request's id: the field that ticks it and holds the digest of what was shown."""


@dataclass(frozen=True, slots=True)
class Member:
    """One request of the group."""

    view: RequestView
    shown: Presentation
    alone: str
    """Why it can be denied here, but approved on its own page only; empty when it can be approved here."""


@dataclass(frozen=True, slots=True)
class Left:
    """A request whose answer did not count."""

    view: RequestView | None
    id: str
    why: str


@signed_in
async def group(request: Request, visitor: Visitor) -> Response:
    """The calls that are alike and wait."""
    return await _show(request, visitor)


@submitted
async def vote(request: Request, visitor: Visitor, fields: dict[str, str]) -> Response:
    """One answer for all that are ticked."""
    choice = fields.get("vote")
    if choice not in ("approve", "deny"):
        raise HTTPException(400, "This form holds no answer.")
    picked = {name.removeprefix(PICK): digest for name, digest in fields.items() if name.startswith(PICK)}
    if not picked:
        return await _show(request, visitor, alert="Nothing was ticked, so nothing was answered.", status=422)
    members = {member.view.id: member for member in await _members(request, visitor)}
    alone = {
        name: members[name].alone for name in picked if choice == "approve" and name in members and members[name].alone
    }
    results = await run_in_threadpool(
        lambda: guard_of(request).approvals.vote_together(
            request.path_params["id"],
            {name: digest for name, digest in picked.items() if name not in alone},
            visitor.reviewer,
            "approve" if choice == "approve" else "deny",
            channel="web",
            strength=STRENGTH["account"],
            reason=fields.get("reason", "").strip(),
        )
    )
    left = [Left(members[name].view, name, why) for name, why in alone.items()] + _left(results)
    if not left:
        return RedirectResponse("/", 303)
    counted = sum(result.accepted for result in results.values())
    done = "approved" if choice == "approve" else "denied"
    return await _show(request, visitor, done=f"{counted} of {len(picked)} {done}.", left=left, status=200)


def _left(results: Mapping[str, VoteResult]) -> list[Left]:
    return [Left(result.request, name, result.text) for name, result in results.items() if not result.accepted]


async def _members(request: Request, visitor: Visitor) -> list[Member]:
    found = await run_in_threadpool(guard_of(request).approvals.alike, request.path_params["id"])
    return [Member(view, await run_in_threadpool(_laid_out, view), _alone(view, visitor)) for view in found]


def _laid_out(view: RequestView) -> Presentation:
    return words.presentation(view, with_findings=False)


def _alone(view: RequestView, visitor: Visitor) -> str:
    if view.score >= words.HIGH:
        return "its score is high, so it must be read on its own page"
    return words.obstacle(view, visitor.reviewer, STRENGTH["account"]).partition(" You can deny")[0].rstrip(".")


async def _show(
    request: Request,
    visitor: Visitor,
    *,
    alert: str = "",
    done: str = "",
    left: list[Left] | None = None,
    status: int = 200,
) -> Response:
    return page(
        "group.html",
        status,
        group=request.path_params["id"],
        members=await _members(request, visitor),
        pick=PICK,
        alert=alert,
        done=done,
        left=left or [],
        **await everywhere(request, visitor, "waiting"),
    )


ROUTES: Final = [
    Route("/groups/{id}", group, methods=["GET"]),
    Route("/groups/{id}/vote", vote, methods=["POST"]),
]
