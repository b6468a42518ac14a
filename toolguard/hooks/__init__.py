"""Hooks of clients: their own tools, which no MCP proxy sees, judged by the same guard."""
