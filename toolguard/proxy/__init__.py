"""MCP: the stdio proxy between one client and one server."""

from toolguard.proxy.stdio import run

__all__ = ["run"]
