"""Slack: what is posted, how it is updated, who may press its buttons, and Socket Mode."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from websockets.sync.server import ServerConnection

from tests.channels import fake_slack
from tests.channels.conftest import Received, Receiver
from tests.channels.test_delivery import delivery
from tests.guard.conftest import Clock, asked
from tests.guard.test_guard import vote
from tests.review.conftest import RULES, Site, running
from toolguard.channels.message import Message
from toolguard.channels.slack_blocks import blocks, dialog, fallback
from toolguard.config import Config
from toolguard.config_channels import ChannelSettings, ReviewerSettings
from toolguard.core.policy.policy import Policy
from toolguard.guard import Guard, Pending, Reviewer
from toolguard.review import slack_actions
from toolguard.store import audit, outbox
from toolguard.store.database import Database

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


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (429, {"retry-after": "30"}, b'{"ok": false, "error": "ratelimited"}'),
        (429, {"retry-after": "soon"}, b'{"ok": false, "error": "ratelimited"}'),
        (500, {}, b"<html>"),
        (200, {}, b"not JSON"),
        (200, {}, b"[]"),
        (200, {}, b""),
    ],
)
def test_whatever_slack_answers_instead_is_a_failure_that_is_tried_again(
    guard: Guard, clock: Clock, receiver: Receiver, status: int, headers: dict[str, str], body: bytes
) -> None:
    receiver.answers += [(status, {"content-type": "application/json", **headers}, body)] * 3
    step = delivery(guard, clock, settings(receiver))
    asked(guard)

    assert step()

    (failed,) = audit.read(guard.store, kind="delivery.failed")
    assert failed["body"]["gives_up"] is False
    assert guard.store.read("SELECT ended FROM outbox")[0]["ended"] is None


@pytest.mark.parametrize("text", ["<!channel> <@U1>", "*bold* _it_", ":tada:", "x" * 5_000, "\u202egnp.exe", ""])
def test_no_text_of_a_call_is_markup_and_every_limit_is_kept(guard: Guard, text: str) -> None:
    view = guard.approvals.show(asked(guard, what=text).request_id)
    assert view is not None
    view = replace(view, shown={**view.shown, "headline": text, "target": text})

    found = blocks(Message("approval.created", "msg_1", view, "http://localhost/approvals/x"))

    assert not fake_slack.broken_limit({"blocks": found, "text": fallback(Message("x", "m", view, ""))})
    assert not fake_slack.broken_limit({"view": dialog(view, text, "C1")})
    assert "<" not in fallback(Message("x", "m", view, ""))
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


@dataclass
class Workspace:
    """The reviewers' side as it runs, with Slack beside it."""

    site: Site
    slack: fake_slack.Slack

    def ask(self, **arguments: Any) -> tuple[Pending, str]:
        """A request that stands in Slack's channel, and where."""
        pending = self.site.ask(**arguments)
        posted = until(lambda: outbox.place(self.site.guard.store, "team", pending.request_id))
        return pending, json.loads(posted)["ts"]

    def payload(self, pending: Pending, ts: str, action: str = "toolguard_approve", **changes: Any) -> dict[str, Any]:
        value = json.dumps({"id": pending.request_id, "digest": self.site.view(pending).request_digest})
        return {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": "U1", "team_id": "T1"},
            "api_app_id": "A1",
            "container": {"type": "message", "message_ts": ts, "channel_id": "C1"},
            "trigger_id": f"trigger.{ts}",
            "actions": [{"action_id": action, "value": value}],
            **changes,
        }

    def submission(self, reason: str | None = "too broad", **changes: Any) -> dict[str, Any]:
        """The dialog that Slack was asked to open last, sent."""
        view = self.slack.next("views.open")["view"]
        return {
            "type": "view_submission",
            "team": {"id": "T1"},
            "user": {"id": "U1", "team_id": "T1"},
            "view": {
                "id": "V1",
                "callback_id": view["callback_id"],
                "private_metadata": view["private_metadata"],
                "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}},
            },
            **changes,
        }

    def post(self, payload: Any) -> httpx.Response:
        return post(self.site, urlencode({"payload": json.dumps(payload)}).encode())


def until(found: Callable[[], str | None]) -> str:
    """What another thread brings about; within ten seconds, or the test fails."""
    event, deadline = threading.Event(), time.monotonic() + 10
    while time.monotonic() < deadline:
        value = found()
        if value is not None:
            return value
        event.wait(0.005)
    raise AssertionError("it did not come about")


def workspace(tmp_path: Path, **changes: Any) -> Iterator[Workspace]:
    people = (ReviewerSettings("ann", slack="T1/U1"), ReviewerSettings("eve", slack="T2/U1"))
    with fake_slack.running() as slack:
        channel = ChannelSettings(
            "team", "slack", secret=SECRET, token=fake_slack.BOT, channel="C1", url=slack.api, **changes
        )
        config = Config(home=tmp_path / "home", policy=Policy(rules=RULES), reviewers=people, channels=(channel,))
        with Guard(config) as guard:
            with guard.store.write(full=False) as tx:
                outbox.fill(tx, "team")
            for site in running(guard):
                yield Workspace(site, slack)


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Workspace]:
    """Slack sends what people press to our address."""
    yield from workspace(tmp_path)


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[Workspace]:
    """Socket Mode, and no address of ours."""
    yield from workspace(tmp_path, app_token=fake_slack.APP_TOKEN)


def post(site: Site, body: bytes, secret: str = SECRET, **changes: Any) -> httpx.Response:
    now = str(int(time.time()))  # noqa: TID251 - Slack's clock
    mac = hmac.new(secret.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "x-slack-request-timestamp": now,
        "x-slack-signature": f"v0={mac}",
        "content-type": "application/x-www-form-urlencoded",
        **changes,
    }
    return httpx.post(f"{site.url}/slack/actions", content=body, headers=headers)


def refusals(site: Site) -> list[str]:
    return [event["body"]["code"] for event in audit.read(site.guard.store, kind="vote.refused")]


def test_a_reviewers_button_votes_in_their_name_and_the_message_says_so(called: Workspace) -> None:
    pending, ts = called.ask()

    answer = called.post(called.payload(pending, ts))

    assert (answer.status_code, answer.json()) == (200, {})
    view = called.site.view(pending)
    assert view.state == "approved"
    assert (view.votes[0]["reviewer"], view.votes[0]["channel"], view.votes[0]["strength"]) == ("ann", "slack", 2)
    updated = called.slack.next("chat.update")
    assert updated["ts"] == ts
    assert "approved by ann" in updated["text"]


def test_denying_asks_for_a_reason_first_and_the_agent_reads_it(called: Workspace) -> None:
    pending, ts = called.ask()

    assert called.post(called.payload(pending, ts, "toolguard_deny")).json() == {}
    assert called.site.view(pending).state == "pending"
    answer = called.post(called.submission("too broad"))

    assert answer.json() == {}
    view = called.site.view(pending)
    assert (view.state, view.votes[0]["reviewer"], view.votes[0]["reason"]) == ("denied", "ann", "too broad")


def test_a_dialog_without_a_reason_denies_as_well(called: Workspace) -> None:
    pending, ts = called.ask()
    called.post(called.payload(pending, ts, "toolguard_deny"))

    called.post(called.submission(None))

    assert called.site.view(pending).state == "denied"


def test_a_dialog_that_does_not_open_loses_no_denial(called: Workspace) -> None:
    pending, ts = called.ask()
    called.slack.failing.add("views.open")

    called.post(called.payload(pending, ts, "toolguard_deny"))

    assert called.site.view(pending).state == "denied"


def test_the_dialog_names_the_binding_code_and_what_would_run(called: Workspace) -> None:
    pending, ts = called.ask()

    called.post(called.payload(pending, ts, "toolguard_deny"))

    view = called.slack.next("views.open")["view"]
    assert pending.code in view["title"]["text"]
    assert "make clean" in json.dumps(view["blocks"])


def test_a_dialog_that_comes_too_late_says_so_where_it_was_typed(called: Workspace) -> None:
    pending, ts = called.ask()
    called.post(called.payload(pending, ts, "toolguard_deny"))
    called.site.guard.cancel(pending, "the agent changed its mind")

    answer = called.post(called.submission()).json()

    assert answer["response_action"] == "errors"
    assert "no effect" in answer["errors"]["reason"]


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"user": {"id": "U2", "team_id": "T1"}}, "not_eligible", "no reviewer"),
        ({"user": {"id": "U1", "team_id": "T3"}}, "not_eligible", "no reviewer"),
        ({"user": {"id": "U1"}, "team": {"id": "T3"}}, "not_eligible", "no reviewer"),
        ({"api_app_id": "A2"}, "wrong_message", "no message"),
        ({"container": {"message_ts": "1.1", "channel_id": "C1"}}, "wrong_message", "no message"),
        ({"container": {"message_ts": "1700000000.000001", "channel_id": "C2"}}, "wrong_message", "no message"),
    ],
)
@pytest.mark.parametrize("action", ["toolguard_approve", "toolguard_deny"])
def test_a_press_by_another_or_elsewhere_is_refused_and_only_they_are_told(
    called: Workspace, action: str, changes: dict[str, Any], code: str, told: str
) -> None:
    pending, ts = called.ask()

    answer = called.post(called.payload(pending, ts, action, **changes))

    assert answer.status_code == 200
    assert called.site.view(pending).state == "pending"
    assert refusals(called.site) == [code]
    line = called.slack.next("chat.postEphemeral")
    assert told in line["text"]
    assert line["user"] == changes.get("user", {"id": "U1"})["id"]


def test_a_button_of_one_request_moved_to_the_message_of_another_is_refused(called: Workspace) -> None:
    first, _ = called.ask(command="make one")
    _, ts = called.ask(command="make two")

    called.post(called.payload(first, ts))

    assert called.site.view(first).state == "pending"


def test_a_user_of_another_company_in_a_shared_channel_votes_as_themselves(called: Workspace) -> None:
    pending, ts = called.ask()

    called.post(called.payload(pending, ts, user={"id": "U1", "team_id": "T2"}))

    assert called.site.view(pending).votes[0]["reviewer"] == "eve"


def test_a_press_is_counted_once(called: Workspace) -> None:
    (first, ts), (second, other) = called.ask(command="make one"), called.ask(command="make two")

    called.post(called.payload(first, ts))
    again = called.post(called.payload(second, other, trigger_id=f"trigger.{ts}"))

    assert again.status_code == 200
    assert [called.site.view(pending).state for pending in (first, second)] == ["approved", "pending"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's patience, shortened, so that a busy database outlasts it at once."""
    monkeypatch.setattr(slack_actions, "ACK_SECONDS", 0.05)


def test_a_press_is_acknowledged_while_the_database_is_busy_and_counts_afterwards(
    called: Workspace, impatient: None
) -> None:
    pending, ts = called.ask()
    payload = called.payload(pending, ts)
    store = called.site.guard.store

    store.lock()
    try:
        answer = called.post(payload)
    finally:
        store.unlock(written=None)

    assert answer.status_code == 200
    until(lambda: "yes" if called.site.view(pending).state == "approved" else None)


def test_a_dialog_that_the_database_kept_waiting_tells_its_sender_in_the_channel(
    called: Workspace, impatient: None
) -> None:
    pending, ts = called.ask()
    called.post(called.payload(pending, ts, "toolguard_deny"))
    submission = called.submission(user={"id": "U2", "team_id": "T1"})
    store = called.site.guard.store

    store.lock()
    try:
        answer = called.post(submission)
    finally:
        store.unlock(written=None)

    assert answer.json() == {}
    assert "no reviewer" in called.slack.next("chat.postEphemeral")["text"]
    assert called.site.view(pending).state == "pending"


@pytest.mark.parametrize(("strength", "approves"), [(0, True), (2, True), (3, False), (4, False)])
def test_a_button_that_could_not_count_is_not_offered(guard: Guard, strength: int, approves: bool) -> None:
    view = guard.approvals.show(asked(guard).request_id)
    assert view is not None
    view = replace(view, requirement={**view.requirement, "strength": strength})

    (actions,) = [b for b in blocks(Message("approval.created", "m", view, "http://x/")) if b["type"] == "actions"]

    assert ("toolguard_approve" in {button["action_id"] for button in actions["elements"]}) is approves
    assert "toolguard_deny" in {button["action_id"] for button in actions["elements"]}


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"x=1", b"\xff", b"payload=%7B%7D"])
def test_a_signed_body_that_is_no_action_is_refused_and_noted(called: Workspace, body: bytes) -> None:
    assert post(called.site, body).status_code == 400
    assert refusals(called.site) == ["malformed"]


@pytest.mark.parametrize(
    ("secret", "changes"),
    [
        ("another", {}),
        (SECRET, {"x-slack-request-timestamp": "1531420618"}),
        (SECRET, {"x-slack-request-timestamp": "soon"}),
        (SECRET, {"x-slack-signature": "v0=\u00e9".encode()}),
        (SECRET, {"x-slack-signature": ""}),
    ],
)
def test_an_unsigned_press_is_refused_and_noted(called: Workspace, secret: str, changes: dict[str, Any]) -> None:
    pending, ts = called.ask()
    body = urlencode({"payload": json.dumps(called.payload(pending, ts))}).encode()

    assert post(called.site, body, secret, **changes).status_code == 401
    assert called.site.view(pending).state == "pending"
    assert refusals(called.site) == ["unsigned"]


def envelope(payload: Any, number: int = 1, kind: str = "interactive") -> str:
    return json.dumps({"type": kind, "envelope_id": f"e{number}", "payload": payload, "accepts_response_payload": True})


def connected(workspace: Workspace) -> ServerConnection:
    return workspace.slack.sockets.get(timeout=10)


def test_a_socket_brings_presses_and_dialogs_without_an_address_of_ours(plugged: Workspace) -> None:
    socket = connected(plugged)
    pending, ts = plugged.ask()

    socket.send(envelope(plugged.payload(pending, ts, "toolguard_deny"), 1))
    assert plugged.slack.acknowledged.get(timeout=10) == {"envelope_id": "e1"}
    socket.send(envelope(plugged.submission("not now"), 2))

    assert plugged.slack.acknowledged.get(timeout=10) == {"envelope_id": "e2"}
    view = plugged.site.view(pending)
    assert (view.state, view.votes[0]["reason"]) == ("denied", "not now")


def test_an_envelope_that_comes_twice_is_acknowledged_twice_and_counts_once(plugged: Workspace) -> None:
    socket = connected(plugged)
    pending, ts = plugged.ask()

    for _ in range(2):
        socket.send(envelope(plugged.payload(pending, ts)))
        assert plugged.slack.acknowledged.get(timeout=10) == {"envelope_id": "e1"}

    assert len(plugged.site.view(pending).votes) == 1


@pytest.mark.parametrize(
    ("payload", "kind"),
    [({}, "interactive"), ({"type": "block_actions", "user": 7}, "interactive"), ({}, "events_api")],
)
def test_an_envelope_that_says_nothing_to_us_is_acknowledged(plugged: Workspace, payload: Any, kind: str) -> None:
    socket = connected(plugged)

    socket.send(envelope(payload, kind=kind))

    assert plugged.slack.acknowledged.get(timeout=10) == {"envelope_id": "e1"}


def test_a_socket_that_slack_renews_is_opened_anew(plugged: Workspace) -> None:
    first = connected(plugged)

    first.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
    second = connected(plugged)
    pending, ts = plugged.ask()
    second.send(envelope(plugged.payload(pending, ts)))

    assert plugged.slack.acknowledged.get(timeout=10) == {"envelope_id": "e1"}
    assert plugged.site.view(pending).state == "approved"


def test_a_socket_that_cannot_be_opened_is_in_the_log_and_ends_nothing(tmp_path: Path) -> None:
    for plugged in workspace(tmp_path, app_token="xapp-wrong"):
        store = plugged.site.guard.store

        def failed(store: Database = store) -> str | None:
            return next((e["body"]["error"] for e in audit.read(store, kind="delivery.failed")), None)

        assert "invalid_auth" in until(failed)
        assert httpx.get(f"{plugged.site.url}/healthz").status_code == 200
