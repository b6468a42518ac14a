"""An agent that pauses before it pays, and a person who approves: offline, with a scripted model.

pip install 'toolguard-firewall[langchain]' langchain
python examples/langchain_agent.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from toolguard import Guard
from toolguard.config import Config
from toolguard.langchain import GuardMiddleware


class ScriptedModel(FakeMessagesListChatModel):
    """Stands for a real model; `bind_tools` is all that agents ask of it."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@tool
def send_payment(recipient: str, amount: int) -> str:
    """Send money to a recipient."""
    return f"sent {amount} EUR to {recipient}"


def main() -> None:
    call: Any = {"name": "send_payment", "args": {"recipient": "Ann", "amount": 40}, "id": "c1", "type": "tool_call"}
    model = ScriptedModel(responses=[AIMessage("I pay the bill.", tool_calls=[call]), AIMessage("Ann has her money.")])

    with tempfile.TemporaryDirectory() as home, Guard.open(Config(home=Path(home))) as guard:
        agent = create_agent(
            model, guard.wrap([send_payment]), middleware=[GuardMiddleware(guard)], checkpointer=InMemorySaver()
        )
        thread: Any = {"configurable": {"thread_id": "1"}}

        # The agent wants to pay. Nothing has run: the state holds the request for a person.
        state = agent.invoke({"messages": [{"role": "user", "content": "Handle my mail, please."}]}, thread)
        print("paused:", state["__interrupt__"][0].value["action_requests"][0]["description"])

        # A person answers on the review page; here their vote is cast in code.
        bob = guard.reviewers.by_token(guard.reviewers.add("bob").token)
        request = guard.approvals.list()[0]
        if bob is not None:
            guard.approvals.vote(
                request.id, bob, "approve", request_digest=request.request_digest, channel="web", strength=2
            )

        # Any value resumes the run: what counts is what the person answered.
        state = agent.invoke(Command(resume=True), thread)
        print("answer:", state["messages"][-2].content)
        print("agent:", state["messages"][-1].content)


if __name__ == "__main__":
    main()
