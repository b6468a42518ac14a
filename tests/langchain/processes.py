"""An agent in a process of its own, for tests that kill it: python -m tests.langchain.processes FOLDER FORM STEP [DIES]

The tool writes a line for each time it runs, and may then kill its own process. STEP is `start`, `approve` or `resume`;
FORM says where the guard stands, and whether the agent is LangChain's or a graph with one node for all calls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from tests.langchain.agents import answers, asks, model, pauses, says, thread
from tests.langchain.conftest import RULES, enrolled, vote
from toolguard.config import Config
from toolguard.core.policy.policy import Policy, Preset
from toolguard.guard import Guard
from toolguard.langchain import GuardMiddleware

CALLS = says("Both.", ("risky_pay", {"to": "ann"}), ("look", {"what": "door"}), ("risky_pay", {"to": "bea"}))
ONE = says("One.", ("risky_pay", {"to": "ann"}))
FREE = says("One.", ("delete_draft", {"number": 7}))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def tools(folder: Path, dies: str) -> list[BaseTool]:
    def ran(line: str) -> str:
        with (folder / "ran").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if dies == line:
            die()
        return line

    @tool
    def risky_pay(to: str) -> str:
        """Pay somebody."""
        return ran(f"paid {to}")

    @tool
    def look(what: str) -> str:
        """Look at something."""
        return ran(f"looked at {what}")

    @tool
    def delete_draft(number: int) -> str:
        """Delete one draft."""
        return ran(f"deleted {number}")

    return [risky_pay, look, delete_draft]


def app(guard: Guard, folder: Path, form: str, dies: str, saver: Any, at: int) -> Any:
    plain = tools(folder, dies)
    if form.startswith("graph"):
        built = StateGraph(MessagesState)
        built.add_node("tools", ToolNode(guard.wrap(plain, pause="interrupt")))
        built.add_edge(START, "tools")
        return built.compile(checkpointer=saver)
    script = {"free": FREE, "one": ONE}.get(form.rpartition(" ")[2], CALLS)
    wrapped = plain if form.startswith("middleware") else guard.wrap(plain)
    middleware = [] if form.startswith("wrapped") else [GuardMiddleware(guard)]
    return create_agent(model(script, at=at), wrapped, middleware=middleware, checkpointer=saver)


def first(form: str) -> Any:
    script = {"free": FREE, "one": ONE}.get(form.rpartition(" ")[2], CALLS)
    return {"messages": [script]} if form.startswith("graph") else asks("go")


def main(folder: Path, form: str, step: str, dies: str = "") -> None:
    guard = Guard(Config(home=folder / "home", agent="agent", policy=Policy(Preset.BALANCED, RULES)))
    if step == "approve":
        bob = enrolled(guard, f"bob{len(guard.reviewers.list())}")  # a run may be approved more than once
        for view in guard.approvals.list():
            vote(guard, bob, request_id=view.id)
        guard.close()
        return
    with SqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
        started = app(guard, folder, form, dies, saver, 0 if step == "start" else 1)
        state = started.invoke(first(form) if step == "start" else Command(resume=True), thread())
    sys.stdout.write(json.dumps({"pauses": len(pauses(state)), "answers": answers(state)}))
    guard.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
