"""`create_agent` with guarded tools, with the middleware, and with both; durable pauses and what answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, interrupt

from tests.langchain.agents import answers, asks, model, pauses, says, thread
from tests.langchain.conftest import enrolled, events, vote
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import Guard, Reviewer
from toolguard.langchain import GuardMiddleware

APPROVE = {"decisions": [{"type": "approve"}]}


class Shop:
    """Tools that remember what they did."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def tools(self) -> list[BaseTool]:
        @tool
        def risky_pay(to: str) -> str:
            """Pay somebody."""
            self.done.append(f"paid {to}")
            return f"paid {to}"

        @tool
        def look(what: str) -> str:
            """Look at something."""
            self.done.append(f"looked at {what}")
            return f"{what} is fine"

        return [risky_pay, look]


FORMS = ("wrapped", "middleware", "both")


def agent(
    guard: Guard, shop: Shop, script: list[AIMessage], form: str, *, at: int = 0, saver: Any = None, **options: Any
) -> Any:
    tools = shop.tools() if form == "middleware" else guard.wrap(shop.tools(), **options)
    middleware = [] if form == "wrapped" else [GuardMiddleware(guard, **options)]
    return create_agent(model(*script, at=at), tools, middleware=middleware, checkpointer=saver)


PAY = says("I pay Ann.", ("risky_pay", {"to": "ann"}))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_run_pauses_and_goes_on_when_a_person_approved(
    guard: Guard, reviewer: Reviewer, form: str, is_async: bool
) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver())
    invoke: Callable[..., Any] = (lambda *a: asyncio.run(app.ainvoke(*a))) if is_async else app.invoke

    paused = invoke(asks("pay ann"), thread())
    (asked,) = pauses(paused)
    assert not shop.done
    vote(guard, reviewer)
    ended = invoke(Command(resume=True), thread())

    assert asked["action_requests"][0]["name"] == "risky_pay"
    assert asked["action_requests"][0]["args"] == asked["action_requests"][0]["arguments"] == {"to": "ann"}
    assert shop.done == ["paid ann"]
    assert answers(ended) == [("c1", "success", "paid ann")]
    assert events(guard).count("approval.requested") == 1
    assert events(guard).count("execution.dispatched") == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_denied_call_is_an_answer_and_the_agent_goes_on(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    vote(guard, reviewer, "deny", reason="not today")
    ended = app.invoke(Command(resume=True), thread())

    assert not shop.done
    ((_, status, text),) = answers(ended)
    assert status == "error"
    assert "not today" in text
    assert "Do not repeat" in text
    assert ended["messages"][-1].content == "done"


@pytest.mark.parametrize("form", FORMS)
def test_a_call_that_is_denied_outright_is_an_answer(guard: Guard, form: str) -> None:
    @tool
    def never_do(x: int) -> str:
        """Do it."""
        raise AssertionError

    tools = [never_do] if form == "middleware" else guard.wrap([never_do])
    middleware = [] if form == "wrapped" else [GuardMiddleware(guard)]
    app = create_agent(model(says("", ("never_do", {"x": 1}))), tools, middleware=middleware)

    ended = app.invoke(asks("do it"))

    assert answers(ended)[0][1] == "error"
    assert "Repeating or rephrasing it will not help" in answers(ended)[0][2]


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_in_the_application_counts_only_when_a_person_is_vouched_for(
    guard: Guard, reviewer: Reviewer, form: str
) -> None:
    nobody, somebody = Shop(), Shop()
    alone = agent(guard, nobody, [PAY], form, saver=InMemorySaver())
    vouched = agent(guard, somebody, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)

    alone.invoke(asks("pay ann"), thread("a"))
    again = alone.invoke(Command(resume=APPROVE), thread("a"))
    vouched.invoke(asks("pay ann"), thread("b"))
    ended = vouched.invoke(Command(resume=APPROVE), thread("b"))

    assert len(pauses(again)) == 1
    assert not nobody.done
    assert "vote.refused" in events(guard)
    assert answers(ended) == [("c1", "success", "paid ann")]
    assert somebody.done == ["paid ann"]


@pytest.mark.parametrize("form", FORMS)
def test_rejecting_in_the_application_needs_nobody(guard: Guard, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    ended = app.invoke(Command(resume={"decisions": [{"type": "reject", "message": "wrong Ann"}]}), thread())

    assert "wrong Ann" in answers(ended)[0][2]
    assert not shop.done


JUNK = [
    {"decisions": []},
    {"decisions": [{"type": "approve"}, {"type": "approve"}]},
    {"decisions": [{"type": "perhaps"}]},
    {"decisions": [{"type": "approve"}], "more": 1},
    {"decisions": [{"type": "edit", "edited_action": {"name": "look", "args": {"what": "x"}}}]},
    {"decisions": [{"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "[redacted token]"}}}]},
    "approve",
    7,
    [{"type": "accept"}, {"type": "accept"}],
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reply", JUNK, ids=str)
def test_an_answer_of_another_shape_is_a_refusal(guard: Guard, reviewer: Reviewer, form: str, reply: Any) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)

    app.invoke(asks("pay ann"), thread())
    ended = app.invoke(Command(resume=reply), thread())

    assert not shop.done
    assert "was not understood" in answers(ended)[0][2]


GOOD = [
    APPROVE,
    {"type": "approve"},
    [{"type": "accept", "args": None}],
    {"decisions": [{"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "ann"}}}]},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reply", GOOD, ids=str)
def test_the_shapes_of_agent_uis_approve(guard: Guard, reviewer: Reviewer, form: str, reply: Any) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)

    app.invoke(asks("pay ann"), thread())
    app.invoke(Command(resume=reply), thread())

    assert shop.done == ["paid ann"]


@pytest.mark.parametrize("form", FORMS)
def test_a_person_may_answer_by_approval_id(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)

    paused = app.invoke(asks("pay ann"), thread())
    approval_id = pauses(paused)[0]["toolguard"]["approvals"][0]["id"]
    app.invoke(Command(resume={"approval_id": approval_id, "decision": "approve"}), thread())

    assert shop.done == ["paid ann"]


@pytest.mark.parametrize("form", FORMS)
def test_a_call_with_edited_arguments_is_judged_and_asked_about_anew(
    guard: Guard, reviewer: Reviewer, form: str
) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)
    edit = {"decisions": [{"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "bea"}}}]}

    app.invoke(asks("pay ann"), thread())
    again = app.invoke(Command(resume=edit), thread())
    (asked,) = pauses(again)
    assert asked["action_requests"][0]["args"] == {"to": "bea"}
    assert not shop.done
    ended = app.invoke(Command(resume=APPROVE), thread())

    assert shop.done == ["paid bea"]
    assert "a reviewer changed the arguments" in answers(ended)[0][2]
    assert events(guard).count("approval.requested") == 2


EDIT = {"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": "bea"}}}


@pytest.mark.parametrize("form", FORMS)
def test_an_edit_by_nobody_in_particular_is_asked_about_and_runs_when_a_person_approves_it(
    guard_of: Callable[[], Guard], tmp_path: Path, form: str
) -> None:
    shop, place, guard = Shop(), str(tmp_path / "checkpoints.db"), guard_of()
    bob = enrolled(guard, "bob")
    with SqliteSaver.from_conn_string(place) as saver:
        app = agent(guard, shop, [PAY], form, saver=saver)
        app.invoke(asks("pay ann"), thread())
        (asked,) = pauses(app.invoke(Command(resume={"decisions": [EDIT]}), thread()))
    view = guard.approvals.list()[0]
    guard.close()

    second = guard_of()
    with SqliteSaver.from_conn_string(place) as saver:
        app = agent(second, shop, [PAY], form, saver=saver, at=1)
        again = app.invoke(Command(resume=EDIT), thread())
        assert len(pauses(again)) == 1  # what is edited already is not approved by sending it once more
        vote(second, bob)
        ended = app.invoke(Command(resume=True), thread())

    assert asked["action_requests"][0]["args"] == {"to": "bea"}
    assert view.edited is not None
    assert (view.edited.by, view.edited.asked) == (("(application)",), {"to": "ann"})
    assert shop.done == ["paid bea"]
    assert '{"to":"bea"}\npaid bea' in answers(ended)[0][2]
    assert events(second).count("approval.edited") == 1
    assert events(second).count("execution.claimed") == 1


@pytest.mark.parametrize("form", FORMS)
def test_an_edit_on_the_review_page_is_what_the_paused_run_goes_on_with(
    guard: Guard, reviewer: Reviewer, form: str
) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    (view,) = guard.approvals.list()
    guard.edits.edit(view.id, reviewer, {"to": "bea"}, request_digest=view.request_digest, channel="web")
    (asked,) = pauses(app.invoke(Command(resume=True), thread()))
    vote(guard, reviewer)
    ended = app.invoke(Command(resume=True), thread())

    assert asked["action_requests"][0]["args"] == {"to": "bea"}
    assert shop.done == ["paid bea"]
    assert "a reviewer changed the arguments" in answers(ended)[0][2]


@pytest.mark.parametrize("form", FORMS)
def test_an_edit_that_cannot_be_taken_asks_again_and_says_why(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], form, saver=InMemorySaver(), reviewer=reviewer)
    odd = {"decisions": [{"type": "edit", "edited_action": {"name": "risky_pay", "args": {"to": 7}}}]}

    app.invoke(asks("pay ann"), thread())
    (asked,) = pauses(app.invoke(Command(resume=odd), thread()))

    assert "/to must be string" in asked["action_requests"][0]["description"]
    assert asked["action_requests"][0]["args"] == {"to": "ann"}
    assert not shop.done


@pytest.mark.parametrize("form", ["middleware", "both"])
def test_people_are_asked_again_only_about_what_they_left_open(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [TURN], form, saver=InMemorySaver(), reviewer=reviewer)

    app.invoke(asks("pay both"), thread())
    (asked,) = pauses(app.invoke(Command(resume={"decisions": [{"type": "reject"}, EDIT | BEA_TO_CARL]}), thread()))
    ended = app.invoke(Command(resume=APPROVE), thread())

    assert [one["args"] for one in asked["action_requests"]] == [{"to": "carl"}]
    assert sorted(shop.done) == ["looked at door", "paid carl"]
    texts = {call: text for call, _, text in answers(ended)}
    assert "Do not repeat it" in texts["c1"]
    assert texts["c3"].endswith("paid carl")


BEA_TO_CARL = {"edited_action": {"name": "risky_pay", "args": {"to": "carl"}}}


def test_a_rule_that_asks_for_more_than_the_application_refuses_its_answer(config: Any, reviewer: Reviewer) -> None:
    strict = Policy(Preset.BALANCED, (Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(strength=2)),))
    with Guard(replace(config, policy=strict)) as guard:
        shop, bob = Shop(), guard.reviewers.list()[0]
        app = agent(guard, shop, [PAY], "both", saver=InMemorySaver(), reviewer=bob)

        app.invoke(asks("pay ann"), thread())
        again = app.invoke(Command(resume=APPROVE), thread())
        assert "stronger proof" in pauses(again)[0]["action_requests"][0]["description"]
        assert not shop.done
        vote(guard, bob)
        app.invoke(Command(resume=True), thread())

    assert shop.done == ["paid ann"]


TURN = says("Both.", ("risky_pay", {"to": "ann"}), ("look", {"what": "door"}), ("risky_pay", {"to": "bea"}))


@pytest.mark.parametrize("form", ["middleware", "both"])
def test_one_request_per_turn_and_each_call_at_most_once(guard: Guard, reviewer: Reviewer, form: str) -> None:
    shop = Shop()
    app = agent(guard, shop, [TURN], form, saver=InMemorySaver(), reviewer=reviewer)

    paused = app.invoke(asks("pay both"), thread())
    (asked,) = pauses(paused)
    reply = {"decisions": [{"type": "approve"}, {"type": "reject", "message": "not Bea"}]}
    ended = app.invoke(Command(resume=reply), thread())

    assert [one["args"]["to"] for one in asked["action_requests"]] == ["ann", "bea"]
    assert sorted(shop.done) == ["looked at door", "paid ann"]
    assert [(call, status) for call, status, _ in sorted(answers(ended))] == [
        ("c1", "success"),
        ("c2", "success"),
        ("c3", "error"),
    ]


def test_parallel_calls_of_wrapped_tools_are_answered_each_by_its_interrupt(guard: Guard, reviewer: Reviewer) -> None:
    shop = Shop()
    app = agent(guard, shop, [TURN], "wrapped", saver=InMemorySaver(), reviewer=reviewer)

    paused = app.invoke(asks("pay both"), thread())
    by_person = {one.value["action_requests"][0]["args"]["to"]: one.id for one in paused["__interrupt__"]}
    assert shop.done == ["looked at door"]
    half = app.invoke(Command(resume={by_person["bea"]: APPROVE}), thread())
    assert [one["action_requests"][0]["args"]["to"] for one in pauses(half)] == ["ann"]
    reject = {"decisions": [{"type": "reject"}]}
    ended = app.invoke(Command(resume={by_person["ann"]: reject}), thread())

    assert sorted(shop.done) == ["looked at door", "paid bea"]
    assert {call: status for call, status, _ in answers(ended)} == {"c1": "error", "c2": "success", "c3": "success"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.guarantee("execution:once")
def test_a_pause_outlives_the_process(guard_of: Callable[[], Guard], tmp_path: Path, form: str) -> None:
    shop, place = Shop(), str(tmp_path / "checkpoints.db")
    first = guard_of()
    bob = enrolled(first, "bob")
    with SqliteSaver.from_conn_string(place) as saver:
        agent(first, shop, [PAY], form, saver=saver).invoke(asks("pay ann"), thread())
    first.close()

    second = guard_of()
    with SqliteSaver.from_conn_string(place) as saver:
        app = agent(second, shop, [PAY], form, saver=saver, at=1)
        again = app.invoke(Command(resume=True), thread())
        assert len(pauses(again)) == 1
        vote(second, bob)
        ended = app.invoke(Command(resume=True), thread())

    assert answers(ended) == [("c1", "success", "paid ann")]
    assert shop.done == ["paid ann"]
    assert events(second).count("approval.requested") == 1


class Transfer:
    """A tool that asks for an account by an interrupt of its own."""

    def __init__(self) -> None:
        self.accounts: list[Any] = []

    def tool(self) -> BaseTool:
        @tool
        def risky_transfer(to: str) -> str:
            """Transfer money."""
            account = interrupt("which account?")
            self.accounts.append(account)
            return f"from {account} to {to}"

        return risky_transfer


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "three processes"])
def test_a_tool_that_pauses_itself_gets_its_own_answer(
    guard_of: Callable[[], Guard], tmp_path: Path, restarts: bool
) -> None:
    transfer, place = Transfer(), str(tmp_path / "checkpoints.db")
    guard = guard_of()
    bob = enrolled(guard, "bob")
    call = says("", ("risky_transfer", {"to": "ann"}))
    values: list[Any] = []
    state: Any = {}
    for resume, at in ((asks("go"), 0), (Command(resume="poke"), 1), (Command(resume="DE1"), 1)):
        with SqliteSaver.from_conn_string(place) as saver:
            app = create_agent(model(call, at=at), guard.wrap([transfer.tool()]), checkpointer=saver)
            state = app.invoke(resume, thread())
            values.append(pauses(state))
        if at == 0:
            vote(guard, bob)
        if restarts:
            guard.close()
            guard = guard_of()

    assert "action_requests" in values[0][0]
    assert values[1] == ["which account?"]
    assert transfer.accounts == ["DE1"]
    assert answers(state) == [("c1", "success", "from DE1 to ann")]
    assert events(guard).count("approval.requested") == 1
    assert events(guard).count("execution.claimed") == 1


class Jumping(AgentMiddleware):
    """Sends the run to the tools, whatever people answered."""

    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        last = state["messages"][-1]
        return {"jump_to": "tools"} if isinstance(last, AIMessage) and last.tool_calls else None


Jumping.after_model.__can_jump_to__ = ["tools"]  # type: ignore[attr-defined]  # what LangChain's decorator sets


@pytest.mark.parametrize("is_first", [True, False], ids=["listed before", "listed after"])
def test_a_jump_to_the_tools_runs_nothing_unapproved(guard: Guard, reviewer: Reviewer, is_first: bool) -> None:
    shop = Shop()
    ours, theirs = GuardMiddleware(guard, reviewer=reviewer, wait=0), Jumping()
    middleware = [theirs, ours] if is_first else [ours, theirs]
    app = create_agent(model(PAY), shop.tools(), middleware=middleware, checkpointer=InMemorySaver())

    state = app.invoke(asks("pay ann"), thread())
    for _ in range(3):
        if not pauses(state):
            break
        state = app.invoke(Command(resume={"decisions": [{"type": "reject"}]}), thread())

    assert not shop.done


class Rewriting(AgentMiddleware):
    """Changes the arguments on the way to the tool."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool_call={**request.tool_call, "args": {"to": "mallory"}}))


@pytest.mark.parametrize("is_outer", [True, False], ids=["outer", "inner"])
def test_arguments_that_another_middleware_changed_are_judged_as_they_are(
    guard: Guard, reviewer: Reviewer, is_outer: bool
) -> None:
    shop = Shop()
    ours, theirs = GuardMiddleware(guard, reviewer=reviewer), Rewriting()
    middleware = [theirs, ours] if is_outer else [ours, theirs]
    app = create_agent(model(PAY), shop.tools(), middleware=middleware, checkpointer=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    again = app.invoke(Command(resume=APPROVE), thread())
    assert not shop.done
    assert pauses(again)[0]["action_requests"][0]["args"] == {"to": "mallory"}
    ended = app.invoke(Command(resume={"decisions": [{"type": "reject"}]}), thread())

    assert not shop.done
    assert [status for _, status, _ in answers(ended)] == ["error"]


@pytest.mark.parametrize("is_outer", [True, False], ids=["outer", "inner"])
@pytest.mark.guarantee("execution:once")
def test_rewritten_arguments_that_people_approve_run_once_over_restarts(
    guard_of: Callable[[], Guard], tmp_path: Path, is_outer: bool
) -> None:
    shop, place, values = Shop(), str(tmp_path / "checkpoints.db"), []
    state: Any = {}
    for number, resume in enumerate((asks("pay ann"), Command(resume=True), Command(resume=True))):
        guard = guard_of()
        middleware = [Rewriting(), GuardMiddleware(guard)] if is_outer else [GuardMiddleware(guard), Rewriting()]
        with SqliteSaver.from_conn_string(place) as saver:
            app = create_agent(model(PAY, at=min(number, 1)), shop.tools(), middleware=middleware, checkpointer=saver)
            state = app.invoke(resume, thread())
        values += [one["action_requests"][0]["args"]["to"] for one in pauses(state)]
        if pauses(state):
            vote(guard, enrolled(guard, f"bob {number}"))
        guard.close()

    assert values == ["ann", "mallory"]
    assert shop.done == ["paid mallory"]
    assert answers(state) == [("c1", "success", "paid mallory")]


def test_tools_of_a_sub_agent_and_tools_that_call_tools_are_guarded(guard: Guard) -> None:
    shop = Shop()
    inner = guard.wrap(shop.tools(), wait=0)

    @tool
    def ask_helper(task: str) -> str:
        """Ask another agent."""
        state = create_agent(model(says("", ("risky_pay", {"to": "ann"}))), inner).invoke(asks(task))
        return str(state["messages"][-2].content)

    @tool
    def twice(to: str) -> str:
        """Call the other tool."""
        call: Any = {"name": "risky_pay", "args": {"to": to}, "id": "inner", "type": "tool_call"}
        return str(inner[0].invoke(call).content)

    script = says("", ("ask_helper", {"task": "pay"}), ("twice", {"to": "bea"}))
    ended = create_agent(model(script), guard.wrap([ask_helper, twice], wait=0)).invoke(asks("go"))

    assert not shop.done
    assert all("PENDING APPROVAL" in text for *_, text in answers(ended))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.guarantee("execution:once")
def test_a_sub_agent_pauses_the_whole_run_and_goes_on_once(
    guard_of: Callable[[], Guard], tmp_path: Path, form: str
) -> None:
    shop, place = Shop(), str(tmp_path / "checkpoints.db")

    def outer(guard: Guard, saver: Any, at: int) -> Any:
        helper = agent(guard, shop, [PAY], form, at=at, saver=None)

        @tool
        def ask_helper(task: str) -> str:
            """Ask another agent."""
            return str(helper.invoke(asks(task))["messages"][-2].content)

        script = says("", ("ask_helper", {"task": "pay Ann"}))
        return create_agent(model(script, at=at), guard.wrap([ask_helper]), checkpointer=saver)

    first = guard_of()
    bob = enrolled(first, "bob")
    with SqliteSaver.from_conn_string(place) as saver:
        (asked,) = pauses(outer(first, saver, 0).invoke(asks("go"), thread()))
    assert not shop.done
    vote(first, bob)
    first.close()
    with SqliteSaver.from_conn_string(place) as saver:
        ended = outer(guard_of(), saver, 1).invoke(Command(resume=True), thread())

    assert asked["action_requests"][0]["args"] == {"to": "ann"}
    assert shop.done == ["paid ann"]
    assert answers(ended) == [("c1", "success", "paid ann")]


@pytest.mark.parametrize("form", FORMS)
def test_an_agent_that_repeats_a_denied_call_pages_nobody_and_is_told_to_stop(
    guard: Guard, reviewer: Reviewer, form: str
) -> None:
    shop = Shop()
    script = [says("", ("risky_pay", {"to": "ann"}), first=number) for number in (1, 2, 3)]
    app = agent(guard, shop, script, form, saver=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    vote(guard, reviewer, "deny")
    ended = app.invoke(Command(resume=True), thread())

    assert not pauses(ended)
    assert not shop.done
    assert len(guard.approvals.list(None)) == 1
    assert ["Do not repeat" in text for *_, text in answers(ended)] == [True, True, True]
    assert ended["messages"][-1].content == "done"


def test_the_model_hears_the_refusal_in_its_next_input(guard: Guard) -> None:
    chat = model(PAY)
    create_agent(chat, guard.wrap(Shop().tools(), wait=0)).invoke(asks("pay ann"))

    last = chat.heard[-1][-1]
    assert (last.type, last.status, last.tool_call_id) == ("tool", "error", "c1")
    assert "PENDING APPROVAL" in last.content


@pytest.mark.parametrize("is_edited", [False, True], ids=["as asked", "edited"])
def test_new_input_while_paused_ends_the_request(guard: Guard, reviewer: Reviewer, is_edited: bool) -> None:
    shop = Shop()
    app = agent(guard, shop, [PAY], "middleware", saver=InMemorySaver())

    app.invoke(asks("pay ann"), thread())
    if is_edited:
        (view,) = guard.approvals.list()
        guard.edits.edit(view.id, reviewer, {"to": "bea"}, request_digest=view.request_digest, channel="web")
    app.invoke(asks("never mind"), thread())

    assert not guard.approvals.list()
    assert guard.approvals.list(None)[0].state == "cancelled"
