"""Live spans: a collector on loopback takes OTLP/HTTP as JSON; calls neither wait for it nor fail with it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]  # stubs: a package of their own
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.channels.conftest import Received, Receiver
from tests.guard.conftest import asked, call
from tests.guard.test_guard import permit, vote
from toolguard.channels.tracing import RETRY_SECONDS, Tracing, opened
from toolguard.config_audit import TraceSettings
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.errors import ConfigError
from toolguard.guard import Guard, Permit, Reviewer
from toolguard.store import audit

TAKEN: tuple[int, dict[str, str], bytes] = (200, {"content-type": "application/json"}, b"{}")


def tracing(guard: Guard, receiver: Receiver, *, arguments: bool = False, port: int = 0) -> Tracing:
    url = f"http://127.0.0.1:{port or receiver.port}/v1/traces"
    allow = (f"127.0.0.1:{port}",) if port else (receiver.place,)
    settings = TraceSettings(url, {"authorization": "Bearer made-up"}, arguments, allow)
    return Tracing(guard, opened(settings), "1.0")


def step(one: Tracing) -> float:
    return asyncio.run(one.step())


def run(guard: Guard, tool: str = "read_file", kind: OutcomeKind = OutcomeKind.SUCCEEDED, **arguments: Any) -> None:
    allowed = guard.begin(call(tool, **arguments))
    assert isinstance(allowed, Permit)
    guard.finish(allowed, Outcome(kind, "ok", 2, "", 1.5))
    guard.store.flush()


def spans(received: Received) -> list[dict[str, Any]]:
    """As a collector reads them; ids are hex in OTLP where protobuf's JSON has base 64."""
    document = json.loads(received.body)
    found = [span for one in document["resourceSpans"] for scope in one["scopeSpans"] for span in scope["spans"]]
    told = [{**span} for span in found]
    for span in found:
        for name in ("traceId", "spanId"):
            span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    ParseDict(document, ExportTraceServiceRequest())
    return told


def attribute(span: dict[str, Any], name: str) -> str:
    (value,) = [one["value"] for one in span["attributes"] if one["key"] == name]
    return str(next(iter(value.values())))


def test_each_call_becomes_one_span_when_it_ends(guard: Guard, receiver: Receiver, reviewer: Reviewer) -> None:
    one = tracing(guard, receiver)
    assert step(one) > 0
    pending = asked(guard)
    run(guard)
    run(guard, "read_other", OutcomeKind.FAILED)
    guard.begin(call("never_this"))

    step(one)
    first = receiver.next()
    vote(guard, pending, reviewer)
    allowed = permit(guard.resume(pending))
    guard.dispatch(allowed)
    guard.finish(allowed, Outcome(OutcomeKind.SUCCEEDED, "ok", 2, "", 1.5))
    step(one)
    second = receiver.next()

    assert dict(first.headers)["authorization"] == "Bearer made-up"
    assert (first.path, dict(first.headers)["content-type"]) == ("/v1/traces", "application/json")
    told = {attribute(span, "gen_ai.tool.name"): span for span in spans(first)}
    assert told.keys() == {"read_file", "read_other", "never_this"}
    assert {attribute(span, "gen_ai.operation.name") for span in told.values()} == {"execute_tool"}
    assert told["read_file"]["status"] == {}
    assert attribute(told["read_other"], "error.type") == "failed"
    assert attribute(told["never_this"], "toolguard.effect") == "deny"
    (approved,) = spans(second)
    assert attribute(approved, "toolguard.request.id") == pending.request_id
    step(one)
    assert receiver.arrived.empty()


def test_a_collector_that_is_away_costs_no_span_and_no_call(guard: Guard, receiver: Receiver) -> None:
    one = tracing(guard, receiver)
    step(one)
    receiver.answers += [(503, {}, b""), (429, {}, b"")]
    run(guard, text="first")

    assert step(one) == RETRY_SECONDS[0]
    run(guard, text="second")
    assert step(one) == RETRY_SECONDS[1]
    step(one)
    step(one)

    sent = [receiver.next() for _ in range(4)]
    assert sent[0].body == sent[1].body == sent[2].body
    ids = [span["spanId"] for got in sent[2:] for span in spans(got)]
    assert len(ids) == len(set(ids)) == 2
    failures = [event for event in audit.read(guard.store) if event["kind"] == "traces.failed"]
    assert [(event["body"]["status"], event["body"]["gives_up"]) for event in failures] == [(503, False)]


def test_nobody_listens_and_calls_go_on(guard: Guard, receiver: Receiver) -> None:
    one = tracing(guard, receiver, port=9)
    step(one)
    run(guard)

    assert step(one) in RETRY_SECONDS
    run(guard)


@pytest.mark.parametrize(
    ("answer", "status", "rejected"),
    [
        ((400, {}, b"bad"), 400, 0),
        ((301, {"location": "http://127.0.0.1:1/"}, b""), 301, 0),
        ((200, {}, b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}'), 200, 1),
    ],
)
def test_spans_that_a_collector_refuses_are_dropped_and_that_is_said(
    guard: Guard, receiver: Receiver, answer: tuple[int, dict[str, str], bytes], status: int, rejected: int
) -> None:
    one = tracing(guard, receiver)
    step(one)
    receiver.answers.append(answer)
    run(guard)

    step(one)
    step(one)

    (failed,) = [event["body"] for event in audit.read(guard.store) if event["kind"] == "traces.failed"]
    assert (failed["status"], failed["rejected"], failed["gives_up"]) == (status, rejected, True)
    receiver.next()
    assert receiver.arrived.empty()


@pytest.mark.parametrize("answer", [b"", b"null", b"[]", b"{}", b'{"partialSuccess": null}', b"\xff" * 9, TAKEN[2]])
def test_whatever_a_collector_answers_with_200_the_spans_are_taken(
    guard: Guard, receiver: Receiver, answer: bytes
) -> None:
    one = tracing(guard, receiver)
    step(one)
    receiver.answers.append((200, {}, answer))
    run(guard)
    step(one)

    assert "traces.failed" not in [event["kind"] for event in audit.read(guard.store)]


def test_a_sender_that_comes_back_goes_on_where_it_stopped(
    guard: Guard, receiver: Receiver, reviewer: Reviewer
) -> None:
    first = tracing(guard, receiver)
    step(first)
    pending = asked(guard)
    run(guard, text="before")
    step(first)
    run(guard, text="while nobody sent")
    vote(guard, pending, reviewer)
    allowed = permit(guard.resume(pending))
    guard.dispatch(allowed)
    guard.finish(allowed, Outcome(OutcomeKind.SUCCEEDED, "ok", 2, "", 1.5))

    step(tracing(guard, receiver))

    sent = [span for got in (receiver.next(), receiver.next()) for span in spans(got)]
    assert len({span["spanId"] for span in sent}) == len(sent) == 3
    assert {attribute(span, "toolguard.effect") for span in sent} == {"allow", "ask"}, "the decision was read again"


def test_arguments_are_sent_only_where_that_is_wanted(guard: Guard, receiver: Receiver) -> None:
    for arguments in (False, True):
        one = tracing(guard, receiver, arguments=arguments)
        step(one)
        run(guard, text="what-was-said")
        step(one)
        assert (b"what-was-said" in receiver.next().body) is arguments


def test_a_header_that_cannot_be_read_is_an_error_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TraceSettings("https://otel.example/v1/traces", {"authorization": "env:NOT_THERE_AT_ALL"})
    with pytest.raises(ConfigError, match="NOT_THERE_AT_ALL"):
        opened(settings)
    monkeypatch.setenv("NOT_THERE_AT_ALL", "Bearer x")
    assert opened(settings).headers == {"authorization": "Bearer x"}
