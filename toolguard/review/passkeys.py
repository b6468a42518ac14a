"""The only door to the WebAuthn library: what a browser is asked, and whether its answer is right.

Every mistake of an answer is one refusal, whatever the library raises; nobody learns from its texts what to try next.
Imported inside functions: with its certificates the library costs 20 MB, and most guards use no passkey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolguard.core.model import Json
from toolguard.core.proof.passkey import RelyingParty, encoded
from toolguard.core.strict_json import NotStrict, parse
from toolguard.guard.passkeys import Passkey
from toolguard.store.signing import encoded_key

if TYPE_CHECKING:
    from toolguard.guard import Reviewer

ES256, EDDSA, RS256 = -7, -8, -257
_ID_LENGTH = 1_023
"""Bytes of a credential id at most (WebAuthn, section 4)."""


class NotProvenError(Exception):
    """The browser's answer proves nothing."""


def creation_options(
    party: RelyingParty, reviewer: Reviewer, challenge: bytes, known: Sequence[Passkey], *, names_its_make: bool = False
) -> dict[str, Json]:
    """What the browser is asked to make, in the JSON form of PublicKeyCredentialCreationOptions.

    Unless `names_its_make` is asked for, browsers may keep the make (AAGUID) to themselves (WebAuthn, section 5.4.7).
    """
    return {
        "rp": {"id": party.id, "name": "toolguard"},
        "user": {"id": encoded(reviewer.id.encode()), "name": reviewer.name, "displayName": reviewer.name},
        "challenge": encoded(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in (ES256, EDDSA, RS256)],
        "excludeCredentials": [{"type": "public-key", "id": passkey.credential_id} for passkey in known],
        "authenticatorSelection": {"userVerification": "required", "residentKey": "discouraged"},
        "attestation": "direct" if names_its_make else "none",
    }


def request_options(party: RelyingParty, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Json]:
    """What the browser is asked to sign: the digest of one vote."""
    return {
        "rpId": party.id,
        "challenge": encoded(challenge),
        "allowCredentials": [{"type": "public-key", "id": passkey.credential_id} for passkey in known],
        "userVerification": "required",
    }


def made(party: RelyingParty, answer: str, challenge: bytes, label: str) -> Passkey:
    """The new passkey that the browser made. Raises NotProvenError."""
    credential = _credential(answer)
    from webauthn import verify_registration_response
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography

    try:
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
        key = decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
        public_key = encoded_key(key)
    except Exception as error:  # the library raises its own, and also KeyError and worse, on hostile bytes
        raise NotProvenError from error
    if not 1 <= len(found.credential_id) <= _ID_LENGTH:
        raise NotProvenError
    cose = found.credential_public_key.hex()
    return Passkey(encoded(found.credential_id), label, "", found.aaguid, public_key.hex(), cose, found.sign_count)


def evidence(party: RelyingParty, answer: str, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Json]:
    """The answer of one of these passkeys to this challenge, as a vote keeps it. Raises NotProvenError."""
    credential = _credential(answer)
    passkey = next((passkey for passkey in known if passkey.credential_id == credential.get("id")), None)
    if passkey is None:
        raise NotProvenError
    from webauthn import verify_authentication_response

    try:
        verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=bytes.fromhex(passkey.cose),
            credential_current_sign_count=0,  # the guard compares counters, in the transaction of the vote
            require_user_verification=True,
        )
        response = credential["response"]
        return {
            "credential_id": passkey.credential_id,
            "public_key": passkey.public_key,
            "client_data_json": response["clientDataJSON"],
            "authenticator_data": response["authenticatorData"],
            "signature": response["signature"],
        }
    except Exception as error:  # as above
        raise NotProvenError from error


def _credential(answer: str) -> Mapping[str, Json]:
    try:
        value = parse(answer.encode("utf-8", "surrogatepass"), max_depth=6)
    except NotStrict as error:
        raise NotProvenError from error
    if not isinstance(value, dict):
        raise NotProvenError
    return value
