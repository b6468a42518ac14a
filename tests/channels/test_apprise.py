"""What Apprise sends, received by real servers on this machine: e-mail over SMTP, ntfy and JSON over HTTP."""

from __future__ import annotations

import asyncio
import email
import email.policy
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.channels.conftest import Receiver
from tests.guard.conftest import asked
from toolguard.channels.apprise import Apprise
from toolguard.channels.message import Message
from toolguard.channels.sender import Sent
from toolguard.config_channels import ChannelSettings
from toolguard.guard import Guard

# Apprise looks whether the standard library still has a module that Python 3.13 dropped.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")

LINK = "http://127.0.0.1:8787/approvals/ap_1"


class Mailbox:
    """An SMTP server that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: queue.Queue[EmailMessage] = queue.Queue()

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.put(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[str, Mailbox]]:
    mailbox, loop = Mailbox(), asyncio.new_event_loop()
    connections: list[SMTP] = []

    def connection() -> SMTP:
        connections.append(SMTP(mailbox, loop=loop))
        return connections[-1]

    server = loop.run_until_complete(loop.create_server(connection, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = server.sockets[0].getsockname()[1]
    yield f"mailto://127.0.0.1:{port}?mode=insecure&to=bob@example.com&from=guard@example.com", mailbox
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    for each in connections:
        if each.transport is not None:  # its client said goodbye, and the loop stopped before it heard
            each.transport.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(server.wait_closed())
    loop.close()


def message(guard: Guard, headline: str = "Delete the cellar", target: str = "cellar") -> Message:
    view = guard.approvals.show(asked(guard).request_id)
    assert view is not None
    shown = {**view.shown, "headline": headline, "target": target}
    audit = {"size": 12, "root": "ab" * 32, "seq": 12}
    return Message("approval.created", "msg_1", replace(view, shown=shown, audit=audit), LINK)


def send(url: str, what: Message) -> Sent:
    return asyncio.run(Apprise(ChannelSettings("x", "apprise", url=url)).send(what, 0.0, None))[0]


def letter(mailbox: Mailbox) -> tuple[str, str]:
    """Subject and text."""
    found = mailbox.letters.get(timeout=10)
    body = found.get_body(("plain", "html"))
    assert body is not None
    return str(found["subject"]), body.get_content()


def says_everything(text: str, what: Message) -> bool:
    wanted = (LINK, what.request.code, "12/" + "ab" * 32, "Delete the cellar")
    return all(one in text for one in wanted)


def test_an_e_mail_holds_link_code_and_witness(guard: Guard, mail: tuple[str, Mailbox]) -> None:
    url, mailbox = mail
    what = message(guard)

    assert send(url, what).ok

    subject, text = letter(mailbox)
    assert says_everything(subject + text, what)


def test_ntfy_gets_link_code_and_witness(guard: Guard, receiver: Receiver) -> None:
    what = message(guard)

    assert send(f"ntfy://{receiver.place}/approvals", what).ok

    received = receiver.next()
    assert says_everything(received.body.decode() + str(received.headers), what)


def test_json_gets_link_code_and_witness(guard: Guard, receiver: Receiver) -> None:
    what = message(guard)

    assert send(f"json://{receiver.place}/hook", what).ok

    received = receiver.next()
    assert says_everything(received.json["title"] + received.json["message"], what)


HOSTILE = [
    "<img src=http://evil.example/x>",
    "<!channel> <@U1>",
    "[safe](http://evil.example)",
    "@everyone",
    "x\r\nBcc: eve@example.com",
    "\u202egnp.exe",
    "a\x00b",
    "**bold**\n# title",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_in_a_call_is_more_than_text_in_an_e_mail(
    guard: Guard, mail: tuple[str, Mailbox], hostile: str
) -> None:
    url, mailbox = mail

    assert send(url, message(guard, hostile, hostile)).ok

    found = mailbox.letters.get(timeout=10)
    assert found["bcc"] is None
    assert found["to"] == "bob@example.com"
    body = found.get_body(("plain", "html"))
    assert body is not None
    text = str(found["subject"]) + body.get_content()
    for mark in ("<img", "<!channel", "](http", "@everyone", "\u202e", "\x00"):
        assert mark not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_in_a_call_is_more_than_text_in_a_chat(guard: Guard, receiver: Receiver, hostile: str) -> None:
    assert send(f"json://{receiver.place}/hook", message(guard, hostile, hostile)).ok

    text = receiver.next().json["title"]
    for mark in ("<img", "<!channel", "<@", "](", "@everyone", "\r", "\n", "\u202e", "\x00"):
        assert mark not in text


@pytest.mark.parametrize("plain", ["bob@example.com", "a < b", "f(x)", "[x]", "price @ 3", "allow@all.example"])
def test_ordinary_text_arrives_to_the_letter(guard: Guard, receiver: Receiver, plain: str) -> None:
    assert send(f"json://{receiver.place}/hook", message(guard, plain)).ok

    assert receiver.next().json["title"].endswith(plain)


def test_a_redirect_is_a_failure_and_never_followed(guard: Guard, receiver: Receiver) -> None:
    receiver.answers.append((302, {"location": f"http://{receiver.place}/elsewhere"}, b""))

    sent = send(f"json://{receiver.place}/hook", message(guard))

    assert not sent.ok
    assert receiver.next().path == "/hook"
    assert receiver.arrived.empty()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "unknown://x", "discord://", "json://127.0.0.1:9/", "mailto://127.0.0.1:9?to=a@b.c"]
)
def test_what_does_not_arrive_is_a_failure_and_no_exception(guard: Guard, url: str) -> None:
    assert not send(url, message(guard)).ok
