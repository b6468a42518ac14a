"""A LangChain call as the guard judges it: what a tool is, and which of its arguments came from where.

INVARIANT: what is judged and what is sent are made from one copy, taken before anything waits; objects that the
application injects are passed on as they are and never copied, hashed or logged.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from langchain_core.tools import BaseTool

from toolguard import config as configuration
from toolguard.core.canonical import definition_fingerprint, text
from toolguard.core.model import Json, Principal, ToolCall, ToolDefinition
from toolguard.guard import Guard, Permit
from toolguard.langchain import origin
from toolguard.langchain.options import SERVER, Options
from toolguard.langchain.places import Place, place

RUNTIME: Final = "toolguard_runtime"
"""Parameter through which LangGraph's ToolNode hands over its runtime; the model never sees it."""
INJECTED: Final = "injected"
"""Member of a definition: names that the application fills, so that an argument of that name was made up."""
_ALWAYS: Final = frozenset({"run_manager", "callbacks", RUNTIME})
_SCALARS: Final = (str, int, float, bool, type(None))


_HINTS: Final = {
    "readOnlyHint": "read_only_hint",
    "destructiveHint": "destructive_hint",
    "idempotentHint": "idempotent_hint",
    "openWorldHint": "open_world_hint",
    "title": "title",
}


class NotCopied(Exception):
    """An argument cannot be copied, so what runs could differ from what was judged."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a tool when it is wrapped."""

    name: str
    server: str
    definition: ToolDefinition
    fingerprint: str
    injected: frozenset[str]
    single: str
    """Name of the argument that a plain text is for."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call on its way: what the guard judges, and what the tool gets."""

    call: ToolCall
    sent: Any
    """A copy that nobody else holds."""
    passed: Mapping[str, Any]
    """Injected objects, by reference."""
    place: Place
    tool_call_id: str | None
    is_alone: bool = False
    """No other call takes answers from the task that this one runs in."""
    notes: tuple[str, ...] = field(default=())
    """What the agent must be told beside the result."""

    @property
    def tool_input(self) -> Any:
        """What the tool gets."""
        return {**self.sent, **self.passed} if isinstance(self.sent, dict) else self.sent

    def as_approved(self, permit: Permit) -> Job:
        """What the permit lets run: this very call, or what a reviewer made of it; then the agent is told."""
        if permit.asked is None:
            return self
        given, arguments = self.sent, dict(permit.call.arguments)
        if isinstance(given, dict):
            # What the reviewer left alone goes on as the object it was; JSON has no word for some.
            asked = permit.asked.arguments
            same = {
                name for name in arguments.keys() & given.keys() if text([asked.get(name)]) == text([arguments[name]])
            }
            sent: Any = {name: given[name] if name in same else copy.deepcopy(arguments[name]) for name in arguments}
        else:
            sent = next(iter(arguments.values())) if len(arguments) == 1 else arguments
        return replace(self, call=permit.call, sent=sent, notes=(*self.notes, permit.note))


def know(tool: BaseTool, options: Options) -> Known:
    """Read a tool's definition once."""
    injected = injected_names(tool)
    schema = _schema(tool)
    server = options.server or SERVER
    definition = ToolDefinition(
        tool.name,
        tool.description or "",
        schema,
        hints(tool.metadata),
        rest={INJECTED: sorted(injected - _ALWAYS)},
    )
    properties = schema.get("properties")
    single = next((name for name in properties if name not in injected), "input") if properties else "input"
    launch = [type(tool).__module__, type(tool).__qualname__]
    return Known(tool.name, server, definition, definition_fingerprint(server, launch, definition), injected, single)


def _schema(tool: BaseTool) -> dict[str, Json]:
    """The schema that the model sees, as plain JSON."""
    try:
        schema: Any = tool.tool_call_schema
        found = schema if isinstance(schema, dict) else schema.model_json_schema()
        return as_json(found) if isinstance(found, dict) else {}
    except Exception:  # noqa: BLE001 - a schema that only Python can express; the name and description still bind
        return {}


def injected_names(tool: BaseTool) -> frozenset[str]:
    """Arguments that the application fills, by the tool's own means; private ones are asked kindly."""
    functions = [getattr(tool, name, None) for name in ("func", "coroutine", "_run", "_arun")]
    candidates = {name for function in functions if callable(function) for name in _parameters(function)}
    fields = getattr(tool.get_input_schema(), "model_fields", {})
    candidates |= set(fields)
    found = set(_ALWAYS & candidates) | _ALWAYS
    shown = getattr(tool.tool_call_schema, "model_fields", None)
    if shown is not None:
        found |= set(fields) - set(shown)
    keep = getattr(tool, "_filter_injected_args", None)
    if keep is not None:
        found |= candidates - set(keep(dict.fromkeys(candidates)))
    return frozenset(found - {"self", "args", "kwargs"})


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return tuple(p.name for p in inspect.signature(function).parameters.values() if p.kind not in kinds)
    except (TypeError, ValueError):
        return ()


def hints(metadata: Mapping[str, Any] | None) -> dict[str, Json]:
    """Hints of an MCP server in the two shapes that adapters use; its word, so the core only lets them raise a risk."""
    if not metadata:
        return {}
    mcp = metadata.get("mcp")
    tool = mcp.get("tool") if isinstance(mcp, Mapping) else None
    nested = tool.get("annotations") if isinstance(tool, Mapping) else None
    found: dict[str, Json] = {}
    for name, snake in _HINTS.items():
        for source in (metadata, nested if isinstance(nested, Mapping) else {}):
            for key in (name, snake):
                if isinstance(source.get(key), bool | str):
                    found[name] = source[key]
    return found


def as_json(value: Any) -> Json:
    """A value as JSON says it; what JSON has no word for is named by its type and text."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_json(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(child) for child in value]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return as_json(dump(mode="json"))
    return f"<{type(value).__qualname__}> {value}"


def is_json(value: Any) -> bool:
    """Whether a model could have written this value."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_json(child) for key, child in value.items())
    return all(map(is_json, value)) if isinstance(value, list) else isinstance(value, _SCALARS)


class Reader:
    """Reads the calls of one wrapped tool."""

    def __init__(self, guard: Guard, options: Options, known: Known) -> None:
        self._guard = guard
        self._options = options
        self.known = known

    def read(self, given: Any, tool_call_id: str | None, config: Any, *, frame: Any = None) -> Job:
        """The call as it came. Raises NotCopied."""
        where = place(config)
        passed: dict[str, Any] = {}
        runtime = None
        if isinstance(given, Mapping):
            runtime, passed, kept = self._split(given, tool_call_id)
            sent: Any = _copied(kept)
            judged = as_json(sent)
        else:
            sent, judged = given, {self.known.single: as_json(given)}
        whose = frame.principal if frame is not None else principal(self._guard, where)
        known = origin.learn(
            runtime, where.configurable, where.config.get("callbacks"), tool_call_id, is_nested=frame is not None
        )
        call = ToolCall(
            self.known.server,
            self.known.name,
            judged,
            whose,
            self.known.definition,
            self.known.fingerprint,
            prompt=known.prompt,
            justification=known.words,
            client="langchain",
        )
        if where.is_durable:
            digest = argument_digest(self._guard, call)
            inside = frame.child(digest) if frame else ""
            call = replace(call, transport_key=f"{where.thread}/{where.task}/{inside}{tool_call_id or ''}/{digest}")
        is_alone = (frame is None or frame.task != where.task) and (where.is_per_call or known.is_only)
        return Job(call, sent, passed, where, tool_call_id, is_alone)

    def _split(self, given: Mapping[str, Any], tool_call_id: str | None) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """LangGraph's runtime, what it or the application injected, and what the model may have written.

        Inside ToolNode forged values were stripped and real ones set; its runtime proves that it was there, since a
        model cannot write such an object. Elsewhere an injected name whose value is plain JSON may be the model's.
        """
        runtime = next((v for v in given.values() if type(v).__name__ == "ToolRuntime" and not is_json(v)), None)
        from_node = runtime is not None and getattr(runtime, "tool_call_id", None) == tool_call_id
        passed: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        for name, value in given.items():
            if name == RUNTIME:
                if is_json(value):
                    kept[name] = value
            elif (runtime is not None and value is runtime) or (
                name in self.known.injected and (from_node or not is_json(value))
            ):
                passed[name] = value
            else:
                kept[name] = value
        return runtime, passed, kept


def principal(guard: Guard, where: Place) -> Principal:
    """The person is whom the application names, the session the conversation; without one, this process."""
    said = origin.said()
    session = where.thread or said.session or _this_process()
    return Principal(guard.config.agent, said.user or _person(), session)


@functools.cache
def _person() -> str:
    """The user of this process; looking it up costs more than the rest of a wrapper."""
    return configuration.person()


def argument_digest(guard: Guard, call: ToolCall) -> str:
    """A keyed digest of tool, definition and arguments as they came: nobody without the key can guess them from it."""
    return guard.redactor.mac(text([call.server, call.tool, call.definition_fp, call.arguments]))


_TOKEN: Final = secrets.token_hex(4)


def _this_process() -> str:
    """The conversation of an application that names none."""
    return f"process-{os.getpid()}-{_TOKEN}"


def _copied(given: Mapping[str, Any]) -> dict[str, Any]:
    if all(isinstance(value, _SCALARS) for value in given.values()):
        return dict(given)
    try:
        return copy.deepcopy(dict(given))
    except Exception as error:
        raise NotCopied(str(error)) from error
