"""What leaves for the server: written from the call that was judged, never from what came."""

from __future__ import annotations

from typing import Final

from toolguard.core.canonical import compact
from toolguard.core.model import ToolCall
from toolguard.proxy import asides
from toolguard.proxy.messages import Request

ANSWERS: Final = frozenset({"inputResponses", "requestState"})
"""Members of the next leg of a call whose server asked for input."""


def line(request: Request, call: ToolCall) -> bytes:
    """The message that goes to the server.

    INVARIANT: everything of `params` but `_meta`, and the answers of a continued leg, comes from the judged call
    (test_what_is_sent_is_the_serialisation_of_what_was_judged).
    """
    judged = {"name": call.tool, **call.other_params}
    if call.arguments or "arguments" in request.params:
        judged["arguments"] = call.arguments
    live = {key: value for key, value in request.params.items() if key in ANSWERS}
    if "_meta" in request.params:
        live["_meta"] = asides.for_server(request.params["_meta"])
    merged = {**live, **judged}
    in_order = {key: merged[key] for key in request.params if key in merged}
    return compact({**request.members, "params": {**in_order, **merged}})
