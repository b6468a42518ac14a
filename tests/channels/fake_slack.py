"""A stand-in for Slack on loopback: the Web API's methods that we call, and Socket Mode.

It speaks what docs.slack.dev documents: JSON or forms in, `{"ok": ...}` out, and it refuses what breaks a documented
limit as Slack does, with `invalid_blocks` or `invalid_arguments`. A socket is opened by `apps.connections.open`, says
`hello`, carries envelopes, and wants each acknowledged by its id.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from websockets.sync.server import ServerConnection, serve

TEAM, APP, CHANNEL, BOT, APP_TOKEN = "T1", "A1", "C1", "xoxb-1", "xapp-1-A1-1-x"


@dataclass
class Call:
    method: str
    fields: dict[str, Any]


@dataclass
class Slack:
    """What was called, what to answer next, and the socket's side."""

    api: str = ""
    calls: queue.Queue[Call] = field(default_factory=queue.Queue)
    failing: set[str] = field(default_factory=set)
    """Methods that answer `{"ok": false}`."""
    acknowledged: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    sockets: queue.Queue[ServerConnection] = field(default_factory=queue.Queue)
    wss: str = ""
    posted: int = 0

    def next(self, method: str) -> dict[str, Any]:
        """The next call of a method; others before it are passed over."""
        while True:
            call = self.calls.get(timeout=10)
            if call.method == method:
                return call.fields

    def answer(self, call: Call, token: str) -> dict[str, Any]:
        self.calls.put(call)
        if token != (APP_TOKEN if call.method == "apps.connections.open" else BOT):
            return {"ok": False, "error": "invalid_auth"}
        if call.method in self.failing:
            return {"ok": False, "error": "fatal_error"}
        wrong = broken_limit(call.fields)
        if wrong:
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [wrong]}}
        if call.method == "chat.postMessage":
            self.posted += 1
            ts = f"1700000000.{self.posted:06d}"
            return {"ok": True, "channel": CHANNEL, "ts": ts, "message": {"app_id": APP, "bot_id": "B1"}}
        return {"ok": True, "url": self.wss, "channel": CHANNEL, "ts": call.fields.get("ts"), "view": {"id": "V1"}}


def broken_limit(fields: dict[str, Any]) -> str:
    """Which documented limit a call breaks; empty when it breaks none."""
    view = fields.get("view")
    if view is not None:
        if len(view["private_metadata"]) > 3_000 or len(view["callback_id"]) > 255 or len(view["blocks"]) > 100:
            return "view"
        if any(not 0 < len(view[name]["text"]) <= 24 for name in ("title", "submit", "close")):
            return "title, submit and close"
        return _broken_blocks(view["blocks"])
    if len(fields.get("blocks") or []) > 50 or len(fields.get("text", "")) > 40_000:
        return "message"
    return _broken_blocks(fields.get("blocks") or [])


def _broken_blocks(blocks: list[dict[str, Any]]) -> str:
    most = {"header": 150, "section": 3_000}
    for block in blocks:
        kind = str(block["type"])
        if kind in most and not 0 < len(block["text"]["text"]) <= most[kind]:
            return kind
        if kind == "actions" and (len(block["elements"]) > 25 or any(map(_broken_button, block["elements"]))):
            return kind
        if kind == "context" and len(block["elements"]) > 10:
            return kind
        if kind == "input" and (
            len(block["label"]["text"]) > 2_000 or not 1 <= block["element"]["max_length"] <= 3_000
        ):
            return kind
    return ""


def _broken_button(button: dict[str, Any]) -> bool:
    return (
        not 0 < len(button["text"]["text"]) <= 75
        or len(button.get("value", "")) > 2_000
        or len(button.get("url", "")) > 3_000
        or len(button["action_id"]) > 255
    )


def _fields(body: bytes, kind: str) -> dict[str, Any]:
    if kind.startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    fields: dict[str, Any] = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return {name: json.loads(value) if name in ("blocks", "view") else value for name, value in fields.items()}


@contextmanager
def running() -> Iterator[Slack]:
    """The stand-in, listening."""
    state = Slack()

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            call = Call(self.path.rpartition("/")[2], _fields(body, self.headers.get("content-type", "")))
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            answer = json.dumps(state.answer(call, token)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    def connected(socket: ServerConnection) -> None:
        socket.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}}))
        state.sockets.put(socket)
        for message in socket:
            state.acknowledged.put(json.loads(message))

    http = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    with serve(connected, "127.0.0.1", 0) as web:
        state.api = f"http://127.0.0.1:{http.server_address[1]}/api/"
        state.wss = f"ws://127.0.0.1:{web.socket.getsockname()[1]}/link/?ticket=1"
        threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in (http, web)]
        for thread in threads:
            thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            http.server_close()
            web.shutdown()
            for thread in threads:
                thread.join(10)
