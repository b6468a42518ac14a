"""Slack: what is posted, how it is updated, and who may press its buttons."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from tests.channels.conftest import Received, Receiver
from tests.channels.test_delivery import delivery
from tests.guard.conftest import Clock, asked
from tests.guard.test_guard import vote
from tests.review.conftest import RULES, Site, running
from toolguard.channels.message import Message
from toolguard.channels.slack import blocks
from toolguard.config import Config
from toolguard.config_channels import ChannelSettings, ReviewerSettings
from toolguard.core.policy.policy import Policy
from toolguard.guard import Guard, Pending, Reviewer

SECRET = "s" * 32
POSTED = json.dumps({"ok": True, "channel": "C1", "ts": "1700000000.000100"}).encode()


def settings(receiver: Receiver) -> ChannelSettings:
    url = f"http://{receiver.place}/api/"
    return ChannelSettings("team", "slack", url=url, secret=SECRET, token="xoxb-1", channel="C1")


def sent(received: Received) -> dict[str, Any]:
    """slack-sdk sends JSON or a form, by the method."""
    if received.body.startswith(b"{"):
        return dict(received.json)
    fields = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
    return {**fields, "blocks": json.loads(fields["blocks"])}


def test_a_request_is_posted_and_the_same_message_becomes_the_outcome(
    guard: Guard, clock: Clock, receiver: Receiver, reviewer: Reviewer
) -> None:
    receiver.answers += [(200, {"content-type": "application/json"}, POSTED)] * 2
    step = delivery(guard, clock, settings(receiver))
    pending = asked(guard)

    assert step()
    posted = receiver.next()
    assert posted.path == "/api/chat.postMessage"
    elements = next(block for block in sent(posted)["blocks"] if block["type"] == "actions")["elements"]
    assert [element["action_id"] for element in elements] == ["toolguard_deny", "toolguard_approve", "toolguard_open"]

    vote(guard, pending, reviewer, "deny", "not now")
    assert step()
    updated = receiver.next()
    assert updated.path == "/api/chat.update"
    assert sent(updated)["ts"] == "1700000000.000100"
    assert not [block for block in sent(updated)["blocks"] if block["type"] == "actions"]


def test_an_answer_that_is_not_ok_counts_as_not_sent(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    receiver.answers.append((200, {"content-type": "application/json"}, b'{"ok": false, "error": "channel_not_found"}'))
    step = delivery(guard, clock, settings(receiver))
    asked(guard)

    assert step()

    assert guard.store.read("SELECT ended FROM outbox")[0]["ended"] is None


@pytest.mark.parametrize("text", ["<!channel> <@U1>", "*bold* _it_", ":tada:", "x" * 5_000, "\u202egnp.exe", ""])
def test_no_text_of_a_call_is_markup_and_every_limit_is_kept(guard: Guard, text: str) -> None:
    view = guard.approvals.show(asked(guard, what=text).request_id)
    assert view is not None
    view = replace(view, shown={**view.shown, "headline": text, "target": text})

    found = blocks(Message("approval.created", "msg_1", view, "http://localhost/approvals/x"))

    for block in found:
        for said in [block.get("text"), *block.get("elements", [])]:
            if said is None:
                continue
            assert said.get("type") in ("plain_text", "button")
            assert "\u202e" not in str(said)
            if said["type"] == "button":
                assert len(said.get("value", "")) <= 2_000
            else:
                assert 0 < len(said["text"]) <= (150 if block["type"] == "header" else 3_000)


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Site]:
    people = (ReviewerSettings("ann", slack="T1/U1"),)
    channel = ChannelSettings("team", "slack", secret=SECRET, token="xoxb-1", channel="C1", url="http://127.0.0.1:9/")
    config = Config(home=tmp_path / "home", policy=Policy(rules=RULES), reviewers=people, channels=(channel,))
    yield from running(Guard(config))


def press(site: Site, pending: Pending, action: str = "toolguard_approve", **changes: Any) -> httpx.Response:
    value = json.dumps({"id": pending.request_id, "digest": site.view(pending).request_digest})
    payload = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "api_app_id": "A1",
        "trigger_id": "1.2.3",
        "actions": [{"action_id": action, "value": value}],
        **changes,
    }
    return post(site, urlencode({"payload": json.dumps(payload)}).encode())


def post(site: Site, body: bytes, secret: str = SECRET) -> httpx.Response:
    now = str(int(time.time()))  # noqa: TID251 - Slack's clock
    mac = hmac.new(secret.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "x-slack-request-timestamp": now,
        "x-slack-signature": f"v0={mac}",
        "content-type": "application/x-www-form-urlencoded",
    }
    return httpx.post(f"{site.url}/slack/actions", content=body, headers=headers)


@pytest.mark.parametrize(("action", "state"), [("toolguard_approve", "approved"), ("toolguard_deny", "denied")])
def test_a_reviewers_button_votes_in_their_name(called: Site, action: str, state: str) -> None:
    pending = called.ask()

    answer = press(called, pending, action)

    assert answer.status_code == 200
    view = called.view(pending)
    assert view.state == state
    assert (view.votes[0]["reviewer"], view.votes[0]["channel"], view.votes[0]["strength"]) == ("ann", "slack", 2)


def test_a_slack_user_who_is_no_reviewer_is_told_so_and_nothing_happens(called: Site) -> None:
    pending = called.ask()

    for answer in (press(called, pending, user={"id": "U2"}), press(called, pending, team={"id": "T2"})):
        assert "no reviewer" in answer.json()["text"]

    assert called.view(pending).state == "pending"


def test_a_press_is_counted_once(called: Site) -> None:
    first, second = called.ask(command="make one"), called.ask(command="make two")

    press(called, first)
    press(called, second)

    assert [called.view(pending).state for pending in (first, second)] == ["approved", "pending"]


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"x=1", b"\xff", b"payload=%7B%7D"])
def test_a_signed_body_that_is_no_action_is_refused(called: Site, body: bytes) -> None:
    assert post(called, body).status_code == 400


def test_an_unsigned_press_is_refused(called: Site) -> None:
    pending = called.ask()

    assert post(called, b"payload=%7B%7D", secret="another").status_code == 401
    assert called.view(pending).state == "pending"
