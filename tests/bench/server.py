"""The smallest tool server that answers at once: what a proxy adds is then all that differs."""

from __future__ import annotations

import json
import os
import sys

TOOLS = [
    {
        "name": "read_file",
        "description": "Read a text file.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "head": {"type": "integer"}}},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "query",
        "description": "Run a read-only SQL query.",
        "inputSchema": {"type": "object", "properties": {"sql": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    },
    {"name": "risky_delete", "description": "Delete a folder.", "inputSchema": {"type": "object"}},
]


def main() -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "id" not in message:
            continue
        if message["method"] == "initialize":
            result: dict[str, object] = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bench", "version": "1"},
            }
        elif message["method"] == "tools/list":
            result = {"tools": TOOLS}
        else:
            result = {"content": [{"type": "text", "text": "one line of the file\n" * 10}]}
        os.write(1, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode() + b"\n")


main()
