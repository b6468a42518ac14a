"""Signed statements about the whole log: written when due, kept in the log's file and, the newest, in a file beside it.

A log that is shorter than its newest checkpoint, or does not lead to it, has been cut, rewritten or restored from a
backup; then no approval is claimed until a person confirms.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from toolguard.core.proof import signed_note
from toolguard.core.proof.signed_note import Checkpoint
from toolguard.core.proof.tree import Frontier
from toolguard.errors import StoreError
from toolguard.store import audit, meta
from toolguard.store.database import Database
from toolguard.store.signing import SigningKey
from toolguard.store.transaction import Row, Transaction

EVERY_EVENTS: Final = 64
EVERY_SECONDS: Final = 5.0
"""A checkpoint is written after so many events, but at most each second, and after so many seconds at the latest. What
is newer than the newest one has no witness yet."""
IDLE_SECONDS: Final = 3_600.0
"""A heartbeat: without one nobody could tell an idle log from a cut one."""
FIRST_KEY: Final = "a1"
FILE: Final = "audit-checkpoint.txt"
_BATCH: Final = 10_000


class Checkpoints:
    """Writes checkpoints of one database with the key of its home."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._home = database.path.parent
        self._key: SigningKey | None = None
        self._clock = clock
        self._written = clock()

    @property
    def key(self) -> SigningKey:
        """The key that signs now; another process may have changed it."""
        return self._loaded(meta.value(self._database, meta.AUDIT_KEY))

    def _loaded(self, key_id: str | None) -> SigningKey:
        if self._key is None or self._key.id != (key_id or FIRST_KEY):
            self._key = SigningKey(self._home, key_id or FIRST_KEY)
        return self._key

    def rotate(self, reason: str, **columns: str | None) -> SigningKey:
        """Let a new key sign from here on; the event carries both keys' signatures, and the old key is destroyed.

        Raises StoreError.
        """
        old = self.key
        new = SigningKey(self._home, f"a{int(old.id.removeprefix('a')) + 1}")
        with self._database.write(full=True) as tx:
            if (meta.held(tx, meta.AUDIT_KEY) or FIRST_KEY) != old.id:
                raise StoreError("another process changed the key just now", hint="look again, then repeat this")
            log_id = str(tx.all("SELECT log_id FROM audit_event LIMIT 1")[0]["log_id"])
            message = b"toolguard/key/v1\0" + log_id.encode() + b"\0" + new.public
            contents = {
                "key_id": new.id,
                "public_key": new.public.hex(),
                "replaces": old.id,
                "signed_by_old": old.sign(message).hex(),
                "signed_by_new": new.sign(message).hex(),
                "reason": reason,
            }
            audit.append(tx, "key.rotated", contents, **columns)
            meta.keep(tx, meta.AUDIT_KEY, new.id)
            self.write(tx)
            tx.after_commit.append(lambda: old.file.unlink(missing_ok=True))
        return new

    def write(self, tx: Transaction) -> Checkpoint | None:
        """A checkpoint over everything up to this moment of the transaction; None when there is nothing new."""
        frontier = _frontier(tx.one("SELECT * FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
        head, log_id = "", ""
        while True:
            rows = tx.all(
                "SELECT seq, row_hash, log_id FROM audit_event WHERE seq > ? ORDER BY seq LIMIT ?",
                (frontier.size, _BATCH),
            )
            for row in rows:
                frontier = frontier.append(bytes.fromhex(row["row_hash"]))
                head, log_id = row["row_hash"], row["log_id"]
            if len(rows) < _BATCH:
                break
        if not head:
            return None
        checkpoint = Checkpoint(log_id, frontier.size, frontier.root, head, tx.now)
        key = self._loaded(meta.held(tx, meta.AUDIT_KEY))
        note = signed_note.write(checkpoint, key.public, key.sign(checkpoint.text.encode()))
        tx.execute(
            "INSERT INTO audit_checkpoint (size, root, head, frontier, key_id, ts, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                checkpoint.size,
                checkpoint.root.hex(),
                head,
                "".join(part.hex() for part in frontier.hashes),
                key.id,
                tx.now,
                note,
            ),
        )
        tx.after_commit.append(lambda: self._keep_aside(note))
        self._written = self._clock()
        return checkpoint

    def write_if_due(self, *, now: bool = False) -> float:
        """Write one when enough has happened since the last, or anything at all with `now`; then look again in so many
        seconds. Raises StoreError."""
        last = newest(self._database)
        fresh = audit.head(self._database)[0] - (last["size"] if last is not None else 0)
        since = self._clock() - self._written
        if fresh > 0 and (now or fresh >= EVERY_EVENTS or since >= EVERY_SECONDS):
            with self._database.write(full=True) as tx:
                self.write(tx)
        elif fresh == 0 and since >= IDLE_SECONDS:
            with self._database.write(full=True) as tx:
                if last is None or _age(last["ts"], tx.now) >= IDLE_SECONDS:  # else another process was here
                    audit.append(tx, "log.heartbeat", {})
                    self.write(tx)
                self._written = self._clock()
        return 1.0 if fresh > 0 else EVERY_SECONDS

    def _keep_aside(self, note: str) -> None:
        """Replace the file beside the database: it remembers how far the log had come."""
        path = self._home / FILE
        aside = path.with_name(f".{FILE}.{os.getpid()}")
        with contextlib.suppress(OSError):  # the commit holds; an older witness is weaker, not wrong
            aside.write_text(note, encoding="utf-8")
            aside.chmod(0o600)
            aside.replace(path)

    def contradiction(self) -> str:
        """Why the log cannot be the one that was checkpointed; empty when it is."""
        path = self._home / FILE
        try:
            kept = signed_note.read(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            return f"`{path}` cannot be read"
        if kept is None:
            return f"`{path}` is no checkpoint"
        checkpoint = kept[0]
        rows = self._database.read("SELECT row_hash, log_id FROM audit_event WHERE seq = ?", (checkpoint.size,))
        if not rows:
            return f"the log is shorter than its newest checkpoint ({checkpoint.size} events)"
        if rows[0]["row_hash"] != checkpoint.head or rows[0]["log_id"] != checkpoint.log_id:
            return f"the log does not lead to its newest checkpoint ({checkpoint.size} events)"
        return ""


def _frontier(row: Row | None) -> Frontier:
    if row is None:
        return Frontier()
    hashes = row["frontier"]
    return Frontier(row["size"], tuple(bytes.fromhex(hashes[i : i + 64]) for i in range(0, len(hashes), 64)))


def _age(moment: str, now: str) -> float:
    """Seconds; endless for a moment that lies ahead, since a clock that was set back must not silence the log."""
    passed = (datetime.fromisoformat(now) - datetime.fromisoformat(moment)).total_seconds()
    return passed if passed >= 0 else float("inf")


def newest(database: Database) -> Row | None:
    """The newest checkpoint, with its size, root and note."""
    rows = database.read("SELECT * FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    return rows[0] if rows else None


def kept_note(home: Path) -> str:
    """The note in the file beside the database; empty when there is none."""
    try:
        return (home / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
