"""A server that does what its tools' names say; argument 1 is a folder for what tests look at afterwards.

It is written on raw bytes and knows no MCP library, so that nothing is repaired on the way.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
OPTIONS = sys.argv[2:]
TOOLS = ("safe_echo", "safe_die", "safe_never", "safe_env", "safe_large", "safe_junk", "safe_close", "risky_append")


def say(line: bytes) -> None:
    os.write(1, line + b"\n")


def answer(id: Any, result: Any) -> None:
    say(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode())


def text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


def run(id: Any, tool: str, arguments: dict[str, Any]) -> None:
    if tool == "safe_die":
        os._exit(7)
    if tool == "safe_never":
        return
    if tool == "safe_close":
        os.close(1)
        return
    if tool == "safe_env":
        answer(id, text(json.dumps(dict(os.environ))))
    elif tool == "safe_large":
        answer(id, text("x" * arguments["size"]))
    elif tool == "safe_junk":
        say(b"debug: not a message")
        say(b'{"level": "info", "msg": "neither"}')
        answer(id, text("done"))
    elif tool == "risky_append":
        with (FOLDER / "effects").open("a", encoding="utf-8") as file:
            file.write(arguments.get("what", "once") + "\n")
        if arguments.get("then") == "never":
            return
        answer(id, text("appended"))
    else:
        answer(id, text(json.dumps(arguments)))


def take(line: bytes) -> None:
    message = json.loads(line)
    asked, method = message.get("id"), message.get("method")
    if asked is None or method is None:
        return
    if method == "initialize":
        capabilities = {"tools": {}, "vendor": {"x": [1]}}
        answer(
            asked, {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "scripted"}}
        )
    elif method == "tools/list":
        answer(asked, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]})
    elif method == "tools/call":
        run(asked, message["params"]["name"], message["params"].get("arguments", {}))
    elif method == "vendor/raw":
        odd = b'{"big":18446744073709551616,"f":1.10,"data":null,"x":"\xc3\xbc\xff","resultType":"vendor"}'
        say(
            b'{"jsonrpc":"2.0", "id":'
            + json.dumps(asked).encode()
            + b', "result":'
            + odd
            + b',"extra":{"top":"level"}}'
        )
    elif method == "vendor/speak":
        for raw in message["params"]["lines"]:
            say(raw.encode("latin-1"))
        answer(asked, {})
    else:
        error = {"code": -32601, "message": "unknown", "data": {"method": method, "null": None}}
        say(json.dumps({"jsonrpc": "2.0", "id": asked, "error": error}).encode())


def note_signal(number: int, _: object) -> None:
    (FOLDER / "signal").write_text(str(number), encoding="utf-8")
    if "stubborn" not in OPTIONS:
        os._exit(3)


def main() -> None:
    signal.signal(signal.SIGTERM, note_signal)
    signal.signal(signal.SIGINT, note_signal)
    (FOLDER / "pid").write_text(str(os.getpid()), encoding="utf-8")
    os.write(2, b"scripted: ready\n")
    with (FOLDER / "received").open("ab", buffering=0) as received:
        for line in sys.stdin.buffer:
            received.write(line)
            take(line.rstrip(b"\n"))
    (FOLDER / "end-of-input").touch()
    while "stubborn" in OPTIONS:
        signal.pause()


main()
