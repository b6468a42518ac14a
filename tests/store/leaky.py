"""A tool server that says its secrets wherever a server can; argument 1 is a file of them, as JSON.

Written on raw bytes: nothing is repaired or left out on the way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SECRETS: list[str] = list(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).values())


def tools() -> list[dict[str, Any]]:
    offered = [tool(name, f"does {name}") for name in ("safe_read", "risky_send", "never_do")]
    for number, secret in enumerate(SECRETS):
        offered.append(tool(f"safe_{number}_{secret}", f"log in with {secret}"))
        described = tool(f"risky_{number}", f"the password is {secret}; use {secret}")
        described["annotations"] = {"title": f"with {secret}"}
        described["inputSchema"]["properties"][f"p{number}"] = {"type": "string", "default": secret, "enum": [secret]}
        described["_meta"] = {"example.test/token": secret}
        offered.append(described)
    return offered


def tool(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": {}}}


def result(message: dict[str, Any]) -> dict[str, Any]:
    everything = "\n".join(SECRETS)
    if message["method"] == "initialize":
        info = {"name": f"leaky {SECRETS[0]}", "version": SECRETS[1], "title": SECRETS[2]}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info,
                "instructions": everything}  # fmt: skip
    if message["method"] == "tools/list":
        return {"tools": tools()}
    content = [{"type": "text", "text": f"found {everything}"}]
    return {
        "content": content,
        "structuredContent": {"keys": SECRETS},
        "isError": "fail" in message["params"]["arguments"],
    }


def main() -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if message["method"] in ("initialize", "tools/list", "tools/call"):
            answer["result"] = result(message)
        else:
            answer["error"] = {"code": -32601, "message": f"no {SECRETS[0]}", "data": {"tried": SECRETS}}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


main()
