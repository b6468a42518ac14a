"""A relay in memory: real guard, real database, lines in lists, and time that a test moves."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from typing import Any, Literal

from toolguard.guard import Guard, Reviewer
from toolguard.proxy.relay import Relay
from toolguard.proxy.wire import Upstream, Wire

Message = dict[str, Any]

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "rig", "version": "1"},
}
TOOLS: list[Message] = [
    {"name": "safe_echo", "description": "Repeats a text", "inputSchema": {"type": "object"}},
    {"name": "safe_other", "description": "Repeats a text backwards", "inputSchema": {"type": "object"}},
    {"name": "risky_delete", "description": "Removes", "inputSchema": {"type": "object"}},
    {"name": "never_that", "description": "Not offered", "inputSchema": {"type": "object"}},
]


class Rig:
    """What the client and the server see, and their voices."""

    def __init__(self, guard: Guard, *, tools: list[Message] | None = None) -> None:
        self.guard = guard
        self.tools = TOOLS if tools is None else tools
        self.to_client: list[bytes] = []
        self.to_server: list[bytes] = []
        self.stderr: list[bytes] = []
        self.now = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        wire = Wire(self.to_client.append, self.to_server.append, self.stderr.append, lambda: self.now, self._later)
        self.relay = Relay(
            guard, wire, Upstream("files", ("serve",), trusted=False, principal=guard.principal("files"))
        )

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._order), call))

    def wait(self, seconds: float) -> None:
        """Let time pass; what falls due happens at its time."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            self.now, _, call = heapq.heappop(self._timers)
            call()
        self.now = until

    def client(self, *lines: Message | bytes) -> None:
        for line in lines:
            self.relay.from_client(line if isinstance(line, bytes) else json.dumps(line).encode())

    def server(self, *lines: Message | bytes) -> None:
        for line in lines:
            self.relay.from_server(line if isinstance(line, bytes) else json.dumps(line).encode())

    def call(self, tool: str, id: int | str = 1, *, meta: Message | None = None, **arguments: Any) -> None:
        params: Message = {"name": tool, "arguments": arguments}
        if meta is not None:
            params["_meta"] = meta
        self.client({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})

    def answer(self, id: int | str = 1, **result: Any) -> None:
        self.server({"jsonrpc": "2.0", "id": id, "result": result or {"content": [{"type": "text", "text": "done"}]}})

    def listed(self) -> Rig:
        """The client lists the tools, as clients do first."""
        self.client({"jsonrpc": "2.0", "id": "list", "method": "tools/list"})
        self.answer("list", tools=self.tools)
        self.forget()
        return self

    def forget(self) -> None:
        self.to_client.clear()
        self.to_server.clear()

    @property
    def seen_by_client(self) -> list[Message]:
        return [json.loads(line) for line in self.to_client]

    @property
    def seen_by_server(self) -> list[Message]:
        return [json.loads(line) for line in self.to_server]

    @property
    def refusal(self) -> str:
        """The text of the one tool error that the client got."""
        (message,) = self.seen_by_client
        assert message["result"]["isError"] is True
        text: str = message["result"]["content"][0]["text"]
        return text

    def events(self, kind: str) -> list[Message]:
        rows = self.guard.store.read(
            "SELECT e.*, b.body FROM audit_event e JOIN audit_body b USING (seq) WHERE kind = ? ORDER BY seq", (kind,)
        )
        return [{**dict(row), **json.loads(row["body"])} for row in rows]

    def outcomes(self) -> list[str]:
        self.guard.store.flush()
        return [event["outcome"] for event in self.events("execution.ended")]

    def vote(self, reviewer: Reviewer, choice: Literal["approve", "deny"] = "approve", reason: str = "") -> None:
        """Answer the newest open request."""
        view = self.guard.approvals.list()[-1]
        result = self.guard.approvals.vote(
            view.id, reviewer, choice, request_digest=view.request_digest, channel="rest", strength=2, reason=reason
        )
        assert result.accepted, result.text
