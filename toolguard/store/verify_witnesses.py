"""Part of the verifier: the tree over the events, compared with every statement that was made about it.

The tree is built anew here, as a stack of perfect subtrees, and shares no code with the writer's. A checkpoint counts
only under the key that is valid at its size: a rotation, signed by the old and the new key, ends the old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from toolguard.core.proof import signed_note
from toolguard.core.proof.signed_note import Checkpoint
from toolguard.store.copies import Kept, Start
from toolguard.store.report import Problem, Report
from toolguard.store.signing import is_signed
from toolguard.store.verify_anchors import Anchor, Statement, Trust, of_receipt
from toolguard.store.verify_anchors import read as read_anchors

ROTATION_TAG: Final = b"toolguard/key/v1\0"
"""Both keys sign this, the log's id, NUL, and the new public key."""


class Witnesses:
    """Takes the events in order; `end` reports what nobody confirmed that should have been."""

    def __init__(
        self,
        report: Report,
        notes: Iterable[str],
        anchors: Iterable[Anchor],
        start: Start,
        trust: Trust,
        kept: Sequence[Kept],
    ) -> None:
        self._report = report
        self._start = start
        self._believed = trust
        self._kept: dict[int, list[Kept]] = {}
        for one in kept:
            self._kept.setdefault(one.size, []).append(one)
        self._stack = _stack(report, start)
        self._keys: dict[bytes, bytes] = {}
        self._part_keys = [_bytes(key) for key in start.keys] if start.first > 1 else []
        self._notes: dict[int, list[tuple[Checkpoint, bytes, bytes]]] = {}
        self._roots: dict[int, tuple[bytes, str]] = {}
        """Root and log of each checkpoint that fits, by size."""
        self._anchors: dict[int, list[Statement]] = {}
        notes = list(notes)
        for text in notes:
            self._add_note(text)
        outside = read_anchors(anchors, notes, trust)
        for statement in outside.statements:
            self._anchors.setdefault(statement.size, []).append(statement)
        report.problems += [Problem(None, what) for what in outside.problems]

    def _add_note(self, text: str) -> None:
        note = signed_note.read(text)
        if note is None:
            self._report.problems.append(Problem(None, "a stored checkpoint is no signed note"))
        else:
            self._notes.setdefault(note[0].size, []).append(note)

    def tell(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if row["kind"] == "log.opened" and row["seq"] == 1 and isinstance(body.get("public_key"), str):
            self._trust(_bytes(body["public_key"]))
        for key in self._part_keys:
            self._trust(key)
        self._part_keys = []
        level, entry = 0, hashlib.sha256(b"\x00" + _bytes(row["row_hash"])).digest()
        while self._stack and self._stack[-1][0] == level:
            entry = hashlib.sha256(b"\x01" + self._stack.pop()[1] + entry).digest()
            level += 1
        self._stack.append((level, entry))
        if row["kind"] == "key.rotated":
            self._rotate(row, body)
        size = self._report.events
        for note in self._notes.pop(size, ()):
            self._check_note(note)
        self._check_columns(size)
        for statement in self._anchors.pop(size, ()):
            if statement.root != self._root() or statement.log_id not in ("", self._report.log_id):
                self._report.problems.append(Problem(size, "an anchor from outside shows another log up to here"))
            else:
                self._believe(statement)
        if row["kind"] == "anchor.made":
            self._receipt(row, body)

    def _believe(self, statement: Statement) -> None:
        self._report.anchored_size = max(statement.size, self._report.anchored_size)
        self._report.witnesses.append({"size": statement.size, "by": statement.by, "at": statement.at})

    def _receipt(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """A receipt repeats a checkpoint of before; the whole of it counts under somebody else's signature only."""
        self._report.receipts += 1
        note = signed_note.read(str(body.get("note", "")))
        if note is not None and note[0].size < self._start.first:
            return  # about what stands before this part
        if note is not None and self._roots.get(note[0].size) != (note[0].root, note[0].log_id):
            self._report.problems.append(Problem(row["seq"], "its receipt is for a checkpoint that this log never had"))
            return
        outside = of_receipt(row, body, self._believed)
        for statement in outside.statements:
            self._believe(statement)
        self._report.problems += [Problem(row["seq"], what) for what in outside.problems]

    def _rotate(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """From here on only the new key counts, if the old one said so and the new one agrees."""
        key = _bytes(str(body.get("public_key", "")))
        message = ROTATION_TAG + self._report.log_id.encode() + b"\0" + key
        by_old, by_new = (_bytes(str(body.get(name, ""))) for name in ("signed_by_old", "signed_by_new"))
        if any(is_signed(old, message, by_old) for old in self._keys.values()) and is_signed(key, message, by_new):
            self._keys.clear()
            self._trust(key)
        else:
            self._report.problems.append(Problem(row["seq"], "changes the log's key without the old key's signature"))

    def _trust(self, key: bytes) -> None:
        self._report.keys.append(key.hex())
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
            self._roots[size] = (checkpoint.root, checkpoint.log_id)

    def _check_columns(self, size: int) -> None:
        frontier = "".join(subtree.hex() for _, subtree in self._stack)
        for kept in self._kept.get(size, ()):
            note = signed_note.read(str(kept.note))
            told = note[0].size if note is not None else size
            if (told, kept.root, kept.head, kept.frontier) != (size, self._root().hex(), self._report.head, frontier):
                self._report.problems.append(
                    Problem(size, "the stored checkpoint here says something else than the log")
                )

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


def _stack(report: Report, start: Start) -> list[tuple[int, bytes]]:
    """The subtrees before the part: one for each bit of their number."""
    before = start.first - 1
    levels = [level for level in range(before.bit_length() - 1, -1, -1) if before >> level & 1]
    if len(levels) != len(start.tree):
        report.problems.append(Problem(None, "the part does not say what stands before it"))
        return []
    return [(level, _bytes(text)) for level, text in zip(levels, start.tree, strict=True)]


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
