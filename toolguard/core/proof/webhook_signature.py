"""Signatures of the Standard Webhooks specification 1.0.0 (standardwebhooks.com): what is signed and how it is written.

`v1` is HMAC-SHA256 under a shared secret `whsec_...`; `v1a` is Ed25519, whose private half `whsk_` never leaves its
owner and whose public half is `whpk_`. A header may hold several signatures, so that keys can be rotated. This file
knows the text and the HMAC; Ed25519 itself is asked of its caller, which keeps cryptography out of the core.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TOLERANCE: Final = 300
"""Seconds that a message may be old or early; the specification leaves the value to us, vendors use five minutes."""
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - a prefix, not a secret
PRIVATE_PREFIX: Final = "whsk_"
PUBLIC_PREFIX: Final = "whpk_"
MOST_SIGNATURES: Final = 8
_TIMESTAMP: Final = re.compile(rb"[0-9]{10,11}")
_ID: Final = re.compile(rb"[\x21-\x7e]{1,256}")
HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

Check = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key (32 bytes) signed a message: (key, message, signature)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A message whose signature held."""

    webhook_id: str
    timestamp: int
    key: str
    """The name of the key that signed it: it says who spoke, never the body."""
    scheme: str
    """`v1` or `v1a`."""
    signature: str = ""
    """The header as it came: with body and key it is evidence for anyone, under `v1a`."""
    public_key: str = ""
    """Of `v1a`: the key, as `whpk_...`."""


@dataclass(frozen=True, slots=True)
class Key:
    """One endpoint's key, as configured: `whsec_...` or `whpk_...`."""

    name: str
    text: str

    @property
    def scheme(self) -> str:
        return "v1a" if self.text.startswith(PUBLIC_PREFIX) else "v1"

    @property
    def material(self) -> bytes:
        """Raises ValueError for what is no key."""
        prefix = PUBLIC_PREFIX if self.scheme == "v1a" else SECRET_PREFIX
        return key_bytes(self.text, prefix)


def key_bytes(text: str, prefix: str) -> bytes:
    """The bytes of a key as it is written. Raises ValueError; the message never holds the key."""
    if not text.startswith(prefix):
        raise ValueError(f"a key that starts with `{prefix}` is wanted")
    try:
        found = base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"what follows `{prefix}` is not base 64") from error
    if prefix == SECRET_PREFIX and not 24 <= len(found) <= 64:
        raise ValueError("a shared secret has 24 to 64 bytes")
    if prefix == PUBLIC_PREFIX and len(found) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return found


def signed_content(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    """What a signature covers."""
    return f"{webhook_id}.{timestamp}.".encode() + body


def sign_v1(secret: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def written_v1a(signature: bytes) -> str:
    return "v1a," + base64.b64encode(signature).decode()


def verify(
    headers: Sequence[tuple[bytes, bytes]], body: bytes, keys: Sequence[Key], now: float, check: Check
) -> Verified | str:
    """The verified message, or why it is none. Total, constant in time where secrets are compared.

    `headers` as they came, so that a header that comes twice is seen. When a `v1a` key is set, `v1` is refused.
    """
    found = _three(headers)
    if isinstance(found, str):
        return found
    webhook_id, timestamp = found["webhook-id"], found["webhook-timestamp"]
    if not _ID.fullmatch(webhook_id):
        return "webhook-id is not made of 1 to 256 visible characters"
    if not _TIMESTAMP.fullmatch(timestamp):
        return "webhook-timestamp is not a count of seconds"
    if abs(now - int(timestamp)) > TOLERANCE:
        return "webhook-timestamp is more than five minutes off"
    content = webhook_id + b"." + timestamp + b"." + body
    given = signatures(found["webhook-signature"])
    asymmetric = any(key.scheme == "v1a" for key in keys)
    for key in keys:
        if asymmetric and key.scheme == "v1":
            continue
        if _is_signed(key, content, given.get(key.scheme, ()), check):
            header = found["webhook-signature"].decode("latin-1")
            public = key.text if key.scheme == "v1a" else ""
            return Verified(webhook_id.decode(), int(timestamp), key.name, key.scheme, header, public)
    return "no signature fits"


def _three(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, bytes] | str:
    found: dict[str, bytes] = {}
    for raw_name, value in headers:
        name = raw_name.decode("latin-1").lower()
        if name in HEADERS:
            if name in found:
                return f"{name} stands twice"
            found[name] = value
    missing = [name for name in HEADERS if name not in found]
    return f"{missing[0]} is missing" if missing else found


def signatures(header: bytes) -> dict[str, list[bytes]]:
    """What a header holds, by scheme; what is no signature is left out."""
    by_scheme: dict[str, list[bytes]] = {}
    for part in header.split(b" ")[:MOST_SIGNATURES]:
        scheme, separator, encoded = part.partition(b",")
        if not separator or scheme not in (b"v1", b"v1a"):
            continue
        try:
            by_scheme.setdefault(scheme.decode(), []).append(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            continue
    return by_scheme


def _is_signed(key: Key, content: bytes, signatures: Sequence[bytes], check: Check) -> bool:
    try:
        material = key.material
    except ValueError:
        return False
    if key.scheme == "v1a":
        return any(check(material, content, signature) for signature in signatures)
    wanted = hmac.digest(material, content, hashlib.sha256)
    return any([hmac.compare_digest(wanted, given) for given in signatures])  # noqa: C419 - all, whichever fits first
