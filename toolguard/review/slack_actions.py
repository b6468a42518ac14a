"""Slack's buttons and dialogs, by POST /slack/actions or over a socket: both end in the same vote.

Slack's signature, or the app's own socket, says that it was Slack, and Slack says which user pressed. A vote is
committed before it is acknowledged, which Slack wants within three seconds; where the database takes longer the vote
goes on behind the acknowledgement. Whoever's press did not count learns so in a line that only they see. The message
itself is brought to the outcome by the ordinary delivery.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.channels.message import line
from toolguard.channels.slack import Slack, Socket
from toolguard.channels.slack_blocks import APPROVE, DENY, DIALOG, REASON_FIELD, dialog
from toolguard.core.model import Json
from toolguard.core.proof.slack_signature import is_signed
from toolguard.core.strict_json import NotStrict, parse
from toolguard.errors import StoreError
from toolguard.guard import Guard, Reviewer
from toolguard.guard.views import STRENGTH
from toolguard.review import visitor as visitors
from toolguard.review.answers import JsonResponse, problem
from toolguard.review.noting import NOTED
from toolguard.review.visitor import guard_of
from toolguard.store import outbox

MOST_DEEP: Final = 32
"""Levels of Slack's payload; it holds the message with its blocks."""
ACK_SECONDS: Final = 2.0
"""Of the three that Slack waits."""
NO_REVIEWER: Final = "You are no reviewer here. Ask whoever runs toolguard to enrol your Slack user."
NOT_THERE: Final = "This button belongs to no message of toolguard's. Open the request from the message itself."
NO_DATABASE: Final = "toolguard's database cannot be used right now, so your press had no effect."
MALFORMED: Final = (NotStrict, KeyError, ValueError, TypeError, IndexError, AttributeError)
"""What reading a payload that is not Slack's raises."""

Choice = Literal["approve", "deny"]
Answer = Mapping[str, Json]
"""The body of an acknowledgement; empty for most."""


class Presses:
    """What people press in the messages of one Slack channel."""

    def __init__(self, guard: Guard, slack: Slack) -> None:
        self.slack = slack
        self._guard = guard
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="slack")

    def close(self) -> None:
        """Finish what was acknowledged."""
        self._pool.shutdown()

    def acknowledged(self, payload: Any) -> Answer:
        """Act on an interaction, and answer in time. Raises one of MALFORMED for what is none of Slack's."""
        work = self._pool.submit(self._act, payload)
        try:
            return work.result(ACK_SECONDS)
        except TooLate:
            work.add_done_callback(lambda done: self._tell_late(payload, done))
            return {}

    def _tell_late(self, payload: Any, done: Future[Answer]) -> None:
        """A dialog that was acknowledged can show no error any more, so its sender reads it in the channel."""
        if done.exception() is None and (answer := done.result()):
            channel = _read(payload["view"]["private_metadata"])["channel"]
            self.slack.tell(channel, payload["user"]["id"], answer["errors"][REASON_FIELD])

    def from_socket(self, payload: Any) -> Answer:
        """The same, total: over a socket there is no status to answer with."""
        try:
            return self.acknowledged(payload)
        except MALFORMED as error:
            self._refused("malformed", {"why": type(error).__name__})
            return {}

    def _act(self, payload: Any) -> Answer:
        user = payload["user"]
        # In a channel shared between companies `team` is where the app lives, and the user's own team is another.
        who = f"{user.get('team_id') or payload['team']['id']}/{user['id']}"
        if payload["type"] == "view_submission":
            return self._submitted(payload, who)
        if payload["type"] == "block_actions" and payload["actions"][0]["action_id"] in (APPROVE, DENY):
            self._pressed(payload, who)
        return {}  # "Open" is a link; Slack tells of it all the same

    def _pressed(self, payload: Any, who: str) -> None:
        about = _read(payload["actions"][0]["value"])
        container = payload["container"]
        channel, user = container["channel_id"], payload["user"]["id"]
        why = self._approved_or_asked(payload, about, {"channel": channel, "ts": container["message_ts"]}, who)
        if why:
            self.slack.tell(channel, user, why)

    def _approved_or_asked(self, payload: Any, about: Mapping[str, str], place: dict[str, str], who: str) -> str:
        """Vote, or open the dialog that asks for a reason. What to tell the user; empty when all went well."""
        try:
            reviewer = self._guard.reviewers.by_slack(who)
            if reviewer is None:
                self._refused("not_eligible", {"slack": who})
                return NO_REVIEWER
            posted = outbox.place(self._guard.store, self.slack.name, about["id"])
            if posted is None or not _is_there(_read(posted), place, payload):
                self._refused("wrong_message", {"slack": who, **place})
                return NOT_THERE
            if payload["actions"][0]["action_id"] == DENY and self._is_asked(payload, about, place["channel"]):
                return ""
            # A dialog that did not open must not lose a no: then it is one without a reason.
            choice: Choice = "deny" if payload["actions"][0]["action_id"] == DENY else "approve"
            return self._vote(about, reviewer, choice, who, str(payload["trigger_id"]))
        except StoreError:
            return NO_DATABASE

    def _is_asked(self, payload: Any, about: Mapping[str, str], channel: str) -> bool:
        request = self._guard.approvals.show(about["id"])
        if request is None or request.request_digest != about["digest"]:
            return False
        return self.slack.ask(str(payload["trigger_id"]), dialog(request, line(request.headline), channel))

    def _submitted(self, payload: Any, who: str) -> Answer:
        view = payload["view"]
        if view["callback_id"] != DIALOG:
            return {}
        about = _read(view["private_metadata"])
        reason = view["state"]["values"][REASON_FIELD][REASON_FIELD]["value"] or ""
        try:
            reviewer = self._guard.reviewers.by_slack(who)
            if reviewer is None:
                self._refused("not_eligible", {"slack": who})
                why = NO_REVIEWER
            else:
                why = self._vote(about, reviewer, "deny", who, str(view["id"]), reason)
        except StoreError:
            why = NO_DATABASE
        return {"response_action": "errors", "errors": {REASON_FIELD: why}} if why else {}

    def _vote(
        self, about: Mapping[str, str], reviewer: Reviewer, choice: Choice, who: str, press: str, reason: str = ""
    ) -> str:
        """Why the vote does not count; empty when it does, or when it is Slack that says the same thing twice."""
        result = self._guard.approvals.vote(
            about["id"],
            reviewer,
            choice,
            request_digest=about["digest"],
            channel="slack",
            strength=STRENGTH["account"],
            reason=reason,
            evidence={"slack": who, "press": press},
            inbound=("slack", press),
        )
        return "" if result.accepted or result.code == "replayed" else result.text

    def _refused(self, code: str, contents: Mapping[str, Json]) -> None:
        self._guard.record("vote.refused", {"code": code, **contents}, channel="slack")


def _read(text: str) -> dict[str, str]:
    """What we wrote into a button, a dialog or our own notes. Raises one of MALFORMED."""
    found = parse(text.encode(), max_depth=2)
    if not all(isinstance(value, str) for value in found.values()):
        raise ValueError("texts only")
    return dict(found)


def _is_there(posted: Mapping[str, str], place: Mapping[str, str], payload: Any) -> bool:
    """Whether the button was pressed in the message that we posted about this very request, and in our own app."""
    app = posted.get("app")
    return (posted["channel"], posted["ts"]) == (place["channel"], place["ts"]) and (
        not app or payload.get("api_app_id") == app
    )


def sockets(guard: Guard, desks: Sequence[Presses]) -> list[Socket]:
    """The sockets of those channels that have a token for one, opening."""

    def opened(desk: Presses) -> Socket:
        def failed(why: str) -> None:
            with contextlib.suppress(StoreError):
                contents = {"kind": "socket", "error": why, "gives_up": False}
                guard.record("delivery.failed", contents, channel=desk.slack.name)

        socket = Socket(desk.slack, desk.from_socket, failed)
        socket.open()
        return socket

    return [opened(desk) for desk in desks if desk.slack.settings.app_token]


async def actions(request: Request) -> Response:
    """A pressed button, or a dialog that was sent."""
    guard, desks = guard_of(request), request.app.state.presses
    body = await visitors.body(request)
    now = guard.now().timestamp()
    desk = next((d for d in desks if is_signed(request.headers.raw, body, d.slack.settings.secret, now)), None)
    if desk is None:
        request.scope[NOTED] = True
        await run_in_threadpool(guard.record, "vote.refused", {"code": "unsigned"}, channel="slack")
        return problem(401, "This message is not signed by Slack.", code="bad_signature")
    try:
        payload = parse(parse_qs(body.decode("utf-8"), strict_parsing=True)["payload"][0].encode(), max_depth=MOST_DEEP)
        return JsonResponse(await run_in_threadpool(desk.acknowledged, payload))
    except MALFORMED as error:
        request.scope[NOTED] = True
        refused = {"code": "malformed", "why": type(error).__name__}
        await run_in_threadpool(guard.record, "vote.refused", refused, channel="slack")
        return problem(400, "This is no action of Slack's.", code="bad_action")


ROUTES: Final = [Route("/slack/actions", actions, methods=["POST"])]
