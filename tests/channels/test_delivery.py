"""From a transition to the receiver: signed, once an attempt, again with the same id, and never after the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.channels.conftest import Received, Receiver
from tests.guard.conftest import Clock, asked
from tests.guard.test_guard import vote
from toolguard.channels import Delivery, opened
from toolguard.channels.message import Message
from toolguard.channels.teams import MOST_BYTES, card
from toolguard.config_channels import ChannelSettings
from toolguard.core.canonical import canonical
from toolguard.core.proof.webhook_signature import Key, Verified, verify
from toolguard.guard import Guard, Reviewer
from toolguard.store import audit
from toolguard.store.signing import is_signed

SECRET = "whsec_" + "c2VjcmV0" * 4


def settings(receiver: Receiver, kind: str = "webhook", **changes: str) -> ChannelSettings:
    base = ChannelSettings("ops", kind, url=receiver.url, secret=SECRET, allow=(receiver.place,))
    return replace(base, **changes)  # type: ignore[arg-type]  # fields are texts here


def delivery(guard: Guard, clock: Clock, *channels: ChannelSettings) -> Callable[[], bool]:
    """One step of the first channel; its cursor is set to the present first."""
    opened_channels = opened(channels)
    one = Delivery(guard, opened_channels, clock, chance=lambda: 0.0)

    def step() -> bool:
        return asyncio.run(one.step(opened_channels[0]))

    assert step() is False
    return step


def signed(received: Received, clock: Clock) -> Verified | str:
    headers = [(name.encode(), value.encode()) for name, value in received.headers]
    return verify(headers, received.body, [Key("ops", SECRET)], clock().timestamp(), is_signed)


def test_a_new_request_and_its_outcome_arrive_signed(
    guard: Guard, clock: Clock, receiver: Receiver, reviewer: Reviewer
) -> None:
    step = delivery(guard, clock, settings(receiver))
    pending = asked(guard)

    assert step()

    first = receiver.next()
    assert isinstance(signed(first, clock), Verified)
    assert first.json["type"] == "approval.created"
    assert first.json["data"]["id"] == pending.request_id
    assert first.json["data"]["code"] == pending.code
    assert first.json["data"]["audit"]["root"]
    assert not step()

    vote(guard, pending, reviewer)
    assert step()
    second = receiver.next()
    assert (second.json["type"], second.json["data"]["state"]) == ("approval.changed", "approved")


def test_a_failed_attempt_is_made_again_later_with_the_same_id(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    step = delivery(guard, clock, settings(receiver))
    asked(guard)
    receiver.answers.append((503, {}, b""))

    assert step()
    assert not step()
    clock.forward(seconds=6)
    assert step()

    ids = [dict(received.headers)["webhook-id"] for received in (receiver.next(), receiver.next())]
    assert ids[0] == ids[1]
    kinds = [event["kind"] for event in audit.read(guard.store) if str(event["kind"]).startswith("delivery")]
    assert kinds == ["delivery.failed", "delivery.sent"]


def test_nothing_new_is_announced_after_the_deadline(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    step = delivery(guard, clock, settings(receiver))
    asked(guard)
    clock.forward(hours=2)

    while step():
        pass

    kinds = [receiver.next().json["data"]["state"] for _ in range(receiver.arrived.qsize())]
    assert kinds == ["expired"]


def test_an_endpoint_that_is_gone_is_left_alone(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    step = delivery(guard, clock, settings(receiver))
    asked(guard)
    receiver.answers.append((410, {}, b""))

    assert step()
    asked(guard, what="attic")

    assert not step()


def test_a_message_reserved_by_a_process_that_died_is_sent_by_another(
    guard: Guard, clock: Clock, receiver: Receiver
) -> None:
    from toolguard.guard.times import later
    from toolguard.store import outbox

    step = delivery(guard, clock, settings(receiver))
    asked(guard)
    with guard.store.write(full=False) as tx:
        outbox.fill(tx, "ops")
        assert outbox.lease(tx, "ops", later(tx.now, 30)) is not None

    assert not step()
    clock.forward(seconds=31)
    assert step()


def test_a_large_call_is_announced_without_its_arguments_and_says_so(
    guard: Guard, clock: Clock, receiver: Receiver
) -> None:
    step = delivery(guard, clock, settings(receiver))
    asked(guard, what="x" * 50_000)

    assert step()

    received = receiver.next()
    assert len(received.body) < 20_000
    assert received.json["data"]["left_out"] == "arguments: see the link"


def test_no_secret_leaves_in_a_message(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    secret = "ghp_" + "Zx81Qm" * 6
    step = delivery(guard, clock, settings(receiver))
    asked(guard, command=f"curl -H 'Authorization: Bearer {secret}' https://example.com")

    assert step()

    assert secret.encode() not in receiver.next().body


def test_teams_gets_a_card_whose_only_button_opens_the_page(guard: Guard, clock: Clock, receiver: Receiver) -> None:
    step = delivery(guard, clock, settings(receiver, kind="teams"))
    pending = asked(guard, what="[a link](https://evil.example) **bold** \u202e")

    assert step()

    (attachment,) = receiver.next().json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content = attachment["content"]
    assert [action["type"] for action in content["actions"]] == ["Action.OpenUrl"]
    assert content["actions"][0]["url"].endswith(f"/approvals/{pending.request_id}")
    assert pending.code in str(content["body"])
    assert "\u202e" not in str(content)


@pytest.mark.parametrize("text", ["plain", "[x](y)", "*", "`code`", "# title", "<at>everyone</at>"])
def test_markup_in_a_call_stays_text_on_the_card(guard: Guard, text: str) -> None:
    view = guard.approvals.show(asked(guard, what=text).request_id)
    assert view is not None
    view = replace(view, shown={**view.shown, "headline": text, "target": text * 2_000})

    found = card(Message("approval.created", "msg_1", view, "http://localhost/approvals/x"))

    heading = found["attachments"][0]["content"]["body"][1]["text"]
    assert heading.replace("\\", "") == text
    assert len(canonical(found)) < MOST_BYTES
    for mark in "[]()*`#<>":
        assert heading.count(mark) == heading.count(f"\\{mark}")
