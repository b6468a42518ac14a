"""What a signed callback says, as a vote keeps it: the message to the letter, and the key that signed it.

With these anyone can check later that the holder of the key approved exactly this request: the signature covers the
body, and the body names the request's digest. The signature itself is checked in store/signing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from toolguard.core.model import Json
from toolguard.core.proof.webhook_signature import PUBLIC_PREFIX, key_bytes, signatures, signed_content
from toolguard.core.strict_json import NotStrict, parse

MOST_DEEP: Final = 4


@dataclass(frozen=True, slots=True)
class Callback:
    """A message under `v1a`."""

    key: str
    """`whpk_...`"""
    webhook_id: str
    timestamp: int
    header: str
    """`webhook-signature` as it came."""
    body: str

    @classmethod
    def from_json(cls, evidence: Json) -> Self | None:
        """Total: None for what is none."""
        if not isinstance(evidence, Mapping) or evidence.get("scheme") != "v1a":
            return None
        texts = [evidence.get(name) for name in ("key", "webhook_id", "signature", "body")]
        timestamp = evidence.get("timestamp")
        if not all(isinstance(text, str) for text in texts) or type(timestamp) is not int:
            return None
        key, webhook_id, header, body = (str(text) for text in texts)
        return cls(key, webhook_id, timestamp, header, body)

    def as_json(self) -> dict[str, Json]:
        return {
            "scheme": "v1a",
            "key": self.key,
            "webhook_id": self.webhook_id,
            "timestamp": self.timestamp,
            "signature": self.header,
            "body": self.body,
        }

    @property
    def signed(self) -> bytes:
        return signed_content(self.webhook_id, self.timestamp, self.body.encode("utf-8", "surrogatepass"))

    @property
    def signatures(self) -> list[bytes]:
        return signatures(self.header.encode("utf-8", "replace")).get("v1a", [])

    @property
    def public_key(self) -> bytes:
        """Empty for what is no key; no signature fits that one."""
        try:
            return key_bytes(self.key, PUBLIC_PREFIX)
        except ValueError:
            return b""

    def fault(self, request_id: str, request_digest: str) -> str:
        """Why this is no yes to this request; empty when it is. The signature is another question."""
        try:
            said = parse(self.body, max_depth=MOST_DEEP)
        except NotStrict:
            return "its body cannot be read"
        if not isinstance(said, Mapping) or said.get("vote") != "approve":
            return "it does not approve"
        if said.get("id") != request_id or said.get("request_digest") != request_digest:
            return "it answers for another request"
        return ""
