"""The envelope: what is a message, what is refused, and under which id the error goes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.proxy import messages
from toolguard.proxy.messages import Malformed, Notification, Request, Response, read


def call(**changes: Any) -> dict[str, Any]:
    whole = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}}
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


REFUSED = {
    "jsonrpc missing": call(jsonrpc=...),
    "jsonrpc 1.0": call(jsonrpc="1.0"),
    "jsonrpc as a number": call(jsonrpc=2.0),
    "id null": call(id=None),
    "id a fraction": call(id=1.5),
    "id a whole float": call(id=1.0),
    "id true": call(id=True),
    "id a list": call(id=[1]),
    "id an object": call(id={"a": 1}),
    "tools/call without an id": call(id=...),
    "params a list": call(params=["t"]),
    "params null": call(params=None),
    "params missing": call(params=...),
    "_meta a list": call(params={"name": "t", "_meta": []}),
    "name missing": call(params={"arguments": {}}),
    "name a number": call(params={"name": 1}),
    "name null": call(params={"name": None}),
    "arguments a list": call(params={"name": "t", "arguments": []}),
    "arguments null": call(params={"name": "t", "arguments": None}),
    "arguments a text": call(params={"name": "t", "arguments": "{}"}),
    "method and result": call(result={}),
    "method and error": call(error={}),
    "result and error": {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}},
    "result without an id": {"jsonrpc": "2.0", "result": {}},
    "result with params": {"jsonrpc": "2.0", "id": 1, "result": {}, "params": {}},
    "nothing but an id": {"jsonrpc": "2.0", "id": 1},
    "method a number": call(method=1),
    "method null": call(method=None),
    "method empty": call(method=""),
    "method with a space behind": call(method="tools/call "),
    "method with a newline": call(method="tools/call\n"),
    "method with a NUL": call(method="tools/call\0"),
    "method with an invisible character": call(method="tools/\u200bcall"),
    "method in capitals": call(method="Tools/Call"),
    "method in wide letters": call(method="ｔools/call"),
    "another key Method": call(Method="ping"),
    "another key ID": call(ID=2),
    "another key with a NUL": {**call(), "method\0": "ping"},
    "another key in wide letters": {**call(), "ｍethod": "ping"},
    "another key with a format character": {**call(), "params\u200d": {}},
    "another key Name in params": call(params={"name": "t", "Name": "u"}),
    "another key Arguments in params": call(params={"name": "t", "ARGUMENTS": {}}),
    "another key with a long s": call(params={"name": "t", "argumentſ": {}}),
    "another key in _meta": call(params={"name": "t", "_meta": {"Name": "u"}}),
    "another key requeststate": call(params={"name": "t", "requeststate": "x"}),
    "a batch": [call()],
    "an empty batch": [],
    "a text": "tools/call",
    "a number": 1,
    "null": None,
}
LEFT_ALONE = {
    "a call": (call(), Request),
    "a call without arguments": (call(params={"name": "t"}), Request),
    "an id as text": (call(id="7"), Request),
    "an empty id": (call(id=""), Request),
    "a negative id": (call(id=-1), Request),
    "an id beyond 64 bits": (call(id=2**70), Request),
    "a request without params": (call(method="ping", params=...), Request),
    "an unknown method": (call(method="vendor.example/do-it_2"), Request),
    "a method in another script": (call(method="выполнить"), Request),
    "a notification": (call(method="notifications/x", id=...), Notification),
    "a result": ({"jsonrpc": "2.0", "id": 1, "result": {}}, Response),
    "a result null": ({"jsonrpc": "2.0", "id": 1, "result": None}, Response),
    "an error": ({"jsonrpc": "2.0", "id": "a", "error": {"code": 1, "message": "m", "data": None}}, Response),
    "members that nobody knows": (call(trace="x", params={"name": "t", "vendor": {"Name": 1}}), Request),
    "keys inside arguments": (call(params={"name": "t", "arguments": {"Name": 1, "METHOD": 2, "id\0": 3}}), Request),
    "progressToken in _meta": (call(params={"name": "t", "_meta": {"progressToken": 1, "vendor/x": {}}}), Request),
}


@pytest.mark.guarantee("proxy:ambiguous-is-refused")
@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED.keys())
def test_what_servers_read_differently_is_malformed(message: Any) -> None:
    assert isinstance(read(json.dumps(message).encode()), Malformed)


@pytest.mark.parametrize(("message", "kind"), LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_the_protocol_allows_is_a_message(message: Any, kind: type) -> None:
    assert isinstance(read(json.dumps(message).encode()), kind)


@pytest.mark.guarantee("proxy:ambiguous-is-refused")
def test_a_message_between_carriage_returns_is_not_carried_inside_another() -> None:
    hidden = json.dumps(call()).encode()
    carrier = b'{"jsonrpc":"2.0","method":"x","params":{"a":\r' + hidden + b"\r}}"

    assert isinstance(read(carrier), Malformed)
    assert isinstance(read(hidden + b"\r"), Request)


@pytest.mark.parametrize(
    ("line", "id"),
    [
        (json.dumps(call(jsonrpc="1.0")).encode(), 1),
        (json.dumps(call(jsonrpc="1.0", id="a")).encode(), "a"),
        (b'{"jsonrpc":"2.0","id":5,"method":"a","method":"b"}', 5),
        (b'{"jsonrpc":"2.0","id":5,"method":"a","params":{"x":NaN}}', 5),
        (b'{"jsonrpc":"2.0","id":5,"id":6,"method":"a"}', None),
        (b'{"jsonrpc":"2.0","id":null,"method":"a"}', None),
        (b'{"jsonrpc":"2.0","id":true,"method":"tools/call"}', None),
        (rb'{"jsonrpc":"2.0","id":"\ud800","method":"a"}', None),
        # A response's id counts in the server's numbers: an error under it could end a request of the client.
        (b'{"jsonrpc":"2.0","id":5,"result":{},"error":{}}', None),
        (b'[{"jsonrpc":"2.0","id":5,"method":"a"}]', None),
        (b'{"jsonrpc":"2.0","id":5,"method":"a"', None),
        (b'{"a":' * 100_000, None),
        (b"\xff", None),
    ],
)
def test_an_error_names_the_id_only_of_what_is_surely_a_request(line: bytes, id: int | str | None) -> None:
    malformed = read(line)

    assert isinstance(malformed, Malformed)
    assert malformed.id == id
    reply = json.loads(messages.error(malformed.id, messages.INVALID_REQUEST, malformed.why))
    assert reply["error"]["code"] == -32600
    assert reply.get("id") == id


def test_the_original_bytes_stay_with_the_message() -> None:
    line = b'{"jsonrpc": "2.0",  "method":"x" ,"params":{"f":1.10,"big":18446744073709551616}}'

    message = read(line)

    assert isinstance(message, Notification)
    assert message.raw == line


@given(st.binary(max_size=300))
def test_no_line_makes_the_reader_crash(line: bytes) -> None:
    assert read(line) is not None


MEMBERS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "Method", "x"]),
    st.sampled_from(["2.0", 1, "a", None, True, {}, [], {"name": "t"}, {"name": "t", "arguments": []}, "tools/call"]),
)


@given(MEMBERS)
def test_whatever_is_accepted_has_one_shape(members: dict[str, Any]) -> None:
    message = read(json.dumps(members).encode())

    if isinstance(message, Malformed):
        return
    shapes = [{"method", "id"}, {"method"}, {"id", "result"}, {"id", "error"}]
    assert members["jsonrpc"] == "2.0"
    assert members.keys() & {"method", "id", "result", "error"} in shapes
    if members.get("method") == "tools/call":
        assert isinstance(message, Request)
        assert isinstance(message.params["name"], str)
