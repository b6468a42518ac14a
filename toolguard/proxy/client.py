"""What a client says of itself: at the handshake, or from 2026-07-28 on with each request. It sets times and ways of
asking, never a decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.core.model import Json
from toolguard.proxy.messages import Request

_SELF: Final = "io.modelcontextprotocol/clientInfo"
_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"


@dataclass(slots=True)
class Client:
    """The client of one connection."""

    name: str = ""
    """As the handshake has it."""
    _fills_forms: bool = False

    def introduced(self, request: Request) -> None:
        """The client sent `initialize`."""
        self.name = _name(request.params.get("clientInfo"))
        self._fills_forms = _has_forms(request.params.get("capabilities"))

    def name_of(self, request: Request) -> str:
        """Who sent this request."""
        return _name(request.meta.get(_SELF)) or self.name

    def fills_forms(self, request: Request) -> bool:
        """Whether it declares, for this request, that it shows forms to its person (MCP client/elicitation)."""
        return _has_forms(request.meta.get(_CAPABILITIES)) if request.is_modern else self._fills_forms


def _name(said: Json) -> str:
    name = said.get("name") if isinstance(said, dict) else None
    return name if isinstance(name, str) else ""


def _has_forms(capabilities: Json) -> bool:
    elicitation = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
    # Empty stands for forms, which were all there was at first; `url` alone is another way.
    return isinstance(elicitation, dict) and (not elicitation or isinstance(elicitation.get("form"), dict))
