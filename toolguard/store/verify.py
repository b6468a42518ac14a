"""The verifier of the audit log: a second implementation that never calls the writer, since a mistake both share
proves nothing.

It checks bytes, not parsed values: each body must be canonical as stored, each hash and link must hold, and the events
must tell a story that the transition tables permit (no execution without exactly one permission).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from toolguard.core.approvals import IllegalTransition, RequestEvent, RequestState
from toolguard.core.approvals import request_after as _after

_HEADER: Final = (
    "seq", "v", "log_id", "ts", "kind", "agent", "person", "session", "server", "tool", "reviewer", "channel",
    "call_id", "request_id", "execution_id", "grant_id", "effect", "score", "outcome", "call_fp", "policy_digest",
    "body_hash", "prev_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    seq: int | None
    what: str


@dataclass(slots=True)
class Report:
    """What the verifier found; `ok` says that nothing contradicts the log, `anchored` that something outside agrees."""

    events: int = 0
    head: str = "0" * 64
    log_id: str = ""
    anchored: bool = False
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "log_id": self.log_id,
            "anchored": self.anchored,
            "problems": [{"seq": problem.seq, "what": problem.what} for problem in self.problems],
        }


def verify(rows: Iterable[Mapping[str, Any]], *, state: Mapping[str, str] | None = None) -> Report:
    """Check rows of audit_event joined with their bodies, in order of seq.

    `state` maps open and ended request ids to the state that the tables hold; it is compared with the state that the
    events lead to. Streams: memory grows with requests, not with rows.
    """
    report = Report()
    story = _Story(report)
    for row in rows:
        _check_link(row, report)
        body = _check_body(row, report)
        story.tell(row, body)
    if state is not None:
        story.compare(state)
    return report


def _check_link(row: Mapping[str, Any], report: Report) -> None:
    seq = row["seq"]
    expected = report.events + 1
    if seq != expected:
        report.problems.append(Problem(seq, f"event {expected} is missing: the log continues with {seq}"))
    if row["prev_hash"] != report.head:
        report.problems.append(Problem(seq, "does not follow from the event before it"))
    if report.log_id and row["log_id"] != report.log_id:
        report.problems.append(Problem(seq, "belongs to another log"))
    header = {name: row[name] for name in _HEADER if row[name] is not None}
    encoded = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if (
        hashlib.sha256(b"toolguard/event/v1\0" + encoded.encode("utf-8", "surrogatepass")).hexdigest()
        != row["row_hash"]
    ):
        report.problems.append(Problem(seq, "was changed after it was written"))
    report.events, report.head, report.log_id = seq, row["row_hash"], report.log_id or row["log_id"]


def _check_body(row: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    text = row["body"]
    if text is None:
        report.problems.append(Problem(row["seq"], "has lost its contents, and no retention covers it"))
        return {}
    if hashlib.sha256(b"toolguard/body/v1\0" + text.encode("utf-8", "surrogatepass")).hexdigest() != row["body_hash"]:
        report.problems.append(Problem(row["seq"], "its contents were changed after they were written"))
        return {}
    body: Mapping[str, Any] = json.loads(text)
    return body


_REQUEST_EVENTS: Final = {
    "approval.approved": RequestEvent.APPROVE,
    "approval.denied": RequestEvent.DENY,
    "approval.expired": RequestEvent.EXPIRE,
    "approval.cancelled": RequestEvent.CANCEL,
    "approval.revoked": RequestEvent.REVOKE,
    "approval.stale": RequestEvent.DRIFT,
}


class _Story:
    """Replays the events over the transition table."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._requests: dict[str, RequestState] = {}
        self._fingerprints: dict[str, str | None] = {}
        self._permitted: set[str] = set()
        self._claimed: set[str] = set()

    def tell(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        kind, seq, request_id = row["kind"], row["seq"], row["request_id"]
        if kind == "call.decided" and row["effect"] == "allow":
            self._permitted.add(row["call_id"])
        elif kind == "approval.requested":
            self._requests[request_id] = RequestState.PENDING
            self._fingerprints[request_id] = row["call_fp"]
        elif kind in _REQUEST_EVENTS:
            self._move(seq, request_id, _REQUEST_EVENTS[kind])
        elif kind == "execution.claimed" and request_id is not None:
            self._move(seq, request_id, RequestEvent.CLAIM)
            if self._fingerprints.get(request_id) != row["call_fp"]:
                self._problem(seq, "claims a permission that was given for another call")
            self._claimed.add(row["execution_id"])
        elif kind == "execution.dispatched":
            self._dispatch(seq, row)

    def _dispatch(self, seq: int, row: Mapping[str, Any]) -> None:
        if row["request_id"] is not None or row["grant_id"] is not None:
            if row["execution_id"] not in self._claimed:
                self._problem(seq, "an execution without a claimed permission")
            self._claimed.discard(row["execution_id"])
        elif row["call_id"] in self._permitted:
            self._permitted.discard(row["call_id"])
        else:
            self._problem(seq, "an execution of a call that was not allowed")

    def _move(self, seq: int, request_id: str, happened: RequestEvent) -> None:
        before = self._requests.get(request_id)
        if before is None:
            self._problem(seq, f"a request that was never made: {request_id}")
            return
        try:
            self._requests[request_id] = _after(before, happened)
        except IllegalTransition as error:
            self._problem(seq, str(error))

    def compare(self, state: Mapping[str, str]) -> None:
        for request_id, told in self._requests.items():
            kept = state.get(request_id)
            if kept != told:
                self._problem(None, f"request {request_id} is stored as {kept}, the log says {told}")
        for request_id in state.keys() - self._requests.keys():
            self._problem(None, f"request {request_id} is not in the log")

    def _problem(self, seq: int | None, what: str) -> None:
        self._report.problems.append(Problem(seq, what))
