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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from toolguard.store.copies import WHOLE, Kept, Start
from toolguard.store.removed import Removed
from toolguard.store.report import Problem, Report
from toolguard.store.verify_anchors import Anchor, Trust
from toolguard.store.verify_story import Story
from toolguard.store.verify_witnesses import Witnesses

__all__ = ["Problem", "Report", "verify"]

_HEADER: Final = (
    "seq", "v", "log_id", "ts", "kind", "agent", "person", "session", "server", "tool", "reviewer", "channel",
    "call_id", "request_id", "execution_id", "grant_id", "effect", "score", "outcome", "call_fp", "policy_digest",
    "body_hash", "prev_hash",
)  # fmt: skip


def verify(
    rows: Iterable[Mapping[str, Any]],
    *,
    state: Mapping[str, str] | None = None,
    votes: frozenset[tuple[str, str, str, str]] | None = None,
    keys: frozenset[tuple[str, str]] | None = None,
    checkpoints: Sequence[Kept] = (),
    start: Start = WHOLE,
    notes: Iterable[str] = (),
    anchors: Iterable[Anchor] = (),
    trust: Trust = Trust(),
) -> Report:
    """Check rows of audit_event joined with their bodies, in order of seq.

    `state` maps request ids to the state that the tables hold; `votes`, `keys` and `checkpoints` are those of
    the tables: all are compared with what the events lead to. A `start` beyond the first
    event makes it a part: hashes and checkpoints only.
    `notes` are the log's own signed checkpoints, `anchors` what was kept outside: notes, `size/root` as in messages,
    receipts, time stamps; `trust` says whose signatures on them count.
    Streams: memory grows with requests and checkpoints, not with rows.
    """
    report = Report(events=start.first - 1, head=start.prev_hash, is_part=start.first > 1)
    story, removed = Story(report), Removed(report)
    witnesses = Witnesses(report, notes, anchors, start, trust, checkpoints)
    for row in rows:
        _check_link(row, report)
        body = _check_body(row, report, removed)
        witnesses.tell(row, body)
        removed.tell(row, body)
        if not report.is_part:
            story.tell(row, body)
    witnesses.end()
    removed.end()
    if state is not None:
        story.compare(state)
    if votes is not None:
        story.compare_votes(votes)
    if keys is not None:
        story.compare_keys(keys)
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


def _check_body(row: Mapping[str, Any], report: Report, removed: Removed) -> Mapping[str, Any]:
    text = row["body"]
    if text is None:
        removed.miss(row["seq"], row["kind"])
        return {}
    if hashlib.sha256(b"toolguard/body/v1\0" + text.encode("utf-8", "surrogatepass")).hexdigest() != row["body_hash"]:
        report.problems.append(Problem(row["seq"], "its contents were changed after they were written"))
        return {}
    body: Mapping[str, Any] = json.loads(text)
    return body
