"""Held calls: sync and async, answered, cancelled, out of time; and every fault before the run is a refusal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool

from tests.langchain.conftest import vote
from toolguard.guard import Guard, Reviewer
from toolguard.langchain import ToolCallRefused


class Bell:
    """A tool that says when it ran."""

    def __init__(self) -> None:
        self.rung: list[Any] = []

    def tool(self) -> BaseTool:
        @tool
        def risky_ring(where: str, how: list[str] | None = None) -> str:
            """Ring."""
            self.rung.append((where, how))
            return f"rang {where}"

        return risky_ring


def call(where: str = "door", **more: Any) -> Any:
    return {"name": "risky_ring", "args": {"where": where, **more}, "id": f"c-{where}", "type": "tool_call"}


def when_asked(guard: Guard, then: Callable[[], Any]) -> threading.Thread:
    """Do something as soon as a request waits."""

    def watch() -> None:
        while not guard.approvals.list():
            threading.Event().wait(0.005)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop go on until something is so."""
    while not is_so():  # noqa: ASYNC110 - what is awaited happens in a database
        await asyncio.sleep(0)


def test_a_held_call_runs_when_a_person_approves(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    person = when_asked(guard, lambda: vote(guard, reviewer))

    answer = guard.wrap(bell.tool()).invoke(call())
    person.join()

    assert answer.content == "rang door"
    assert bell.rung == [("door", None)]


def test_a_held_call_of_a_sync_tool_does_not_hold_the_event_loop(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    ring = guard.wrap(bell.tool())

    async def main() -> list[Any]:
        held = [asyncio.ensure_future(ring.ainvoke(call(f"door {n}"))) for n in range(20)]
        await until(lambda: len(guard.approvals.list()) == 20)
        # Threads of the default pool are free: nothing waits in them.
        assert await asyncio.to_thread(lambda: "free") == "free"
        for view in guard.approvals.list():
            vote(guard, reviewer, request_id=view.id)
        return await asyncio.gather(*held)

    answers = asyncio.run(main())

    assert sorted(answer.content for answer in answers) == sorted(f"rang door {n}" for n in range(20))
    assert len(bell.rung) == 20


def test_a_cancelled_call_never_runs_although_it_is_approved_later(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    ring = guard.wrap(bell.tool())

    async def main() -> None:
        held = asyncio.ensure_future(ring.ainvoke(call()))
        await until(lambda: bool(guard.approvals.list()))
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
        vote(guard, reviewer)
        assert guard.approvals.list("approved")

    asyncio.run(main())

    assert not bell.rung


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_call_that_nobody_answers_settles_and_runs_when_repeated_after_the_approval(
    guard: Guard, reviewer: Reviewer, is_async: bool
) -> None:
    bell = Bell()
    ring = guard.wrap(bell.tool(), wait=0)

    def invoke() -> Any:
        return asyncio.run(ring.ainvoke(call())) if is_async else ring.invoke(call())

    first = invoke()
    vote(guard, reviewer)
    second = invoke()

    assert first.status == "error"
    assert "PENDING APPROVAL" in first.content
    assert first.artifact["toolguard"]["approval_id"].startswith("ap_")
    assert second.content == "rang door"
    assert bell.rung == [("door", None)]


@pytest.mark.guarantee("binding:approved-is-what-runs")
def test_arguments_changed_while_people_decide_do_not_reach_the_tool(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    how = ["softly"]
    given = call(how=how)

    def change() -> None:
        how.append("forever")
        given["args"]["where"] = "alarm"
        vote(guard, reviewer)

    person = when_asked(guard, change)
    guard.wrap(bell.tool()).invoke(given)
    person.join()

    assert bell.rung == [("door", ["softly"])]


def test_a_refusal_without_a_call_id_is_raised(guard: Guard) -> None:
    bell = Bell()

    with pytest.raises(ToolCallRefused, match="PENDING APPROVAL") as raised:
        guard.wrap(bell.tool(), wait=0).invoke({"where": "door"})

    assert raised.value.refusal.retry
    assert not bell.rung


def test_refusals_are_raised_where_the_application_chose_so(guard: Guard) -> None:
    with pytest.raises(ToolCallRefused):
        guard.wrap(Bell().tool(), wait=0, on_block="raise").invoke(call())


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.guarantee("audit:no-log-no-call")
def test_without_a_log_nothing_runs(guard: Guard, is_async: bool) -> None:
    done: list[int] = []

    @tool
    def harmless(x: int) -> str:
        """Read."""
        done.append(x)
        return "read"

    guarded = guard.wrap(harmless)
    guard.close()
    given: Any = {"name": "harmless", "args": {"x": 1}, "id": "c1", "type": "tool_call"}
    answer = asyncio.run(guarded.ainvoke(given)) if is_async else guarded.invoke(given)

    assert answer.status == "error"
    assert not done


@pytest.mark.parametrize(
    "value", [float("nan"), "\ud800", {"a": {1, 2}}, threading.Lock()], ids=["nan", "surrogate", "set", "lock"]
)
def test_arguments_that_nobody_can_write_down_or_copy_do_not_reach_an_asked_tool(guard: Guard, value: Any) -> None:
    done: list[Any] = []

    class Loose(BaseTool):
        name: str = "risky_loose"
        description: str = "Take anything."

        def _run(self, what: Any) -> str:
            done.append(what)
            return "done"

    given: Any = {"name": "risky_loose", "args": {"what": value}, "id": "c1", "type": "tool_call"}
    answer = guard.wrap(Loose(), wait=0).invoke(given)

    assert answer.status == "error"
    assert not done


@pytest.mark.guarantee("edit:judged-and-voted-anew")
def test_what_a_reviewer_made_of_the_call_runs_and_the_agent_is_told(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()

    def change() -> None:
        (view,) = guard.approvals.list()
        digest = view.request_digest
        guard.edits.edit(view.id, reviewer, {"where": "gate"}, request_digest=digest, channel="web")
        vote(guard, reviewer)

    person = when_asked(guard, change)
    answer = guard.wrap(bell.tool()).invoke(call(how=["loud"]))
    person.join()

    assert bell.rung == [("gate", None)]
    assert answer.content == (
        "Note: a reviewer changed the arguments of this call before it ran. It was executed with: "
        '{"where":"gate"}\nrang gate'
    )
