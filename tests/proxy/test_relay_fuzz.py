"""Whatever the two sides say, in any order: no call goes out unrecorded, and nothing of ours breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.proxy.rig import MODERN, TOOLS, Rig
from toolguard.guard import Guard

IDS = st.sampled_from([1, 2, "1", "a", None, True, 1.5, -1])
TOOL_NAMES = st.sampled_from(["safe_echo", "risky_delete", "never_that", "mystery", "", 5, None])
META: st.SearchStrategy[Any] = st.sampled_from(
    [{}, MODERN, {"progressToken": 1}, {**MODERN, "progressToken": "p"}, [], None]
)
ODD = st.sampled_from([None, 1, "x", [], {}, {"taskId": "t"}, [{"name": "safe_new"}]])
STATE = st.sampled_from(["s1", "s2", None, 7])


@st.composite
def params(draw: st.DrawFn) -> Any:
    found: dict[str, Any] = {}
    for key, values in (
        ("name", TOOL_NAMES),
        ("arguments", st.sampled_from([{}, {"a": 1}, [], None, {"path": "/etc/passwd"}])),
        ("_meta", META),
        ("requestState", STATE),
        ("inputResponses", ODD),
        ("requestId", IDS),
        ("taskId", st.sampled_from(["t", "u", 5])),
        ("status", st.sampled_from(["completed", "failed", 5])),
        ("cursor", st.sampled_from(["two", None, 5])),
        ("progressToken", IDS),
        ("progress", st.sampled_from([1, 2.5, "x", None])),
        ("NAME", ODD),
    ):
        if draw(st.integers(0, 3)) == 0:
            found[key] = draw(values)
    if draw(st.integers(0, 2)):
        found.update(
            name=draw(TOOL_NAMES.filter(lambda name: isinstance(name, str))), arguments=found.get("arguments", {})
        )
    return found


METHODS = st.sampled_from(
    "tools/call tools/call tools/call tools/list initialize server/discover ping tasks/get tasks/result tasks/update "
    "notifications/cancelled notifications/progress notifications/tasks notifications/tools/list_changed "
    "subscriptions/listen sampling/createMessage vendor/x Tools/Call".split()
)
RESULT: st.SearchStrategy[Any] = st.sampled_from(
    [
        {},
        {"tools": TOOLS},
        {"tools": TOOLS[:1], "nextCursor": "two"},
        {"tools": None},
        {"content": [{"type": "text", "text": "hi"}, None, {"text": 5}], "structuredContent": {"a": ["b"]}},
        {"resultType": "input_required", "requestState": "s1"},
        {"resultType": "input_required", "requestState": ["odd"]},
        {"resultType": "task", "taskId": "t", "ttlMs": "odd"},
        {"task": {"taskId": "t", "ttl": 5}},
        {"taskId": "t", "status": "completed"},
        {"isError": True},
        [],
        None,
    ]
)


@st.composite
def line(draw: st.DrawFn) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0"}
    if draw(st.integers(0, 4)):
        message["id"] = draw(IDS)
    shape = draw(st.integers(0, 9))
    if shape < 7:
        message["method"] = draw(METHODS)
        message["params"] = draw(params())
    if shape >= 6:
        message["result"] = draw(RESULT)
    if shape == 9:
        message["error"] = draw(ODD)
    return json.dumps(message).encode()


@st.composite
def good_call(draw: st.DrawFn) -> bytes:
    """A call that would run, were it not for what came before it."""
    members = {"name": draw(st.sampled_from(["safe_echo", "safe_echo", "risky_delete"])), "arguments": {"a": 1}}
    more: dict[str, Any] = draw(
        st.sampled_from([{}, {}, {"requestState": "s1"}, {"inputResponses": {"q": {}}}, {"_meta": MODERN}])
    )
    message = {"jsonrpc": "2.0", "id": draw(st.sampled_from([1, 2, "1"])), "method": "tools/call"}
    return json.dumps({**message, "params": {**members, **more}}).encode()


@st.composite
def good_answer(draw: st.DrawFn) -> bytes:
    id = draw(st.sampled_from([1, 2, "1"]))  # noqa: A001 - the member's name
    return json.dumps({"jsonrpc": "2.0", "id": id, "result": draw(RESULT)}).encode()


ANY = line() | st.binary(max_size=40)
STEP = st.one_of(
    st.tuples(st.just("client"), good_call()),
    st.tuples(st.just("server"), good_answer()),
    st.tuples(st.sampled_from(["client", "server"]), ANY),
    st.tuples(st.sampled_from(["own", "wait"]), st.just(b"")),
)


@pytest.mark.guarantee("audit:no-decision-without-event")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.booleans(), st.lists(STEP, max_size=25))
def test_no_call_goes_out_without_its_record(
    guard: Guard, capsys: pytest.CaptureFixture[str], has_listed: bool, steps: list[tuple[str, bytes]]
) -> None:
    rig = Rig(guard).listed() if has_listed else Rig(guard)
    before = sent(rig)

    for side, raw in steps:
        if side == "client":
            rig.client(raw)
        elif side == "server":
            rig.server(raw)
        elif side == "wait":
            rig.wait(11)
        else:
            answer_our_own(rig)

    out = [message for message in rig.seen_by_server if message.get("method") == "tools/call"]
    event(f"{len(out)} calls went out")
    assert len(out) == sent(rig) - before
    assert {message["params"]["name"] for message in out} <= {"safe_echo"}
    assert all(isinstance(json.loads(raw), dict) for raw in rig.to_client)
    rig.relay.client_left()
    rig.relay.server_left("the end")
    guard.store.flush()
    assert guard.store.read("SELECT 1 FROM execution WHERE state IN ('claimed', 'dispatched')") == []
    assert capsys.readouterr().err == ""


def sent(rig: Rig) -> int:
    return len(rig.events("execution.dispatched")) + len(rig.events("execution.continued"))


def answer_our_own(rig: Rig) -> None:
    """The server answers the proxy's own listing, if there is one."""
    own = [message for message in rig.seen_by_server if str(message.get("id", "")).startswith("toolguard:")]
    if own:
        rig.answer(own[-1]["id"], tools=TOOLS)
