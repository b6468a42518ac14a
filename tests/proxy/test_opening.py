"""Before the guard is loaded the handshake passes, and nothing else does."""

from __future__ import annotations

import json

import pytest

from tests.proxy.rig import MODERN, TOOLS, Message, Rig
from toolguard.proxy.opening import Opening

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"clientInfo": {"name": "c"}}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
DISCOVER = {"jsonrpc": "2.0", "id": 2, "method": "server/discover", "params": {"_meta": MODERN}}
CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "safe_echo", "arguments": {}}}
LIST = {"jsonrpc": "2.0", "id": 4, "method": "tools/list"}


class Stage:
    """An opening between lists, and the relay that takes over."""

    def __init__(self) -> None:
        self.to_client: list[bytes] = []
        self.to_server: list[bytes] = []
        self.opening = Opening(self.to_client.append, self.to_server.append)

    def client(self, *messages: Message | bytes) -> None:
        for message in messages:
            self.opening.from_client(message if isinstance(message, bytes) else json.dumps(message).encode())

    def server(self, *messages: Message | bytes) -> None:
        for message in messages:
            self.opening.from_server(message if isinstance(message, bytes) else json.dumps(message).encode())

    def hand_over(self, rig: Rig) -> None:
        """The rig's lists hold only what the relay itself sent."""

        def mute(muted: bool) -> None:
            if not muted:
                rig.forget()

        self.opening.hand_over(rig.relay, mute)


def test_the_handshake_passes_at_once() -> None:
    stage = Stage()

    stage.client(DISCOVER, INITIALIZE, INITIALIZED)
    stage.server({"jsonrpc": "2.0", "id": 2, "error": {"code": -32601, "message": "no"}})
    stage.server({"jsonrpc": "2.0", "id": 1, "result": {}})

    assert [json.loads(line)["method"] for line in stage.to_server] == [
        "server/discover",
        "initialize",
        "notifications/initialized",
    ]
    assert [json.loads(line)["id"] for line in stage.to_client] == [2, 1]


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(CALL).encode(),
        json.dumps(LIST).encode(),
        b'{"jsonrpc":"2.0","id":5,"method":"vendor/unknown"}',
        b'{"jsonrpc":"2.0","id":5,"method":"initialize","method":"tools/call"}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b"junk",
        b"",
        None,
    ],
)
def test_everything_else_waits_and_what_comes_after_it_too(line: bytes | None) -> None:
    stage = Stage()

    stage.opening.from_client(line)
    stage.client(INITIALIZE)

    assert stage.to_server == []


def test_of_the_server_only_answers_to_the_handshake_pass() -> None:
    stage = Stage()
    stage.client(INITIALIZE)

    stage.server(b"junk", {"jsonrpc": "2.0", "id": 1, "result": {}})
    assert stage.to_client == []

    other = Stage()
    other.client(INITIALIZE)
    other.server({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage"})
    other.server({"jsonrpc": "2.0", "id": 9, "result": {}})
    assert other.to_client == []


def test_the_relay_takes_over_where_the_opening_stood(new: Rig) -> None:
    stage = Stage()
    stage.client(INITIALIZE, INITIALIZED)
    stage.server({"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-11-25"}})
    stage.client(LIST, CALL, b"junk", {"jsonrpc": "2.0", "id": 6, "method": "ping"})
    stage.server({"jsonrpc": "2.0", "method": "notifications/message"})

    stage.hand_over(new)

    # The tools are not listed yet: the call waits until they are.
    assert [message["method"] for message in new.seen_by_server] == ["tools/list", "tools/list", "ping"]
    assert [message.get("method", "error") for message in new.seen_by_client] == ["error", "notifications/message"]
    assert new.relay.calls.client.name == "c"
    assert len(new.events("server.introduced")) == 1
    new.answer(new.seen_by_server[1]["id"], tools=TOOLS)
    assert new.seen_by_server[-1]["id"] == 3
    assert new.seen_by_server[-1]["method"] == "tools/call"


def test_an_id_of_the_handshake_stays_in_flight_until_it_is_answered(new: Rig) -> None:
    stage = Stage()
    stage.client(INITIALIZE)
    stage.hand_over(new)

    new.call("safe_echo", id=1)
    assert new.seen_by_client[0]["error"]["code"] == -32600

    new.forget()
    new.server({"jsonrpc": "2.0", "id": 1, "result": {}})
    assert new.seen_by_client == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
