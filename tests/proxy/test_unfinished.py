"""Executions that outlive the answer to their call: legs that bring the server its input, and tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.rig import MODERN, Message, Rig
from toolguard.guard import Reviewer


def leg(rig: Rig, id: int, tool: str = "safe_echo", state: str | None = "s1", **params: Any) -> None:
    members: Message = {"name": tool, "arguments": {"a": 1}, "_meta": MODERN, **params}
    if state is not None:
        members["requestState"] = state
    rig.client({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": members})


def ask(rig: Rig, id: int, **result: Any) -> None:
    rig.answer(id, resultType="input_required", **result)


def executions(rig: Rig) -> int:
    return len(rig.events("execution.dispatched"))


def test_a_leg_with_the_servers_state_goes_on_with_the_same_execution(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    ask(rig, 1, requestState="s1", inputRequests={"q": {"method": "elicitation/create"}})
    assert rig.outcomes() == []

    leg(rig, 2, inputResponses={"q": {"action": "accept", "content": {"name": "Ada"}}})

    sent = rig.seen_by_server[-1]["params"]
    assert sent["requestState"] == "s1"
    assert sent["inputResponses"] == {"q": {"action": "accept", "content": {"name": "Ada"}}}
    rig.answer(2, resultType="complete", content=[])
    assert executions(rig) == 1
    assert len(rig.events("execution.continued")) == 1
    assert rig.outcomes() == ["succeeded"]


def test_ten_rounds_are_one_execution(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    for number in range(1, 11):
        ask(rig, number, requestState=f"s{number}")
        leg(rig, number + 1, state=f"s{number}")

    rig.answer(11, resultType="complete")

    assert executions(rig) == 1
    assert rig.outcomes() == ["succeeded"]


def test_a_leg_without_state_is_known_by_its_call(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    ask(rig, 1, inputRequests={})

    leg(rig, 2, state=None, inputResponses={})

    assert executions(rig) == 1


@pytest.mark.parametrize(
    "change",
    [{"state": "forged"}, {"arguments": {"a": 2}}, {"vendor": 1}, {"tool": "safe_other"}],
    ids=["another state", "other arguments", "another member", "another tool"],
)
def test_a_leg_that_is_not_exactly_the_same_call_is_a_new_one(rig: Rig, change: dict[str, Any]) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    ask(rig, 1, requestState="s1")

    leg(rig, 2, **change)

    assert executions(rig) == 2


def test_a_state_continues_once(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    ask(rig, 1, requestState="s1")
    leg(rig, 2)
    rig.answer(2, resultType="complete")

    leg(rig, 3)

    assert executions(rig) == 2
    decided = rig.events("call.decided")[-1]
    assert decided["params"] == {"requestState": "s1"}


def test_an_approved_call_needs_no_second_approval_for_harmless_answers(rig: Rig, reviewer: Reviewer) -> None:
    leg(rig, 1, "risky_delete", state=None)
    rig.vote(reviewer)
    rig.wait(0.05)
    ask(rig, 1, requestState="s1")

    leg(rig, 2, "risky_delete", inputResponses={"q": {"action": "accept"}})

    assert len(rig.to_server) == 2
    assert len(rig.guard.approvals.list(state=None)) == 1
    rig.answer(2, resultType="complete")
    assert rig.outcomes() == ["succeeded"]


def test_a_foreign_state_on_a_risky_call_is_asked_for(rig: Rig) -> None:
    leg(rig, 1, "risky_delete", state="from elsewhere", inputResponses={"q": {}})

    assert rig.to_server == []
    (view,) = rig.guard.approvals.list()
    assert view.tool == "risky_delete"


def test_input_that_never_comes_leaves_the_end_unknown(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN, a=1)
    ask(rig, 1, requestState="s1")

    rig.wait(3601)
    rig.relay.tend()

    assert rig.outcomes() == ["unknown"]


# -- tasks ---------------------------------------------------------------------------------------------------------


def start_task(rig: Rig, modern: bool = False) -> None:
    rig.call("safe_echo", id=1, meta=MODERN if modern else None)
    task = {"taskId": "t1", "status": "working", "ttl": 60_000}
    rig.answer(1, **({"resultType": "task", **task} if modern else {"task": task}))
    assert rig.outcomes() == []


def ask_for(rig: Rig, method: str, id: int = 2, task: Any = "t1") -> None:
    rig.client({"jsonrpc": "2.0", "id": id, "method": method, "params": {"taskId": task}})


def test_a_tasks_execution_ends_with_its_result(rig: Rig) -> None:
    start_task(rig)
    ask_for(rig, "tasks/get")
    rig.answer(2, taskId="t1", status="completed")
    ask_for(rig, "tasks/result", 3)
    rig.answer(3, content=[{"type": "text", "text": "done"}])
    ask_for(rig, "tasks/result", 4)
    rig.answer(4, content=[{"type": "text", "text": "done"}])

    assert rig.outcomes() == ["succeeded"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"status": "failed", "statusMessage": "out of memory"}, ["failed"]),
        ({"status": "cancelled"}, ["failed"]),
        ({"status": "completed", "result": {"content": []}}, ["succeeded"]),
        ({"status": "completed", "result": {"isError": True}}, ["failed"]),
        ({"status": "working"}, []),
        ({"status": ["odd"]}, []),
        ({}, []),
    ],
)
@pytest.mark.parametrize("method", ["notifications/tasks", "notifications/tasks/status"])
def test_what_the_server_says_of_a_task_decides_its_end(
    rig: Rig, method: str, status: Message, outcome: list[str]
) -> None:
    start_task(rig, modern=True)

    rig.server({"jsonrpc": "2.0", "method": method, "params": {"taskId": "t1", **status}})
    rig.server({"jsonrpc": "2.0", "method": method, "params": {"taskId": "t1", **status}})

    assert rig.outcomes() == outcome


@pytest.mark.parametrize("task", ["another", None, 5, ["t1"]])
def test_other_tasks_end_nothing(rig: Rig, task: Any) -> None:
    start_task(rig)
    ask_for(rig, "tasks/result", task=task)
    rig.answer(2, content=[])
    rig.server({"jsonrpc": "2.0", "method": "notifications/tasks", "params": {"taskId": task, "status": "failed"}})

    assert rig.outcomes() == []


def test_a_task_that_completed_counts_even_when_nobody_fetched_its_result(rig: Rig) -> None:
    start_task(rig)
    ask_for(rig, "tasks/get")
    rig.answer(2, taskId="t1", status="completed")

    rig.relay.server_left("gone")

    assert rig.outcomes() == ["succeeded"]


def test_a_task_whose_time_is_over_has_an_unknown_end(rig: Rig) -> None:
    start_task(rig)

    rig.wait(61)
    rig.relay.tend()

    assert rig.outcomes() == ["unknown"]


def test_answers_to_a_task_are_judged_and_pass(rig: Rig) -> None:
    start_task(rig, modern=True)
    rig.client(
        {
            "jsonrpc": "2.0",
            "id": 5,
            "method": "tasks/update",
            "params": {"taskId": "t1", "inputResponses": {"q": {"action": "accept"}}},
        }
    )

    assert rig.seen_by_server[-1]["method"] == "tasks/update"
    assert len(rig.events("execution.continued")) == 1


@pytest.mark.parametrize("method", ["tasks/result", "tasks/get"])
def test_the_result_of_a_task_says_that_a_reviewer_changed_its_call(rig: Rig, reviewer: Reviewer, method: str) -> None:
    rig.call("risky_delete", id=1, meta=MODERN, what="cellar")
    (view,) = rig.guard.approvals.list()
    digest = view.request_digest
    rig.guard.edits.edit(view.id, reviewer, {"what": "attic"}, request_digest=digest, channel="web")
    rig.vote(reviewer)
    rig.wait(1.5)
    rig.answer(1, resultType="task", taskId="t1", status="working", ttl=60_000)
    ask_for(rig, method)
    content = {"content": [{"type": "text", "text": "gone"}]}
    rig.answer(
        2, **(content if method == "tasks/result" else {"taskId": "t1", "status": "completed", "result": content})
    )

    answered = rig.seen_by_client[-1]["result"]
    note, told = (answered if method == "tasks/result" else answered["result"])["content"]
    assert '{"what":"attic"}' in note["text"]
    assert told["text"] == "gone"
    assert rig.outcomes() == ["succeeded"]


def test_a_changed_call_goes_on_with_its_changed_arguments_after_the_server_asked(rig: Rig, reviewer: Reviewer) -> None:
    rig.call("risky_delete", id=1, meta=MODERN, what="cellar")
    (view,) = rig.guard.approvals.list()
    digest = view.request_digest
    rig.guard.edits.edit(view.id, reviewer, {"what": "attic"}, request_digest=digest, channel="web")
    rig.vote(reviewer)
    rig.wait(1.5)
    ask(rig, 1, requestState="s1", inputRequests={"q": {"method": "elicitation/create"}})

    leg(rig, 2, "risky_delete", arguments={"what": "cellar"}, inputResponses={"q": {"action": "accept"}})

    assert rig.seen_by_server[-1]["params"]["arguments"] == {"what": "attic"}
    rig.answer(2, content=[{"type": "text", "text": "gone"}])
    assert "attic" in rig.seen_by_client[-1]["result"]["content"][0]["text"]
    assert executions(rig) == 1
