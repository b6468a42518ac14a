"""Part of the verifier: the events must tell a story that the transition tables permit, about the calls they name.

Fingerprints and digests are computed anew from the contents, where these are still there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolguard.core.approvals import IllegalTransition, RequestEvent, RequestState
from toolguard.core.approvals import request_after as _after
from toolguard.core.canonical import call_fingerprint_of, digest
from toolguard.core.model import Principal
from toolguard.store.report import Problem, Report
from toolguard.store.verify_proven import ProvenVotes

_BESIDE_REQUEST: Final = frozenset({"request_digest", "code", "view", "salt"})
"""Members of the event that the request's digest does not cover by themselves."""
_REQUEST_EVENTS: Final = {
    "approval.approved": RequestEvent.APPROVE,
    "approval.denied": RequestEvent.DENY,
    "approval.expired": RequestEvent.EXPIRE,
    "approval.cancelled": RequestEvent.CANCEL,
    "approval.revoked": RequestEvent.REVOKE,
    "approval.stale": RequestEvent.DRIFT,
}


class Story:
    """Replays the events over the transition table."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._requests: dict[str, RequestState] = {}
        self._fingerprints: dict[str, str | None] = {}
        self._permitted: set[str] = set()
        self._claimed: set[str] = set()
        self._grants: dict[str, int] = {}
        """Uses that are left of each grant."""
        self._digests: dict[str, str] = {}
        """Of each request, from its contents."""
        self._votes: dict[tuple[str, str, str], str] = {}
        """Digest of each vote by request, reviewer and choice."""
        self._votes_without_contents: set[tuple[str, str]] = set()
        self._proven = ProvenVotes()

    def tell(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        kind, seq, request_id = row["kind"], row["seq"], row["request_id"]
        if kind == "call.decided":
            self._decide(row, body)
        elif kind == "approval.requested":
            self._requests[request_id] = RequestState.PENDING
            self._fingerprints[request_id] = row["call_fp"]
            self._request(row, body)
        elif kind == "vote.cast":
            self._vote(row, body)
        elif kind in _REQUEST_EVENTS:
            self._answer(seq, request_id, kind)
        elif kind == "execution.claimed" and request_id is not None:
            self._move(seq, request_id, RequestEvent.CLAIM)
            if self._fingerprints.get(request_id) != row["call_fp"]:
                self._problem(seq, "claims a permission that was given for another call")
            self._claimed.add(row["execution_id"])
        elif kind == "execution.dispatched":
            self._dispatch(seq, row)
        elif kind.startswith("grant."):
            self._grant(row, body)
        else:
            self._note(seq, self._proven.change(row, body))

    def _answer(self, seq: int, request_id: str, kind: str) -> None:
        self._move(seq, request_id, _REQUEST_EVENTS[kind])
        if kind == "approval.approved":
            whole = all(request != request_id for request, _ in self._votes_without_contents)
            self._note(seq, self._proven.approved(request_id, has_all_contents=whole))

    def _grant(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if row["kind"] == "grant.created":
            self._grants[row["grant_id"]] = int(body.get("uses", 0))
        elif row["kind"] == "grant.revoked":
            self._grants.pop(row["grant_id"], None)
        elif row["kind"] == "grant.used":
            self._use_grant(row["seq"], row)

    def _decide(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if row["effect"] == "allow":
            self._permitted.add(row["call_id"])
        if {"arguments", "params", "definition_fp"} <= body.keys():
            principal = Principal(row["agent"], row["person"], row["session"])
            found = call_fingerprint_of(
                row["server"], row["tool"], body["definition_fp"], body["arguments"], body["params"], principal
            )
            if found != row["call_fp"]:
                self._problem(row["seq"], "its fingerprint is not that of the call it shows")

    def _request(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        self._proven.request(row, body)
        if not {"view", "request_digest", "nonce"} <= body.keys():
            return
        bound = {name: value for name, value in body.items() if name not in _BESIDE_REQUEST}
        bound["shown"] = digest("toolguard/shown/v1", body["view"])
        if digest("toolguard/request/v1", bound) != body["request_digest"]:
            self._problem(row["seq"], "the request's digest is not that of what it shows")
        self._digests[row["request_id"]] = body["request_digest"]

    def _vote(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        request_id, reviewer = row["request_id"], row["reviewer"]
        if "vote_digest" not in body:
            self._votes_without_contents.add((request_id, reviewer))
            return
        terms = body.get("grant") or {}
        bound = {
            "request_digest": body["request_digest"],
            "choice": body["choice"],
            "grant": terms.get("predicate"),
            "uses": terms.get("uses"),
            "expiry": terms.get("expiry"),
        }
        if digest("toolguard/vote/v1", bound) != body["vote_digest"]:
            self._problem(row["seq"], "the vote's digest is not that of the vote")
        if self._digests.get(request_id, body["request_digest"]) != body["request_digest"]:
            self._problem(row["seq"], "a vote for another request than the one it stands at")
        self._votes[request_id, reviewer, body["choice"]] = body["vote_digest"]
        self._note(row["seq"], self._proven.vote(row, body))

    def _use_grant(self, seq: int, row: Mapping[str, Any]) -> None:
        left = self._grants.get(row["grant_id"], 0)
        if left < 1:
            self._problem(seq, "uses a grant that was never made, is used up, or was revoked")
        else:
            self._grants[row["grant_id"]] = left - 1
            self._claimed.add(row["execution_id"])

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

    def compare_votes(self, kept: frozenset[tuple[str, str, str, str]]) -> None:
        """The votes of the tables with those of the log."""
        told = {(*key, vote_digest) for key, vote_digest in self._votes.items()}
        for request_id, reviewer, choice, _ in sorted(kept - told):
            if (request_id, reviewer) not in self._votes_without_contents:
                self._problem(None, f"the stored vote of {reviewer} on {request_id} ({choice}) is not in the log")
        for request_id, reviewer, choice, _ in sorted(told - kept):
            self._problem(None, f"the vote of {reviewer} on {request_id} ({choice}) is in the log and not stored")

    def compare_keys(self, kept: frozenset[tuple[str, str]]) -> None:
        """Reviewers' keys of the tables with those of the log."""
        for what in sorted(self._proven.compare(kept)):
            self._problem(None, what)

    def _note(self, seq: int, what: str) -> None:
        if what:
            self._problem(seq, what)

    def _problem(self, seq: int | None, what: str) -> None:
        self._report.problems.append(Problem(seq, what))
