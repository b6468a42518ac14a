"""A call that waits for people: held with progress, settled in time, resumed, run once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.proxy.conftest import RULES
from tests.proxy.rig import MODERN, TOOLS, Message, Rig
from toolguard.config import Config
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard, Reviewer

TOKEN = {"progressToken": "p"}


def cancelled(id: int | str) -> Message:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def test_an_approved_call_runs_once(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, what="cellar")
    assert rig.to_server == []

    rig.vote(reviewer)
    rig.wait(0.05)

    assert rig.seen_by_server[0]["params"] == {"name": "risky_delete", "arguments": {"what": "cellar"}}
    rig.answer(1)
    rig.wait(100)
    assert len(rig.to_server) == 1
    assert len(rig.to_client) == 1
    assert rig.outcomes() == ["succeeded"]


def test_a_denied_call_brings_the_reviewers_reason_to_the_agent(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete")

    rig.vote(reviewer, "deny", reason="the cellar is rented out")
    rig.wait(0.05)

    assert "the cellar is rented out" in rig.refusal
    assert rig.to_server == []


def test_without_an_answer_the_call_settles_and_names_the_approval(rig: Rig) -> None:
    rig.call("risky_delete")
    rig.wait(49.9)
    assert rig.to_client == []

    rig.wait(0.2)

    (view,) = rig.guard.approvals.list()
    assert f"PENDING APPROVAL {view.id} {view.code}" in rig.refusal
    approval = rig.seen_by_client[0]["result"]["_meta"]["dev.toolguard/approval"]
    assert (approval["id"], approval["code"], approval["status"]) == (view.id, view.code, "pending")


def test_after_it_settled_an_approval_alone_runs_nothing(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete")
    rig.wait(51)

    rig.vote(reviewer)
    rig.wait(100)

    assert rig.to_server == []


def test_an_identical_retry_attaches_and_runs_when_approved(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, what="cellar")
    rig.wait(51)
    rig.call("risky_delete", id=2, what="cellar")
    assert len(rig.guard.approvals.list()) == 1

    rig.vote(reviewer)
    rig.wait(0.05)

    assert [message["id"] for message in rig.seen_by_server] == [2]


def test_a_retry_after_the_approval_runs_at_once(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.wait(51)
    rig.vote(reviewer)

    rig.call("risky_delete", id=2)

    assert [message["id"] for message in rig.seen_by_server] == [2]


def test_a_retry_on_another_connection_attaches(rig: Rig, guard: Guard, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    again = Rig(guard).listed()
    again.call("risky_delete", id=1)
    assert len(guard.approvals.list()) == 1

    again.vote(reviewer)
    again.wait(0.05)
    rig.wait(0.05)

    assert len(again.to_server) == 1
    assert rig.to_server == []
    assert "used already" in rig.refusal


@pytest.mark.guarantee("execution:once")
def test_two_waiting_retries_make_one_execution(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.call("risky_delete", id=2)

    rig.vote(reviewer)
    rig.wait(0.05)

    assert len(rig.to_server) == 1
    assert len(rig.to_client) == 1


@pytest.mark.guarantee("binding:approved-is-what-runs")
def test_other_arguments_are_another_request(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, what="cellar")
    rig.vote(reviewer)

    rig.call("risky_delete", id=2, what="attic")

    assert len(rig.guard.approvals.list(state=None)) == 2
    assert rig.to_server == []


def test_the_session_settings_of_a_try_are_not_what_was_approved(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, meta={"progressToken": 1})
    rig.wait(51)
    rig.vote(reviewer)
    rig.forget()

    rig.call("risky_delete", id=2, meta={"progressToken": 2})

    assert rig.seen_by_server[0]["params"]["_meta"] == {"progressToken": 2}


# -- progress ------------------------------------------------------------------------------------------------------


def progress(rig: Rig) -> list[float]:
    found = [m["params"] for m in rig.seen_by_client if m.get("method") == "notifications/progress"]
    assert all("total" not in params for params in found if "message" in params)
    return [params["progress"] for params in found]


def test_with_a_token_the_client_hears_every_10_seconds(rig: Rig) -> None:
    rig.call("risky_delete", meta=TOKEN)

    rig.wait(45)

    assert progress(rig) == [1, 2, 3, 4]
    (view,) = rig.guard.approvals.list()
    assert view.code in rig.seen_by_client[0]["params"]["message"]


@pytest.mark.parametrize("meta", [None, {}, {"progressToken": None}, {"progressToken": True}, {"progressToken": [1]}])
def test_without_a_token_it_is_held_silently(rig: Rig, meta: Message | None) -> None:
    rig.call("risky_delete", meta=meta)

    rig.wait(49)

    assert rig.to_client == []


def test_progress_rises_over_the_hold_and_the_servers_own(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", meta=TOKEN)
    rig.wait(25)
    rig.vote(reviewer)
    rig.wait(0.05)

    for params in ({"progress": 1, "total": 4}, {"progress": 2.5}, {"progress": "odd"}, {}):
        rig.server({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p", **params}})
    rig.server({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "q", "progress": 1}})

    sent = [message["params"] for message in rig.seen_by_client[2:]]
    assert sent == [
        {"progressToken": "p", "progress": 3, "total": 6},
        {"progressToken": "p", "progress": 4.5},
        {"progressToken": "p", "progress": "odd"},
        {"progressToken": "p"},
        {"progressToken": "q", "progress": 1},
    ]


def test_after_the_answer_there_is_no_progress_of_ours(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", meta=TOKEN)
    rig.wait(15)
    rig.vote(reviewer)
    rig.wait(0.05)
    rig.answer(1)
    rig.forget()

    rig.wait(100)

    assert rig.to_client == []


# -- who leaves ----------------------------------------------------------------------------------------------------


def test_a_wire_cancel_of_a_held_call_detaches_it_and_it_never_runs(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.client(cancelled(1))

    rig.vote(reviewer)
    rig.wait(100)

    assert rig.to_server == []
    assert rig.to_client == []


def test_after_a_wire_cancel_an_identical_call_finds_the_request(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.client(cancelled(1))
    rig.vote(reviewer)

    rig.call("risky_delete", id=1)

    assert len(rig.to_server) == 1


def test_a_client_that_leaves_gets_the_settled_answer_and_the_request_lives_on(rig: Rig) -> None:
    rig.call("risky_delete", id=1)

    rig.relay.client_left()
    rig.wait(100)

    assert "PENDING APPROVAL" in rig.refusal
    assert len(rig.guard.approvals.list()) == 1


def test_with_the_server_gone_an_approval_runs_nothing(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.relay.server_left("gone")

    rig.vote(reviewer)
    rig.wait(100)

    assert rig.to_server == []


def given_up(rig: Rig, reviewer: Reviewer) -> None:
    """An approved call whose client times out while it runs, and whose result comes after that."""
    rig.call("risky_delete", id=1, what="cellar")
    rig.vote(reviewer)
    rig.wait(0.05)
    rig.client(cancelled(1))
    rig.answer(1)
    rig.forget()


def test_the_retry_of_a_call_that_ran_for_nobody_gets_its_result_and_runs_nothing(rig: Rig, reviewer: Reviewer) -> None:
    given_up(rig, reviewer)

    rig.call("risky_delete", id=2, what="cellar")

    (answer,) = rig.seen_by_client
    assert answer["id"] == 2
    assert answer["result"]["content"][0]["text"] == "done"
    assert answer["result"]["_meta"] == {"dev.toolguard/replay": True}
    assert rig.to_server == []
    assert len(rig.events("call.replayed")) == 1


def test_a_result_is_replayed_once_and_for_ten_minutes(rig: Rig, reviewer: Reviewer) -> None:
    given_up(rig, reviewer)
    rig.call("risky_delete", id=2, what="cellar")
    rig.call("risky_delete", id=3, what="cellar")
    assert len(rig.to_client) == 1
    assert len(rig.guard.approvals.list()) == 1
    rig.client(cancelled(3))

    rig.vote(reviewer)
    rig.call("risky_delete", id=4, what="cellar")
    rig.client(cancelled(4))
    rig.answer(4)
    rig.forget()
    rig.wait(601)
    rig.call("risky_delete", id=5, what="cellar")

    assert rig.to_client == []
    assert len(rig.guard.approvals.list()) == 1


def test_only_the_identical_call_is_answered_by_a_replay(rig: Rig, reviewer: Reviewer) -> None:
    given_up(rig, reviewer)

    rig.call("risky_delete", id=2, what="attic")

    assert rig.to_client == []


# -- others --------------------------------------------------------------------------------------------------------


def test_held_calls_delay_nothing_else(rig: Rig) -> None:
    for number in range(15):
        rig.call("risky_delete", id=number, what=number)

    rig.call("safe_echo", id="now")

    assert [message["id"] for message in rig.seen_by_server] == ["now"]


def test_a_modern_client_gets_its_result_type_when_the_call_settles(rig: Rig) -> None:
    rig.call("risky_delete", meta=MODERN)
    rig.wait(51)

    assert rig.seen_by_client[0]["result"]["resultType"] == "complete"


@pytest.mark.guarantee("binding:drift-ends-it")
def test_a_definition_that_changes_while_people_decide_ends_the_request(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    rig.vote(reviewer)
    rig.wait(1)
    assert [message["method"] for message in rig.seen_by_server] == ["tools/list"]

    changed = [{**tool, "description": "Does something else now"} for tool in TOOLS]
    rig.answer(rig.seen_by_server[0]["id"], tools=changed)
    rig.wait(1)

    assert [message["method"] for message in rig.seen_by_server] == ["tools/list"]
    assert "NOT executed" in rig.seen_by_client[-1]["result"]["content"][0]["text"]


def test_a_listing_that_changes_nothing_lets_the_approved_call_go(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1)
    rig.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    rig.vote(reviewer)
    rig.answer(rig.seen_by_server[0]["id"], tools=TOOLS)

    rig.wait(0.05)

    assert rig.seen_by_server[-1]["method"] == "tools/call"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Rig]:
    config = Config(home=tmp_path / "home", policy=Policy(Preset.BALANCED, RULES))
    with Guard(config, clock=clock) as guard:
        yield Rig(guard).listed()


@pytest.mark.guarantee("request:ends-in-time")
def test_a_request_that_nobody_decides_in_time_expires_for_the_held_call(timed: Rig, clock: Clock) -> None:
    timed.call("risky_delete")
    clock.now += timedelta(hours=2)

    timed.wait(2)

    assert "Nobody approved this call in time" in timed.refusal
    assert timed.to_server == []


@pytest.mark.guarantee("edit:judged-and-voted-anew")
def test_what_a_reviewer_made_of_the_call_is_sent_and_the_agent_is_told(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, what="cellar", how="all")
    (view,) = rig.guard.approvals.list()
    digest = view.request_digest
    rig.guard.edits.edit(view.id, reviewer, {"what": "attic"}, request_digest=digest, channel="web")
    rig.wait(1.5)
    assert rig.to_server == []

    rig.vote(reviewer)
    rig.wait(0.05)

    assert rig.seen_by_server[0]["params"] == {"name": "risky_delete", "arguments": {"what": "attic"}}
    rig.server({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "gone"}]}})
    note, answer = rig.seen_by_client[-1]["result"]["content"]
    assert "a reviewer changed the arguments" in note["text"]
    assert '{"what":"attic"}' in note["text"]
    assert answer["text"] == "gone"
    rig.wait(100)
    assert len(rig.to_server) == 1


def test_an_error_of_the_tool_says_too_what_was_sent(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, what="cellar")
    (view,) = rig.guard.approvals.list()
    digest = view.request_digest
    rig.guard.edits.edit(view.id, reviewer, {"what": "attic"}, request_digest=digest, channel="web")
    rig.vote(reviewer)
    rig.wait(1.5)

    rig.server({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no attic"}})

    message = rig.seen_by_client[-1]["error"]["message"]
    assert '{"what":"attic"}' in message
    assert message.endswith("no attic")
