"""What servers say to the person and the model behind the client, and what they are told, is in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.peers import node_program
from tests.proxy.process import proxied
from tests.proxy.rig import MODERN, Message, Rig
from tests.proxy.test_real_peers import ts_plan, typescript
from toolguard.config import Config
from toolguard.guard import Guard
from toolguard.proxy.reaching import words

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SAMPLING: Message = {
    "systemPrompt": "Be brief.",
    "messages": [
        {"role": "user", "content": {"type": "text", "text": f"Sum this up: {TOKEN}"}},
        {"role": "assistant", "content": [{"type": "text", "text": "Which part?"}, {"type": "image", "data": "AAAA"}]},
    ],
}
SAID = "system: Be brief.\nuser: Sum this up: [redacted github-token, 40 characters]\nassistant: Which part?"


def request(method: str, params: Any, id: int | str = "s") -> Message:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (SAMPLING["messages"][1], ["assistant: Which part?"]),
        ({"role": "assistant", "model": "m", "content": {"type": "text", "text": "Two."}}, ["assistant: Two."]),
        ({"message": "Your name?", "requestedSchema": {"type": "object"}}, ["Your name?"]),
        ({"action": "accept", "content": {"name": "Ada", "age": 36}}, ["name: Ada", "age: 36"]),
        ({"action": "decline"}, []),
        ({"messages": [{"role": ["x"], "content": "plain"}, "odd", {"content": None}]}, ["plain"]),
        ({"messages": {}, "systemPrompt": 7, "message": []}, []),
        (None, []),
        ([1], []),
    ],
)
def test_words_are_found_and_nothing_else(value: Any, said: list[str]) -> None:
    assert list(words(value)) == said


def test_a_sampling_request_and_its_answer_stand_with_the_call_in_flight(rig: Rig) -> None:
    rig.call("safe_echo", id=1)
    rig.server(request("sampling/createMessage", SAMPLING))
    rig.client(
        {"jsonrpc": "2.0", "id": "s", "result": {"role": "assistant", "content": {"type": "text", "text": "ok"}}}
    )

    (asked,), (answered,) = rig.events("server.requested"), rig.events("server.answered")
    (decided,) = rig.events("call.decided")
    assert (asked["prompt"], answered["prompt"]) == (SAID, "assistant: ok")
    assert asked["call_id"] == answered["call_id"] == decided["call_id"]
    assert (asked["tool"], asked["person"]) == ("safe_echo", decided["person"])
    assert json.loads(rig.to_client[-1]) == request("sampling/createMessage", SAMPLING)


@pytest.mark.parametrize("in_flight", [0, 2])
def test_where_the_call_cannot_be_known_none_is_named(rig: Rig, in_flight: int) -> None:
    for number in range(in_flight):
        rig.call("safe_echo", id=number)

    rig.server(request("sampling/createMessage", SAMPLING))

    (asked,) = rig.events("server.requested")
    assert (asked["call_id"], asked["prompt"]) == (None, SAID)


def test_what_the_person_answers_is_redacted_by_the_names_of_fields_too(rig: Rig) -> None:
    rig.server(request("elicitation/create", {"message": "Sign in"}, id=5))
    rig.client({"jsonrpc": "2.0", "id": 5, "result": {"action": "accept", "content": {"password": "hunter2"}}})

    (answered,) = rig.events("server.answered")
    assert answered["action"] == "accept"
    assert "password" in answered["prompt"]
    assert "hunter2" not in json.dumps(answered)


def test_in_the_modern_protocol_it_is_part_of_the_calls_answer(rig: Rig) -> None:
    rig.call("safe_echo", id=1, meta=MODERN)
    wanted = {"a": {"method": "sampling/createMessage", "params": SAMPLING}, "b": {"method": ["odd"]}, "c": 1}
    rig.answer(1, resultType="input_required", inputRequests=wanted)

    (asked,), (decided,) = rig.events("server.requested"), rig.events("call.decided")
    assert (asked["prompt"], asked["call_id"]) == (SAID, decided["call_id"])


@pytest.mark.parametrize(
    "method",
    ["sampling/createMessage ", "vendor/ask", ["sampling/createMessage"], 7],
    ids=["space", "other", "list", "number"],
)
def test_other_requests_pass_unrecorded(rig: Rig, method: Any) -> None:
    rig.server(request(method, SAMPLING))

    assert rig.events("server.requested") == []
    assert json.loads(rig.to_client[-1])["method"] == method


@pytest.fixture
def silent(guard: Guard, tmp_path: Path) -> Iterator[Rig]:
    config: Config = replace(guard.config, home=tmp_path / "silent", prompts="off")
    with Guard(config) as opened:
        yield Rig(opened).listed()


def test_with_prompts_off_only_the_fact_is_kept(silent: Rig) -> None:
    silent.server(request("sampling/createMessage", SAMPLING))

    (asked,) = silent.events("server.requested")
    assert "prompt" not in asked


def test_a_real_server_samples_through_a_real_client(home: Path, office: Guard) -> None:
    plan = ts_plan(
        proxied([node_program("mcp-server-everything")]), [("trigger-sampling-request", {"prompt": "hi"})], home
    )
    (home / "toolguard.yaml").write_text("policy: {preset: observe}\n", encoding="utf-8")

    typescript({**plan, "sdk": "v1"})

    rows = office.store.read(
        "SELECT kind, call_id, body FROM audit_event JOIN audit_body USING (seq) "
        "WHERE kind IN ('server.requested', 'server.answered') ORDER BY seq"
    )
    told = [(row["kind"], row["call_id"], json.loads(row["body"])) for row in rows]
    said = {kind: (call, body) for kind, call, body in told if body["method"] == "sampling/createMessage"}
    assert "hi" in said["server.requested"][1]["prompt"]
    assert "sampled" in said["server.answered"][1]["prompt"]
    assert said["server.requested"][0] == said["server.answered"][0] is not None
