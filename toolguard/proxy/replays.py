"""Results that no client was waiting for any more, kept in memory for the retry that follows.

A client that times out while an approved call runs will repeat it. The person said yes once and the call ran once:
the retry gets that result, marked as a replay. Only in memory, since results are never stored.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.model import Json, ToolCall

KEPT_SECONDS: Final = 600.0
MAX_KEPT: Final = 32
MAX_BYTES: Final = 1024 * 1024
"""Of one result; a larger one is not worth the memory."""


class Replays:
    """Results of approved calls whose client gave up before they came."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, Json]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def keep(self, call: ToolCall, result: Json, size: int, now: float) -> None:
        if size > MAX_BYTES or not isinstance(result, dict):
            return
        self._kept[_same(call)] = (now + KEPT_SECONDS, result)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def take(self, call: ToolCall, now: float) -> dict[str, Json] | None:
        """The result for exactly this call, given out once."""
        until, result = self._kept.pop(_same(call), (0.0, None))
        return result if isinstance(result, dict) and now < until else None


def _same(call: ToolCall) -> str:
    return digest("toolguard/replay/v1", [call.tool, call.definition_fp, call.arguments, call.other_params])
