"""What passes, what is judged, what is refused: the relay in memory with a real guard."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proxy.rig import MODERN, TOOLS, Message, Rig
from toolguard.guard import Guard

# -- what is not judged ---------------------------------------------------------------------------------------------

UNTOUCHED_BY_THE_CLIENT = [
    b'{"jsonrpc":"2.0","id":1,"method":"vendor/unknown","params":{"a":[1.10,18446744073709551616,1e5]}}',
    b'{ "jsonrpc" : "2.0" , "method" : "notifications/vendor" , "x" : {"data":null} }',
    b'{"jsonrpc":"2.0","id":"7","method":"resources/read","params":{"uri":"file:///a","_meta":{"vendor/x":1}},"extra":1}',
    b'{"jsonrpc":"2.0","id":2,"method":"ping"}\r',
    b'{"jsonrpc":"2.0","id":"server-1","result":{"roots":[]}}',
    b'{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no","data":null}}',
    '{"jsonrpc":"2.0","id":4,"method":"prompts/get","params":{"name":"ü\u2028ü"}}'.encode(),
]
UNTOUCHED_BY_THE_SERVER = [
    b'{"jsonrpc":"2.0","id":99,"result":{"resultType":"vendor","big":18446744073709551616,"x":1.10},"extra":true}',
    b'{"jsonrpc":"2.0","id":98,"error":{"code":-32601,"message":"no","data":null}}',
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what"}}',
    b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"\\ud800"}}',
    b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":NaN}}',
    b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"\xff\xfe"}}',
    b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":0.5}}',
    b'{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{}}',
    b'{"jsonrpc":"2.0","id":"s2","method":"vendor/ask"}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s1"}}',
    b'{"id":97,"jsonrpc":"2.0","result":{},"result":{"twice":1}}',
]


@pytest.mark.guarantee("proxy:unknown-passes")
@pytest.mark.parametrize("line", UNTOUCHED_BY_THE_CLIENT)
def test_what_is_not_judged_reaches_the_server_as_its_own_bytes(rig: Rig, line: bytes) -> None:
    rig.client(line)

    assert rig.to_server == [line]
    assert rig.to_client == []


@pytest.mark.guarantee("proxy:unknown-passes")
@pytest.mark.parametrize("line", UNTOUCHED_BY_THE_SERVER)
def test_what_is_not_judged_reaches_the_client_as_its_own_bytes(rig: Rig, line: bytes) -> None:
    rig.server(line)

    assert rig.to_client == [line]


def test_a_line_of_3_mb_passes(rig: Rig) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": "y" * 3_000_000}}).encode()

    rig.client(line)
    rig.server(line.replace(b'"method": "x", "params"', b'"result"'))

    assert rig.to_server == [line]
    assert len(rig.to_client[0]) > 3_000_000


def test_capabilities_and_instructions_pass_as_they_are_and_are_noted(new: Rig) -> None:
    asked = {"protocolVersion": "2025-11-25", "capabilities": {"vendor": {}}, "clientInfo": {"name": "rig"}}
    answer = b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"x":{"y":1}}}}'
    new.client({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked})
    new.server(answer)

    assert new.to_client == [answer]
    (event,) = new.events("server.introduced")
    assert (event["protocol"], event["capabilities"]) == ("2025-11-25", {"x": {"y": 1}})


# -- refused on the way to the server ------------------------------------------------------------------------------


@pytest.mark.guarantee("proxy:ambiguous-is-refused")
@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"safe_echo"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe_echo","arguments":{"a":1,"a":2}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe_echo","Name":"risky_delete"}}',
        b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"safe_echo"}}',
        b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"safe_echo"}}',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe_echo"}}]',
        b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1e400}}',
        b"junk",
    ],
)
def test_what_servers_read_differently_is_answered_and_logged_and_never_forwarded(rig: Rig, line: bytes) -> None:
    rig.client(line)

    assert rig.to_server == []
    assert rig.seen_by_client[0]["error"]["code"] == -32600
    assert len(rig.events("message.refused")) == 1


def test_a_line_over_the_limit_is_answered_and_logged(rig: Rig) -> None:
    rig.relay.from_client(None)

    assert rig.to_server == []
    assert rig.seen_by_client == [
        {"jsonrpc": "2.0", "error": {"code": -32600, "message": "a line over the limit"}},
    ]


def test_a_forged_response_under_our_own_ids_goes_nowhere(rig: Rig) -> None:
    rig.client({"jsonrpc": "2.0", "id": "toolguard:abc:1", "result": {"tools": []}})

    assert rig.to_server == []
    assert len(rig.events("message.refused")) == 1


# -- judged calls --------------------------------------------------------------------------------------------------


def test_an_allowed_call_runs_and_its_end_is_recorded(rig: Rig) -> None:
    rig.call("safe_echo", text="hi")
    assert rig.seen_by_server == [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "safe_echo", "arguments": {"text": "hi"}},
        }
    ]

    rig.answer(1)

    assert rig.seen_by_client[0]["id"] == 1
    assert rig.outcomes() == ["succeeded"]


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ({"result": {"content": []}}, "succeeded"),
        ({"result": {}}, "succeeded"),
        ({"result": {"isError": False, "content": [{"type": "text", "text": "error"}]}}, "succeeded"),
        ({"result": {"isError": True, "content": [{"type": "text", "text": "no such file"}]}}, "failed"),
        ({"error": {"code": -32602, "message": "bad"}}, "failed"),
        ({"error": None}, "failed"),
    ],
)
def test_the_answer_decides_how_the_execution_ended(rig: Rig, response: Message, outcome: str) -> None:
    rig.call("safe_echo")

    rig.server({"jsonrpc": "2.0", "id": 1, **response})

    assert rig.outcomes() == [outcome]


def test_a_denied_call_is_a_tool_error_that_the_model_can_read(rig: Rig) -> None:
    rig.call("never_that")

    assert rig.to_server == []
    assert "NOT executed" in rig.refusal
    assert "resultType" not in rig.seen_by_client[0]["result"]


def test_in_the_modern_protocol_a_refusal_carries_its_result_type(rig: Rig) -> None:
    rig.call("never_that", meta=MODERN)

    assert rig.seen_by_client[0]["result"]["resultType"] == "complete"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.guarantee("binding:sent-as-judged")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(arguments=st.dictionaries(st.text(max_size=5), JSON, max_size=4), meta=st.dictionaries(st.just("v"), JSON))
def test_what_is_sent_is_the_serialisation_of_what_was_judged(
    rig: Rig, arguments: dict[str, Any], meta: dict[str, Any]
) -> None:
    rig.forget()
    rig.call("safe_echo", id="p", meta=meta, **{f"a{key}": value for key, value in arguments.items()})

    (sent,) = rig.seen_by_server
    judged = rig.relay.calls.flights["p"].permit
    assert judged is not None
    assert sent["params"] == {"name": "safe_echo", "arguments": judged.call.arguments, "_meta": meta}
    assert sent["params"]["arguments"] == {f"a{key}": value for key, value in arguments.items()}
    rig.answer("p")


@pytest.mark.guarantee("binding:sent-as-judged")
def test_not_the_bytes_of_the_client_but_what_was_judged_goes_out(rig: Rig) -> None:
    rig.client(
        b'{"jsonrpc": "2.0", "id" :1,"method":"tools/call","params":{"name":"safe_echo","arguments":{"a":1.10}}}'
    )

    assert rig.to_server == [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe_echo","arguments":{"a":1.1}}}'
    ]


@pytest.mark.guarantee("binding:sent-as-judged")
def test_members_of_a_call_that_nobody_knows_are_judged_and_sent(rig: Rig) -> None:
    params = {"vendor": {"x": 1}, "name": "safe_echo", "task": {"ttl": 1000}, "_meta": {"progressToken": 9}}
    rig.client({"jsonrpc": "2.0", "trace": "t", "id": 1, "method": "tools/call", "params": params})

    assert rig.seen_by_server[0] == {"jsonrpc": "2.0", "trace": "t", "id": 1, "method": "tools/call", "params": params}
    permit = rig.relay.calls.flights[1].permit
    assert permit is not None
    assert permit.call.other_params == {"vendor": {"x": 1}, "task": {"ttl": 1000}}


# -- ids -----------------------------------------------------------------------------------------------------------


def test_an_id_in_flight_is_refused_whatever_its_method(rig: Rig) -> None:
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    rig.call("safe_echo", id=1)

    assert len(rig.to_server) == 1
    assert rig.seen_by_client[0]["error"]["code"] == -32600


def test_the_text_7_and_the_number_7_are_two_requests(rig: Rig) -> None:
    rig.call("safe_echo", id=7, text="number")
    rig.call("safe_echo", id="7", text="text")
    assert len(rig.to_server) == 2

    rig.server({"jsonrpc": "2.0", "id": "7", "result": {"isError": True}})
    rig.answer(7)

    assert rig.outcomes() == ["failed", "succeeded"]


def test_an_id_may_come_again_once_it_is_answered(rig: Rig) -> None:
    for _ in range(3):
        rig.call("safe_echo", id=1)
        rig.answer(1)

    assert rig.outcomes() == ["succeeded"] * 3


@pytest.mark.parametrize("id", [True, 1.0, [1], {"a": 1}, None])
def test_an_answer_under_an_odd_id_ends_no_call(rig: Rig, id: Any) -> None:
    rig.call("safe_echo", id=1)

    rig.server({"jsonrpc": "2.0", "id": id, "result": {}})

    assert rig.outcomes() == []
    assert 1 in rig.relay.calls.flights


def test_an_answer_to_a_call_that_was_never_sent_does_not_reach_the_client(rig: Rig) -> None:
    rig.call("risky_delete", id=1)

    rig.answer(1)

    assert rig.to_client == []
    assert len(rig.events("message.refused")) == 1


# -- cancelling ----------------------------------------------------------------------------------------------------


def cancelled(id: int | str) -> Message:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def test_the_cancellation_of_a_sent_call_passes_on_and_a_late_answer_still_counts(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.client(cancelled(1))
    assert rig.seen_by_server[-1] == cancelled(1)

    rig.wait(60)
    assert rig.outcomes() == ["unknown"]

    rig.answer(1)
    assert rig.outcomes() == ["unknown", "succeeded"]


def test_a_cancelled_call_that_answers_in_time_has_a_known_end(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.client(cancelled(1))
    rig.answer(1)

    rig.wait(60)

    assert rig.outcomes() == ["succeeded"]


def test_a_cancelled_request_that_is_not_judged_need_not_be_answered(rig: Rig) -> None:
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "resources/read"}, cancelled(1))
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "ping"})

    assert [message["method"] for message in rig.seen_by_server] == [
        "resources/read",
        "notifications/cancelled",
        "ping",
    ]


def test_a_lost_call_does_not_stay_in_memory(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.client(cancelled(1))

    rig.wait(3600)

    assert rig.relay.calls.flights == {}


@pytest.mark.parametrize("id", [5, "nothing", None, True, [1]])
def test_the_cancellation_of_what_is_not_ours_passes_on(rig: Rig, id: Any) -> None:
    rig.client(cancelled(id))

    assert rig.seen_by_server == [cancelled(id)]


# -- the server's side ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"Server started", b"", b'{"level":"info"}', b"[1,2]", b'{"jsonrpc":"2.0"}', b"\xff"])
def test_a_line_that_is_no_message_goes_to_standard_error(rig: Rig, line: bytes) -> None:
    rig.server(line)

    assert rig.to_client == []
    assert rig.stderr == [line]


def test_a_burst_of_junk_is_one_event(rig: Rig) -> None:
    for _ in range(100):
        rig.server(b"debug output")
        rig.wait(0.01)
    rig.wait(60)
    rig.server(b"more")
    rig.relay.server_left("gone")

    assert [event["count"] for event in rig.events("message.refused")] == [100, 1]


def test_a_batch_of_a_server_arrives_as_single_messages(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.server(b'[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}}]')

    assert [message.get("method") for message in rig.seen_by_client] == ["a", None]
    assert rig.outcomes() == ["succeeded"]


def test_a_request_of_a_server_in_the_modern_protocol_goes_nowhere(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN)
    rig.server({"jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage"})
    rig.client({"jsonrpc": "2.0", "id": 5, "result": {}})

    assert rig.to_client == []
    assert len(rig.to_server) == 1
    assert len(rig.events("message.refused")) == 2


def test_a_client_that_probes_and_then_chooses_the_older_protocol_gets_its_servers_requests(rig: Rig) -> None:
    rig.client({"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": MODERN}})
    rig.answer(0, supportedVersions=["2026-07-28"])
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
    rig.forget()

    rig.server({"jsonrpc": "2.0", "id": "s", "method": "roots/list"})
    rig.client({"jsonrpc": "2.0", "id": "s", "result": {"roots": []}})

    assert rig.seen_by_client[0]["method"] == "roots/list"
    assert rig.seen_by_server[0]["result"] == {"roots": []}


def test_a_modern_server_ends_a_subscription_and_nothing_else(rig: Rig) -> None:
    rig.client({"jsonrpc": "2.0", "id": "sub", "method": "subscriptions/listen", "params": {"_meta": MODERN}})
    rig.call("safe_echo", id=1, meta=MODERN)

    rig.server(cancelled(1), cancelled("sub"))

    assert rig.seen_by_client == [cancelled("sub")]
    assert len(rig.events("message.refused")) == 1


def test_requests_that_reach_for_the_person_are_noted(rig: Rig) -> None:
    rig.server({"jsonrpc": "2.0", "id": "e", "method": "elicitation/create", "params": {"message": "password?"}})

    assert [event["method"] for event in rig.events("server.requested")] == ["elicitation/create"]


def test_the_end_of_the_server_leaves_what_was_sent_unknown(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.call("safe_echo", id=2)
    rig.answer(2)

    rig.relay.server_left("the server ended with status 9")

    assert sorted(rig.outcomes()) == ["succeeded", "unknown"]


@pytest.mark.guarantee("audit:no-log-no-call")
def test_a_log_that_cannot_be_written_lets_nothing_run(rig: Rig, guard: Guard) -> None:
    guard.store.close()

    rig.call("safe_echo")

    assert rig.to_server == []
    assert "cannot write its audit log" in rig.refusal


@pytest.mark.guarantee("proxy:fault-ends-the-call")
def test_a_defect_of_ours_ends_the_call_and_not_the_relay(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    del rig.relay.calls._connection  # any broken part will do
    rig.call("safe_echo", id=1)

    assert rig.to_server == []
    assert rig.seen_by_client[0]["error"]["code"] == -31000
    assert "AttributeError" in capsys.readouterr().err
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert len(rig.to_server) == 1


# -- listings ------------------------------------------------------------------------------------------------------


def test_a_tool_that_policy_denies_outright_is_not_listed(new: Rig) -> None:
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.answer(1, tools=TOOLS, nextCursor="two", ttlMs=5)

    (message,) = new.seen_by_client
    assert [tool["name"] for tool in message["result"]["tools"]] == ["safe_echo", "safe_other", "risky_delete"]
    assert (message["result"]["nextCursor"], message["result"]["ttlMs"]) == ("two", 5)


def test_a_page_that_the_filter_leaves_empty_keeps_its_cursor(new: Rig) -> None:
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.answer(1, tools=[TOOLS[3]], nextCursor="two")

    assert new.seen_by_client[0]["result"] == {"tools": [], "nextCursor": "two"}


def test_a_page_without_anything_withheld_passes_as_its_own_bytes(new: Rig) -> None:
    line = b'{"jsonrpc":"2.0", "id":1, "result":{"tools":[{"name":"safe_x","x":1.10}], "nextCursor":null}}'
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.server(line)

    assert new.to_client == [line]


def test_a_definition_that_parsers_read_differently_reaches_the_client_as_it_was_pinned(new: Rig) -> None:
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.server(b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"safe_x","description":"a","description":"b"}]}}')

    assert b'"description":"a"' not in new.to_client[0]
    pin = new.guard.pinned("files", "safe_x")
    assert pin is not None
    assert pin.definition.description == "b"


@pytest.mark.parametrize("tools", [None, 5, {}, [1, None, "x"], [{"name": 5}], [{}]])
def test_an_odd_listing_passes_and_pins_nothing(new: Rig, tools: Any) -> None:
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.answer(1, tools=tools)

    assert new.seen_by_client[0]["result"] == {"tools": tools}


def test_a_definition_with_members_of_odd_types_is_pinned_whole(new: Rig) -> None:
    new.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    new.answer(1, tools=[{"name": "safe_x", "description": 5, "inputSchema": [], "annotations": None, "icons": [1]}])

    pin = new.guard.pinned("files", "safe_x")
    assert pin is not None
    assert pin.definition.rest == {"description": 5, "inputSchema": [], "annotations": None, "icons": [1]}


def test_a_change_on_the_second_page_is_noticed(rig: Rig) -> None:
    changed = {**TOOLS[0], "description": "Repeats a text, and mails it"}
    rig.client({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    rig.answer(1, tools=[TOOLS[1]], nextCursor="two")
    rig.client({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"cursor": "two"}})
    rig.answer(2, tools=[changed])

    pin = rig.guard.pinned("files", "safe_echo")
    assert pin is not None
    assert pin.change == "changed"


# -- listing for ourselves -----------------------------------------------------------------------------------------


def test_before_a_call_to_a_tool_never_listed_the_proxy_lists_by_itself(new: Rig) -> None:
    new.call("safe_echo", id=1)
    new.call("safe_echo", id=2)

    (own,) = new.seen_by_server
    assert own["method"] == "tools/list"
    assert own["id"].startswith("toolguard:")

    new.answer(own["id"], tools=[TOOLS[2]], nextCursor="two")
    second = new.seen_by_server[-1]
    assert second["params"] == {"cursor": "two"}
    new.answer(second["id"], tools=[TOOLS[0]])

    assert new.to_client == []
    assert [message["id"] for message in new.seen_by_server[2:]] == [1, 2]


def test_its_own_listing_speaks_the_protocol_of_the_call(new: Rig) -> None:
    new.call("safe_echo", meta={**MODERN, "progressToken": 1})

    assert new.seen_by_server[0]["params"]["_meta"] == MODERN


@pytest.mark.parametrize("answer", [{"result": {"tools": []}}, {"error": {"code": -32601, "message": "no"}}, {}])
def test_a_tool_that_stays_unknown_is_judged_as_one(new: Rig, answer: Message) -> None:
    new.call("mystery", id=1)
    new.server({"jsonrpc": "2.0", "id": new.seen_by_server[0]["id"], **answer})
    new.wait(60)

    decided = new.events("call.decided")
    assert [(event["tool"], event["definition_fp"]) for event in decided] == [("mystery", "")]


def test_a_tool_that_only_an_earlier_connection_saw_is_listed_again(rig: Rig, guard: Guard) -> None:
    later = Rig(guard)
    later.call("safe_echo")

    assert later.seen_by_server[0]["method"] == "tools/list"


def test_other_messages_do_not_wait_for_the_listing(new: Rig) -> None:
    new.call("safe_echo", id=1)
    new.client({"jsonrpc": "2.0", "id": 2, "method": "ping"})

    assert new.seen_by_server[1]["method"] == "ping"


def test_a_call_cancelled_while_it_waits_for_the_listing_is_never_sent(new: Rig) -> None:
    new.call("safe_echo", id=1)
    new.client(cancelled(1))
    new.answer(new.seen_by_server[0]["id"], tools=TOOLS)

    assert len(new.to_server) == 1
    assert new.events("call.decided") == []


def test_after_the_tools_changed_they_are_listed_before_the_next_call(rig: Rig) -> None:
    rig.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    assert rig.seen_by_client[0]["method"] == "notifications/tools/list_changed"
    rig.call("safe_echo", id=1)
    own = rig.seen_by_server[0]
    assert own["method"] == "tools/list"

    rig.answer(own["id"], tools=TOOLS)
    assert rig.seen_by_server[1]["id"] == 1

    rig.call("safe_echo", id=2)
    assert rig.seen_by_server[2]["id"] == 2


def test_a_server_that_changed_its_tools_and_does_not_list_them_gets_no_call(rig: Rig) -> None:
    rig.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    rig.call("safe_echo", id=1)

    rig.wait(31)

    assert [message["method"] for message in rig.seen_by_server] == ["tools/list"]
    assert rig.seen_by_client[-1]["error"]["code"] == -31000


def test_the_clients_own_listing_counts_as_well(rig: Rig) -> None:
    rig.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    rig.listed()

    rig.call("safe_echo", id=1)

    assert rig.seen_by_server[0]["id"] == 1


def test_a_server_that_never_ends_its_list_keeps_no_call_forever(new: Rig) -> None:
    new.call("mystery", id=1)

    for page in range(1100):
        own = new.seen_by_server[-1]
        if own["method"] != "tools/list":
            break
        new.forget()
        new.server({"jsonrpc": "2.0", "id": own["id"], "result": {"tools": [], "nextCursor": str(page)}})
        if not new.to_server:
            break

    assert len(new.events("call.decided")) == 1
