"""The 22 probes: one tool for each thing that a wrapper can lose. Built anew for each observation, since some count."""

# No `from __future__ import annotations`: LangChain reads these hints as they stand.
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    InjectedToolArg,
    InjectedToolCallId,
    StructuredTool,
    Tool,
    ToolException,
    tool,
)
from langgraph.config import get_stream_writer
from langgraph.prebuilt import InjectedState, InjectedStore, ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel, Field


@dataclass(frozen=True)
class Probe:
    name: str
    make: Callable[[], BaseTool]
    arguments: dict[str, Any]


def plain() -> BaseTool:
    @tool
    def add(x: int, y: int = 3) -> str:
        """Add two numbers."""
        return str(x + y)

    return add


def async_only() -> BaseTool:
    @tool
    async def later(x: int) -> str:
        """Answer later."""
        return f"later {x}"

    return later


def with_runtime() -> BaseTool:
    @tool
    def runs(x: int, runtime: ToolRuntime) -> str:
        """Use the runtime."""
        runtime.stream_writer({"x": x})
        return f"{x} {runtime.tool_call_id} {len(runtime.state['messages'])}"

    return runs


def with_state() -> BaseTool:
    @tool
    def counts(x: int, state: Annotated[dict[str, Any], InjectedState]) -> str:
        """Count the messages."""
        return f"{x} {len(state['messages'])}"

    return counts


def with_store() -> BaseTool:
    @tool
    def keeps(x: int, store: Annotated[Any, InjectedStore()]) -> str:
        """Keep a number."""
        store.put(("numbers",), "x", {"value": x})
        return str(store.get(("numbers",), "x").value)

    return keeps


def with_call_id() -> BaseTool:
    @tool
    def answers(x: int, tool_call_id: Annotated[str, InjectedToolCallId]) -> ToolMessage:
        """Answer with a message of its own."""
        return ToolMessage(f"own {x}", tool_call_id=tool_call_id, artifact={"x": x})

    return answers


def with_hidden_argument() -> BaseTool:
    @tool
    def hides(x: int, user: Annotated[str, InjectedToolArg] = "nobody") -> str:
        """Take an argument that the model does not see."""
        return f"{x} {user}"

    return hides


def with_artifact() -> BaseTool:
    @tool(response_format="content_and_artifact")
    def artful(x: int) -> tuple[str, dict[str, int]]:
        """Give content and an artifact."""
        return f"text {x}", {"artifact": x}

    return artful


def returning_direct() -> BaseTool:
    @tool(return_direct=True)
    def direct(x: int) -> str:
        """End the loop."""
        return f"direct {x}"

    return direct


def _failing() -> StructuredTool:
    def fails(x: int) -> str:
        """Fail."""
        raise ToolException(f"no {x}")

    return StructuredTool.from_function(fails)


def error_as_text() -> BaseTool:
    made = _failing()
    made.handle_tool_error = True
    return made


def error_by_function() -> BaseTool:
    made = _failing()
    made.handle_tool_error = lambda error: f"handled {error}"
    return made


def error_raised() -> BaseTool:
    return _failing()


def invalid() -> BaseTool:
    made = plain()
    made.handle_validation_error = True
    return made


def mcp_style() -> BaseTool:
    async def remote(
        runtime: Annotated[object | None, InjectedToolArg()] = None, **arguments: Any
    ) -> tuple[str, dict[str, Any]]:
        return f"remote {arguments} {runtime is not None}", {"structured": arguments}

    return StructuredTool(
        name="remote",
        description="Call a tool server.",
        args_schema={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        coroutine=remote,
        response_format="content_and_artifact",
        metadata={"destructiveHint": True, "readOnlyHint": False},
    )


class Inner(BaseModel):
    a: int


class Nested(BaseModel):
    inner: Inner
    alias_name: str = Field(alias="aliasName")


def with_alias() -> BaseTool:
    def nests(inner: Inner, alias_name: str) -> str:
        """Take a model and an alias."""
        return f"{type(inner).__name__} {inner.a} {alias_name}"

    return StructuredTool.from_function(nests, args_schema=Nested)


def with_config() -> BaseTool:
    @tool
    def configured(x: int, config: RunnableConfig) -> str:
        """Read the configuration."""
        return f"{x} {sorted(config.get('tags') or [])} {(config.get('configurable') or {}).get('thread_id')}"

    return configured


def with_callbacks() -> BaseTool:
    def retrieves(query: str, callbacks: Any = None) -> str:
        """Take callbacks, as retrievers do."""
        return f"{query} {callbacks is not None}"

    return StructuredTool.from_function(retrieves)


class Counter(BaseTool):
    """A class of its own."""

    name: str = "counter"
    description: str = "Count calls."
    calls: int = 0

    def _run(self, x: int, run_manager: Any = None) -> str:
        """Count."""
        self.calls += 1
        return f"{x} {run_manager is not None} {self.calls}"


def single_input() -> BaseTool:
    return Tool(name="single", func=lambda text: f"single {text}", description="Take one text.")


def with_command() -> BaseTool:
    @tool
    def commands(x: int, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Update the state."""
        return Command(update={"messages": [ToolMessage(f"command {x}", tool_call_id=tool_call_id)]})

    return commands


def with_extras() -> BaseTool:
    @tool(extras={"defer_loading": True})
    def extra(x: int) -> str:
        """Carry extras."""
        return f"extra {x}"

    return extra


def streaming() -> BaseTool:
    @tool
    def streams(x: int) -> str:
        """Write to the stream."""
        get_stream_writer()({"progress": x})
        return f"streamed {x}"

    return streams


X: dict[str, Any] = {"x": 7}
PROBES = (
    Probe("plain", plain, X),
    Probe("async only", async_only, X),
    Probe("ToolRuntime", with_runtime, X),
    Probe("InjectedState", with_state, X),
    Probe("InjectedStore", with_store, X),
    Probe("InjectedToolCallId", with_call_id, X),
    Probe("InjectedToolArg", with_hidden_argument, X),
    Probe("content and artifact", with_artifact, X),
    Probe("return_direct", returning_direct, X),
    Probe("ToolException as text", error_as_text, X),
    Probe("ToolException by a function", error_by_function, X),
    Probe("ToolException raised", error_raised, X),
    Probe("invalid arguments", invalid, {"x": "nope"}),
    Probe("MCP style", mcp_style, X),
    Probe("nested model and alias", with_alias, {"inner": {"a": 1}, "aliasName": "Q"}),
    Probe("RunnableConfig", with_config, X),
    Probe("callbacks", with_callbacks, {"query": "q"}),
    Probe("BaseTool subclass", Counter, X),
    Probe("single input", single_input, {"__arg1": "q"}),
    Probe("Command", with_command, X),
    Probe("extras", with_extras, X),
    Probe("stream writer", streaming, X),
)
