"""Whatever bad is sent to any address that takes something: the documented status, an event, and nothing decided.

One table of addresses, one of ways to be wrong. A route that takes something and is in neither fails a test.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from tests.guard.conftest import Clock
from tests.review.conftest import RULES, Site, running
from tests.review.test_callbacks import PRIVATE, PUBLIC
from toolguard.config import Config
from toolguard.config_channels import ChannelSettings, ReviewerSettings
from toolguard.core.policy.policy import Policy
from toolguard.core.proof.webhook_signature import signed_content, written_v1a
from toolguard.guard import Guard, Pending
from toolguard.review.application import application
from toolguard.review.noting import MOST
from toolguard.review.openapi import documented
from toolguard.review.openapi import refusals as refusals_of
from toolguard.store import audit

SLACK_SECRET = "s" * 32
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Sent:
    """One request; each way to be wrong changes it."""

    site: Site
    pending: Pending
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    sign: Callable[[Sent, float], dict[str, str]] = lambda sent, now: {}
    signed_at: float = 0.0

    def __post_init__(self) -> None:
        self.signed_at = self.site.guard.now().timestamp()

    def go(self) -> httpx.Response:
        headers = {**self.sign(self, self.signed_at), **self.headers}
        with httpx.Client(base_url=self.site.url, cookies=self.cookies) as client:
            return client.post(self.path, content=self.body, headers=headers)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Clock]]:
    """One server for all cases, since there are many."""
    people = (ReviewerSettings("ann", keys=(PUBLIC,), slack="T1/U1"),)
    slack = ChannelSettings("team", "slack", "http://127.0.0.1:9/", SLACK_SECRET, "xoxb-1", channel="C1")
    home, clock = tmp_path_factory.mktemp("bad") / "home", Clock()
    config = Config(home=home, policy=Policy(rules=RULES), reviewers=people, channels=(slack,))
    with Guard(config, clock=clock) as guard:
        for site in running(guard):
            yield site, clock


@pytest.fixture
def site(shared: tuple[Site, Clock]) -> Site:
    """A minute later each time, so that what one case had refused does not count for the next."""
    site, clock = shared
    clock.forward(minutes=1)
    return site


@pytest.fixture
def pending(site: Site) -> Iterator[Pending]:
    asked = site.ask()
    yield asked
    site.guard.cancel(asked)


# -- a good request to each kind of address --------------------------------------------------------------------------


def vote_of(site: Site, pending: Pending) -> dict[str, Any]:
    return {"vote": "approve", "request_digest": site.view(pending).request_digest}


def by_rest(site: Site, pending: Pending, path: str, content: Any) -> Sent:
    headers = {**JSON, "authorization": f"Bearer {site.token}"}
    return Sent(site, pending, path, json.dumps(content).encode(), headers)


def rest_vote(site: Site, pending: Pending) -> Sent:
    return by_rest(site, pending, f"/api/v1/approvals/{pending.request_id}/votes", vote_of(site, pending))


def rest_edit(site: Site, pending: Pending) -> Sent:
    content = {"arguments": {"command": "make less"}, "request_digest": site.view(pending).request_digest}
    return by_rest(site, pending, f"/api/v1/approvals/{pending.request_id}/edits", content)


def rest_together(site: Site, pending: Pending) -> Sent:
    view = site.view(pending)
    votes = [{"id": view.id, "request_digest": view.request_digest}]
    return by_rest(site, pending, "/api/v1/votes", {"vote": "approve", "group": view.group, "requests": votes})


def rest_revoke(site: Site, pending: Pending) -> Sent:
    return by_rest(site, pending, "/api/v1/grants/gr_0/revoke", {})


def callback(site: Site, pending: Pending) -> Sent:
    name = f"msg_{pending.request_id}"

    def sign(sent: Sent, now: float) -> dict[str, str]:
        signature = written_v1a(PRIVATE.sign(signed_content(name, int(now), sent.body)))
        return {"webhook-id": name, "webhook-timestamp": str(int(now)), "webhook-signature": signature}

    body = json.dumps({"id": pending.request_id, **vote_of(site, pending)}).encode()
    return Sent(site, pending, "/webhooks/approvals", body, JSON, sign=sign)


def slack(site: Site, pending: Pending) -> Sent:
    def sign(sent: Sent, now: float) -> dict[str, str]:
        mac = hmac.new(SLACK_SECRET.encode(), f"v0:{int(now)}:".encode() + sent.body, hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": str(int(now)), "x-slack-signature": f"v0={mac}"}

    payload = json.dumps({"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "actions": []})
    return Sent(site, pending, "/slack/actions", urlencode({"payload": payload}).encode(), FORM, sign=sign)


def form(path: str, **fields: str) -> Callable[[Site, Pending], Sent]:
    """A form of a page, sent from a session of bob's."""

    def made(site: Site, pending: Pending) -> Sent:
        client = site.signed_in()
        page = client.get(f"/approvals/{pending.request_id}").text
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        digest = site.view(pending).request_digest
        body = urlencode({"csrf": csrf, "request_digest": digest, **fields}).encode()
        headers = {**FORM, "sec-fetch-site": "same-origin"}
        where = path.format(id=pending.request_id)
        return Sent(site, pending, where, body, headers, dict(client.cookies))

    return made


ADDRESSES: dict[str, Callable[[Site, Pending], Sent]] = {
    "/api/v1/approvals/{id}/votes": rest_vote,
    "/api/v1/approvals/{id}/edits": rest_edit,
    "/api/v1/votes": rest_together,
    "/api/v1/grants/{id}/revoke": rest_revoke,
    "/webhooks/approvals": callback,
    "/slack/actions": slack,
    "/approvals/{id}/vote": form("/approvals/{id}/vote", vote="approve", seen="yes"),
    "/approvals/{id}/edit": form("/approvals/{id}/edit", arguments="{}"),
    "/approvals/{id}/revoke": form("/approvals/{id}/revoke"),
    "/approvals/{id}/settle": form("/approvals/{id}/settle", execution="", done="yes", note="x"),
    "/groups/{id}/vote": form("/groups/g/vote", choice="approve"),
    "/grants/{id}/revoke": form("/grants/gr_0/revoke"),
    "/passkeys": form("/passkeys", credential="{}"),
    "/passkeys/begin": form("/passkeys/begin", code="x"),
    "/passkeys/remove": form("/passkeys/remove", credential_id="x"),
    "/stop": form("/stop"),
    "/release": form("/release"),
    "/sign-in": form("/sign-in", token="tgr_x"),
    "/sign-out": form("/sign-out"),
}
PAGES = {path for path in ADDRESSES if not path.startswith(("/api", "/webhooks", "/slack"))}
SIGNED = {"/webhooks/approvals", "/slack/actions"}
WITHOUT_BODY = {"/api/v1/grants/{id}/revoke"}
REST = {path for path in ADDRESSES if path.startswith("/api")}


def test_no_address_that_takes_something_is_missing(tmp_path: Path) -> None:
    def posted(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
        for route in routes:
            if isinstance(route, Mount):
                yield from posted(list(route.routes), prefix + route.path)
            elif isinstance(route, Route) and (route.methods or set()) - {"GET", "HEAD"} and "{rest" not in route.path:
                yield prefix + route.path

    with Guard(Config(home=tmp_path / "home")) as guard:
        assert set(posted(list(application(guard).routes))) == set(ADDRESSES)


# -- ways to be wrong: to which addresses, how, and the documented answer ---------------------------------------------


def nothing_at_all(sent: Sent) -> None:
    sent.body = b""


def truncated(sent: Sent) -> None:
    sent.body = sent.body[: len(sent.body) // 2]


def not_utf_8(sent: Sent) -> None:
    sent.body = b"\xff\xfe" + sent.body


def deep(sent: Sent) -> None:
    sent.body = b"[" * 5_000


def twice_the_same_member(sent: Sent) -> None:
    sent.body = sent.body[:-1] + b', "vote": "deny", "vote": "deny"}'


def unknown_member(sent: Sent) -> None:
    sent.body = sent.body[:-1] + b', "admin": true}'


def another_kind(sent: Sent) -> None:
    sent.headers = {**sent.headers, "content-type": "text/plain"}


def oversized(sent: Sent) -> None:
    sent.body = b" " * 70_000


def oversized_and_not_saying_so(sent: Sent) -> None:
    sent.headers = {**sent.headers, "content-length": "1"}
    sent.body = b"x" * 70_000


def forged_signature(sent: Sent) -> None:
    names = {"webhook-signature": "v1a," + "A" * 86 + "==", "x-slack-signature": "v0=" + "0" * 64}
    sent.headers = {**sent.headers, **names}


def late(sent: Sent) -> None:
    sent.signed_at -= 301


def early(sent: Sent) -> None:
    sent.signed_at += 302


def no_token(sent: Sent) -> None:
    sent.headers = {name: value for name, value in sent.headers.items() if name != "authorization"}


def wrong_token(sent: Sent) -> None:
    sent.headers = {**sent.headers, "authorization": "Bearer tgr_" + "A" * 43}


def from_another_site(sent: Sent) -> None:
    sent.headers = {**sent.headers, "sec-fetch-site": "cross-site", "origin": "https://evil.example"}


def to_another_name(sent: Sent) -> None:
    sent.headers = {**sent.headers, "host": "evil.example"}


def without_the_forms_token(sent: Sent) -> None:
    sent.body = sent.body.replace(b"csrf=", b"csrf=0")


def a_field_twice(sent: Sent) -> None:
    sent.body += b"&csrf=1"


EVERYWHERE = set(ADDRESSES)
WRONG: list[tuple[Callable[[Sent], None], set[str], set[int]]] = [
    (oversized, EVERYWHERE, {413}),
    (to_another_name, EVERYWHERE, {421}),
    (from_another_site, EVERYWHERE, {403}),
    (nothing_at_all, REST - WITHOUT_BODY, {400}),
    (nothing_at_all, SIGNED, {400}),
    (truncated, (REST | SIGNED) - WITHOUT_BODY, {400}),
    (not_utf_8, (REST | SIGNED) - WITHOUT_BODY, {400}),
    (deep, (REST | SIGNED) - WITHOUT_BODY, {400}),
    (twice_the_same_member, (REST | {"/webhooks/approvals"}) - WITHOUT_BODY, {400}),
    (unknown_member, (REST | {"/webhooks/approvals"}) - WITHOUT_BODY, {422}),
    (another_kind, REST - WITHOUT_BODY, {415}),
    (no_token, REST, {401}),
    (wrong_token, REST, {401}),
    (forged_signature, SIGNED, {401}),
    (late, SIGNED, {401}),
    (early, SIGNED, {401}),
    (another_kind, PAGES, {415}),
    (not_utf_8, PAGES, {400}),
    (a_field_twice, PAGES, {400}),
    (without_the_forms_token, PAGES - {"/sign-in", "/sign-out"}, {403}),
]
CASES = [(wrong, path, statuses) for wrong, paths, statuses in WRONG for path in sorted(paths)]


def refusals(site: Site) -> list[dict[str, Any]]:
    site.guard.store.flush()
    found = [*audit.stream(site.guard.store)]
    return [
        {"kind": row["kind"], "body": json.loads(row["body"])}
        for row in found
        if row["kind"] in ("review.refused", "vote.refused")
    ]


@pytest.mark.parametrize(
    ("wrong", "path", "statuses"), CASES, ids=[f"{wrong.__name__}: {path}" for wrong, path, _ in CASES]
)
def test_bad_input_gets_its_status_and_an_event_and_decides_nothing(
    site: Site, pending: Pending, wrong: Callable[[Sent], None], path: str, statuses: set[int]
) -> None:
    sent = ADDRESSES[path](site, pending)
    wrong(sent)
    before = len(refusals(site))

    answer = sent.go()

    assert answer.status_code in statuses, answer.text
    assert len(refusals(site)) == before + 1
    assert site.view(pending).state == "pending"
    if path not in PAGES:
        assert answer.headers["content-type"] == "application/problem+json"


def test_every_status_of_bad_input_is_in_the_openapi_document() -> None:
    promised = {path: {*operation.answers, *refusals_of(operation)} for path, operation in documented()}

    missing = {
        (path, status)
        for _, path, statuses in CASES
        for status in statuses
        if path in promised and status not in promised[path]
    }

    assert missing == set()


@pytest.mark.parametrize("path", ["/api/v1/approvals/{id}/votes", "/webhooks/approvals"])
def test_what_comes_twice_counts_once(site: Site, pending: Pending, path: str) -> None:
    sent = ADDRESSES[path](site, pending)

    first, second = sent.go(), sent.go()

    assert first.status_code == 201
    assert second.status_code in (201, 409)
    assert len(site.view(pending).votes) == 1


@pytest.mark.parametrize("path", ["/api/v1/approvals/{id}/votes", "/webhooks/approvals"])
def test_a_vote_after_the_end_is_refused_and_noted(site: Site, pending: Pending, path: str) -> None:
    sent = ADDRESSES[path](site, pending)
    site.guard.cancel(pending)
    before = len(refusals(site))

    answer = sent.go()

    assert (answer.status_code, answer.json()["code"]) == (409, "cancelled")
    assert [event["kind"] for event in refusals(site)[before:]] == ["vote.refused"]


def test_a_flood_of_refusals_is_counted_and_does_not_fill_the_log(site: Site, shared: tuple[Site, Clock]) -> None:
    before = len(refusals(site))

    with httpx.Client(base_url=site.url) as client:
        for _ in range(MOST + 10):
            client.post("/api/v1/votes", content=b"{", headers=JSON)

        assert len(refusals(site)) == before + MOST
        shared[1].forward(minutes=1)
        client.post("/api/v1/votes", content=b"{", headers=JSON)
    assert refusals(site)[-1]["body"]["left_out_before"] == 10
