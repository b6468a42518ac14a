"""`pause` and `interrupt_mode`: what each choice does in each place where a call can be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.langchain.agents import answers, asks, model, pauses, thread
from tests.langchain.conftest import events, vote
from tests.langchain.test_agents import APPROVE, PAY, TURN, Shop, agent
from tests.langchain.test_graphs import graph, turn
from toolguard.guard import Guard, Reviewer


class Heard(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.states: list[str] = []

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self.states.append(data["state"])


def plain(tools: Any, config: Any) -> Any:
    call: Any = {"name": "risky_pay", "args": {"to": "ann"}, "id": "c1", "type": "tool_call"}
    return {"messages": [RunnableLambda(tools[0].invoke).invoke(call, config)]}


def alone_without_memory(tools: Any, config: Any) -> Any:
    return create_agent(model(PAY), tools).invoke(asks("pay"), config)


def alone(tools: Any, config: Any) -> Any:
    return create_agent(model(PAY), tools, checkpointer=InMemorySaver()).invoke(asks("pay"), config | thread())


def in_one_node(tools: Any, config: Any) -> Any:
    return graph(tools, InMemorySaver()).invoke(turn(PAY), config | thread())


def with_neighbours(tools: Any, config: Any) -> Any:
    return graph(tools, InMemorySaver()).invoke(turn(TURN), config | thread())


# What becomes of a call that needs approval: held and then settled, settled at once, or a pause of the run.
CHOICES: list[tuple[str, Callable[[Any, Any], Any], str]] = [
    ("auto", plain, "held"),
    ("auto", alone_without_memory, "held"),
    ("auto", alone, "paused"),
    ("auto", in_one_node, "paused"),
    ("auto", with_neighbours, "held"),
    ("wait", plain, "held"),
    ("wait", alone_without_memory, "held"),
    ("wait", alone, "held"),
    ("wait", in_one_node, "held"),
    ("wait", with_neighbours, "held"),
    ("interrupt", plain, "settled"),
    ("interrupt", alone_without_memory, "settled"),
    ("interrupt", alone, "paused"),
    ("interrupt", in_one_node, "paused"),
    ("interrupt", with_neighbours, "paused"),
]


@pytest.mark.parametrize(("pause", "place", "expected"), CHOICES, ids=[f"{p}, {f.__name__}" for p, f, _ in CHOICES])
def test_how_a_call_waits_follows_from_the_choice_and_the_place(
    guard: Guard, pause: str, place: Callable[[Any, Any], Any], expected: str
) -> None:
    shop, heard = Shop(), Heard()

    state = place(guard.wrap(shop.tools(), pause=pause, wait=0), {"callbacks": [heard]})

    found = "paused" if pauses(state) else "held" if "waiting" in heard.states else "settled"
    assert found == expected
    assert not [done for done in shop.done if done.startswith("paid")]
    if found != "paused":
        assert "PENDING APPROVAL" in answers(state)[0][2]


def test_the_middleware_holds_calls_where_the_application_chose_so(guard: Guard) -> None:
    shop = Shop()
    app = agent(guard, shop, [TURN], "middleware", saver=InMemorySaver(), pause="wait", wait=0)

    state = app.invoke(asks("pay both"), thread())

    assert not pauses(state)
    assert shop.done == ["looked at door"]
    assert ["PENDING APPROVAL" in text for *_, text in sorted(answers(state))] == [True, False, True]


PER_CALL = ("wrapped", "middleware", "both")
APPROVAL = {"type": "approve"}


def waiting(state: Any) -> dict[str, Any]:
    """By the person to be paid, the interrupt that asks about it."""
    return {one.value["args"]["to"]: one for one in state["__interrupt__"]}


@pytest.mark.parametrize("form", PER_CALL)
def test_per_call_pauses_each_call_by_itself_and_ungated_siblings_do_not_wait(
    guard: Guard, reviewer: Reviewer, form: str
) -> None:
    shop = Shop()
    app = agent(guard, shop, [TURN], form, saver=InMemorySaver(), reviewer=reviewer, interrupt_mode="per_call")

    asked = waiting(app.invoke(asks("pay both"), thread()))
    assert shop.done == ["looked at door"]
    half = app.invoke(Command(resume={asked["bea"].id: APPROVAL}), thread())
    assert set(waiting(half)) == {"ann"}
    assert shop.done == ["looked at door", "paid bea"]
    ended = app.invoke(Command(resume={asked["ann"].id: {"type": "reject", "message": "not Ann"}}), thread())

    value = asked["ann"].value
    assert {name: value[name] for name in ("type", "tool_call_id", "name", "args")} == {
        "type": "tool_approval",
        "tool_call_id": "c1",
        "name": "risky_pay",
        "args": {"to": "ann"},
    }
    assert value["toolguard"]["approvals"][0]["code"] in value["description"]
    assert shop.done == ["looked at door", "paid bea"]
    assert {call: status for call, status, _ in answers(ended)} == {"c1": "error", "c2": "success", "c3": "success"}
    assert events(guard).count("execution.claimed") == 1


@pytest.mark.parametrize("form", PER_CALL)
def test_per_call_takes_an_edit_and_asks_again(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer, interrupt_mode="per_call")
    edit = {"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "bea"}}}

    app.invoke(asks("pay ann"), thread())
    asked = waiting(app.invoke(Command(resume=edit), thread()))
    assert set(asked) == {"bea"}
    app.invoke(Command(resume={asked["bea"].id: APPROVAL}), thread())

    assert shop.done == ["paid bea"]


@pytest.mark.parametrize("form", PER_CALL)
@pytest.mark.parametrize(
    "reply",
    [
        {"decisions": [{"type": "approve"}, {"type": "approve"}]},
        {"type": "perhaps"},
        {"type": "edit", "edited_action": {"name": "look", "args": {"what": "x"}}},
        "approve",
        1,
    ],
    ids=str,
)
def test_per_call_refuses_an_answer_of_another_shape(guard: Guard, reviewer: Reviewer, form: str, reply: Any) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer, interrupt_mode="per_call")

    app.invoke(asks("pay ann"), thread())
    ended = app.invoke(Command(resume=reply), thread())

    assert not shop.done
    assert "was not understood" in answers(ended)[0][2]


def test_per_call_says_what_answers_it_takes(guard: Guard) -> None:
    app = agent(guard, Shop(), [PAY], "wrapped", saver=InMemorySaver(), interrupt_mode="per_call")

    (asked,) = app.invoke(asks("pay ann"), thread())["__interrupt__"]
    schema = getattr(asked, "response_schema", None)

    # Releases of LangGraph before 1.2 have no place for it.
    if schema is not None:
        kinds = [one["properties"]["type"]["const"] for one in schema["oneOf"]]
        assert kinds == ["approve", "edit", "reject", "respond"]
        action = schema["oneOf"][1]["properties"]["edited_action"]["properties"]
        assert action["name"] == {"const": "risky_pay"}
        assert action["args"]["properties"]["to"]["type"] == "string"


def test_batched_and_per_call_can_be_answered_on_the_review_page(guard: Guard, reviewer: Reviewer) -> None:
    for number, mode in enumerate(("batched", "per_call")):
        shop = Shop()
        app = agent(guard, shop, [PAY], "both", saver=InMemorySaver(), interrupt_mode=mode)
        app.invoke(asks("pay ann"), thread(f"t{number}"))
        vote(guard, reviewer)
        app.invoke(Command(resume=APPROVE), thread(f"t{number}"))
        assert shop.done == ["paid ann"], mode
