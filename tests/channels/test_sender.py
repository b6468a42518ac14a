"""Where messages may go: public addresses, and what the operator allowed; never where an answer points."""

from __future__ import annotations

import asyncio

import pytest

from tests.channels.conftest import Receiver
from toolguard.channels.sender import Sent, is_public, post


def send(url: str, *allowed: str) -> Sent:
    return asyncio.run(post(url, b"{}", {"content-type": "application/json"}, allowed=allowed))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("example.com", False),
    ],
)
def test_an_address_is_public_or_it_is_not_sent_to(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "localhost", "[::1]"])
def test_no_spelling_of_this_machine_is_reached(receiver: Receiver, host: str) -> None:
    sent = send(f"https://{host}:{receiver.port}/hook")

    assert not sent.ok
    assert sent.status == 0
    assert receiver.arrived.empty()


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "https://a:b@example.com/", "https://", "x"]
)
def test_only_plain_web_addresses_are_sent_to(url: str) -> None:
    assert send(url).status == 0


def test_plain_http_needs_the_operators_word(receiver: Receiver) -> None:
    assert send(receiver.url).error.startswith("plain http")
    assert send(receiver.url, f"127.0.0.1:{receiver.port + 1}").status == 0
    assert send(receiver.url, receiver.place).ok


def test_a_redirect_is_an_answer_and_never_followed(receiver: Receiver) -> None:
    receiver.answers.append((302, {"location": "http://169.254.169.254/latest/meta-data/"}, b""))

    sent = send(receiver.url, receiver.place)

    assert (sent.status, sent.ok) == (302, False)
    assert receiver.next().path == "/hook"
    assert receiver.arrived.empty()


def test_a_huge_answer_is_cut_and_a_wait_that_the_server_names_is_kept(receiver: Receiver) -> None:
    receiver.answers.append((429, {"retry-after": "17"}, b"x" * 200_000))

    sent = send(receiver.url, receiver.place)

    assert (sent.status, sent.retry_after, len(sent.text)) == (429, 17.0, 65_536)


def test_nobody_listening_is_a_result_and_no_exception() -> None:
    sent = send("http://127.0.0.1:9/hook", "127.0.0.1:9")

    assert sent.status == 0
    assert sent.error
