"""What can be observed of a tool, as plain text: the same functions look at the bare and at the guarded one."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore

from tests.langchain.probes import Probe


class Recorder(BaseCallbackHandler):
    """Every event of a tool's run, in order."""

    run_inline = True

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> None:
        inputs = kwargs.get("inputs")
        said = f"start {serialized.get('name')} {input_str} {inputs} {kwargs.get('tags')} {kwargs.get('tool_call_id')}"
        self.events.append(anonymous(said))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.events.append(f"end {text(output)}")

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.events.append(f"error {type(error).__name__} {error}")


def text(value: Any) -> str:
    return anonymous(repr(value))


def anonymous(said: str) -> str:
    """Without addresses in memory and made-up ids, which differ between any two runs."""
    return re.sub(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}", "-", said)


def tried(run: Callable[[], Any]) -> str:
    try:
        return text(run())
    except Exception as error:  # noqa: BLE001 - how it fails is what is observed
        return f"{type(error).__name__}: {error}"


def call(probe: Probe, name: str) -> dict[str, Any]:
    return {"name": name, "args": copy.deepcopy(probe.arguments), "id": "call_1", "type": "tool_call"}


def of_its_form(tool: BaseTool, own: type[BaseTool]) -> dict[str, str]:
    """What a model and a framework see without running it."""
    fields = (
        "return_direct",
        "response_format",
        "tags",
        "metadata",
        "extras",
        "handle_validation_error",
        "is_single_input",
    )
    return {
        "is a tool": str(isinstance(tool, BaseTool)),
        "is of its class": str(isinstance(tool, own)),
        "class name": f"{type(tool).__module__}.{type(tool).__qualname__}",
        "for a model": tried(lambda: convert_to_openai_tool(tool)),
        "args": tried(lambda: tool.args),
        "schema": tried(lambda: _json(tool.tool_call_schema)),
        "input schema": tried(lambda: sorted(getattr(tool.get_input_schema(), "model_fields", {}))),
        "error handler": tried(lambda: callable(tool.handle_tool_error) or tool.handle_tool_error),
        **{name: tried(lambda name=name: getattr(tool, name, None)) for name in fields},  # type: ignore[misc]
    }


def _json(schema: Any) -> Any:
    return schema if isinstance(schema, dict) else schema.model_json_schema()


def of_plain_runs(make: Callable[[], BaseTool], probe: Probe) -> dict[str, str]:
    """Each way to run it outside of a graph."""
    found: dict[str, str] = {}
    for way, run in {
        "invoke": lambda tool: tool.invoke(dict(probe.arguments)),
        "ainvoke": lambda tool: asyncio.run(tool.ainvoke(dict(probe.arguments))),
        "run": lambda tool: tool.run(dict(probe.arguments)),
        "arun": lambda tool: asyncio.run(tool.arun(dict(probe.arguments))),
        "invoke text": lambda tool: tool.invoke("5"),
        "invoke call": lambda tool: tool.invoke(call(probe, tool.name)),
        "ainvoke call": lambda tool: asyncio.run(tool.ainvoke(call(probe, tool.name))),
        "batch": lambda tool: tool.batch([dict(probe.arguments)]),
        "stream": lambda tool: list(tool.stream(dict(probe.arguments))),
        "copied": lambda tool: tool.model_copy(update={"description": "other"}).invoke(dict(probe.arguments)),
        "copied deeply": lambda tool: copy.deepcopy(tool).invoke(dict(probe.arguments)),
    }.items():
        tool = make()
        found[way] = tried(lambda run=run, tool=tool: run(tool))  # type: ignore[misc]
    for way in ("events", "async events"):
        recorder, tool = Recorder(), make()
        config: Any = {"callbacks": [recorder], "tags": ["tag"]}
        if way == "events":
            tried(lambda tool=tool, config=config: tool.invoke(call(probe, tool.name), config))  # type: ignore[misc]
        else:
            tried(lambda tool=tool, config=config: asyncio.run(tool.ainvoke(call(probe, tool.name), config)))  # type: ignore[misc]
        found[way] = "\n".join(recorder.events)
    return found


def of_graph_runs(make: Callable[[], BaseTool], probe: Probe) -> dict[str, str]:
    """In a ToolNode with state, store, thread, tag, stream and recorder."""
    return {
        "graph": _in_graph(make(), probe, is_async=False),
        "async graph": _in_graph(make(), probe, is_async=True),
    }


def _in_graph(tool: BaseTool, probe: Probe, *, is_async: bool) -> str:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([tool], handle_tool_errors=True))
    graph.add_edge(START, "tools")
    app = graph.compile(store=InMemoryStore(), checkpointer=InMemorySaver())
    recorder = Recorder()
    config: Any = {"configurable": {"thread_id": "t1"}, "tags": ["tag"], "callbacks": [recorder]}
    state: Any = {"messages": [AIMessage("", tool_calls=[call(probe, tool.name)])]}
    seen: list[Any] = []

    def run() -> Any:
        seen.extend(app.stream(state, config, stream_mode=["custom", "updates"]))

    async def arun() -> None:
        seen.extend([part async for part in app.astream(state, config, stream_mode=["custom", "updates"])])

    failed = tried(lambda: asyncio.run(arun()) if is_async else run())
    return "\n".join([failed, *map(text, seen), *recorder.events])
