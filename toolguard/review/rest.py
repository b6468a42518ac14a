"""REST under /api/v1: the same votes as the page, for programs of reviewers. Bodies are JSON, errors problem details.

The table at the end is the one list of operations: routes and the OpenAPI document are made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.core.grants import DEFAULT_SECONDS, DEFAULT_USES, MOST_SECONDS, MOST_USES, OFFERED
from toolguard.core.strict_json import NotStrict, parse
from toolguard.guard.views import STRENGTH, GrantChoice
from toolguard.review import visitor as visitors
from toolguard.review.answers import JsonResponse, problem
from toolguard.review.frame import Endpoint
from toolguard.review.pages import FORBIDDEN_CODES
from toolguard.review.visitor import guard_of
from toolguard.review.words import STATES
from toolguard.store import audit, checkpoints
from toolguard.store.search import search

if TYPE_CHECKING:
    from toolguard.core.model import Json
    from toolguard.guard import Reviewer, VoteResult
    from toolguard.guard.edits import EditResult

MOST: Final = 1_000
"""Entries of one answer."""
REASON_LONGEST: Final = 2_000
MOST_TOGETHER: Final = 100
EDIT_DEPTH: Final = 64
"""Of arguments that a reviewer rewrote; calls are read no deeper either."""
_NO_DIGEST: Final = "`request_digest` is the digest of the request that you were shown."


def _for_reviewers(endpoint: Callable[[Request, Reviewer], Awaitable[Response]]) -> Endpoint:
    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        reviewer = await visitors.bearer(request)
        if reviewer is None:
            return problem(401, "This needs `Authorization: Bearer` with a reviewer's token.", code="no_reviewer")
        try:
            return await endpoint(request, reviewer)
        except _Refused as refused:
            return problem(refused.status, str(refused), code=refused.code)

    return guarded


class _Refused(ValueError):
    """A parameter or body that says nothing we know; the message names what is wrong with it."""

    def __init__(self, text: str, status: int = 400, code: str = "bad_parameter") -> None:
        super().__init__(text)
        self.status, self.code = status, code


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= most):
        raise _Refused(f"`{name}` is a whole number up to {most}")
    return int(text)


@_for_reviewers
async def approvals(request: Request, reviewer: Reviewer) -> Response:
    """Approval requests: pending ones oldest first, others newest first."""
    state = request.query_params.get("state", "all")
    if state not in (*STATES, "all"):
        raise _Refused(f"`state` is one of {', '.join((*STATES, 'all'))}")
    limit = max(1, _number(request, "limit", 100, MOST))
    after = request.query_params.get("after")
    views = await run_in_threadpool(
        guard_of(request).approvals.list, None if state == "all" else state, after=after, limit=limit
    )
    following = views[-1].id if len(views) == limit else None
    return JsonResponse({"approvals": [view.as_json() for view in views], "next": following})


@_for_reviewers
async def approval(request: Request, reviewer: Reviewer) -> Response:
    """One approval request."""
    view = await run_in_threadpool(guard_of(request).approvals.show, request.path_params["id"])
    if view is None:
        return problem(404, "There is no such approval request.", code="unknown")
    return JsonResponse(view.as_json())


@_for_reviewers
async def votes(request: Request, reviewer: Reviewer) -> Response:
    """Cast a vote."""
    vote = await _body(request, 4, _wrong_with, "bad_vote")
    result = await run_in_threadpool(
        lambda: guard_of(request).approvals.vote(
            request.path_params["id"],
            reviewer,
            vote["vote"],
            request_digest=vote["request_digest"],
            channel="rest",
            strength=STRENGTH["account"],
            reason=vote.get("reason") or "",
            grant=_grant(vote.get("grant")),
        )
    )
    return _outcome(result, 403 if result.code in FORBIDDEN_CODES else 409)


@_for_reviewers
async def votes_together(request: Request, reviewer: Reviewer) -> Response:
    """Answer several requests of one group; each is voted on by itself, and what changed is left out and says so."""
    body = await _body(request, 5, _wrong_together, "bad_vote")
    results = await run_in_threadpool(
        lambda: guard_of(request).approvals.vote_together(
            body["group"],
            {one["id"]: one["request_digest"] for one in body["requests"]},
            reviewer,
            body["vote"],
            channel="rest",
            strength=STRENGTH["account"],
            reason=body.get("reason") or "",
        )
    )
    return JsonResponse({"results": [{"id": name, **_told(result)} for name, result in results.items()]})


def _told(result: VoteResult | EditResult) -> dict[str, Json]:
    return {
        "accepted": result.accepted,
        "code": result.code,
        "text": result.text,
        "approval": result.request.as_json() if result.request else None,
    }


def _outcome(result: VoteResult | EditResult, refused: int) -> Response:
    """What became of a vote or an edit; `refused` is the status of one that did not count."""
    if result.accepted:
        return JsonResponse(_told(result), 201)
    if result.request is None:
        return problem(404, "There is no such approval request.", code="unknown")
    return problem(refused, result.text, code=result.code, approval=result.request.as_json())


def _wrong_together(body: Any) -> str:
    """Why this answers no group; empty when it does."""
    if not isinstance(body, dict) or set(body) - {"vote", "reason", "group", "requests"}:
        return "An answer for several has `vote`, `group`, `requests` and perhaps `reason`."
    requests, group = body.get("requests"), body.get("group")
    if not isinstance(group, str) or not isinstance(requests, list) or not 1 <= len(requests) <= MOST_TOGETHER:
        return f"`group` is that of the requests, and `requests` lists 1 to {MOST_TOGETHER} of them."
    if any(not isinstance(one, dict) or one.keys() != {"id", "request_digest"} for one in requests):
        return "Each of `requests` has `id` and `request_digest`."
    if not all(isinstance(text, str) for one in requests for text in one.values()):
        return "`id` and `request_digest` are texts."
    return _wrong_with({"vote": body.get("vote"), "reason": body.get("reason"), "request_digest": ""})


async def _body(request: Request, max_depth: int, wrong_with: Callable[[Any], str], code: str) -> Any:
    """The body, strictly parsed; `wrong_with` says what is wrong with it, under this code. Raises _Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused("The body must be application/json.", 415, "not_json")
    try:
        body = parse(await visitors.body(request), max_depth=max_depth)
    except NotStrict as error:
        raise _Refused(f"The body cannot be read: {error}.", 400, "not_json") from error
    wrong = wrong_with(body)
    if wrong:
        raise _Refused(wrong, 422, code)
    return body


@_for_reviewers
async def edits(request: Request, reviewer: Reviewer) -> Response:
    """Change the arguments of a pending request; the call as it is now is a request of its own."""
    body = await _body(request, EDIT_DEPTH, _wrong_with_edit, "bad_edit")
    result = await run_in_threadpool(
        lambda: guard_of(request).edits.edit(
            request.path_params["id"],
            reviewer,
            body["arguments"],
            request_digest=body["request_digest"],
            channel="rest",
        )
    )
    return _outcome(result, {"bad_edit": 422, "denied_by_policy": 403}.get(result.code, 409))


def _wrong_with_edit(edit: Any) -> str:
    if not isinstance(edit, dict) or edit.keys() != {"arguments", "request_digest"}:
        return "An edit has `arguments` and `request_digest`, nothing else."
    return "" if isinstance(edit["request_digest"], str) else _NO_DIGEST


def _wrong_with(vote: Any) -> str:
    """Why this is no vote; empty when it is one."""
    if not isinstance(vote, dict):
        return "A vote is an object."
    unknown = sorted(set(vote) - {"vote", "reason", "request_digest", "grant"})
    if unknown:
        return f"Unknown member `{unknown[0][:60]}`: a vote has `vote`, `request_digest`, perhaps `reason` and `grant`."
    if vote.get("vote") not in ("approve", "deny"):
        return "`vote` is `approve` or `deny`."
    if not isinstance(vote.get("request_digest"), str):
        return _NO_DIGEST
    reason = vote.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > REASON_LONGEST):
        return f"`reason` is a text of at most {REASON_LONGEST} characters."
    if vote.get("grant") is not None:
        return "Only an approval comes with a grant." if vote["vote"] == "deny" else _wrong_with_grant(vote["grant"])
    return ""


def _wrong_with_grant(grant: Any) -> str:
    if not isinstance(grant, dict) or set(grant) - {"pointers", "uses", "seconds"}:
        return "`grant` is an object of `pointers`, `uses` and `seconds`."
    pointers = grant.get("pointers", [])
    if not isinstance(pointers, list) or len(pointers) > OFFERED or not all(isinstance(p, str) for p in pointers):
        return "`pointers` lists places of the request's `offers`."
    for name, most in (("uses", MOST_USES), ("seconds", MOST_SECONDS)):
        number = grant.get(name, 1)
        if type(number) is not int or not 1 <= number <= most:
            return f"`{name}` is a whole number from 1 to {most}."
    return ""


def _grant(grant: dict[str, Any] | None) -> GrantChoice | None:
    if grant is None:
        return None
    return GrantChoice(
        tuple(grant.get("pointers", ())), grant.get("uses", DEFAULT_USES), grant.get("seconds", DEFAULT_SECONDS)
    )


@_for_reviewers
async def grants(request: Request, reviewer: Reviewer) -> Response:
    """Grants in force, the newest first."""
    found = await run_in_threadpool(guard_of(request).grants.list)
    return JsonResponse({"grants": [grant.as_json() for grant in found]})


@_for_reviewers
async def revoke_grant(request: Request, reviewer: Reviewer) -> Response:
    """End a grant at once."""
    ended = await run_in_threadpool(guard_of(request).grants.revoke, request.path_params["id"], reviewer, "rest")
    if ended is None:
        return problem(404, "There is no grant in force with this id.", code="unknown")
    return JsonResponse(ended.as_json())


@_for_reviewers
async def events(request: Request, reviewer: Reviewer) -> Response:
    """Changes of approval requests as Server-Sent Events."""
    answer: Response = await request.app.state.feed.answer(request)
    return answer


@_for_reviewers
async def audit_events(request: Request, reviewer: Reviewer) -> Response:
    """Events of the audit log, in order; with `q`, those that hold a text, newest first."""
    limit = max(1, _number(request, "limit", 100, MOST))
    after = _number(request, "after", 0, 10**18)
    store, query = guard_of(request).store, request.query_params.get("q")
    if query:
        found = await run_in_threadpool(lambda: search(store, query, limit=limit).events)
    else:
        found = await run_in_threadpool(lambda: audit.read(store, after=after, limit=limit))
    following = found[-1]["seq"] if not query and len(found) == limit else None
    return JsonResponse({"events": found, "next": following})


@_for_reviewers
async def checkpoint(request: Request, reviewer: Reviewer) -> Response:
    """The newest signed checkpoint of the log, to keep as a witness."""
    newest = await run_in_threadpool(checkpoints.newest, guard_of(request).store)
    if newest is None:
        return problem(404, "There is no checkpoint yet; the first one comes within seconds.", code="unknown")
    return JsonResponse({name: newest[name] for name in ("size", "root", "head", "ts", "key_id", "note")})


async def nothing_here(request: Request) -> Response:
    return problem(404, "There is no such address.", code="unknown")


async def openapi(request: Request) -> Response:
    """This document."""
    from toolguard.review.openapi import document

    return JsonResponse(document())


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the routes and the OpenAPI document need it."""

    method: str
    path: str
    endpoint: Endpoint
    answers: Mapping[int, str]
    """Schema of the body by status; those of errors are problem details."""
    query: tuple[tuple[str, str, str], ...] = ()
    """Name, type and meaning."""
    takes: str = ""
    """Schema of the request's body."""
    refuses: tuple[int, ...] = (400, 401)
    is_open: bool = field(default=False)
    """Needs no token."""


_LIMIT: Final = ("limit", "integer", f"At most this many entries, 1 to {MOST}.")
OPERATIONS: Final = (
    Operation(
        "GET",
        "/approvals",
        approvals,
        {200: "ApprovalList"},
        (
            ("state", "string", f"One of {', '.join((*STATES, 'all'))}; `all` when absent."),
            ("after", "string", "`next` of the answer before."),
            _LIMIT,
        ),
    ),
    Operation("GET", "/approvals/{id}", approval, {200: "Approval"}, refuses=(401, 404)),
    Operation(
        "POST",
        "/approvals/{id}/votes",
        votes,
        {201: "VoteResult"},
        takes="Vote",
        refuses=(400, 401, 403, 404, 409, 413, 415, 422),
    ),
    Operation(
        "POST",
        "/approvals/{id}/edits",
        edits,
        {201: "VoteResult"},
        takes="Edit",
        refuses=(400, 401, 403, 404, 409, 413, 415, 422),
    ),
    Operation(
        "POST",
        "/votes",
        votes_together,
        {200: "VoteResults"},
        takes="VotesTogether",
        refuses=(400, 401, 413, 415, 422),
    ),
    Operation("GET", "/grants", grants, {200: "GrantList"}, refuses=(401,)),
    Operation("POST", "/grants/{id}/revoke", revoke_grant, {200: "Grant"}, refuses=(401, 404)),
    Operation(
        "GET",
        "/events",
        events,
        {200: "EventStream"},
        (
            (
                "after",
                "integer",
                "Start after this event of the audit log; now when absent. `Last-Event-ID` comes first.",
            ),
        ),
        refuses=(401, 503),
    ),
    Operation(
        "GET",
        "/audit",
        audit_events,
        {200: "AuditEventList"},
        (
            ("after", "integer", "Only events with a larger sequence number."),
            _LIMIT,
            ("q", "string", "Only events that hold this text, newest first."),
        ),
    ),
    Operation("GET", "/audit/checkpoint", checkpoint, {200: "Checkpoint"}, refuses=(401, 404)),
    Operation("GET", "/openapi.json", openapi, {200: "OpenApi"}, refuses=(), is_open=True),
)


def routes() -> list[Route]:
    return [Route(o.path, o.endpoint, methods=[o.method]) for o in OPERATIONS]
