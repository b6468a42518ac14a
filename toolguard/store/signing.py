"""The log's own Ed25519 key, and signatures of passkeys. The only door to cryptography, imported on first use: 8 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolguard.store.keys import load_or_create

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate


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


def is_signed_by_passkey(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The same for a SubjectPublicKeyInfo of a kind that we enrol: ES256, EdDSA or RS256 (RFC 9053). Total."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            key.verify(signature, message, ec.ECDSA(SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
            key.verify(signature, message, padding.PKCS1v15(), SHA256())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def encoded_key(key: object) -> bytes:
    """A key of cryptography's as bytes, whatever its kind. Raises TypeError for what is none that we verify."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise TypeError("a kind of key that is not verified here")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


_SMALLEST_RSA: Final = 2_048


def certificate(der: bytes) -> Certificate:
    """Raises one of `unreadable` when these bytes are none."""
    from cryptography.x509 import load_der_x509_certificate

    return load_der_x509_certificate(der)


def unreadable() -> tuple[type[Exception], ...]:
    """What damaged certificates and signatures raise, here and in libraries that read them with cryptography."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion

    return ValueError, LookupError, TypeError, InvalidVersion, UnsupportedAlgorithm


def certificates(pem: bytes) -> list[Certificate]:
    """Those that a PEM file holds. Raises ValueError when there is none, or one is damaged."""
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(pem)


def sign_with_seed(seed: bytes, message: bytes) -> bytes:
    """A signature under a private key of 32 bytes. Raises ValueError for another length."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)
