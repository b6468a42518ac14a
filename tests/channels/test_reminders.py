"""Reminders and escalation: once each, to whom the configuration says, through the outbox, deciding nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.channels import fake_slack
from tests.channels.conftest import Receiver
from tests.channels.test_delivery import SECRET, settings
from tests.guard.conftest import Clock, asked, enrolled
from tests.guard.test_guard import consistent, vote
from toolguard.channels import Delivery, opened
from toolguard.channels.reminders import raise_due
from toolguard.config import load
from toolguard.config_channels import ChannelSettings, Reminder
from toolguard.errors import ConfigError
from toolguard.guard import Guard
from toolguard.store import audit, outbox

Opener = Callable[..., Guard]


def drained(guard: Guard, clock: Clock) -> None:
    """Everything that is due at this moment, sent."""
    raise_due(guard)
    channels = opened(guard.config.channels)
    delivery = Delivery(guard, channels, clock, chance=lambda: 0.0)
    for channel in channels:
        while asyncio.run(delivery.step(channel)):
            pass


def begun(guard: Guard) -> Guard:
    """The channels' cursors stand at the present."""
    with guard.store.write(full=False) as tx:
        for channel in guard.config.channels:
            outbox.fill(tx, channel.name)
    return guard


def told(receiver: Receiver) -> list[tuple[str, str, bool]]:
    """Path, state, and whether it was a reminder, of what arrived."""
    found = [receiver.next() for _ in range(receiver.arrived.qsize())]
    return [(one.path, one.json["data"]["state"], "reminder" in one.json["data"]) for one in found]


def two(receiver: Receiver, **changes: str) -> tuple[ChannelSettings, ...]:
    base = f"http://{receiver.place}"
    oncall = ChannelSettings("oncall", "webhook", f"{base}/oncall", SECRET, allow=(receiver.place,), **changes)  # type: ignore[arg-type]  # texts
    return (settings(receiver, url=f"{base}/team"), oncall)


def test_what_nobody_decides_is_said_again_once(guard_with: Opener, clock: Clock, receiver: Receiver) -> None:
    guard = begun(guard_with(channels=(settings(receiver),), reminders=(Reminder(600, None, ("ops",)),)))
    asked(guard)

    drained(guard, clock)
    assert told(receiver) == [("/hook", "pending", False)]
    clock.forward(minutes=9)
    drained(guard, clock)
    assert told(receiver) == []
    clock.forward(minutes=2)
    drained(guard, clock)
    drained(guard, clock)

    assert told(receiver) == [("/hook", "pending", True)]


def test_before_the_end_others_hear_of_it_and_then_how_it_ended(
    guard_with: Opener, clock: Clock, receiver: Receiver
) -> None:
    channels = two(receiver, when="reminded")
    guard = begun(guard_with(channels=channels, reminders=(Reminder(None, 300, ("ops", "oncall")),)))
    bob = enrolled(guard, "bob")
    pending, decided = asked(guard), asked(guard, what="attic")
    vote(guard, decided, bob, "deny")

    drained(guard, clock)
    assert told(receiver) == [("/team", "pending", False), ("/team", "denied", False)]
    clock.forward(minutes=56)
    drained(guard, clock)
    assert told(receiver) == [("/team", "pending", True), ("/oncall", "pending", True)]
    vote(guard, pending, bob)
    drained(guard, clock)

    assert told(receiver) == [("/team", "approved", False), ("/oncall", "approved", False)]


@pytest.mark.parametrize("reminder", [Reminder(600, None, ("ops",)), Reminder(None, 3000, ("ops",))])
def test_a_reminder_decides_nothing_and_moves_no_deadline(
    guard_with: Opener, clock: Clock, receiver: Receiver, reminder: Reminder
) -> None:
    guard = begun(guard_with(channels=(settings(receiver),), reminders=(reminder,)))
    pending = asked(guard)
    before = guard.approvals.show(pending.request_id)
    assert before is not None

    clock.forward(minutes=20)
    assert raise_due(guard) == 1

    after = guard.approvals.show(pending.request_id)
    assert after is not None
    assert (after.state, after.decide_by, after.request_digest, after.votes) == (
        "pending", before.decide_by, before.request_digest, (),
    )  # fmt: skip
    (event,) = audit.read(guard.store, kind="reminder.raised")
    assert (event["request_id"], event["body"]["to"]) == (pending.request_id, ["ops"])
    assert consistent(guard)


def test_nobody_is_reminded_of_what_is_over(guard_with: Opener, clock: Clock, receiver: Receiver) -> None:
    guard = begun(guard_with(channels=(settings(receiver),), reminders=(Reminder(600, None, ("ops",)),)))
    vote(guard, asked(guard), enrolled(guard, "bob"), "deny")
    expired = asked(guard, what="attic")

    clock.forward(hours=2)

    assert raise_due(guard) == 0
    assert not audit.read(guard.store, kind="reminder.raised")
    assert guard.approvals.show(expired.request_id) is not None


def test_a_reminder_survives_a_crash_between_raising_and_sending(
    guard_with: Opener, clock: Clock, receiver: Receiver
) -> None:
    guard = begun(guard_with(channels=(settings(receiver),), reminders=(Reminder(600, None, ("ops",)),)))
    asked(guard)
    drained(guard, clock)
    clock.forward(minutes=11)
    assert raise_due(guard) == 1

    other = guard_with(channels=(settings(receiver),), reminders=(Reminder(600, None, ("ops",)),))
    drained(other, clock)

    assert told(receiver) == [("/hook", "pending", False), ("/hook", "pending", True)]


def test_two_processes_raise_a_reminder_once(guard_with: Opener, clock: Clock, receiver: Receiver) -> None:
    reminders = (Reminder(600, None, ("ops",)),)
    first, second = (guard_with(channels=(settings(receiver),), reminders=reminders) for _ in range(2))
    asked(first)
    clock.forward(minutes=11)

    assert [raise_due(first), raise_due(second)] == [1, 0]


def test_in_slack_a_reminder_answers_the_message_that_has_the_buttons(guard_with: Opener, clock: Clock) -> None:
    with fake_slack.running() as slack:
        team = ChannelSettings("team", "slack", url=slack.api, secret="s", token=fake_slack.BOT, channel="C1")
        guard = begun(guard_with(channels=(team,), reminders=(Reminder(600, None, ("team",)),)))
        pending = asked(guard)
        drained(guard, clock)
        clock.forward(minutes=11)

        drained(guard, clock)

        slack.next("chat.postMessage")
        again = slack.next("chat.postMessage")
        assert again["thread_ts"] == "1700000000.000001"
        assert again["reply_broadcast"] in (True, "1", "true")
        assert pending.code in str(again["blocks"])
        assert "actions" not in {block["type"] for block in again["blocks"]}


CHANNELS = """
channels:
  team: {kind: teams, url: "https://teams.example.com/x"}
  oncall: {kind: apprise, url: "json://localhost", groups: [leads], when: reminded}
"""


@pytest.mark.parametrize(
    ("written", "to"),
    [
        ("{after: 10m, to: team}", ("team",)),
        ("{before: 5m, to: [leads]}", ("oncall",)),
        ("{before: 5m, to: [leads, oncall, team]}", ("oncall", "team")),
    ],
)
def test_a_reminder_names_channels_or_the_groups_that_they_reach(
    tmp_path: Path, written: str, to: tuple[str, ...]
) -> None:
    file = tmp_path / "toolguard.yaml"
    file.write_text(f"{CHANNELS}reminders:\n  - {written}\n", encoding="utf-8")

    (reminder,) = load(file).reminders

    assert reminder.to == to


@pytest.mark.parametrize(
    "written",
    [
        "{to: team}",
        "{after: 10m}",
        "{after: 10m, before: 5m, to: team}",
        "{after: 10m, to: nobody}",
        "{after: 10m, to: []}",
        "{after: 10, to: team}",
    ],
)
def test_a_reminder_that_says_nothing_is_an_error_of_the_file(tmp_path: Path, written: str) -> None:
    file = tmp_path / "toolguard.yaml"
    file.write_text(f"{CHANNELS}reminders:\n  - {written}\n", encoding="utf-8")

    with pytest.raises(ConfigError):
        load(file)
