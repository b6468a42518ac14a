"""The audit log for people: a list with filters, and the whole life of one call. Reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.core.canonical import pretty
from toolguard.core.layout.visible import escape
from toolguard.core.secrets.redact import readable
from toolguard.review import words
from toolguard.review.answers import page
from toolguard.review.frame import everywhere, signed_in
from toolguard.review.visitor import Visitor, guard_of
from toolguard.store import audit
from toolguard.store.database import Database
from toolguard.store.search import search

SHOWN: Final = 100
FILTERS: Final = ("agent", "session", "server", "tool", "effect", "reviewer", "request_id", "call_id")
ASKED: Final = (("agent", "Agent"), ("session", "Session"), ("tool", "Tool"))
"""Filters with a field of their own; the others come with links."""
EFFECTS: Final = ("allow", "ask", "deny")

SENTENCES: Final[Mapping[str, str]] = {
    "call.decided": "Call judged",
    "call.attached": "Repeated call joined the open request",
    "approval.requested": "People asked",
    "approval.approved": "Approved",
    "approval.denied": "Denied",
    "approval.expired": "Request expired",
    "approval.cancelled": "Request cancelled",
    "approval.revoked": "Approval taken back",
    "approval.stale": "Request out of date",
    "approval.edited": "Arguments changed",
    "vote.cast": "Vote",
    "vote.refused": "Vote refused",
    "execution.claimed": "Agent came for its call",
    "execution.dispatched": "Sent to the tool",
    "execution.ended": "Tool answered",
    "execution.settled": "End settled by a person",
    "outcome.contradicted": "Late answer contradicts the record",
    "grant.created": "Grant made",
    "grant.used": "Grant used",
    "grant.revoked": "Grant taken back",
    "guard.stopped": "Everything stopped",
    "guard.released": "Stop ended",
    "reviewer.enrolled": "Reviewer enrolled",
    "reviewer.removed": "Reviewer removed",
    "credential.added": "Credential made",
    "credential.ended": "Credential removed",
    "credential.alert": "Passkey may have been copied",
    "policy.loaded": "Policy loaded",
    "definition.pinned": "Tool definition pinned",
    "definition.changed": "Tool definition changed",
    "definition.doubled": "Tool listed twice",
    "approval.prompted": "Asked in the client",
    "server.instructions_pinned": "Server instructions pinned",
    "server.instructions_changed": "Server instructions changed",
    "server.instructions_accepted": "Server instructions accepted",
    "definition.accepted": "Tool definition accepted",
    "call.paused": "Run paused for this call",
    "call.replayed": "Retry got the kept result",
    "execution.continued": "Call went on with an answer",
    "execution.paused": "Tool paused the run",
    "message.refused": "Message refused",
    "server.introduced": "Server introduced itself",
    "server.requested": "Server asked person or model",
    "server.answered": "Server got its answer",
    "delivery.sent": "Message delivered",
    "delivery.failed": "Message not delivered",
    "reminder.raised": "Reminder raised",
    "review.refused": "Attempt on the reviewers' side refused",
    "configuration.loaded": "Configuration loaded",
    "log.opened": "Log opened",
    "log.heartbeat": "Log alive",
    "log.rolled_back": "Log older than its checkpoint",
    "log.confirmed": "Log confirmed by a person",
    "key.rotated": "Signing key replaced",
    "anchor.made": "Log anchored outside",
    "anchor.failed": "Log not anchored outside",
    "clock.regressed": "Clock set back",
    "retention.held": "Contents held",
    "retention.freed": "Hold ended",
    "retention.applied": "Old contents removed",
    "retention.erased": "Contents erased",
    "export.made": "Log written out",
    "traces.failed": "Trace not sent",
}
BY_PEOPLE: Final = frozenset(
    {
        "vote.cast",
        "approval.edited",
        "execution.settled",
        "approval.revoked",
        "guard.stopped",
        "guard.released",
        "reviewer.enrolled",
        "reviewer.removed",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as a line."""

    event: Mapping[str, Any]

    @property
    def words(self) -> str:
        kind = str(self.event["kind"])
        return SENTENCES.get(kind, kind)

    @property
    def said(self) -> str:
        """What the event says beyond its kind."""
        event, body = self.event, self.event.get("body") or {}
        if event["kind"] == "vote.cast":
            reason = f": {body['reason']}" if body.get("reason") else ""
            return f"{event.get('reviewer')} said {body.get('choice')}{reason}"
        if event["kind"] == "vote.refused":
            return f"{event.get('reviewer')}: {body.get('code')}"
        if str(event["kind"]).startswith("execution.") and event.get("outcome"):
            return ": ".join(filter(None, (str(event["outcome"]).replace("_", " "), str(body.get("error") or ""))))
        return str(body.get("headline") or body.get("reason") or event.get("reviewer") or "")

    @property
    def is_by_person(self) -> bool:
        return self.event["kind"] in BY_PEOPLE

    @property
    def contents(self) -> str:
        """The whole event as JSON, with what cannot be seen as escapes."""
        return escape(pretty(readable(dict(self.event))))


@dataclass(frozen=True, slots=True)
class Timeline:
    """The judged calls of a session along a line of time, drawn by the server."""

    words: str
    """The same in words, for whoever cannot see the drawing."""
    dots: tuple[tuple[int, int, str, str], ...]
    """Place from 0 to 1000, lane, effect and sentence of each call."""
    first: str
    last: str


def timeline(entries: Sequence[Mapping[str, Any]]) -> Timeline | None:
    """None when fewer than two calls were judged: a line needs two points."""
    judged = [(at, e) for e in entries if e["kind"] == "call.decided" and (at := words.moment(str(e["ts"])))]
    if len(judged) < 2:
        return None
    times = [at.timestamp() for at, _ in judged]
    first, length = min(times), max(max(times) - min(times), 0.001)
    counts = {effect: sum(e.get("effect") == effect for _, e in judged) for effect in EFFECTS}
    dots = tuple(
        (
            round(1000 * (at.timestamp() - first) / length),
            EFFECTS.index(e["effect"]) if e.get("effect") in EFFECTS else 1,
            str(e.get("effect")),
            f"{words.clock(str(e['ts']))} {(e.get('body') or {}).get('headline') or e.get('tool')}: {e.get('effect')}",
        )
        for at, e in judged
    )
    start, end = (words.clock(str(e["ts"])) for _, e in (min(judged, key=_when), max(judged, key=_when)))
    said = f"{len(judged)} calls from {start} to {end}: "
    return Timeline(said + ", ".join(f"{count} {effect}" for effect, count in counts.items()), dots, start, end)


def _when(judged: tuple[datetime, Mapping[str, Any]]) -> datetime:
    return judged[0]


@signed_in
async def events(request: Request, visitor: Visitor) -> Response:
    """The log, newest first."""
    query = request.query_params
    chosen = {name: query[name] for name in FILTERS if query.get(name)}
    before = query.get("before", "")
    before_seq = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else 0
    store, text = guard_of(request).store, query.get("q", "").strip()
    if text:
        found = await run_in_threadpool(lambda: search(store, text, limit=SHOWN).events)
        found = [event for event in found if all(event.get(name) == value for name, value in chosen.items())]
    else:
        found = await run_in_threadpool(
            lambda: audit.read(store, after=before_seq, limit=SHOWN, newest_first=True, **chosen)
        )
    size, head = await run_in_threadpool(audit.head, store)
    frame = await everywhere(request, visitor, "audit")
    return page(
        "audit.html",
        entries=[Entry(event) for event in found],
        timeline=timeline(found) if "session" in chosen else None,
        chosen=chosen,
        text=text,
        asked=ASKED,
        effects=EFFECTS,
        earlier=found[-1]["seq"] if len(found) == SHOWN and not text else 0,
        size=size,
        head=head,
        **frame,
    )


@signed_in
async def call(request: Request, visitor: Visitor) -> Response:
    """Everything that the log says of one call, in order."""
    found = await run_in_threadpool(_life, guard_of(request).store, request.path_params["id"])
    if not found:
        raise HTTPException(404, "There is no such call.")
    frame = await everywhere(request, visitor, "audit")
    decided = next((event for event in found if event["kind"] == "call.decided"), found[0])
    body = decided.get("body") or {}
    return page(
        "call.html",
        entries=[Entry(event) for event in found],
        decided=decided,
        headline=body.get("headline") or decided.get("tool") or "Call",
        reasons=words.reasons(body.get("findings") or []),
        request_id=next((event["request_id"] for event in found if event.get("request_id")), ""),
        **frame,
    )


def _life(store: Database, call_id: str) -> Sequence[dict[str, Any]]:
    """Events of the call itself and of the request that it belongs to."""
    own = audit.read(store, call_id=call_id, limit=1_000)
    requests = {event["request_id"] for event in own if event.get("request_id")}
    others = [event for name in requests for event in audit.read(store, request_id=name, limit=1_000)]
    return sorted({event["seq"]: event for event in (*own, *others)}.values(), key=lambda event: event["seq"])


ROUTES: Final = [Route("/audit", events), Route("/audit/calls/{id}", call)]
