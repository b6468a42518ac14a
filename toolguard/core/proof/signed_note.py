"""Checkpoints as C2SP signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint): text that any witness can check.

    toolguard/<log id>
    <size>
    <root, base 64>
    head <hash of the newest event>
    time <ISO 8601>

    — toolguard/<log id> <base 64 of key hash and signature>

This file reads and writes the text; it neither signs nor verifies, so it needs no cryptography.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

_ED25519: Final = b"\x01"
"""Signature type of the note format."""
_NOTE: Final = re.compile(
    r"(?P<text>(?P<origin>toolguard/[0-9a-f]{32})\n(?P<size>[1-9][0-9]{0,17}|0)\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"head (?P<head>[0-9a-f]{64})\ntime (?P<time>[0-9TZ:.-]{20,30})\n)"
    r"\n\u2014 (?P<name>toolguard/[0-9a-f]{32}) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement about the whole log up to one event."""

    log_id: str
    size: int
    root: bytes
    head: str
    time: str

    @property
    def origin(self) -> str:
        return f"toolguard/{self.log_id}"

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\nhead {self.head}\ntime {self.time}\n"


def key_hash(origin: str, public_key: bytes) -> bytes:
    """The four bytes by which a note says which key signed it."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def write(checkpoint: Checkpoint, public_key: bytes, signature: bytes) -> str:
    """The note, given the signature of `checkpoint.text`."""
    return written(checkpoint, key_hash(checkpoint.origin, public_key), signature)


def written(checkpoint: Checkpoint, hash: bytes, signature: bytes) -> str:
    """The text of a note from what `read` and `find_all` give."""
    marked = base64.b64encode(hash + signature).decode()
    return f"{checkpoint.text}\n\u2014 {checkpoint.origin} {marked}\n"


def read(note: str) -> tuple[Checkpoint, bytes, bytes] | None:
    """The checkpoint, the key's hash and the signature of a note; None when it is none, to the letter."""
    found = _NOTE.fullmatch(note)
    if found is None or found["origin"] != found["name"]:
        return None
    try:
        root = base64.b64decode(found["root"], validate=True)
        signed = base64.b64decode(found["signature"], validate=True)
    except binascii.Error:
        return None
    checkpoint = Checkpoint(
        found["origin"].removeprefix("toolguard/"), int(found["size"]), root, found["head"], found["time"]
    )
    if checkpoint.text != found["text"] or base64.b64encode(signed).decode() != found["signature"]:
        return None  # another spelling of the same values, for example stray bits at the end of base 64
    return checkpoint, signed[:4], signed[4:]


def find_all(text: str) -> list[tuple[Checkpoint, bytes, bytes]]:
    """Every note that stands somewhere in a text, for example in a mail that a reviewer kept."""
    notes = (read(match[0]) for match in _NOTE.finditer(text.replace("\r\n", "\n")))
    return [note for note in notes if note is not None]
