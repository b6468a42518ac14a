"""Slack's signature: the published example, and bytes that break other verifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.proof.slack_signature import is_signed

# The worked example of api.slack.com/authentication/verifying-requests-from-slack.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIME = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def headers(signature: bytes = SIGNATURE, timestamp: bytes = b"1531420618") -> list[tuple[bytes, bytes]]:
    return [(b"X-Slack-Request-Timestamp", timestamp), (b"X-Slack-Signature", signature)]


def test_the_published_example_holds() -> None:
    assert is_signed(headers(), BODY, SECRET, TIME)


@pytest.mark.parametrize(
    ("found", "body", "secret", "now"),
    [
        (headers(), BODY + b"&x=1", SECRET, TIME),
        (headers(), BODY, SECRET[:-1], TIME),
        (headers(), BODY, "", TIME),
        (headers(), BODY, SECRET, TIME + 301),
        (headers(), BODY, SECRET, TIME - 301),
        (headers(timestamp=b"now"), BODY, SECRET, TIME),
        (headers(timestamp=b"1531420618.0"), BODY, SECRET, TIME),
        (headers(signature=b"v0=\xff\xfe"), BODY, SECRET, TIME),
        (headers(signature=SIGNATURE.upper()), BODY, SECRET, TIME),
        (headers()[:1], BODY, SECRET, TIME),
        ([*headers(), headers()[1]], BODY, SECRET, TIME),
        ([], b"\xff", SECRET, TIME),
    ],
)
def test_anything_else_is_not_signed(found: list[tuple[bytes, bytes]], body: bytes, secret: str, now: float) -> None:
    assert not is_signed(found, body, secret, now)


@given(st.binary(max_size=40), st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_raise(timestamp: bytes, signature: bytes, body: bytes) -> None:
    assert not is_signed(headers(signature, timestamp), body, SECRET, TIME)
