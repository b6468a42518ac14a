"""Who may do what: names, origins, cookies, form tokens, headers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.review.conftest import Site, running
from toolguard.config import Config, ReviewSettings
from toolguard.guard import Guard
from toolguard.review.visitor import own_path

OURS = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "toolguard.localhost:{port}", "[::1]:{port}"]
NOT_OURS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost.evil.example:{port}",
    "127.0.0.1.nip.io:{port}",
    "10.0.0.1:{port}",
    "0.0.0.0:{port}",
    "user@127.0.0.1:{port}",
    "",
]


def port(site: Site) -> str:
    return site.url.rpartition(":")[2]


@pytest.mark.parametrize("host", OURS)
def test_the_page_answers_to_its_own_names(site: Site, host: str) -> None:
    answer = httpx.get(site.url + "/sign-in", headers={"host": host.format(port=port(site))})

    assert answer.status_code == 200


@pytest.mark.parametrize("host", NOT_OURS)
def test_a_name_that_is_not_ours_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/sign-in", "/api/v1/approvals", "/static/review.css"):
        answer = httpx.get(site.url + path, headers={"host": host.format(port=port(site))})

        assert answer.status_code in {400, 421}
        assert "set-cookie" not in answer.headers


def test_watchdogs_may_ask_under_any_name(site: Site) -> None:
    answer = httpx.get(site.url + "/healthz", headers={"host": "probe"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.fixture
def behind_a_proxy(config: Config) -> Iterator[Site]:
    with Guard(replace(config, review=ReviewSettings(url="https://guard.example.com"))) as guard:
        yield from running(guard)


def test_behind_a_reverse_proxy_the_configured_name_counts_and_the_cookie_is_secure(behind_a_proxy: Site) -> None:
    answer = httpx.post(
        behind_a_proxy.url + "/sign-in",
        data={"token": behind_a_proxy.token},
        headers={"host": "guard.example.com", "origin": "https://guard.example.com", "sec-fetch-site": "same-origin"},
    )

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-toolguard=")
    assert "secure" in cookie.lower()


# What arrives with a vote: changes to the headers and to the form, and what must come of it.
FORGED = [
    ({"sec-fetch-site": "cross-site"}, {}, 403),
    ({"sec-fetch-site": "same-site"}, {}, 403),
    ({"sec-fetch-site": "none"}, {}, 403),
    ({"origin": "https://evil.example"}, {}, 403),
    ({"origin": "http://127.0.0.1:1"}, {}, 403),
    ({"origin": "null", "sec-fetch-site": ""}, {}, 403),
    ({"sec-fetch-site": ""}, {}, 403),
    ({}, {"csrf": ""}, 403),
    ({}, {"csrf": "0" * 64}, 403),
    ({}, {"csrf": "é"}, 403),
    ({}, {"csrf": None}, 403),
    ({}, {"vote": "maybe"}, 400),
    ({}, {"vote": None}, 400),
    ({}, {"request_digest": "0" * 64}, 409),
    ({}, {"request_digest": None}, 409),
    ({"cookie": ""}, {}, 303),
    ({"content-type": "text/plain"}, {}, 415),
]
GENUINE = [{"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "same-origin", "origin": "null"}]


def csrf(client: httpx.Client) -> str:
    return client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]


@pytest.mark.guarantee("review:get-decides-nothing")
@pytest.mark.parametrize(("headers", "changed", "status"), FORGED)
def test_a_vote_that_did_not_come_from_the_page_changes_nothing(
    site: Site, headers: dict[str, str], changed: dict[str, str | None], status: int
) -> None:
    pending = site.ask()
    client = site.signed_in()
    fields = {"csrf": csrf(client), "vote": "approve", "request_digest": site.view(pending).request_digest} | changed
    sent = {"sec-fetch-site": "same-origin"} | headers

    client.headers.clear()
    if "cookie" in headers:
        client.cookies.clear()
    answer = client.post(
        f"/approvals/{pending.request_id}/vote",
        data={name: value for name, value in fields.items() if value is not None},
        headers={name: value for name, value in sent.items() if value},
    )

    assert answer.status_code == status
    assert site.view(pending).state == "pending"


@pytest.mark.parametrize("headers", GENUINE)
def test_a_vote_from_the_page_counts(site: Site, headers: dict[str, str]) -> None:
    pending = site.ask()
    client = site.signed_in()
    fields = {"csrf": csrf(client), "vote": "approve", "request_digest": site.view(pending).request_digest}

    answer = client.post(f"/approvals/{pending.request_id}/vote", data=fields, headers=headers)

    assert answer.status_code == 303
    assert site.view(pending).state == "approved"


def test_the_form_of_another_session_does_not_work(site: Site) -> None:
    pending = site.ask()
    other = csrf(site.signed_in())
    fields = {"csrf": other, "vote": "approve", "request_digest": site.view(pending).request_digest}

    answer = site.signed_in().post(f"/approvals/{pending.request_id}/vote", data=fields)

    assert answer.status_code == 403
    assert site.view(pending).state == "pending"


READERS_ONLY = [
    "/", "/finished", "/grants", "/passkeys", "/audit", "/approvals/ap_0", "/approvals/ap_0/arguments.json",
    "/audit/calls/ca_0",
]  # fmt: skip


@pytest.mark.parametrize("path", READERS_ONLY)
def test_without_a_session_every_page_leads_to_the_sign_in(site: Site, path: str) -> None:
    answer = site.client().get(path)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")


def test_a_link_from_a_chat_program_is_opened_once_more_so_that_the_strict_cookie_comes_along(site: Site) -> None:
    answer = site.client().get("/approvals/ap_0", headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text
    assert 'href="/approvals/ap_0"' in answer.text


@pytest.mark.guarantee("review:get-decides-nothing")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_sign_in_link_spends_nothing(site: Site, method: str) -> None:
    link = site.link()
    for _ in range(3):
        assert site.client().request(method, link).status_code == 200

    code = httpx.URL(link).params["code"]
    assert site.client().post("/sign-in", data={"code": code}).status_code == 303


def test_a_sign_in_link_works_once(site: Site) -> None:
    code = httpx.URL(site.link()).params["code"]
    assert site.client().post("/sign-in", data={"code": code}).status_code == 303

    again = site.client().post("/sign-in", data={"code": code})

    assert again.status_code == 403
    assert "used already" in again.text
    assert "set-cookie" not in again.headers


def test_a_sign_in_link_says_whose_it_is_and_what_they_may_do(site: Site) -> None:
    text = site.client().get(site.link()).text

    assert "Sign in as bob" in text
    assert "You may approve" in text
    assert "ops" in text


@pytest.mark.parametrize("token", ["", "wrong", "tgr_", "é" * 9, "a" * 5_000])
def test_a_wrong_token_signs_nobody_in(site: Site, token: str) -> None:
    answer = site.client().post("/sign-in", data={"token": token})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(site: Site) -> None:
    cookie = site.client().post("/sign-in", data={"token": site.token}).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert site.token not in cookie


def test_signing_out_ends_the_session_itself(site: Site) -> None:
    client = site.signed_in()
    kept = dict(client.cookies)

    assert client.post("/sign-out", data={"csrf": csrf(client)}).status_code == 303

    old = site.client()
    old.cookies.update(kept)
    assert old.get("/").status_code == 303


def test_nobody_is_signed_out_by_another_page(site: Site) -> None:
    client = site.signed_in()

    assert client.post("/sign-out", data={"csrf": "0" * 64}).status_code == 403
    assert client.get("/").status_code == 200


def test_a_removed_reviewer_is_out_at_once(site: Site) -> None:
    client = site.signed_in()

    site.guard.reviewers.remove("bob")

    assert client.get("/").status_code == 303
    assert site.rest().get("/api/v1/approvals").status_code == 401


@pytest.mark.parametrize("path", ["/", "/approvals/ap_1", "/audit?tool=x&agent=a.b", "/finished"])
def test_after_signing_in_people_go_on_where_they_were(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        None,
        "/a//b",
        "/" + "a" * 600,
    ],
)
def test_signing_in_never_sends_anyone_elsewhere(path: str | None) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize("path", ["/sign-in", "/", "/nowhere", "/healthz", "/static/review.js", "/api/v1/approvals"])
def test_every_answer_carries_the_protective_headers(site: Site, path: str) -> None:
    headers = site.client().get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert "no-store" in headers["cache-control"] or path.startswith("/static/")
    assert "server" not in headers


@pytest.mark.guarantee("review:text-stays-text")
def test_pages_hold_no_inline_script_or_style(site: Site) -> None:
    client = site.signed_in()
    pending = site.ask()

    for path in ("/", f"/approvals/{pending.request_id}", "/audit", "/finished"):
        text = client.get(path).text
        assert "<script>" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text


def dump(home: Path) -> list[str]:
    connection = sqlite3.connect(home / "toolguard.db")
    try:
        # Checkpoints are written by the clock, not by readers.
        return [line for line in connection.iterdump() if "audit_checkpoint" not in line]
    finally:
        connection.close()


@pytest.mark.guarantee("review:get-decides-nothing")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_every_page_changes_nothing(site: Site, method: str) -> None:
    client, rest = site.signed_in(), site.rest()
    pending = site.ask()
    link = site.link()
    call_id = pending.call_id
    paths = [
        "/", "/finished", "/finished?state=denied", "/grants", "/grants/gr_0/revoke", "/stop", "/release", "/passkeys",
        "/passkeys/begin", "/passkeys/remove", "/api/v1/grants", "/api/v1/grants/gr_0/revoke",
        "/audit", "/audit?q=make", f"/audit/calls/{call_id}",
        f"/approvals/{pending.request_id}", f"/approvals/{pending.request_id}/arguments.json",
        f"/approvals/{pending.request_id}/vote", f"/approvals/{pending.request_id}/revoke",
        f"/approvals/{pending.request_id}/vote?vote=approve", "/sign-out", link, "/static/review.css", "/healthz",
        "/readyz",
        "/api/v1/approvals", f"/api/v1/approvals/{pending.request_id}", f"/api/v1/approvals/{pending.request_id}/votes",
        "/api/v1/audit", "/api/v1/audit/checkpoint", "/api/v1/openapi.json", "/findings/guard.detector-failed",
    ]  # fmt: skip
    before = dump(site.guard.config.home)

    for path in paths:
        (rest if path.startswith("/api/") else client).request(method, path)

    assert dump(site.guard.config.home) == before


TOO_MUCH = "x" * 70_000


@pytest.mark.parametrize("path", ["/sign-in", "/approvals/ap_0/vote", "/api/v1/approvals/ap_0/votes"])
def test_a_body_that_is_too_large_is_refused(site: Site, path: str) -> None:
    client = site.rest() if path.startswith("/api") else site.signed_in()
    kind = {"content-type": "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"}

    declared = client.post(path, content=TOO_MUCH.encode(), headers=kind)
    streamed = client.post(path, content=iter([TOO_MUCH.encode()]), headers=kind)

    assert (declared.status_code, streamed.status_code) == (413, 413)


@pytest.mark.parametrize(
    "body", [b"csrf=a&csrf=b", b"vote=%ff%fe", b"\xff\xfe", b"&".join(b"a%d=1" % n for n in range(99))]
)
def test_a_form_that_cannot_be_read_is_refused(site: Site, body: bytes) -> None:
    pending = site.ask()
    client = site.signed_in()

    answer = client.post(
        f"/approvals/{pending.request_id}/vote",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 400
    assert "Traceback" not in answer.text
