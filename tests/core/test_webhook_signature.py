"""Standard Webhooks: the specification's vector, and everything that must not pass for a signed message."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.proof.webhook_signature import Key, Verified, sign_v1, signed_content, verify, written_v1a
from toolguard.store.signing import is_signed

# The published example of the Standard Webhooks reference libraries.
ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SHARED = Key("ops", "whsec_" + SECRET)

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = Key("ann", "whpk_" + base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode())

Headers = list[tuple[bytes, bytes]]


def headers(signature: str = SIGNATURE, webhook_id: str = ID, timestamp: str = str(TIME)) -> Headers:
    return [
        (b"Webhook-Id", webhook_id.encode("utf-8", "surrogateescape")),
        (b"webhook-timestamp", timestamp.encode()),
        (b"webhook-signature", signature.encode()),
    ]


def checked(found: Headers, *keys: Key, body: bytes = BODY, now: float = TIME) -> Verified | str:
    return verify(found, body, keys or (SHARED,), now, is_signed)


def test_the_published_vector_holds_in_both_directions() -> None:
    assert sign_v1(SHARED.material, signed_content(ID, TIME, BODY)) == SIGNATURE
    assert checked(headers()) == Verified(ID, TIME, "ops", "v1", SIGNATURE)


def test_an_ed25519_signature_names_the_key_that_made_it() -> None:
    signature = written_v1a(PRIVATE.sign(signed_content(ID, TIME, BODY)))

    assert checked(headers(signature), PUBLIC) == Verified(ID, TIME, "ann", "v1a", signature, PUBLIC.text)


def test_with_an_ed25519_key_set_a_shared_secret_no_longer_counts() -> None:
    assert checked(headers(), SHARED, PUBLIC) == "no signature fits"


def test_one_of_several_signatures_is_enough_so_that_keys_can_be_rotated() -> None:
    old = "v1," + base64.b64encode(b"x" * 32).decode()

    assert isinstance(checked(headers(f"{old} {SIGNATURE} v9,unknown")), Verified)


@pytest.mark.parametrize(("offset", "accepted"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_five_minutes_off_is_still_on_time(offset: int, accepted: bool) -> None:
    assert isinstance(checked(headers(), now=TIME + offset), Verified) is accepted


@pytest.mark.parametrize(
    "found",
    [
        [],
        headers()[:2],
        [*headers(), headers()[0]],
        [*headers(), (b"WEBHOOK-SIGNATURE", SIGNATURE.encode())],
        headers(timestamp="1614265330.5"),
        headers(timestamp="-614265330"),
        headers(timestamp=" 1614265330"),
        headers(timestamp="99999999999999"),
        headers(timestamp=""),
        headers(webhook_id=""),
        headers(webhook_id="a b"),
        headers(webhook_id="x" * 257),
        headers(webhook_id="msg_other"),
        headers(""),
        headers("v1,"),
        headers("v1,not base 64!"),
        headers(SIGNATURE.removeprefix("v1,")),
        headers(SIGNATURE.replace("v1,", "v1a,")),
        headers(SIGNATURE[:-2] + "A="),
        headers(SIGNATURE.lower()),
    ],
)
def test_what_is_not_signed_to_the_letter_is_refused_with_a_reason(found: Headers) -> None:
    assert isinstance(checked(found), str)


def test_another_body_is_refused() -> None:
    assert checked(headers(), body=BODY + b" ") == "no signature fits"


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", "whpk_c2hvcnQ=", SECRET])
def test_what_is_no_key_verifies_nothing(text: str) -> None:
    assert checked(headers(), Key("bad", text)) == "no signature fits"


@given(st.lists(st.tuples(st.binary(max_size=24), st.binary(max_size=80)), max_size=6), st.binary(max_size=60))
def test_no_header_whatever_raises_or_passes(found: Headers, body: bytes) -> None:
    assert isinstance(checked(found, SHARED, PUBLIC, body=body), str)
