"""What a passkey's answer says (WebAuthn 3, section 7.2): whose page asked, which challenge, and how it was given.

The signature over it is checked in store/signing.py. This reading is our own, apart from the library that takes the
answer at the page, so that the claim and the verifier of the log do not repeat a mistake of that library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from toolguard.core.model import Json

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_SHORTEST: Final = 37
"""Bytes of authenticator data: the hash of the relying party's id, flags, counter."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where passkeys of this guard are made and used."""

    id: str
    origin: str
    """Scheme, host and port of the page. Ids have no port, so only this keeps a page on another port out."""


def relying_party(url: str) -> RelyingParty | None:
    """Of the configured address of the page, never of a Host header; None where browsers allow no passkey.

    A browser takes no IP address for an id, so a loopback address becomes `localhost`.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host in LOOPBACK or host.endswith(".localhost"):
        host = host if host.endswith("localhost") else "localhost"
    elif parts.scheme != "https" or "." not in host or ":" in host or host.replace(".", "").isdigit():
        return None
    if parts.scheme not in ("http", "https"):
        return None
    standard = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, standard) else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class Assertion:
    """The answer of a passkey, as a vote keeps it."""

    credential_id: str
    client: bytes
    authenticator: bytes
    signature: bytes

    @classmethod
    def from_json(cls, evidence: Json) -> Self | None:
        """Total: None for what is none."""
        if not isinstance(evidence, Mapping):
            return None
        credential_id = evidence.get("credential_id")
        parts = [_decoded(evidence.get(name)) for name in ("client_data_json", "authenticator_data", "signature")]
        if not isinstance(credential_id, str) or None in parts or len(parts[1] or b"") < _SHORTEST:
            return None
        client, authenticator, signature = (part or b"" for part in parts)
        return cls(credential_id, client, authenticator, signature)

    @property
    def signed(self) -> bytes:
        return self.authenticator + hashlib.sha256(self.client).digest()

    @property
    def count(self) -> int:
        """How often the authenticator has signed; 0 when it does not count."""
        return int.from_bytes(self.authenticator[33:37], "big")

    def fault(self, challenge: bytes, party: RelyingParty) -> str:
        """Why this does not answer the challenge; empty when it does. The signature is another question."""
        client = _client(self.client)
        flags = self.authenticator[32]
        if client.get("type") != "webauthn.get":
            return "it is no answer to a question for a vote"
        if client.get("challenge") != encoded(challenge):
            return "it answers for another vote"
        if client.get("origin") != party.origin or client.get("crossOrigin", False) is not False:
            return "it was given on another page"
        if self.authenticator[:32] != hashlib.sha256(party.id.encode()).digest():
            return "it belongs to another site"
        if not (flags & _USER_PRESENT and flags & _USER_VERIFIED):
            return "it does not say that it checked who was there"
        return ""


def encoded(value: bytes) -> str:
    """Base64url without padding, as WebAuthn writes bytes."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: Json) -> bytes | None:
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    # One spelling only, so that evidence cannot be altered into something equal.
    return value if encoded(value) == text else None


def _client(raw: bytes) -> Mapping[str, Json]:
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
