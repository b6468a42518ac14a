"""The log's own Ed25519 key. The only door to cryptography's signatures; imported on first use, since it costs 8 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolguard.store.keys import load_or_create

if TYPE_CHECKING:
    from pathlib import Path


class SigningKey:
    """Number, public half, and signatures of the log's key."""

    def __init__(self, home: Path, key_id: str = "a1") -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.id = key_id
        self.file = home / "keys" / f"audit-{key_id}.key"
        self._key = Ed25519PrivateKey.from_private_bytes(load_or_create(self.file))
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this key signed this message. Total: what is no key or no signature is a no."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_with_seed(seed: bytes, message: bytes) -> bytes:
    """A signature under a private key of 32 bytes. Raises ValueError for another length."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)
