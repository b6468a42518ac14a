"""A LangGraph app that pauses in one process and goes on in another: offline, with a SQLite checkpointer.

pip install 'toolguard-firewall[langchain]' langgraph langgraph-checkpoint-sqlite
python examples/langgraph_durable.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send

from toolguard import Guard
from toolguard.config import Config

THREAD: Any = {"configurable": {"thread_id": "1"}}


@tool
def delete_folder(path: str) -> str:
    """Delete a folder and everything in it."""
    return f"deleted {path}"


def model(state: MessagesState) -> dict[str, Any]:
    """Stands for a model that calls a tool."""
    call: Any = {"name": "delete_folder", "args": {"path": "/srv/archive"}, "id": "c1", "type": "tool_call"}
    return {"messages": [AIMessage("I clean up.", tool_calls=[call])]}


def each_call(state: MessagesState) -> list[Send]:
    """A task for each call, so that each can pause by itself."""
    last = state["messages"][-1]
    return [Send("tools", [call]) for call in last.tool_calls] if isinstance(last, AIMessage) else []


def app(guard: Guard, saver: SqliteSaver) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("model", model)
    graph.add_node("tools", ToolNode(guard.wrap([delete_folder], pause="interrupt")))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", each_call, ["tools"])
    return graph.compile(checkpointer=saver)


def step(folder: Path, name: str) -> None:
    """One process of three: the run that pauses, the person, the run that goes on."""
    with Guard.open(Config(home=folder)) as guard, SqliteSaver.from_conn_string(str(folder / "runs.db")) as saver:
        if name == "start":
            state = app(guard, saver).invoke({"messages": [HumanMessage("Make some room.")]}, THREAD)
            print("paused:", state["__interrupt__"][0].value["action_requests"][0]["description"])
        elif name == "approve":
            bob = guard.reviewers.by_token(guard.reviewers.add("bob").token)
            request = guard.approvals.list()[0]
            if bob is not None:
                guard.approvals.vote(
                    request.id, bob, "approve", request_digest=request.request_digest, channel="web", strength=2
                )
        else:
            state = app(guard, saver).invoke(Command(resume=True), THREAD)
            print("answer:", state["messages"][-1].content)


def main() -> None:
    if len(sys.argv) == 3:
        step(Path(sys.argv[1]), sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("start", "approve", "resume"):
            subprocess.run([sys.executable, __file__, folder, name], check=True)


if __name__ == "__main__":
    main()
