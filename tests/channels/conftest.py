"""A receiver of webhooks: a real HTTP server on loopback that answers what the test tells it to."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.guard.conftest import clock, config, guard, guard_with, reviewer

__all__ = ["clock", "config", "guard", "guard_with", "receiver", "reviewer"]


@dataclass
class Received:
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What arrived, and what to answer next: status, headers, body."""

    port: int = 0
    arrived: queue.Queue[Received] = field(default_factory=queue.Queue)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/hook"

    def next(self) -> Received:
        return self.arrived.get(timeout=10)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            state.arrived.put(Received(self.path, list(self.headers.items()), body))
            status, headers, text = state.answers.pop(0) if state.answers else (200, {}, b"{}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
