"""Time stamps of RFC 3161: an authority signs that a digest existed at a moment. The only door to rfc3161-client.

Verifying needs no network: the token holds the authority's certificates, and the auditor names the root.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from toolguard.errors import ConfigError
from toolguard.store.signing import certificate, certificates, unreadable

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

QUERY_TYPE: Final = "application/timestamp-query"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_CERTIFICATES: Final = 0xA0
"""Tag of the certificates within SignedData (RFC 5652 section 5.1)."""


CLOCK_SECONDS: Final = 600.0
"""How far the authority's clock and ours may differ; beyond it a stamp would contradict the event that holds it."""


class NoStamp(ValueError):
    """Not a time stamp, or not one that can be believed."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the authority says."""

    at: datetime
    digest: bytes
    """SHA-256 of what existed then."""
    authority: str
    """Name of the certificate that signed."""


def query(content: bytes) -> tuple[bytes, int | None]:
    """A request for these bytes and for the certificates, and its nonce. Raises ConfigError without the library."""
    _present()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder(content, HashAlgorithm.SHA256).build()
    return made.as_bytes(), made.nonce


def read(content: bytes) -> Stamp:
    """What an answer, or a bare token, claims; nothing is verified. Raises NoStamp, or ConfigError."""
    return _stamp(_parsed(content))


def answered(response: bytes, content: bytes, nonce: int | None, now: datetime) -> Stamp:
    """What an answer claims, if it answers the request with this nonce and knows what time it is. Raises NoStamp.

    Whether an authority signed it says `verified`; whom to believe is the auditor's choice.
    """
    parsed = _parsed(response)
    stamp = _stamp(parsed)
    if stamp.digest != hashlib.sha256(content).digest():
        raise NoStamp("the stamp is for something else")
    if parsed.tst_info.nonce != nonce:
        raise NoStamp("the stamp answers another request")
    if abs((stamp.at - now).total_seconds()) > CLOCK_SECONDS:
        raise NoStamp(f"its time is {stamp.at.isoformat()}, ours is {now.isoformat()}")
    return stamp


def verified(content: bytes, digest: bytes, roots: bytes) -> Stamp:
    """The stamp over this digest, signed by an authority whose chain ends at one of these roots (PEM).

    Raises NoStamp, or ConfigError when the roots hold no certificate.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder()
    try:
        for root in dict.fromkeys(certificates(roots)):
            builder = builder.add_root_certificate(root)
    except ValueError as error:
        raise ConfigError("the authority's file holds no certificate", hint="name a file in PEM") from error
    parsed = _parsed(content)
    stamp = _stamp(parsed)
    refused: tuple[type[Exception], ...] = (VerificationError, *unreadable())
    try:
        builder.build().verify(parsed, digest)
    except refused as error:
        raise NoStamp(str(error).rstrip(".")) from error
    return stamp


def _parsed(content: bytes) -> TimeStampResponse:
    _present()
    from rfc3161_client import decode_timestamp_response

    for candidate in (content, _granted(content)):
        try:
            return decode_timestamp_response(_in_order(candidate))
        except (ValueError, IndexError):
            continue
    raise NoStamp("neither an answer nor a token of RFC 3161")


def _granted(token: bytes) -> bytes:
    """A bare token as the answer that brought it: SEQUENCE { SEQUENCE { INTEGER 0 }, token }."""
    inside = b"\x30\x03\x02\x01\x00" + token
    length = len(inside).to_bytes((len(inside).bit_length() + 7) // 8)
    return b"\x30" + (bytes([128 + len(length)]) + length if len(inside) > 127 else length) + inside


def _in_order(response: bytes) -> bytes:
    """The answer with its certificates in the order of DER, on which our parser insists. No signature covers that
    order, and authorities that send a chain write it as they please."""
    token = _parts(response, *_inside(response, 0))[1]
    content = _parts(response, *_inside(response, token[0]))[1]
    signed = _parts(response, *_inside(response, content[0]))[0]
    held = [part for part in _parts(response, *_inside(response, signed[0])) if response[part[0]] == _CERTIFICATES]
    if not held:
        return response
    start, end = _inside(response, held[0][0])
    ordered = sorted(response[one:after] for one, after in _parts(response, start, end))
    return response[:start] + b"".join(ordered) + response[end:]


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the element at this place begin and end. Raises IndexError."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[at + 2 : start])
    return start, start + size


def _parts(der: bytes, at: int, end: int) -> list[tuple[int, int]]:
    found = []
    while at < end:
        after = _inside(der, at)[1]
        found.append((at, after))
        at = after
    return found


def _stamp(parsed: TimeStampResponse) -> Stamp:
    try:
        told = parsed.tst_info
    except ValueError as error:
        reasons = ", ".join(parsed.status_string) or f"status {parsed.status}"
        raise NoStamp(f"the authority refused: {reasons}") from error
    if told.message_imprint.hash_algorithm.dotted_string != _SHA256:
        raise NoStamp("only stamps over SHA-256 are read")
    return Stamp(told.gen_time.astimezone(UTC), bytes(told.message_imprint.message), _authority(parsed))


def _authority(parsed: TimeStampResponse) -> str:
    try:
        signed_by = {(signer.issuer, signer.serial_number) for signer in parsed.signed_data.signer_infos}
        for held in map(certificate, parsed.signed_data.certificates):
            if (held.issuer, held.serial_number) in signed_by:
                return held.subject.rfc4514_string()
    except unreadable() as error:
        raise NoStamp(f"holds a certificate that cannot be read: {error}") from error
    return ""


def _present() -> None:
    try:
        import rfc3161_client  # noqa: F401 - whether the extra is installed
    except ImportError as error:
        hint = "pip install 'toolguard-firewall[timestamps]'"
        raise ConfigError("time stamps need the extra `timestamps`", hint=hint) from error
