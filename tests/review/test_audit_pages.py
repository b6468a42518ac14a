"""The audit log for people, and pages over what has ended."""

from __future__ import annotations

import re

import pytest

from tests.review.conftest import Site
from toolguard.core.events import KINDS
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Pending, Permit
from toolguard.review import words
from toolguard.review.audit_pages import SENTENCES, timeline


def voted(site: Site, pending: Pending, choice: str) -> None:
    answer = site.rest().post(
        f"/api/v1/approvals/{pending.request_id}/votes",
        json={"vote": choice, "request_digest": site.view(pending).request_digest, "reason": "as agreed"},
    )
    assert answer.status_code == 201


def executed(site: Site, pending: Pending) -> None:
    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    site.guard.dispatch(permit)
    site.guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4))


def test_the_page_of_a_call_tells_its_whole_life_in_order(site: Site) -> None:
    pending = site.ask()
    voted(site, pending, "approve")
    executed(site, pending)

    text = site.signed_in().get(f"/audit/calls/{pending.call_id}").text

    told = re.findall(r"<li[^>]*><b>([^<]+)</b>", text)
    assert told == [
        "Call judged",
        "People asked",
        "Vote",
        "Approved",
        "Agent came for its call",
        "Sent to the tool",
        "Tool answered",
    ]
    assert "bob said approve: as agreed" in text


def test_the_log_is_filtered_by_what_people_look_for(site: Site) -> None:
    site.ask("run_shell", command="make zeppelin")
    site.ask("write_file", server="files", path="a.txt", content="x")
    client = site.signed_in()

    def tools(query: str) -> set[str]:
        return set(re.findall(r"<code>(\w+)</code>", client.get(f"/audit?{query}").text))

    assert tools("") == {"run_shell", "write_file"}
    assert tools("tool=run_shell") == {"run_shell"}
    assert tools("session=files") == {"write_file"}
    assert tools("effect=deny") == set()
    assert tools("q=zeppelin") == {"run_shell"}
    assert tools("q=zeppelin&tool=write_file") == set()


def test_a_long_log_goes_on_on_the_next_page(site: Site) -> None:
    for number in range(60):
        site.guard.record("message.refused", {"number": number})
    client = site.signed_in()

    first = client.get("/audit").text
    for number in range(60):
        site.guard.record("message.refused", {"number": number})
    further = client.get("/audit").text

    assert "Earlier events" not in first
    (before,) = re.findall(r"before=(\d+)", further)
    assert f">{int(before) - 1}<" in client.get(f"/audit?before={before}").text


def test_a_session_is_drawn_along_a_line_of_time_with_the_same_in_words(site: Site) -> None:
    for number in range(3):
        site.ask(command=f"make {number}")

    text = site.signed_in().get("/audit?session=ops").text

    assert text.count("<circle") == 3
    assert re.search(r'aria-label="3 calls from \d\d:\d\d to \d\d:\d\d: 0 allow, 3 ask, 0 deny"', text)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_calls_make_no_line(count: int) -> None:
    judged = {"kind": "call.decided", "ts": "2026-11-22T12:00:00.000Z", "effect": "ask", "tool": "x"}

    assert timeline([judged] * count) is None


def test_what_has_ended_is_found_by_how_it_ended(site: Site) -> None:
    denied, used = site.ask(command="make a"), site.ask(command="make b")
    site.ask(command="make c")
    voted(site, denied, "deny")
    voted(site, used, "approve")
    executed(site, used)
    client = site.signed_in()

    def codes(query: str) -> set[str]:
        return set(re.findall(r"/approvals/(ap_\w+)", client.get(f"/finished{query}").text))

    assert codes("") == {denied.request_id, used.request_id}
    assert codes("?state=denied") == {denied.request_id}
    assert codes("?state=consumed") == {used.request_id}
    assert client.get("/finished?state=lost").status_code == 404


def test_every_state_of_a_request_and_of_its_execution_has_words_of_its_own() -> None:
    from toolguard.core.approvals import ExecutionState, RequestState

    told = [words.standing(state, None) for state in RequestState if state is not RequestState.CONSUMED]
    told += [words.standing(RequestState.CONSUMED, {"state": state}) for state in ExecutionState]

    assert len({standing.words for standing in told}) == len(told)
    assert not any("no description" in standing.sentence for standing in told)
    assert {name for name, _ in words.ENDED if name} == {state for state in RequestState if state != "pending"}


TIMES = [
    ("2026-11-22T12:00:00Z", "time is up"),
    ("2026-11-22T11:59:00Z", "time is up"),
    ("2026-11-22T12:00:09Z", "0:09 left"),
    ("2026-11-22T12:04:12Z", "4:12 left"),
    ("2026-11-22T12:59:59Z", "59:59 left"),
    ("2026-11-22T14:03:00Z", "2 h 03 min left"),
    (None, ""),
    ("not a time", ""),
]


@pytest.mark.parametrize(("until", "said"), TIMES)
def test_the_time_left_is_said_in_few_words(until: str | None, said: str) -> None:
    now = words.moment("2026-11-22T12:00:00Z")
    assert now is not None

    assert words.left(until, now) == said


def test_the_points_of_the_reasons_combine_to_the_score_that_is_shown() -> None:
    found = words.reasons(
        [
            {"id": "a.one", "points": 30, "severity": "high", "confidence": "low", "message": "one"},
            {"id": "a.two", "points": 50, "severity": "high", "confidence": "medium", "message": "two"},
        ]
    )

    assert [reason.points for reason in found] == [50, 30]
    assert words.combination(found, 65) == "Points combine, they do not add up: 1 − .50 × .70 = 0.65, so 65 of 100."


def test_every_kind_of_event_has_a_sentence_for_people() -> None:
    assert set(SENTENCES) == set(KINDS)
