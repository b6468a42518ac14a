"""What every channel owes a reviewer: the binding code of the agent's message, and the log's size and root.

Whoever keeps a message is a witness of the log. One table over all channels, and a test that none is missing from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.channels import test_apprise
from tests.channels.conftest import Receiver, receiver
from tests.channels.test_apprise import Mailbox, letter, mail, send
from tests.cli.conftest import Run, run
from tests.review.conftest import Site, config, guard, site
from toolguard.channels.message import Message
from toolguard.channels.slack_blocks import again, blocks
from toolguard.channels.teams import card
from toolguard.config import person
from toolguard.config_schema.file import ChannelSection
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import Guard, Pending
from toolguard.review.links import approval

__all__ = ["config", "guard", "mail", "receiver", "run", "site"]

pytestmark = test_apprise.pytestmark


class Place:
    """A waiting request, and everything that a channel needs to speak of it."""

    def __init__(self, site: Site, run: Run, receiver: Receiver, mail: tuple[str, Mailbox]) -> None:
        self.site, self.run, self.receiver = site, run, receiver
        self.mail_url, self.mailbox = mail
        self.pending: Pending = site.ask()
        view = site.view(self.pending)
        self.message = Message("approval.created", "msg_1", view, approval(site.url, view.id))
        self.reminder = replace(self.message, kind="approval.changed", reminder="after 600 s")

    @property
    def home(self) -> Path:
        return self.site.guard.config.home

    def received(self, url: str) -> str:
        assert send(url, self.message).ok
        found = self.receiver.next()
        return found.body.decode() + str(found.headers)


def e_mail(place: Place) -> str:
    assert send(place.mail_url, place.message).ok
    return "".join(letter(place.mailbox))


def of_the_command_line(place: Place) -> str:
    return place.run("approvals", "show", place.pending.request_id).out


def in_the_client(place: Place) -> str:
    """The question that a client puts to the person in front of it, of a call for which that may count."""
    rule = Rule("asked", Effect.ASK, Match(tool=("query",)), terms=Terms(in_client=True))
    with Guard(replace(place.site.guard.config, policy=Policy(rules=(rule,)))) as guard:
        guard.reviewers.add("me", person=person())
        pending = guard.begin(ToolCall("ops", "query", {"sql": "select 1"}, Principal("claude", person(), "ops")))
        assert isinstance(pending, Pending)
        place.pending = pending
        question = guard.in_client.question(pending)
        assert question is not None
        return question.text


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


CHANNELS: dict[str, Callable[[Place], str]] = {
    "webhook": lambda p: text(p.message.payload()),
    "webhook, reminding": lambda p: text(p.reminder.payload()),
    "slack": lambda p: text(blocks(p.message)),
    "slack, reminding": lambda p: text(again(p.reminder)),
    "teams": lambda p: text(card(p.message)).replace("\\", ""),
    "teams, reminding": lambda p: text(card(p.reminder)).replace("\\", ""),
    "apprise, e-mail": e_mail,
    "apprise, ntfy": lambda p: p.received(f"ntfy://{p.receiver.place}/topic"),
    "apprise, json": lambda p: p.received(f"json://{p.receiver.place}/hook"),
    "page": lambda p: p.site.signed_in().get(f"/approvals/{p.pending.request_id}").text,
    "rest": lambda p: p.site.rest().get(f"/api/v1/approvals/{p.pending.request_id}").text,
    "rest, list": lambda p: p.site.rest().get("/api/v1/approvals").text,
    "cli": of_the_command_line,
    "in the client": in_the_client,
}


@pytest.fixture
def place(
    site: Site, run: Run, receiver: Receiver, mail: tuple[str, Mailbox], monkeypatch: pytest.MonkeyPatch
) -> Place:
    monkeypatch.setenv("TOOLGUARD_HOME", str(site.guard.config.home))
    return Place(site, run, receiver, mail)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_says_the_code_and_is_a_witness_of_the_log(place: Place, channel: str) -> None:
    said = CHANNELS[channel](place)

    assert place.pending.code in said
    roots = place.site.guard.store.read("SELECT size, root FROM audit_checkpoint")
    assert any(row["root"] in said and str(row["size"]) in said for row in roots)


def test_no_kind_of_channel_is_missing() -> None:
    kinds = set(get_args(ChannelSection.model_fields["kind"].annotation))

    assert kinds <= {name.partition(",")[0] for name in CHANNELS}


def test_the_agents_message_says_the_same_code(place: Place) -> None:
    assert place.pending.code in place.pending.settle_text
