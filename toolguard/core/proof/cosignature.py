"""What witnesses put under a checkpoint: signatures of other keys (c2sp.org/signed-note, c2sp.org/tlog-cosignature).

This file knows how keys and lines are written and what is signed; it verifies nothing, so it needs no cryptography.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

_NOTE: Final = 0x01
"""Ed25519 over the text of the note."""
_COSIGNATURE: Final = 0x04
"""Ed25519 over a time and the text: the witness says when it saw this checkpoint and none that contradicts it."""
_SIGNATURE: Final = 64
_KEY: Final = re.compile(r"(?P<name>[^\s+]{1,200})\+(?P<hash>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})")
_LINE: Final = re.compile(r"^\u2014 (?P<name>[^\s+]{1,200}) (?P<signature>[A-Za-z0-9+/]{80,120}={0,2})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Who may speak, under which key."""

    name: str
    kind: int
    public: bytes

    @property
    def hash(self) -> bytes:
        """The four bytes by which a line says which key signed it."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One line under a checkpoint."""

    message: bytes
    """What is signed."""
    signature: bytes
    seconds: int | None
    """Since 1970, when the witness saw it; None where the kind of key says no time."""


def witness_key(text: str) -> WitnessKey:
    """A key as witnesses publish it: `name+hash+base64`. Raises ValueError."""
    found = _KEY.fullmatch(text.strip())
    if found is None:
        raise ValueError("a witness's key is written `name+hash+base64`")
    key = base64.b64decode(found["key"])
    made = WitnessKey(found["name"], key[0], key[1:])
    if made.kind not in (_NOTE, _COSIGNATURE) or made.hash.hex() != found["hash"]:
        raise ValueError("not an Ed25519 key, or its hash is not that of the key")
    return made


def lines(text: str) -> list[str]:
    """Every line of a text that may be a signature."""
    return [match[0] for match in _LINE.finditer(text.replace("\r\n", "\n"))]


def read(line: str, key: WitnessKey, checkpoint: str) -> Cosignature | None:
    """What this line says under this key about the text of a checkpoint; None when it is another key's."""
    found = _LINE.fullmatch(line)
    if found is None or found["name"] != key.name:
        return None
    try:
        signed = base64.b64decode(found["signature"], validate=True)
    except binascii.Error:
        return None
    if signed[:4] != key.hash:
        return None
    if key.kind == _NOTE:
        return Cosignature(checkpoint.encode(), signed[4:], None) if len(signed) == 4 + _SIGNATURE else None
    if len(signed) != 12 + _SIGNATURE:
        return None
    seconds = int.from_bytes(signed[4:12])
    return Cosignature(f"cosignature/v1\ntime {seconds}\n{checkpoint}".encode(), signed[12:], seconds)
