"""What the verifier found, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
    witnesses: list[dict[str, Any]] = field(default_factory=list)
    """Each statement from outside that fits: up to which event, whose it is, and when they saw it."""
    receipts: int = 0
    """Receipts in the log itself, whoever signed them."""
    waiting: int = 0
    """Entries that are committed and not yet in the log: a copy was made, or a process killed, at that moment."""
    removed: int = 0
    """Events whose contents retention took, as the log itself says."""
    keys: list[str] = field(default_factory=list)
    """Public keys of the log, in the order in which they became valid."""
    is_part: bool = False
    """Only hashes and checkpoints were compared: the beginning of the story is not here."""
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
            "witnesses": self.witnesses,
            "receipts": self.receipts,
            "waiting": self.waiting,
            "removed": self.removed,
            "keys": self.keys,
            "is_part": self.is_part,
            "problems": [{"seq": problem.seq, "what": problem.what} for problem in self.problems],
        }
