"""What guarding a LangChain tool costs: python -m tests.bench.langchain

The bare tool, the guarded one with a guard that decides nothing (so that only the wrapper's own work is left), the
guarded one as it is, and LangChain's HumanInTheLoopMiddleware beside GuardMiddleware, in one run. The wrapper alone is
to stay below 50 us a call.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from tests.langchain.agents import asks, model, says
from toolguard.config import Config
from toolguard.core.model import Outcome, ToolCall
from toolguard.guard import Guard, Permit
from toolguard.langchain import GuardMiddleware


@tool
def look(what: str, how: str = "closely") -> str:
    """Look at something."""
    return what


CALL: Any = {"name": "look", "args": {"what": "door"}, "id": "c1", "type": "tool_call"}


class Undecided(Guard):
    """Answers at once and writes nothing: what remains is the wrapper."""

    permit: Permit | None = None

    def begin(self, call: ToolCall) -> Any:
        if self.permit is None:
            answer = super().begin(call)
            assert isinstance(answer, Permit)
            self.permit = answer
        return self.permit

    def finish(self, permit: Permit, outcome: Outcome) -> None:
        return None


def microseconds(rounds: int, runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median time of each, taken in turns, so that a slow moment of the machine meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + rounds // 10):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if turn >= rounds // 10:
                taken[name].append((time.perf_counter() - started) * 1e6)
    return {name: statistics.median(times) for name, times in taken.items()}


def agent(tools: list[Any], *middleware: Any) -> Callable[[], Any]:
    """One turn of an agent with one tool call; each run is a thread of its own."""
    saver, count = InMemorySaver(), iter(range(10**9))

    def run() -> Any:
        script = model(says("", ("look", {"what": "door"})))
        chat.responses, chat.i = script.responses, 0
        return app.invoke(asks("look"), {"configurable": {"thread_id": f"t{next(count)}"}})

    chat = model(says("", ("look", {"what": "door"})))
    app = create_agent(chat, tools, middleware=middleware, checkpointer=saver)
    return run


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        undecided, guard = Undecided(Config(home=Path(folder) / "a")), Guard(Config(home=Path(folder) / "b"))
        wrapped, guarded = undecided.wrap(look), guard.wrap(look)
        tools = microseconds(
            rounds,
            {
                "bare tool": lambda: look.invoke(CALL),
                "wrapper alone": lambda: wrapped.invoke(CALL),
                "guarded tool": lambda: guarded.invoke(CALL),
            },
        )
        theirs = HumanInTheLoopMiddleware(interrupt_on={"other": True})
        agents = microseconds(
            rounds // 20,
            {
                "agent": agent([look]),
                "agent, HumanInTheLoopMiddleware": agent([look], theirs),
                "agent, GuardMiddleware": agent([look], GuardMiddleware(guard)),
                "agent, wrapped tool": agent([guarded]),
            },
        )
        undecided.close()
        guard.close()
    for found, bare in ((tools, "bare tool"), (agents, "agent")):
        for name, taken in found.items():
            say(f"{name:34} {taken:9.1f} us  {taken / found[bare]:5.2f} x")
    say(f"wrapper beyond the guard's decision {tools['wrapper alone'] - tools['bare tool']:.1f} us (limit 50)")


if __name__ == "__main__":
    main()
