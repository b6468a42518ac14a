"""How a tool's run ended, and the text of its result: what the session learns from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

from langchain_core.messages import BaseMessage, ToolMessage

from toolguard.core.model import Outcome, OutcomeKind

READ: Final = 262_144
"""Characters of a result that are looked at; beyond it only its size counts."""
ERROR_LENGTH: Final = 500
"""Characters of an error that the log keeps."""


def ended(result: Any, duration_ms: float) -> Outcome:
    """The outcome of a run that returned."""
    text = "\n".join(_texts(result))
    size = len(text)
    is_error = isinstance(result, ToolMessage) and result.status == "error"
    kind = OutcomeKind.FAILED if is_error else OutcomeKind.SUCCEEDED
    return Outcome(kind, text[:READ], size, text[:ERROR_LENGTH] if is_error else "", duration_ms)


def failed(error: BaseException, duration_ms: float) -> Outcome:
    """The outcome of a run that raised. One that was cut off may still have done its work."""
    is_cut_off = isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit)
    kind = OutcomeKind.UNKNOWN if is_cut_off else OutcomeKind.FAILED
    said = f"{type(error).__name__}: {error}"
    return Outcome(kind, "" if is_cut_off else said[:READ], 0, said[:ERROR_LENGTH], duration_ms)


def _texts(result: Any) -> Iterator[str]:
    """Everything in a result that a model may read; artifacts are for the application and are not read."""
    if isinstance(result, str):
        yield result
    elif isinstance(result, BaseMessage):
        yield from _texts(result.content)
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from _texts(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from _texts(value)
    elif isinstance(result, int | float | bool):
        yield str(result)
    elif isinstance(getattr(result, "update", None), Mapping | list):  # LangGraph's Command
        yield from _texts(result.update)
    elif callable(getattr(result, "model_dump_json", None)):
        yield result.model_dump_json()


def with_notes(result: Any, notes: tuple[str, ...]) -> Any:
    """The result with what the agent must be told before it, where it is a message with text."""
    if not notes or not isinstance(result, ToolMessage):
        return result
    if not isinstance(result.content, str):
        blocks: list[Any] = [{"type": "text", "text": note} for note in notes]
        return result.model_copy(update={"content": [*blocks, *result.content]})
    return result.model_copy(update={"content": "\n".join([*notes, result.content])})
