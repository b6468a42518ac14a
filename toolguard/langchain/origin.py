"""Where a call comes from: what the person asked, and the model's words that led to it.

Sources in order: the runtime that LangGraph injects, the middleware's request, the callback map, the graph's state, and
what the application sets with `context`. None of them decides anything; an unknown origin is a fact like any other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

WORDS: Final = 4_096
"""Characters of the model's words that are kept: the newest; what led to a call stands at the end."""
REMEMBERED: Final = 1_024
"""Calls whose origin the callback map keeps."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of where a call comes from."""

    prompt: str | None = None
    """The person's last message."""
    words: str | None = None
    """The model's text and reasoning beside the call: a claim."""
    is_only: bool = False
    """The model's message is known, and holds no other call."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the application says about the calls made inside a `with context(...)`."""

    user: str | None = None
    prompt: str | None = None
    session: str | None = None


_NOTHING: Final = Context()
_CONTEXT: ContextVar[Context] = ContextVar("toolguard_context", default=_NOTHING)
MIDDLEWARE: ContextVar[Sequence[Any] | None] = ContextVar("toolguard_messages", default=None)
"""The conversation as GuardMiddleware saw it, for the tool call inside."""


@contextmanager
def context(*, user: str | None = None, prompt: str | None = None, session: str | None = None) -> Iterator[None]:
    """Name the person, their request or the conversation for all calls inside, where no run of LangGraph tells."""
    outer = _CONTEXT.get()
    given = {"user": user, "prompt": prompt, "session": session}
    token = _CONTEXT.set(replace(outer, **{name: value for name, value in given.items() if value is not None}))
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def said() -> Context:
    return _CONTEXT.get()


def learn(
    runtime: Any, configurable: Mapping[str, Any], callbacks: Any, tool_call_id: str | None, *, is_nested: bool
) -> Origin:
    """The origin of one call from the first source that knows it; nested is a call inside another tool's run."""
    messages = _messages(runtime, configurable)
    found = of_messages(messages, tool_call_id) if messages else Origin()
    if found.prompt is None and found.words is None and tool_call_id is not None:
        found = _overheard(callbacks, tool_call_id) or found
    if is_nested or _is_sub_agent(configurable):
        # What looks like the person's message there was written by the model above; the session knows the real one.
        found = replace(found, prompt=None)
    return replace(found, prompt=said().prompt) if found.prompt is None else found


def of_messages(messages: Sequence[Any], tool_call_id: str | None) -> Origin:
    """The person's last message, and the words of the model's message that holds this call."""
    prompt, caller = None, None
    for message in reversed(messages):
        if caller is None and isinstance(message, AIMessage) and _holds(message, tool_call_id):
            caller = message
        if isinstance(message, HumanMessage):
            prompt = text_of(message)
            break
    if caller is None:
        return Origin(prompt)
    return Origin(prompt, text_of(caller)[-WORDS:] or None, tool_call_id is not None and len(caller.tool_calls) == 1)


def text_of(message: BaseMessage) -> str:
    """Text and reasoning of a message, whatever its content blocks are."""
    content: Any = message.content
    if isinstance(content, str):
        return content
    parts = []
    for block in content:
        if isinstance(block, str):
            parts.append(block)
        elif isinstance(block, dict):
            parts += [block[name] for name in ("reasoning", "thinking", "text") if isinstance(block.get(name), str)]
    return "\n".join(parts)


def _holds(message: AIMessage, tool_call_id: str | None) -> bool:
    return tool_call_id is None or any(call["id"] == tool_call_id for call in message.tool_calls)


def _messages(runtime: Any, configurable: Mapping[str, Any]) -> Sequence[Any]:
    """The conversation, from the first source that has one."""
    if runtime is not None and (found := _of_state(runtime.state)):
        return found
    return MIDDLEWARE.get() or _of_state(_graph_state(configurable)) or ()


def _of_state(state: Any) -> Sequence[Any]:
    """The messages of a state, which may be a list, a mapping or an object."""
    found = state.get("messages") if isinstance(state, Mapping) else state
    if found is not None and not isinstance(found, Sequence):
        found = getattr(found, "messages", None)
    return found if isinstance(found, Sequence) else ()


def _graph_state(configurable: Mapping[str, Any]) -> Any:
    """The messages channel of the node that runs; private to LangGraph, so it may be gone tomorrow."""
    read = configurable.get("__pregel_read")
    if read is None:
        return None
    try:
        return read("messages")
    except Exception:  # noqa: BLE001 - a graph without such a channel, or a LangGraph that reads in another way
        return None


def _is_sub_agent(configurable: Mapping[str, Any]) -> bool:
    """A graph that runs inside the tools node of another one."""
    above = str(configurable.get("checkpoint_ns", "")).split("|")[:-1]
    return any(part.partition(":")[0] == "tools" for part in above)


# -- with langchain-core alone ----------------------------------------------------------------------------------------


class PromptCallback(BaseCallbackHandler):  # type: ignore[misc,unused-ignore]  # Any where langchain-core is absent
    """In `config={"callbacks": [...]}` it remembers which messages led to which tool call. It enforces nothing."""

    run_inline = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: OrderedDict[UUID, Sequence[BaseMessage]] = OrderedDict()
        self._origins: OrderedDict[str, Origin] = OrderedDict()

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        with self._lock:
            self._asked[run_id] = messages[0] if messages else ()
            _forget(self._asked)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            asked = self._asked.pop(run_id, ())
        for generation in (one for several in response.generations for one in several):
            message = getattr(generation, "message", None)
            if isinstance(message, AIMessage):
                self._keep(asked, message)

    def _keep(self, asked: Sequence[BaseMessage], message: AIMessage) -> None:
        for call in message.tool_calls:
            if call["id"]:
                with self._lock:
                    self._origins[call["id"]] = of_messages([*asked, message], call["id"])
                    self._origins.move_to_end(call["id"])
                    _forget(self._origins)

    def origin(self, tool_call_id: str) -> Origin | None:
        with self._lock:
            return self._origins.get(tool_call_id)


def _forget(memory: OrderedDict[Any, Any]) -> None:
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)


INSTALLED: ContextVar[PromptCallback | None] = ContextVar("toolguard_prompts", default=None)
"""Set by `listen`, so that models and tools of plain loops need no configuration."""


@contextmanager
def listen() -> Iterator[PromptCallback]:
    """Overhear every model called inside: the prompt is then known with langchain-core alone."""
    from langchain_core.tracers.context import register_configure_hook

    global _registered  # noqa: PLW0603 - LangChain keeps a list of hooks for the process; one entry is enough
    if not _registered:
        register_configure_hook(INSTALLED, inheritable=True)
        _registered = True
    token = INSTALLED.set(PromptCallback())
    try:
        callback = INSTALLED.get()
        if callback is not None:
            yield callback
    finally:
        INSTALLED.reset(token)


_registered = False


def _overheard(callbacks: Any, tool_call_id: str) -> Origin | None:
    given = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    for one in (INSTALLED.get(), *given):
        if isinstance(one, PromptCallback):
            found = one.origin(tool_call_id)
            if found is not None:
                return found
    return None
