"""What a user interface hears of a call that does not just run: that it waits for people, or was refused.

The same notice goes to callbacks, as the custom event `toolguard.decision`, and to LangGraph's custom stream, under the
key `toolguard`. Nobody has to listen, and nothing depends on it. A call that is allowed says nothing.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event

from toolguard.core.model import Json
from toolguard.guard import Pending, Refusal
from toolguard.guard.times import iso

EVENT: Final = "toolguard.decision"
_log = logging.getLogger("toolguard.langchain")

Notice = dict[str, Json]


def waiting(pending: Pending, tool_call_id: str | None) -> Notice:
    """People are asked; the call is held until they answer."""
    return {
        "state": "waiting",
        "tool": pending.call.tool,
        "tool_call_id": tool_call_id,
        "approval_id": pending.request_id,
        "code": pending.code,
        "link": pending.link,
        "decide_by": iso(pending.decide_by),
    }


def refused(refusal: Refusal, tool: str, tool_call_id: str | None) -> Notice:
    """The call does not run; no events of the tool will come."""
    return {
        "state": "refused",
        "tool": tool,
        "tool_call_id": tool_call_id,
        "approval_id": refusal.request_id,
        "code": refusal.binding_code,
        "reason": refusal.code.value,
    }


def tell(notice: Notice, config: Any) -> None:
    """To whoever listens; without a run around the call that is nobody."""
    try:
        dispatch_custom_event(EVENT, notice, config=config)
        _write(notice)
    except Exception as error:  # noqa: BLE001 - outside a run both raise, and no listener's fault may change a call
        _log.debug("a notice was not heard: %s", error)


async def atell(notice: Notice, config: Any) -> None:
    """The same for callers on an event loop, whose callbacks may be coroutines."""
    try:
        await adispatch_custom_event(EVENT, notice, config=config)
        _write(notice)
    except Exception as error:  # noqa: BLE001 - as above
        _log.debug("a notice was not heard: %s", error)


def _write(notice: Notice) -> None:
    from langgraph.config import get_stream_writer

    get_stream_writer()({"toolguard": notice})
