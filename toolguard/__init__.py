"""toolguard: the firewall for what AI agents do."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; the import would cost each hook 8 ms
if TYPE_CHECKING:
    from typing import Any

    from toolguard.core.model import Outcome, Principal, ToolCall, ToolDefinition
    from toolguard.guard import Guard, Pending, Permit, Refusal

__version__ = "0.1.0"
__all__ = ["Guard", "Outcome", "Pending", "Permit", "Principal", "Refusal", "ToolCall", "ToolDefinition"]

_GUARD = {"Guard", "Pending", "Permit", "Refusal"}


def __getattr__(name: str) -> Any:
    """Public names on first use, so that `import toolguard` costs nothing and the relay loads only what it needs."""
    if name in _GUARD:
        from toolguard import guard

        return getattr(guard, name)
    if name in __all__:
        from toolguard.core import model

        return getattr(model, name)
    raise AttributeError(f"module `toolguard` has no attribute `{name}`")
