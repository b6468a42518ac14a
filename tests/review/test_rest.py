"""REST under /api/v1: shapes, statuses, problem details, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.review.conftest import Site
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Permit
from toolguard.review.openapi import document
from toolguard.review.rest import OPERATIONS

PROMISED = {
    "id", "state", "request_digest", "code", "server", "tool", "arguments", "score", "findings", "principal", "created",
    "decide_by",
}  # fmt: skip


def votes_path(request_id: str) -> str:
    return f"/api/v1/approvals/{request_id}/votes"


def test_the_list_holds_what_scripts_rely_on(site: Site) -> None:
    pending = site.ask()

    body = site.rest().get("/api/v1/approvals", params={"state": "pending"}).json()

    assert body["next"] is None
    (approval,) = body["approvals"]
    assert approval.keys() >= PROMISED
    assert (approval["id"], approval["state"], approval["code"]) == (pending.request_id, "pending", pending.code)
    assert approval["arguments"] == {"command": "make clean"}


def test_one_request_has_the_shape_of_the_list(site: Site) -> None:
    pending = site.ask()
    rest = site.rest()

    one = rest.get(f"/api/v1/approvals/{pending.request_id}").json()

    assert one.keys() == rest.get("/api/v1/approvals").json()["approvals"][0].keys()


def test_a_long_list_goes_on_where_it_stopped(site: Site) -> None:
    asked = [site.ask(command=f"make {number}").request_id for number in range(5)]
    rest = site.rest()

    first = rest.get("/api/v1/approvals", params={"state": "pending", "limit": 3}).json()
    second = rest.get("/api/v1/approvals", params={"state": "pending", "limit": 3, "after": first["next"]}).json()

    assert [approval["id"] for approval in first["approvals"] + second["approvals"]] == asked
    assert second["next"] is None


@pytest.mark.parametrize(("choice", "state"), [("approve", "approved"), ("deny", "denied")])
def test_a_vote_counts_and_its_repeat_answers_the_same(site: Site, choice: str, state: str) -> None:
    pending = site.ask()
    vote = {"vote": choice, "reason": "as agreed", "request_digest": site.view(pending).request_digest}

    answers = [site.rest().post(votes_path(pending.request_id), json=vote) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["approval"]["state"] == state
    (cast,) = answers[1].json()["approval"]["votes"]
    assert (cast["reviewer"], cast["choice"], cast["channel"], cast["reason"]) == ("bob", choice, "rest", "as agreed")


def test_the_approved_call_runs_and_the_request_tells_so(site: Site) -> None:
    pending = site.ask()
    vote = {"vote": "approve", "request_digest": site.view(pending).request_digest}
    site.rest().post(votes_path(pending.request_id), json=vote)

    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    site.guard.dispatch(permit)
    site.guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4))

    shown = site.rest().get(f"/api/v1/approvals/{pending.request_id}").json()
    assert (shown["state"], shown["execution"]["state"]) == ("consumed", "succeeded")


def test_a_vote_on_another_digest_is_a_conflict(site: Site) -> None:
    pending = site.ask()

    answer = site.rest().post(votes_path(pending.request_id), json={"vote": "approve", "request_digest": "0" * 64})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "digest_mismatch"
    assert site.view(pending).state == "pending"


def test_a_vote_on_an_ended_request_is_a_conflict(site: Site) -> None:
    pending = site.ask()
    digest = site.view(pending).request_digest
    site.rest().post(votes_path(pending.request_id), json={"vote": "deny", "request_digest": digest})

    answer = site.rest().post(votes_path(pending.request_id), json={"vote": "approve", "request_digest": digest})

    assert (answer.status_code, answer.json()["code"]) == (409, "denied")


NO_VOTES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'"approve"', 422),
    (b"{}", 422),
    (b'{"vote": "approve"}', 422),
    (b'{"vote": "Approve", "request_digest": "x"}', 422),
    (b'{"vote": true, "request_digest": "x"}', 422),
    (b'{"vote": ["approve"], "request_digest": "x"}', 422),
    (b'{"vote": "approve", "request_digest": 7}', 422),
    (b'{"vote": "approve", "request_digest": "x", "reviewer": "alice"}', 422),
    (b'{"vote": "approve", "request_digest": "x", "reason": 7}', 422),
    (b'{"vote": "approve", "request_digest": "x", "reason": "' + b"r" * 2_001 + b'"}', 422),
    (b'{"vote": "deny", "vote": "approve", "request_digest": "x"}', 400),
    (b'{"vote": "approve", "request_digest": NaN}', 400),
    (b'{"vote": "approve", "request_digest": "\\ud800"}', 400),
    (b"\xff\xfe", 400),
    (b"[" * 1_000 + b"]" * 1_000, 400),
    (b"9" * 5_000, 400),
]


@pytest.mark.parametrize(("body", "status"), NO_VOTES)
def test_what_is_no_vote_is_refused_with_the_reason(site: Site, body: bytes, status: int) -> None:
    pending = site.ask()

    answer = site.rest().post(
        votes_path(pending.request_id), content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert site.view(pending).state == "pending"


def test_a_vote_must_say_that_it_is_json(site: Site) -> None:
    pending = site.ask()

    answer = site.rest().post(votes_path(pending.request_id), data={"vote": "approve"})

    assert answer.status_code == 415


UNKNOWN = ["/api/v1/approvals/ap_0", "/api/v1/nothing", "/api/v2/approvals", "/api/"]


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_not_there_is_a_problem_in_json(site: Site, path: str) -> None:
    answer = site.rest().get(path)

    assert (answer.status_code, answer.json()["status"]) == (404, 404)


@pytest.mark.parametrize(
    "query", ["state=open", "limit=x", "limit=-1", "limit=99999999", "limit=1e3", "state=%00", "limit=%D9%A3"]
)
def test_a_parameter_that_means_nothing_is_named(site: Site, query: str) -> None:
    answer = site.rest().get(f"/api/v1/approvals?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.guarantee("vote:no-agent-credential")
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic Ym9iOng=", "Bearer é", "x"])
def test_without_a_reviewers_token_nothing_is_told(site: Site, authorization: str | None) -> None:
    pending = site.ask()
    headers = {} if authorization is None else {"authorization": authorization.encode()}

    for operation in OPERATIONS:
        if operation.is_open:
            continue
        path = "/api/v1" + operation.path.format(id=pending.request_id)
        answer = httpx.request(operation.method, site.url + path, headers=headers, json={})  # type: ignore[arg-type]  # bytes on purpose
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert pending.request_id not in answer.text


def test_a_session_cookie_is_no_token(site: Site) -> None:
    assert site.signed_in().get("/api/v1/approvals").status_code == 401


@pytest.mark.guarantee("vote:no-agent-credential")
def test_the_agents_side_has_nothing_that_works_here(site: Site) -> None:
    pending = site.ask()

    for secret in (pending.request_id, pending.code, pending.call_id, site.view(pending).request_digest):
        answer = httpx.get(site.url + "/api/v1/approvals", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == 401


def test_the_audit_log_is_read_in_order_and_by_text(site: Site) -> None:
    pending = site.ask(command="make something-rare")
    rest = site.rest()

    first = rest.get("/api/v1/audit", params={"limit": 2}).json()
    following = rest.get("/api/v1/audit", params={"after": first["next"]}).json()["events"]
    found = rest.get("/api/v1/audit", params={"q": "something-rare"}).json()["events"]

    assert [event["seq"] for event in first["events"]] == [1, 2]
    assert following[0]["seq"] == 3
    assert {event["kind"] for event in found} >= {"call.decided"}
    assert all(event["request_id"] == pending.request_id for event in found if "request_id" in event)


def test_the_checkpoint_names_size_and_root(site: Site) -> None:
    site.ask()
    with site.guard.store.write(full=True) as tx:
        site.guard.checkpoints.write(tx)
    rest = site.rest()

    checkpoint = rest.get("/api/v1/audit/checkpoint").json()

    last = rest.get("/api/v1/audit", params={"after": checkpoint["size"] - 1, "limit": 1}).json()["events"][0]
    assert (checkpoint["size"], checkpoint["head"]) == (last["seq"], last["row_hash"])
    assert checkpoint["root"]
    assert str(checkpoint["size"]) in checkpoint["note"]


def events(stream: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-Sent Events, as the HTML standard reads them."""
    event: dict[str, str] = {}
    for line in stream:
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def newest(site: Site) -> int:
    found: int = site.rest().get("/api/v1/audit", params={"limit": 1_000}).json()["events"][-1]["seq"]
    return found


def test_events_tell_of_a_new_request_and_of_its_end(site: Site) -> None:
    with site.rest().stream("GET", "/api/v1/events", params={"after": newest(site)}) as stream:
        told = events(stream.iter_lines())

        pending = site.ask()
        created = next(told)
        rest_vote = {"vote": "deny", "request_digest": site.view(pending).request_digest}
        site.rest().post(votes_path(pending.request_id), json=rest_vote)
        changed = next(event for event in told if json.loads(event["data"])["state"] == "denied")

    assert created["event"] == "approval.created"
    assert json.loads(created["data"]) == {"id": pending.request_id, "state": "pending", "code": pending.code}
    assert changed["event"] == "approval.changed"


def test_whoever_comes_back_gets_what_was_missed(site: Site) -> None:
    first = site.ask(command="make one")
    seen = newest(site)
    second = site.ask(command="make two")

    with site.rest().stream("GET", "/api/v1/events", headers={"last-event-id": str(seen)}) as stream:
        told = json.loads(next(events(stream.iter_lines()))["data"])

    assert told["id"] == second.request_id != first.request_id


def test_a_vote_on_an_unknown_request_is_not_found(site: Site) -> None:
    answer = site.rest().post(votes_path("ap_0"), json={"vote": "deny", "request_digest": "0" * 64})

    assert answer.status_code == 404


def test_the_committed_openapi_document_is_the_one_that_is_served(site: Site) -> None:
    committed = json.loads((Path(__file__).parents[2] / "schemas" / "openapi.json").read_text(encoding="utf-8"))

    assert site.client().get("/api/v1/openapi.json").json() == committed == document()


def test_the_openapi_document_names_every_schema_that_it_uses() -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    schemas = document()["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document())} <= schemas.keys()
