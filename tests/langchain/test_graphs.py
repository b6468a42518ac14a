"""Hand-built graphs: one ToolNode for all calls, where LangGraph hands out answers in no order and runs calls again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from tests.langchain.agents import answers, pauses, says, thread
from tests.langchain.conftest import enrolled, events, vote
from tests.langchain.test_agents import Shop, Transfer
from toolguard.guard import Guard, Reviewer

TURN = says("", ("risky_pay", {"to": "ann"}), ("look", {"what": "door"}), ("risky_pay", {"to": "bea"}))


def graph(tools: list[BaseTool], saver: Any = None) -> Any:
    built = StateGraph(MessagesState)
    built.add_node("tools", ToolNode(tools))
    built.add_edge(START, "tools")
    return built.compile(checkpointer=saver)


def turn(message: AIMessage) -> dict[str, Any]:
    return {"messages": [message.model_copy(update={"id": None})]}


def test_calls_that_share_a_task_wait_instead_of_pausing(guard: Guard) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), wait=0), InMemorySaver())

    state = app.invoke(turn(TURN), thread())

    assert not pauses(state)
    assert shop.done == ["looked at door"]
    assert [status for _, status, _ in answers(state)] == ["error", "success", "error"]


@pytest.mark.guarantee("execution:once")
@pytest.mark.parametrize("order", [("ann", "bea"), ("bea", "ann")], ids=" then ".join)
def test_crossed_answers_of_calls_that_share_a_task_run_each_call_once(
    guard: Guard, reviewer: Reviewer, order: tuple[str, str]
) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), pause="interrupt", reviewer=reviewer), InMemorySaver())
    state = app.invoke(turn(TURN), thread())
    ids = {view.arguments["to"]: view.id for view in guard.approvals.list()}

    # An answer by position could be for either call, so it decides nothing.
    state = app.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread())
    assert pauses(state)
    assert shop.done == ["looked at door"]
    for person in order:
        state = app.invoke(Command(resume={"approval_id": ids[person], "decision": "approve"}), thread())

    assert sorted(shop.done) == ["looked at door", "paid ann", "paid bea"]
    assert [(call, status) for call, status, _ in answers(state)] == [(f"c{n}", "success") for n in (1, 2, 3)]
    assert events(guard).count("execution.claimed") == 2


def test_an_edit_of_a_call_that_shares_a_task_is_honoured_and_misses_its_neighbour(
    guard: Guard, reviewer: Reviewer
) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), pause="interrupt", reviewer=reviewer), InMemorySaver())
    app.invoke(turn(TURN), thread())
    ids = {view.arguments["to"]: view.id for view in guard.approvals.list()}
    edit = {"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "carl"}}}

    app.invoke(Command(resume={ids["bea"]: edit}), thread())
    while "carl" not in (open_now := {view.arguments["to"]: view.id for view in guard.approvals.list()}):
        # LangGraph drops calls that have not started when a neighbour pauses; the answer is there the next time.
        app.invoke(Command(resume=True), thread())
    assert set(open_now) == {"ann", "carl"}
    app.invoke(Command(resume={open_now["carl"]: "approve"}), thread())
    state = app.invoke(Command(resume={ids["ann"]: "approve"}), thread())

    assert sorted(shop.done) == ["looked at door", "paid ann", "paid carl"]
    texts = {call: text for call, _, text in answers(state)}
    assert texts["c1"] == "paid ann"
    assert texts["c3"].startswith("Note: a reviewer changed the arguments")
    assert texts["c3"].endswith('{"to":"carl"}\npaid carl')
    assert events(guard).count("execution.claimed") == 2


def test_the_only_call_of_a_turn_pauses_by_itself_and_takes_answers_by_position(
    guard: Guard, reviewer: Reviewer
) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), reviewer=reviewer), InMemorySaver())

    state = app.invoke(turn(says("", ("risky_pay", {"to": "ann"}))), thread())
    assert pauses(state)
    state = app.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread())

    assert shop.done == ["paid ann"]
    assert answers(state) == [("c1", "success", "paid ann")]


def test_a_tool_that_pauses_itself_in_a_graph_of_its_own_gets_its_own_answer(guard: Guard, reviewer: Reviewer) -> None:
    transfer = Transfer()
    app = graph(guard.wrap([transfer.tool()]), InMemorySaver())

    app.invoke(turn(says("", ("risky_transfer", {"to": "ann"}))), thread())
    vote(guard, reviewer)
    asked = app.invoke(Command(resume="poke"), thread())
    state = app.invoke(Command(resume="DE1"), thread())

    assert pauses(asked) == ["which account?"]
    assert transfer.accounts == ["DE1"]
    assert answers(state) == [("c1", "success", "from DE1 to ann")]
    assert events(guard).count("execution.claimed") == 1


@pytest.mark.guarantee("execution:once")
def test_calls_that_share_a_task_run_once_over_a_restart(guard_of: Callable[[], Guard], tmp_path: Path) -> None:
    shop, place = Shop(), str(tmp_path / "checkpoints.db")
    first = guard_of()
    bob = enrolled(first, "bob")
    with SqliteSaver.from_conn_string(place) as saver:
        app = graph(first.wrap(shop.tools(), pause="interrupt"), saver)
        app.invoke(turn(TURN), thread())
        ann = next(view for view in first.approvals.list() if view.arguments["to"] == "ann")
        vote(first, bob, request_id=ann.id)
        app.invoke(Command(resume=True), thread())
        assert sorted(shop.done) == ["looked at door", "paid ann"]
    first.close()

    second = guard_of()
    with SqliteSaver.from_conn_string(place) as saver:
        vote(second, bob)
        state = graph(second.wrap(shop.tools(), pause="interrupt"), saver).invoke(Command(resume=True), thread())

    assert sorted(shop.done) == ["looked at door", "paid ann", "paid bea"]
    texts = {call: text for call, _, text in answers(state)}
    assert "has been executed already" in texts["c1"]
    assert texts["c3"] == "paid bea"


def test_the_same_call_id_in_two_turns_is_two_calls(guard: Guard, reviewer: Reviewer) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), pause="interrupt"), InMemorySaver())
    pay = says("", ("risky_pay", {"to": "ann"}))

    app.invoke(turn(pay), thread())
    vote(guard, reviewer)
    app.invoke(Command(resume=True), thread())
    second = app.invoke(turn(pay), thread())

    assert shop.done == ["paid ann"]
    assert len(pauses(second)) == 1


def test_the_same_call_twice_in_one_turn_runs_once(guard: Guard, reviewer: Reviewer) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), pause="interrupt"), InMemorySaver())
    calls = says("", ("risky_pay", {"to": "ann"}), ("risky_pay", {"to": "ann"}))

    app.invoke(turn(calls), thread())
    vote(guard, reviewer)
    app.invoke(Command(resume=True), thread())

    assert shop.done == ["paid ann"]


@pytest.mark.guarantee("execution:no-second-after-a-crash")
def test_a_call_that_was_cut_off_is_not_run_again(guard: Guard, reviewer: Reviewer) -> None:
    done: list[str] = []

    @tool
    def risky_pay(to: str) -> str:
        """Pay."""
        done.append(to)
        raise KeyboardInterrupt

    app = graph(guard.wrap([risky_pay], pause="interrupt"), InMemorySaver())
    app.invoke(turn(says("", ("risky_pay", {"to": "ann"}))), thread())
    vote(guard, reviewer)
    with pytest.raises(KeyboardInterrupt):
        app.invoke(Command(resume=True), thread())

    state = app.invoke(Command(resume=True), thread())

    assert done == ["ann"]
    assert "may have happened" in answers(state)[0][2]


def test_without_a_checkpointer_an_interrupt_settles_instead_of_looking_like_success(guard: Guard) -> None:
    shop = Shop()
    app = graph(guard.wrap(shop.tools(), pause="interrupt"))

    state = app.invoke(turn(says("", ("risky_pay", {"to": "ann"}))), {})

    assert not pauses(state)
    assert "PENDING APPROVAL" in answers(state)[0][2]
    assert len(guard.approvals.list()) == 1


def test_a_tool_that_pays_twice_through_another_tool_pays_once_over_pauses(guard: Guard, reviewer: Reviewer) -> None:
    shop = Shop()
    pay = guard.wrap(shop.tools(), pause="interrupt")[0]

    @tool
    def both() -> str:
        """Call the other tool twice."""
        return f"{pay.invoke({'to': 'ann'})}, {pay.invoke({'to': 'bea'})}"

    app = graph([guard.wrap(both)], InMemorySaver())
    state = app.invoke(turn(says("", ("both", {}))), thread())
    for _ in range(2):
        vote(guard, reviewer)
        state = app.invoke(Command(resume=True), thread())

    assert shop.done == ["paid ann", "paid bea"]
    assert answers(state) == [("c1", "success", "paid ann, paid bea")]
