"""LangChain and LangGraph: the same guard in-process. `wrap` guards at the tool, `GuardMiddleware` adds comfort.

The only door to langchain-core, langchain and langgraph. Only langchain-core is needed; the other two are looked for
when a tool is wrapped or runs inside a graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolguard.langchain.options import Options
from toolguard.langchain.origin import PromptCallback, context, listen
from toolguard.langchain.refusing import ToolCallRefused
from toolguard.langchain.tools import wrap

if TYPE_CHECKING:
    from toolguard.langchain.middleware import GuardMiddleware

__all__ = ["GuardMiddleware", "Options", "PromptCallback", "ToolCallRefused", "context", "listen", "wrap"]


def __getattr__(name: str) -> Any:
    """`GuardMiddleware` needs the `langchain` package, which applications with langchain-core alone do not have."""
    if name == "GuardMiddleware":
        from toolguard.langchain.middleware import GuardMiddleware

        return GuardMiddleware
    raise AttributeError(f"module `toolguard.langchain` has no attribute `{name}`")
