"""What LangChain knows of a call, as reviewers and auditors get it: over the real server, by REST, page and log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.langchain.agents import answers, asks, model, pauses, says, thread
from toolguard.guard import Guard
from toolguard.langchain import GuardMiddleware, PromptCallback
from toolguard.review.server import listen, server

ASKED = "please pay Ann's bill of May"
WORDS = "The mail of May 3 is from Ann, so I pay her."
PAY = says(WORDS, ("risky_pay", {"to": "ann"}))


@tool
def risky_pay(to: str) -> str:
    """Pay."""
    return f"paid {to}"


@pytest.fixture
def rest(guard: Guard) -> Iterator[httpx.Client]:
    """A reviewer at the real server."""
    listener, web = listen("127.0.0.1", 0), server(guard)
    serving = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    headers = {"authorization": f"Bearer {guard.reviewers.add('bob').token}", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", headers=headers) as client:
        yield client
    web.should_exit = True
    serving.join(20)
    listener.close()


def wrapped(guard: Guard) -> None:
    create_agent(model(PAY), guard.wrap([risky_pay], wait=0)).invoke(asks(ASKED))


def middleware(guard: Guard) -> None:
    create_agent(model(PAY), [risky_pay], middleware=[GuardMiddleware(guard, wait=0)]).invoke(asks(ASKED))


def ahead(guard: Guard) -> None:
    app = create_agent(model(PAY), [risky_pay], middleware=[GuardMiddleware(guard)], checkpointer=InMemorySaver())
    app.invoke(asks(ASKED), thread())


def core_alone(guard: Guard) -> None:
    config: Any = {"callbacks": [PromptCallback()]}
    message = model(PAY).invoke([HumanMessage(ASKED)], config)
    assert isinstance(message, AIMessage)
    guard.wrap(risky_pay, wait=0).invoke({**message.tool_calls[0]}, config)


@pytest.mark.parametrize("run", [wrapped, middleware, ahead, core_alone], ids=lambda f: f.__name__)
def test_the_prompt_and_the_models_words_reach_rest_page_and_log(guard: Guard, rest: httpx.Client, run: Any) -> None:
    run(guard)

    (listed,) = rest.get("/api/v1/approvals").raise_for_status().json()["approvals"]
    assert (listed["prompt"], listed["justification"]) == (ASKED, WORDS)
    token = rest.headers["authorization"].removeprefix("Bearer ")
    assert rest.post("/sign-in", data={"token": token}).status_code == 303
    page = rest.get(f"/approvals/{listed['id']}").raise_for_status().text
    assert "please pay Ann" in page
    assert "so I pay her." in page
    log = rest.get("/api/v1/audit", params={"limit": 100}).raise_for_status().text
    assert "bill of May" in log
    assert "so I pay her." in log


def test_a_vote_by_rest_lets_the_paused_agent_go_on(guard: Guard, rest: httpx.Client) -> None:
    app = create_agent(model(PAY), guard.wrap([risky_pay]), checkpointer=InMemorySaver())
    (asked,) = pauses(app.invoke(asks(ASKED), thread()))
    approval = asked["toolguard"]["approvals"][0]

    voted = rest.post(
        f"/api/v1/approvals/{approval['id']}/votes",
        json={"vote": "approve", "request_digest": approval["request_digest"]},
    )
    ended = app.invoke(Command(resume=True), thread())

    assert voted.status_code == 201
    assert answers(ended) == [("c1", "success", "paid ann")]


def test_what_the_person_asked_counts_in_the_judgement(guard: Guard, rest: httpx.Client) -> None:
    @tool
    def send_money(recipient: str, amount: int) -> str:
        """Send money."""
        return "sent"

    account = "CH9300762011623852957"
    call = says("I pay.", ("send_money", {"recipient": account, "amount": 50}))
    said = []
    for number, prompt in enumerate((f"pay 50 to {account}", "what is the weather?")):
        app = create_agent(model(call), guard.wrap([send_money], wait=0))
        said += [status for _, status, _ in answers(app.invoke(asks(prompt), thread(f"t{number}")))]

    (view,) = rest.get("/api/v1/approvals").raise_for_status().json()["approvals"]
    assert said == ["success", "error"]
    assert view["prompt"] == "what is the weather?"
    assert "session.unasked-effect" in {finding["id"] for finding in view["findings"]}
