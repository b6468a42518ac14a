"""Addresses are read as a browser reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.urls import parse


@pytest.mark.parametrize(
    ("text", "host", "place"),
    [
        ("https://example.com/x", "example.com", "public"),
        ("www.example.com", "www.example.com", "public"),
        ("localhost:8000/x", "localhost", "loopback"),
        ("http://127.0.0.1", "127.0.0.1", "loopback"),
        ("http://2130706433/", "127.0.0.1", "loopback"),
        ("http://0x7f.1/", "127.0.0.1", "loopback"),
        ("http://017700000001/", "127.0.0.1", "loopback"),
        ("http://[::1]/", "::1", "loopback"),
        ("http://0/", "0.0.0.0", "loopback"),
        ("http://app.localhost/", "app.localhost", "loopback"),
        ("http://10.0.0.1/", "10.0.0.1", "private"),
        ("http://192.168.1.1.nip.io/", "192.168.1.1.nip.io", "private"),
        ("http://[fd00::1]/", "fd00::1", "private"),
        ("http://169.254.169.254/", "169.254.169.254", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe", "metadata"),
        ("http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe", "metadata"),
        ("http://[2002:a9fe:a9fe::]/", "2002:a9fe:a9fe::", "metadata"),
        ("http://metadata.google.internal/", "metadata.google.internal", "metadata"),
        ("http://db.internal/", "db.internal", "local-name"),
        ("https://webhook.site/x", "webhook.site", "relay"),
        ("gopher://example.com:70/_x", "example.com", "public"),
    ],
)
def test_a_host_is_what_it_is_in_every_spelling(text: str, host: str, place: str) -> None:
    link = parse(text)

    assert link is not None
    assert (link.host, link.place) == (host, place)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.com@b.com/",
        "http://2130706433/",
        "http://a.com\\@b.com",
        "http://０x7f000001/",
        "http://%31%32%37.0.0.1/",
    ],
)
def test_a_disguised_host_is_said_to_be_one(text: str) -> None:
    link = parse(text)

    assert link is not None
    assert link.disguised


@pytest.mark.parametrize(
    "text",
    [
        "https://6d792073656372657420746f6b656e.example.com/",
        "https://example.com/?d=bXkgc2VjcmV0IHRva2VuIDEyMw==",
        "https://example.com/?d=6d792073656372657420746f6b656e",
        "https://example.com/?d=6d-79-20-73-65-63-72-65-74-20-74-6f",
        "https://example.com/?d=%2541%2542",
        "https://example.com/?d=%41%42%43%44%45%46%47%48",
        "https://aaaabbbb.ccccdddd.eeeeffff.x.example.com/",
    ],
)
def test_encoded_content_is_seen(text: str) -> None:
    link = parse(text)

    assert link is not None
    assert link.encoded


@pytest.mark.parametrize(
    "text",
    [
        "https://user@example.com/",
        "https://example.com/?q=hello%20world&page=2",
        "https://example.com/?cursor=eyJpZCI6MTIzLCJvIjoxfQ==",
        "https://example.com/d41d8cd98f00b204e9800998ecf8427e",
        "https://example.com/?v=d41d8cd98f00b204e9800998ecf8427e",
        "https://a1b2c3.cloudfront.net/x.png",
        "https://api.eu-west-1.service.example.com/",
        "https://xn--bcher-kva.example/",
        "https://de.wikipedia.org/wiki/M%C3%BCnchen",
    ],
)
def test_an_ordinary_address_is_left_alone(text: str) -> None:
    link = parse(text)

    assert link is not None
    assert not link.disguised
    assert not link.encoded


@pytest.mark.parametrize("text", ["", "not a url", "http://", "x" * 20_000])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=100))
def test_reading_never_raises(text: str) -> None:
    parse(text)
    parse("http://" + text)
