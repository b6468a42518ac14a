"""Guarded tools: a copy of the tool whose class is a subclass of its own class; the untouched original executes.

Measured, every other way of wrapping loses something of the tool: a second run in traces, artifacts, injection, the
schema, or its class. INVARIANT: all four ways to run a tool (invoke, ainvoke, run, arun) are guarded here, and `func`
and `coroutine` of the copy are guarded too (tests/langchain/test_battery.py).
"""

from __future__ import annotations

import copy
import functools
import inspect
import typing
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, BaseToolkit
from langchain_core.tools import tool as as_tool

from toolguard.errors import ConfigError
from toolguard.guard import Guard
from toolguard.langchain.gate import Gate
from toolguard.langchain.options import Options
from toolguard.langchain.reading import RUNTIME, Reader, know

_NOT_MIRRORED = frozenset({"func", "coroutine"})


def wrap(guard: Guard, tools: Any, **options: Any) -> Any:
    """A tool, a list or tuple of tools, a toolkit or a function in; the same types out, guarded. Idempotent.

    `options` are the fields of Options. Raises ConfigError for a tool that another guard guards already.
    """
    return _wrapped(guard, tools, Options(**options))


def _wrapped(guard: Guard, tools: Any, options: Options) -> Any:
    if isinstance(tools, list | tuple):
        return type(tools)([_wrapped(guard, tool, options) for tool in tools])
    if isinstance(tools, BaseTool):
        return wrap_tool(guard, tools, options)
    if isinstance(tools, BaseToolkit):
        return _guarded_toolkit(tools, guard, options)
    if isinstance(tools, Mapping):
        warnings.warn(
            f"`{tools.get('name') or tools.get('type')}` is run by the model's provider; nobody can guard its calls",
            stacklevel=3,
        )
        return tools
    if callable(tools):
        return wrap_tool(guard, as_tool(tools), options)
    raise ConfigError(
        f"`{type(tools).__name__}` is no tool", hint="give a LangChain tool, a list of them, or a function"
    )


def wrap_tool(guard: Guard, tool: BaseTool, options: Options) -> BaseTool:
    """One guarded tool."""
    if isinstance(tool, Guarded):
        if tool.__dict__["_tg_gate"].guard is guard:
            return tool
        raise ConfigError(f"`{tool.name}` is guarded by another guard already", hint="wrap the original tool instead")
    known = know(tool, options)
    if options.server:
        guard.pin(known.server, (), [known.definition], complete=False)
    front = _copy_of(tool)
    gate = Gate(guard, options, Reader(guard, options, known))
    object.__setattr__(front, "__class__", guarded_class(type(tool)))
    front.__dict__.update(_tg_inner=tool, _tg_gate=gate)
    _put_stubs(front, tool, gate)
    return front


def _copy_of(tool: BaseTool) -> BaseTool:
    """A shallow copy without the tool's own idea of copying."""
    return BaseTool.model_copy(tool)


def _put_stubs(front: BaseTool, tool: BaseTool, gate: Gate) -> None:
    """Functions in place of `func` and `coroutine`: judged when called, and asking ToolNode for its runtime."""
    function, coroutine = getattr(tool, "func", None), getattr(tool, "coroutine", None)
    if function is not None:
        front.__dict__["func"] = _annotated(_stub(function, gate), function)
    if coroutine is not None:
        front.__dict__["coroutine"] = _annotated(_async_stub(coroutine, gate), coroutine)
    if function is None and coroutine is None:
        # ToolNode looks for injected parameters here, also on tools whose class has no such field.
        front.__dict__["func"] = _annotated(_stub(tool._run, gate), tool._run)


def _stub(function: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    @functools.wraps(function)
    def judged(*args: Any, **kwargs: Any) -> Any:
        return gate.call(_named(function, args, kwargs), None, None, lambda sent: function(*_rest(args, sent), **sent))

    return judged


def _async_stub(function: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    @functools.wraps(function)
    async def judged(*args: Any, **kwargs: Any) -> Any:
        async def run(sent: Any) -> Any:
            return await function(**sent)

        return await gate.acall(_named(function, args, kwargs), None, None, run)

    return judged


def _rest(args: tuple[Any, ...], sent: Any) -> tuple[Any, ...]:
    return () if isinstance(sent, dict) else args


def _named(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name, as a tool call has them."""
    if not args:
        return kwargs
    bound = inspect.signature(function).bind_partial(*args, **kwargs).arguments
    return {name: value for name, value in bound.items() if name != "kwargs"} | dict(bound.get("kwargs", {}))


def _annotated(stub: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """The stub with the function's own hints and, in an environment with LangGraph, one more for its runtime."""
    try:
        from langgraph.prebuilt import ToolRuntime

        hints = typing.get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001 - no LangGraph, or hints that nobody can resolve: other sources tell the prompt
        return stub
    own = any(name == "runtime" or hint is ToolRuntime or typing.get_origin(hint) is ToolRuntime
              for name, hint in hints.items())  # fmt: skip
    if not own:
        stub.__annotations__ = {**hints, RUNTIME: ToolRuntime}
    return stub


class Guarded:
    """First base of every guarded tool's class."""

    __dict__: dict[str, Any]

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        inner, gate = self.__dict__["_tg_inner"], self.__dict__["_tg_gate"]
        given, call_id, put = _taken_apart(input)
        return gate.call(given, call_id, config, lambda sent: inner.invoke(put(sent), config, **kwargs))

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        inner, gate = self.__dict__["_tg_inner"], self.__dict__["_tg_gate"]
        given, call_id, put = _taken_apart(input)
        return await gate.acall(given, call_id, config, lambda sent: inner.ainvoke(put(sent), config, **kwargs))

    def run(self, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        inner, gate = self.__dict__["_tg_inner"], self.__dict__["_tg_gate"]
        call_id, config = kwargs.get("tool_call_id"), kwargs.get("config")
        return gate.call(tool_input, call_id, config, lambda sent: inner.run(sent, *args, **kwargs))

    async def arun(self, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
        inner, gate = self.__dict__["_tg_inner"], self.__dict__["_tg_gate"]
        call_id, config = kwargs.get("tool_call_id"), kwargs.get("config")
        return await gate.acall(tool_input, call_id, config, lambda sent: inner.arun(sent, *args, **kwargs))

    def with_fallbacks(self, fallbacks: Any, **kwargs: Any) -> Any:
        """Fallbacks run when this tool fails, and a pause of LangGraph looks like a failure to them."""
        if not all(isinstance(fallback, Guarded) for fallback in fallbacks):
            warnings.warn(
                f"a fallback of `{self.__dict__['name']}` is not guarded: it would run without approval; wrap it too",
                stacklevel=2,
            )
        return super().with_fallbacks(fallbacks, **kwargs)  # type: ignore[misc]  # the tool's own class stands behind

    def __setattr__(self, name: str, value: Any) -> None:
        """What is set later, such as `handle_tool_error`, holds for the original too, since that one executes."""
        super().__setattr__(name, value)
        inner = self.__dict__.get("_tg_inner")
        if inner is None:
            return
        if name in _NOT_MIRRORED:
            setattr(inner, name, value)
            _put_stubs(typing.cast(BaseTool, self), inner, self.__dict__["_tg_gate"])
        elif name in type(inner).model_fields:
            setattr(inner, name, value)

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Any:
        return _again(self, self.__dict__["_tg_inner"].model_copy(update=update, deep=deep))

    def __copy__(self) -> Any:
        return _again(self, copy.copy(self.__dict__["_tg_inner"]))

    def __deepcopy__(self, memo: Any = None) -> Any:
        return _again(self, copy.deepcopy(self.__dict__["_tg_inner"], memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        gate = self.__dict__["_tg_gate"]
        config = gate.guard.config
        return _rebuilt, (self.__dict__["_tg_inner"], gate.options, str(config.home), str(config.file or ""))


def _taken_apart(given: Any) -> tuple[Any, str | None, Callable[[Any], Any]]:
    """Arguments and id of what `invoke` got, and how to put other arguments into it."""
    if isinstance(given, dict) and given.get("type") == "tool_call":
        return given.get("args", {}), given.get("id"), lambda sent: {**given, "args": sent}
    return given, None, lambda sent: sent


def _again(front: Any, inner: BaseTool) -> BaseTool:
    gate = front.__dict__["_tg_gate"]
    return wrap_tool(gate.guard, inner, gate.options)


def _rebuilt(inner: BaseTool, options: Options, home: str, file: str) -> BaseTool:
    """A guarded tool from its pickled form: with the guard of this home that is open here, or a new one."""
    from toolguard import config as configuration
    from toolguard.langchain.kept import open_guards

    for guard in open_guards():
        if str(guard.config.home) == home:
            return wrap_tool(guard, inner, options)
    return wrap_tool(Guard.open(Path(file) if file else configuration.load(folder=home)), inner, options)


@functools.cache
def guarded_class(own: type[BaseTool]) -> type[BaseTool]:
    """The subclass of a tool's class that guards it; it goes by the same name."""
    return typing.cast("type[BaseTool]", _subclass(own, (Guarded, own), {}))


def _subclass(own: type[Any], bases: tuple[type[Any], ...], members: dict[str, Any]) -> type[Any]:
    """A class that goes by the same name as `own`, made by its metaclass."""
    names: dict[str, Any] = {name: getattr(own, name) for name in ("__module__", "__qualname__", "__doc__")}
    metaclass: Any = type(own)
    made: type[Any] = metaclass(own.__name__, bases, {**names, "__annotations__": {}, **members})
    return made


def _guarded_toolkit(toolkit: BaseToolkit, guard: Guard, options: Options) -> BaseToolkit:
    """Toolkits give their tools by a method; the copy's gives guarded ones."""

    def get_tools(self: BaseToolkit) -> list[BaseTool]:
        return [wrap_tool(guard, tool, options) for tool in toolkit.get_tools()]

    front = toolkit.model_copy()
    object.__setattr__(front, "__class__", _subclass(type(toolkit), (type(toolkit),), {"get_tools": get_tools}))
    return front
