"""Agents without a network: a model that says what a script tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage


class Scripted(FakeMessagesListChatModel):
    """Answers from a list; `i` says where it is, so that another process can go on."""

    heard: list[Any] = []  # noqa: RUF012 - a field of pydantic, copied for each model

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.heard.append(list(messages))
        return super()._generate(messages, *args, **kwargs)


def says(text: str, *calls: tuple[str, dict[str, Any]], first: int = 1) -> AIMessage:
    """What the model says, with calls numbered c1, c2 and so on."""
    made: Any = [
        {"name": name, "args": args, "id": f"c{number}", "type": "tool_call"}
        for number, (name, args) in enumerate(calls, first)
    ]
    return AIMessage(text, tool_calls=made)


def model(*script: AIMessage, at: int = 0) -> Scripted:
    return Scripted(responses=[*script, AIMessage("done")], i=at)


def asks(text: str) -> Any:
    return {"messages": [HumanMessage(text)]}


def thread(name: str = "t1", **config: Any) -> Any:
    return {"configurable": {"thread_id": name}, **config}


def answers(state: Any) -> list[tuple[str, str, str]]:
    """Each tool's answer: id of the call, status, text."""
    messages: Sequence[Any] = state["messages"]
    return [(m.tool_call_id, m.status, str(m.content)) for m in messages if isinstance(m, ToolMessage)]


def pauses(state: Any) -> list[Any]:
    """Values of the interrupts that the run stopped at."""
    return [one.value for one in state.get("__interrupt__", ())]
