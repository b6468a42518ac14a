"""What witnesses outside were told, and what they answered: events of the log, written by whoever told them.

A receipt repeats the checkpoint, so that a copy of it, kept elsewhere, is an anchor by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.store import audit, meta
from toolguard.store.database import Database
from toolguard.store.transaction import Transaction

FORMAT: Final = "toolguard/receipt/v1"


@dataclass(frozen=True, slots=True)
class Told:
    """How one attempt to tell a witness ended."""

    anchor: str
    kind: str
    """`file`, `webhook` or `rfc3161`."""
    note: str
    """The signed checkpoint that it was told."""
    answer: str = ""
    """A time stamp in base 64, the lines that a witness signed, or what it said; empty for a file."""
    error: str = ""


def last(database: Database, anchor: str) -> tuple[int, str]:
    """Up to which event this witness knows the log, and since when; (0, "") when it knows nothing."""
    kept = meta.value(database, f"anchor:{anchor}")
    size, _, moment = (kept or "0 ").partition(" ")
    return int(size), moment


def record(tx: Transaction, told: Told, size: int) -> None:
    """The event; of failures only the first of a row, since an unreachable witness would fill the log."""
    failing, key = f"anchor-fails:{told.anchor}", f"anchor:{told.anchor}"
    contents = {"anchor": told.anchor, "kind": told.kind, "size": size}
    if told.error:
        if meta.held(tx, failing) is None:
            meta.keep(tx, failing, tx.now)
            audit.append(tx, "anchor.failed", {**contents, "error": told.error})
        return
    meta.drop(tx, failing)
    meta.keep(tx, key, f"{size} {tx.now}")
    audit.append(tx, "anchor.made", {**contents, "note": told.note, "answer": told.answer})


def receipts(database: Database) -> Iterator[dict[str, Json]]:
    """Every receipt, the oldest first, to keep elsewhere."""
    rows = database.stream(
        "SELECT e.seq, e.ts, b.body FROM audit_event e JOIN audit_body b USING (seq) "
        "WHERE e.kind = 'anchor.made' ORDER BY e.seq"
    )
    for row in rows:
        body = parse(row["body"])
        kept = {name: body[name] for name in ("anchor", "kind", "size", "note", "answer")}
        yield {"format": FORMAT, "at": row["ts"], "seq": row["seq"], **kept}
