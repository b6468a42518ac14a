"""Part of the verifier: what stands outside the log and says how it looked once.

An auditor brings it (a note, `size/root`, a receipt, a time stamp), or the log holds it itself and only its signature
by somebody else gives it weight: a time stamp under an authority, or lines of a witness, whose keys the auditor names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from toolguard.core.proof import cosignature, signed_note
from toolguard.core.proof.cosignature import WitnessKey
from toolguard.core.proof.signed_note import Checkpoint
from toolguard.store import timestamps
from toolguard.store.signing import is_signed
from toolguard.store.timestamps import NoStamp, Stamp

Anchor = str | bytes
"""A text, or a time stamp as its authority sent it."""
CLOCK_SECONDS: Final = 3_600.0
"""How far a time stamp may be from the event that holds it; whoever records one allows less."""
_SHORT: Final = re.compile(r"(?<![0-9A-Za-z/+])([1-9][0-9]{0,17})/([0-9a-f]{64})(?![0-9a-f])")
"""`size/root` as approval messages carry it."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the auditor believes."""

    authorities: bytes = b""
    """Roots of time-stamping authorities, in PEM."""
    witnesses: tuple[WitnessKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody outside saw this root at this size."""

    size: int
    root: bytes
    log_id: str
    """Empty where the statement does not say."""
    by: str
    at: str = ""


@dataclass(slots=True)
class Outside:
    """What was brought, read."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(anchors: Iterable[Anchor], notes: Iterable[str], trust: Trust) -> Outside:
    """Everything that the anchors say. A time stamp speaks about a note of the log, or about another anchor."""
    outside, stamps = Outside(), list[bytes]()
    meant = {_digest(note): signed_note.find_all(note) for note in notes}
    for anchor in anchors:
        if isinstance(anchor, bytes):
            stamps.append(anchor)
            continue
        before = len(outside.statements)
        meant[_digest(anchor)] = signed_note.find_all(anchor)
        for text in _texts(anchor):
            for note in signed_note.find_all(text):
                meant[_digest(signed_note.written(*note))] = [note]
                outside.statements += _of_note(note[0], text, trust)
            outside.statements += [
                Statement(int(size), bytes.fromhex(root), "", "a message") for size, root in _SHORT.findall(text)
            ]
        stamps += _stamps(anchor) if trust.authorities else []
        if len(outside.statements) == before:
            outside.problems.append("an anchor holds no checkpoint")
    for stamp in stamps:
        _read_stamp(stamp, meant, trust, outside)
    return outside


def _read_stamp(
    content: bytes, meant: Mapping[bytes, list[tuple[Checkpoint, bytes, bytes]]], trust: Trust, outside: Outside
) -> None:
    try:
        digest = timestamps.read(content).digest
        stamp = timestamps.verified(content, digest, trust.authorities)
    except NoStamp as error:
        outside.problems.append(f"a time stamp cannot be believed: {error}")
        return
    notes = meant.get(digest, [])
    outside.statements += [_stamped(note[0], stamp) for note in notes]
    if not notes:
        outside.problems.append("a time stamp is for no checkpoint of this log and for none of the other anchors")


def of_receipt(row: Mapping[str, Any], body: Mapping[str, Any], trust: Trust) -> Outside:
    """What a receipt in the log itself proves; nothing where nobody whom the auditor believes has signed it."""
    outside = Outside()
    note = signed_note.read(str(body.get("note", "")))
    if note is None:
        outside.problems.append("holds no checkpoint")
    elif body.get("kind") == "rfc3161":
        _check_stamp(row, body, note[0], trust, outside)
    else:
        outside.statements += _cosigned(note[0], str(body.get("answer", "")), trust)
    return outside


def _check_stamp(
    row: Mapping[str, Any], body: Mapping[str, Any], checkpoint: Checkpoint, trust: Trust, outside: Outside
) -> None:
    if not trust.authorities:
        return
    try:
        content = base64.b64decode(str(body.get("answer")), validate=True)
        digest = _digest(str(body["note"]))
        if timestamps.read(content).digest != digest:
            outside.problems.append("its time stamp is for something else")
            return
        stamp = timestamps.verified(content, digest, trust.authorities)
    except (NoStamp, binascii.Error):
        return  # another authority's, perhaps; it counts for nothing
    if abs((stamp.at - datetime.fromisoformat(row["ts"])).total_seconds()) > CLOCK_SECONDS:
        outside.problems.append(f"its time stamp was made at {_iso(stamp.at)}, the event says {row['ts']}")
    outside.statements.append(_stamped(checkpoint, stamp))


def _of_note(checkpoint: Checkpoint, text: str, trust: Trust) -> Iterator[Statement]:
    yield Statement(checkpoint.size, checkpoint.root, checkpoint.log_id, "a note", checkpoint.time)
    yield from _cosigned(checkpoint, text, trust)


def _cosigned(checkpoint: Checkpoint, text: str, trust: Trust) -> Iterator[Statement]:
    for line in cosignature.lines(text):
        for key in trust.witnesses:
            found = cosignature.read(line, key, checkpoint.text)
            if found is not None and is_signed(key.public, found.message, found.signature):
                at = _iso(datetime.fromtimestamp(found.seconds, UTC)) if found.seconds is not None else ""
                yield Statement(checkpoint.size, checkpoint.root, checkpoint.log_id, f"witness {key.name}", at)


def _stamped(checkpoint: Checkpoint, stamp: Stamp) -> Statement:
    by = f"time stamp of {stamp.authority or 'an authority'}"
    return Statement(checkpoint.size, checkpoint.root, checkpoint.log_id, by, _iso(stamp.at))


def _documents(text: str) -> list[Any]:
    """The JSON that a text is, as a whole or line by line; nothing when it is none."""
    for parts in ([text], [line for line in text.splitlines() if line.strip()]):
        try:
            return [json.loads(part) for part in parts]
        except (ValueError, RecursionError):
            continue
    return []


def _texts(anchor: str) -> Iterator[str]:
    """The anchor, or each text inside it where it is JSON: an escaped line break is one there."""
    pending = _documents(anchor)
    if not any(isinstance(document, dict | list) for document in pending):
        yield anchor
        return
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("note"), str) and isinstance(value.get("answer"), str):
                value = {**value, "note": value["note"] + value["answer"]}  # what a witness put under the note
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str):
            yield value


def _stamps(anchor: str) -> list[bytes]:
    """The time stamps of receipts."""
    found = []
    for document in _documents(anchor):
        for receipt in document if isinstance(document, list) else [document]:
            if isinstance(receipt, dict) and receipt.get("kind") == "rfc3161":
                try:
                    found.append(base64.b64decode(str(receipt.get("answer")), validate=True))
                except binascii.Error:
                    found.append(b"")
    return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
