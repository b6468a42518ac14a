"""The proof that one event stands in the log: a small file that verifies without the database and without toolguard.

docs/audit.md shows the thirty lines that check it. Contents stand in it as the very text that is hashed.
"""

from __future__ import annotations

from typing import Final

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.core.proof import tree
from toolguard.errors import StoreError
from toolguard.store import audit
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database

FORMAT: Final = "toolguard/proof/v1"


def prove(database: Database, checkpoints: Checkpoints, seq: int) -> dict[str, Json]:
    """The event, the hashes that lead from it to a signed checkpoint, and the checkpoint; one is written when the
    event is newer than all.

    Raises StoreError when there is no such event.
    """
    rows = database.read(
        "SELECT e.*, b.body FROM audit_event e LEFT JOIN audit_body b USING (seq) WHERE seq = ?", (seq,)
    )
    if not rows:
        raise StoreError(f"there is no event {seq}", hint="`toolguard audit list` shows the newest")
    with database.write(full=True) as tx:
        note = tx.one("SELECT size, note, key_id FROM audit_checkpoint WHERE size >= ? ORDER BY size LIMIT 1", (seq,))
        if note is None:
            checkpoints.write(tx)
            note = tx.one("SELECT size, note, key_id FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    if note is None:  # an event without a checkpoint after it was just given one
        raise StoreError("no checkpoint could be written", hint="run `toolguard audit verify`")
    leaves = [
        tree.leaf(bytes.fromhex(row["row_hash"]))
        for row in database.stream("SELECT row_hash FROM audit_event WHERE seq <= ? ORDER BY seq", (note["size"],))
    ]
    event = rows[0]
    return {
        "format": FORMAT,
        "header": {name: event[name] for name in audit.COLUMNS[:-1] if event[name] is not None},
        "body": event["body"],
        "path": [step.hex() for step in tree.inclusion_proof(leaves, seq - 1)],
        "checkpoint": note["note"],
        "public_key": _public_key(database, note["key_id"]),
    }


def _public_key(database: Database, key_id: str) -> str:
    rows = database.read(
        "SELECT b.body FROM audit_event e JOIN audit_body b USING (seq) WHERE e.seq = 1 OR e.kind = 'key.rotated'"
    )
    keys = [parse(row["body"]) for row in rows]
    return next((str(key["public_key"]) for key in keys if key.get("key_id") == key_id), "")
