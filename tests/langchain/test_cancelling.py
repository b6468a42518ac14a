"""A caller that is gone, in whatever way, leaves nothing behind that could still run the tool."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from tests.langchain.agents import asks, model, says, thread
from tests.langchain.conftest import vote
from tests.langchain.test_waiting import Bell, call, until, when_asked
from toolguard.guard import Guard, Reviewer
from toolguard.langchain import GuardMiddleware

Held = Callable[[], Awaitable[Any]]
"""Begins the call that is held."""


async def cancelled(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(held())
    await asked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancelled_twice(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(held())
    await asked()
    task.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def out_of_time(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(None) as limit:
            task = asyncio.ensure_future(asked())
            task.add_done_callback(lambda _: limit.reschedule(0))
            await held()

    with pytest.raises(TimeoutError):
        await limited()


async def waited_for(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    gone = asyncio.ensure_future(held())
    await asked()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gone, 0)


async def beside_a_failure(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    async def fails() -> None:
        await asked()
        raise ValueError("the neighbour failed")

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_run(held()))
            group.create_task(fails())

    with pytest.raises(ExceptionGroup):
        await both()


async def never_awaited_again(held: Held, asked: Callable[[], Awaitable[None]]) -> None:
    """The program ends while the call is held: `asyncio.run` cancels what is left."""
    _left.append(asyncio.ensure_future(held()))
    await asked()


_left: list[Any] = []

WAYS = (cancelled, cancelled_twice, out_of_time, waited_for, beside_a_failure, never_awaited_again)


def of_a_tool(guard: Guard, bell: Bell) -> Held:
    ring = guard.wrap(bell.tool())
    return lambda: _run(ring.ainvoke(call()))


def of_an_agent(guard: Guard, bell: Bell) -> Held:
    script = says("", ("risky_ring", {"where": "door"}))
    app = create_agent(model(script), [bell.tool()], middleware=[GuardMiddleware(guard)])
    return lambda: _run(app.ainvoke(asks("ring")))


def of_a_stream(guard: Guard, bell: Bell) -> Held:
    script = says("", ("risky_ring", {"where": "door"}))
    app = create_agent(model(script), guard.wrap([bell.tool()], pause="wait"), checkpointer=InMemorySaver())

    async def read() -> list[Any]:
        return [part async for part in app.astream(asks("ring"), thread())]

    return read


def of_a_batch(guard: Guard, bell: Bell) -> Held:
    ring = guard.wrap(bell.tool())
    return lambda: _run((RunnableLambda(lambda x: x) | ring).abatch([call(), call()]))


async def _run(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@pytest.mark.parametrize("begin", [of_a_tool, of_an_agent, of_a_stream, of_a_batch], ids=lambda f: f.__name__)
@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
@pytest.mark.guarantee("execution:once")
def test_a_call_whose_caller_is_gone_never_runs_and_its_approval_serves_the_next(
    guard: Guard, reviewer: Reviewer, way: Any, begin: Callable[[Guard, Bell], Held]
) -> None:
    bell = Bell()
    held = begin(guard, bell)

    async def main() -> None:
        await way(held, lambda: until(lambda: bool(guard.approvals.list())))

    asyncio.run(main())
    (view,) = guard.approvals.list()
    vote(guard, reviewer)

    assert not view.waiting
    assert not bell.rung


def test_a_client_that_leaves_the_stream_takes_its_call_along(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    script = says("", ("risky_ring", {"where": "door"}))
    app = create_agent(model(script), guard.wrap([bell.tool()]))

    async def main() -> None:
        stream: Any = app.astream(asks("ring"), stream_mode=["custom", "updates"])
        async for kind, part in stream:
            if kind == "custom":
                assert part["toolguard"]["state"] == "waiting"
                break
        await stream.aclose()
        vote(guard, reviewer)

    asyncio.run(main())

    assert not bell.rung


def test_ctrl_c_ends_a_call_that_is_held_in_the_main_thread(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    person = when_asked(guard, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        guard.wrap(bell.tool()).invoke(call())
    person.join()
    vote(guard, reviewer)

    assert guard.approvals.list("approved")
    assert not bell.rung


def test_an_approval_after_the_caller_left_lets_the_same_call_run_once(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    ring = guard.wrap(bell.tool())

    async def main() -> None:
        await cancelled(lambda: _run(ring.ainvoke(call())), lambda: until(lambda: bool(guard.approvals.list())))
        vote(guard, reviewer)
        assert (await ring.ainvoke(call())).content == "rang door"

    asyncio.run(main())

    assert bell.rung == [("door", None)]


def test_a_call_cancelled_while_it_runs_may_have_happened_and_is_not_repeated_unasked(
    guard: Guard, reviewer: Reviewer
) -> None:
    started: list[str] = []

    @tool
    async def risky_ring(where: str) -> str:
        """Ring for a long time."""
        started.append(where)
        await asyncio.Event().wait()
        return "never"

    ring = guard.wrap(risky_ring)

    async def main() -> None:
        task = asyncio.ensure_future(ring.ainvoke(call()))
        await until(lambda: bool(guard.approvals.list()))
        vote(guard, reviewer)
        await until(lambda: bool(started))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = await ring.ainvoke(call())
        assert again.status == "error"
        assert "may have happened" in again.content

    asyncio.run(main())

    assert started == ["door"]
