"""The verifier of the audit log: a second implementation that never calls the writer, since a mistake both share
proves nothing.

It checks bytes, not parsed values: each hash and link must hold, each signed checkpoint must be the root of what stands
before it, and the events must tell a story that the transition tables permit (no execution without exactly one
permission). Without a witness from outside, a rewrite of the whole log with the log's own key goes unseen; `anchored`
says whether there was one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from toolguard.core import signed_note
from toolguard.core.approvals import IllegalTransition, RequestEvent, RequestState
from toolguard.core.approvals import request_after as _after
from toolguard.core.signed_note import Checkpoint
from toolguard.store.signing import is_signed

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
    root: str = ""
    checkpoints: int = 0
    """Signed checkpoints that fit."""
    anchored_size: int = 0
    """Events that a witness from outside confirms; the ones after it have none yet."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def anchored(self) -> bool:
        return self.anchored_size > 0

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "root": self.root,
            "log_id": self.log_id,
            "checkpoints": self.checkpoints,
            "anchored": self.anchored,
            "anchored_size": self.anchored_size,
            "unanchored_events": self.events - self.anchored_size,
            "problems": [{"seq": problem.seq, "what": problem.what} for problem in self.problems],
        }


def verify(
    rows: Iterable[Mapping[str, Any]],
    *,
    state: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    anchors: Iterable[str] = (),
) -> Report:
    """Check rows of audit_event joined with their bodies, in order of seq.

    `state` maps request ids to the state that the tables hold; it is compared with the state that the events lead to.
    `notes` are the log's own signed checkpoints, `anchors` texts kept outside: notes, or `size/root` as in messages.
    Streams: memory grows with requests and checkpoints, not with rows.
    """
    report = Report()
    story = _Story(report)
    witnesses = _Witnesses(report, notes, anchors)
    for row in rows:
        _check_link(row, report)
        body = _check_body(row, report)
        witnesses.tell(row, body)
        story.tell(row, body)
    witnesses.end()
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


_SHORT_ANCHOR: Final = re.compile(r"(?<![0-9A-Za-z/+])([1-9][0-9]{0,17})/([0-9a-f]{64})(?![0-9a-f])")
"""`size/root` as approval messages carry it."""


class _Witnesses:
    """Compares the tree over the events with every statement about it. The tree is built anew here, as a stack of
    perfect subtrees, and shares no code with the writer's."""

    def __init__(self, report: Report, notes: Iterable[str], anchors: Iterable[str]) -> None:
        self._report = report
        self._stack: list[tuple[int, bytes]] = []
        self._keys: dict[bytes, bytes] = {}
        self._notes: dict[int, list[tuple[Checkpoint, bytes, bytes]]] = {}
        self._anchors: dict[int, list[tuple[bytes, str]]] = {}
        for text in notes:
            self._add_note(text)
        for text in anchors:
            self._add_anchor(text)

    def _add_note(self, text: str) -> None:
        note = signed_note.read(text)
        if note is None:
            self._report.problems.append(Problem(None, "a stored checkpoint is no signed note"))
        else:
            self._notes.setdefault(note[0].size, []).append(note)

    def _add_anchor(self, text: str) -> None:
        found = [(note[0].size, note[0].root, note[0].log_id) for note in signed_note.find_all(text)]
        found += [(int(size), bytes.fromhex(root), "") for size, root in _SHORT_ANCHOR.findall(text)]
        if not found:
            self._report.problems.append(Problem(None, "an anchor holds no checkpoint"))
        for size, root, log_id in found:
            self._anchors.setdefault(size, []).append((root, log_id))

    def tell(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if row["kind"] == "log.opened" and row["seq"] == 1 and isinstance(body.get("public_key"), str):
            self._trust(body["public_key"])
        level, entry = 0, hashlib.sha256(b"\x00" + _bytes(row["row_hash"])).digest()
        while self._stack and self._stack[-1][0] == level:
            entry = hashlib.sha256(b"\x01" + self._stack.pop()[1] + entry).digest()
            level += 1
        self._stack.append((level, entry))
        size = self._report.events
        for note in self._notes.pop(size, ()):
            self._check_note(note)
        for root, log_id in self._anchors.pop(size, ()):
            if root != self._root() or log_id not in ("", self._report.log_id):
                self._report.problems.append(Problem(size, "an anchor from outside shows another log up to here"))
            else:
                self._report.anchored_size = max(size, self._report.anchored_size)

    def _trust(self, public_key: str) -> None:
        key = _bytes(public_key)
        self._keys[signed_note.key_hash(f"toolguard/{self._report.log_id}", key)] = key

    def _check_note(self, note: tuple[Checkpoint, bytes, bytes]) -> None:
        checkpoint, key_hash, signature = note
        size = checkpoint.size
        key = self._keys.get(key_hash)
        if key is None or not is_signed(key, checkpoint.text.encode(), signature):
            self._report.problems.append(Problem(size, "the checkpoint here is not signed by the log's key"))
        elif (checkpoint.root, checkpoint.head, checkpoint.log_id) != (
            self._root(),
            self._report.head,
            self._report.log_id,
        ):
            self._report.problems.append(Problem(size, "the signed checkpoint here shows another log"))
        else:
            self._report.checkpoints += 1

    def _root(self) -> bytes:
        root = b""
        for _, subtree in reversed(self._stack):
            root = hashlib.sha256(b"\x01" + subtree + root).digest() if root else subtree
        return root

    def end(self) -> None:
        self._report.root = self._root().hex()
        for size in sorted(self._notes.keys() | self._anchors.keys()):
            which = "an anchor from outside" if size in self._anchors else "a signed checkpoint"
            what = f"{which} knows {size} events, the log ends at {self._report.events}: its tail was cut"
            self._report.problems.append(Problem(None, what))


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


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
        self._grants: dict[str, int] = {}
        """Uses that are left of each grant."""

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
        elif kind == "grant.created":
            self._grants[row["grant_id"]] = int(body.get("uses", 0))
        elif kind == "grant.revoked":
            self._grants.pop(row["grant_id"], None)
        elif kind == "grant.used":
            self._use_grant(seq, row)
        elif kind == "execution.dispatched":
            self._dispatch(seq, row)

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

    def _problem(self, seq: int | None, what: str) -> None:
        self._report.problems.append(Problem(seq, what))
