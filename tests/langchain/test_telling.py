"""What user interfaces hear: that a call waits for people, and that one was refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from tests.langchain.agents import asks, model, says
from tests.langchain.conftest import vote
from tests.langchain.test_waiting import Bell, call, until, when_asked
from toolguard.guard import Guard, Reviewer


class Listener(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self.heard.append((name, data["state"], data["tool_call_id"]))


class AsyncListener(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self.heard.append((name, data["state"], data["tool_call_id"]))


class Broken(BaseCallbackHandler):
    raise_error = True
    run_inline = True

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        raise ValueError("not today")


SETTLED = [("toolguard.decision", "waiting", "c-door"), ("toolguard.decision", "refused", "c-door")]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_callbacks_hear_that_a_call_waits_and_then_that_it_does_not_run(guard: Guard, is_async: bool) -> None:
    ring = guard.wrap(Bell().tool(), wait=0)
    chain = RunnableLambda(ring.invoke, ring.ainvoke)

    if is_async:
        listener: Any = AsyncListener()
        asyncio.run(chain.ainvoke(call(), {"callbacks": [listener]}))
    else:
        listener = Listener()
        chain.invoke(call(), {"callbacks": [listener]})

    assert listener.heard == SETTLED


def test_a_listener_that_fails_changes_nothing(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    ring = guard.wrap(bell.tool())
    person = when_asked(guard, lambda: vote(guard, reviewer))

    answer = RunnableLambda(ring.invoke).invoke(call(), {"callbacks": [Broken()]})
    person.join()

    assert answer.content == "rang door"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_stream_of_a_graph_tells_that_a_call_waits_while_it_waits(
    guard: Guard, reviewer: Reviewer, is_async: bool
) -> None:
    bell = Bell()
    app = create_agent(model(says("", ("risky_ring", {"where": "door"}))), guard.wrap([bell.tool()]))
    heard: list[Any] = []

    def hear(part: Any) -> None:
        notice = part["toolguard"]
        heard.append(notice["state"])
        (view,) = guard.approvals.list()
        assert (notice["approval_id"], notice["code"], notice["tool"]) == (view.id, view.code, "risky_ring")
        assert notice["link"].endswith(view.id)
        vote(guard, reviewer)

    async def listen() -> None:
        async for part in app.astream(asks("ring"), stream_mode="custom"):
            hear(part)

    if is_async:
        asyncio.run(listen())
    else:
        for part in app.stream(asks("ring"), stream_mode="custom"):
            hear(part)

    assert heard == ["waiting"]
    assert bell.rung == [("door", None)]


def test_an_event_stream_tells_that_a_call_waits(guard: Guard, reviewer: Reviewer) -> None:
    bell = Bell()
    app = create_agent(model(says("", ("risky_ring", {"where": "door"}))), guard.wrap([bell.tool()]))

    async def listen() -> list[str]:
        heard = []
        events: Any = app.astream_events(asks("ring"), version="v2")
        async for event in events:
            if event["event"] == "on_custom_event":
                heard.append(event["data"]["state"])
                await until(lambda: bool(guard.approvals.list()))
                vote(guard, reviewer)
        return heard

    assert asyncio.run(listen()) == ["waiting"]
    assert bell.rung == [("door", None)]


def test_a_call_that_is_allowed_says_nothing(guard: Guard) -> None:
    def read(x: int) -> str:
        """Read."""
        return str(x)

    listener, tool = Listener(), guard.wrap(read)
    given: Any = {"name": "read", "args": {"x": 1}, "id": "c1", "type": "tool_call"}
    RunnableLambda(tool.invoke).invoke(given, {"callbacks": [listener]})

    assert not listener.heard
