"""Slack's buttons: POST /slack/actions. Slack's signature says it was Slack, and Slack says which user pressed.

The vote is committed before the answer, which Slack wants within 3 seconds; the message is updated afterwards by the
ordinary delivery. A user who is no reviewer learns so in a message that only they see.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.config import secret
from toolguard.core.proof.slack_signature import is_signed
from toolguard.core.strict_json import NotStrict, parse
from toolguard.guard import Guard
from toolguard.guard.views import STRENGTH
from toolguard.review import visitor as visitors
from toolguard.review.answers import JsonResponse, problem
from toolguard.review.visitor import guard_of

CHOICES: Final = {"toolguard_approve": "approve", "toolguard_deny": "deny"}
MOST_DEEP: Final = 32
"""Levels of Slack's payload; it holds the message with its blocks."""


async def actions(request: Request) -> Response:
    """A pressed button."""
    guard = guard_of(request)
    body = await visitors.body(request)
    settings = next((c for c in guard.config.channels if c.kind == "slack" and c.secret), None)
    signing = await run_in_threadpool(secret, settings.secret, "channels.secret") if settings else ""
    if not is_signed(request.headers.raw, body, signing, guard.now().timestamp()):
        await run_in_threadpool(guard.record, "vote.refused", {"code": "unsigned"}, channel="slack")
        return problem(401, "This message is not signed by Slack.", code="bad_signature")
    try:
        payload = parse(parse_qs(body.decode("utf-8"), strict_parsing=True)["payload"][0], max_depth=MOST_DEEP)
        return await run_in_threadpool(_act, guard, payload)
    except (NotStrict, UnicodeDecodeError, KeyError, ValueError, TypeError, IndexError, AttributeError):
        return problem(400, "This is no action of Slack's.", code="bad_action")


def _act(guard: Guard, payload: Any) -> Response:
    if payload["type"] != "block_actions":
        return JsonResponse({})
    action = payload["actions"][0]
    choice = CHOICES.get(action["action_id"])
    if choice is None:
        return JsonResponse({})  # "Open" is a link; Slack tells of it all the same
    who = f"{payload['team']['id']}/{payload['user']['id']}"
    reviewer = guard.reviewers.by_slack(who)
    if reviewer is None:
        guard.record("vote.refused", {"code": "not_eligible", "slack": who}, channel="slack")
        return _only_you("You are no reviewer here. Ask whoever runs toolguard to enrol your Slack user.")
    value = parse(action["value"].encode(), max_depth=4)
    result = guard.approvals.vote(
        value["id"],
        reviewer,
        choice,  # type: ignore[arg-type]  # CHOICES holds both and no other
        request_digest=value["digest"],
        channel="slack",
        strength=STRENGTH["account"],
        evidence={"slack": who, "app": str(payload.get("api_app_id", ""))},
        inbound=("slack", f"{payload['trigger_id']}"),
    )
    return JsonResponse({}) if result.accepted else _only_you(result.text)


def _only_you(text: str) -> Response:
    return JsonResponse({"response_type": "ephemeral", "replace_original": False, "text": text})


ROUTES: Final = [Route("/slack/actions", actions, methods=["POST"])]
