"""Grants and the stop switch: given, seen and ended by people, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, expect

from tests.review.conftest import Site, running, sign_in_with_link
from tests.review.test_browser import RULES, opened
from toolguard.config import Config
from toolguard.core.grants import GrantLimits
from toolguard.core.model import Outcome, OutcomeKind, Principal, ToolCall
from toolguard.guard import Guard, Pending, Permit, Refusal

NOTE = {"path": "/srv/data/notes/a.txt", "content": "hello"}


def asked(site: Site, **changes: Any) -> Pending:
    return site.ask("write_note", **{**NOTE, **changes})


def begun(site: Site, **changes: Any) -> object:
    """The same call again, with changes; what it came to."""
    call = ToolCall("ops", "write_note", {**NOTE, **changes}, Principal("claude", "alice", "ops"))
    answer = site.guard.begin(call)
    if isinstance(answer, Permit):
        site.guard.finish(answer, Outcome(OutcomeKind.SUCCEEDED, "done", 4))
    return answer


def run(site: Site, pending: Pending) -> None:
    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    site.guard.dispatch(permit)
    site.guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4))


def csrf(client: httpx.Client, path: str = "/") -> str:
    found = re.search('name="csrf" value="([0-9a-f]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def kinds(guard: Guard) -> list[str]:
    from toolguard.store import audit

    return [str(event["kind"]) for event in audit.read(guard.store, limit=1_000)]


def test_a_grant_says_what_it_covers_before_its_button_and_loosens_nothing_by_itself(page: Page, site: Site) -> None:
    pending = asked(site)
    opened(page, site, pending.request_id)
    page.get_by_text("Allow narrowly for a while").click()
    form = page.locator(".grant")

    expect(form).to_contain_text("with every argument exactly as above, except where you tick:")
    expect(form).to_contain_text("`path` anywhere below /srv/data/notes")
    expect(form.get_by_role("checkbox", checked=True)).to_have_count(0)
    words = form.inner_text()
    assert words.index("anywhere below") < words.index("Approve, and allow this for a while")
    page.get_by_role("button", name="Approve, and allow this for a while").click()

    expect(page.locator("#outcome")).to_contain_text("exactly this call of write_note on ops; at most 10 times")
    run(site, pending)
    assert isinstance(begun(site), Permit)
    assert isinstance(begun(site, path="/srv/data/notes/b.txt"), Pending)


def test_what_was_ticked_is_loosened_and_nothing_else(page: Page, site: Site) -> None:
    pending = asked(site)
    opened(page, site, pending.request_id)
    page.get_by_text("Allow narrowly for a while").click()
    page.get_by_label("`path` anywhere below").check()
    page.get_by_label("For").select_option("1 hour")
    page.get_by_label("at most").select_option("3 times")
    page.get_by_role("button", name="Approve, and allow this for a while").click()
    expect(page.locator("#status")).to_contain_text("Approved")

    run(site, pending)

    assert isinstance(begun(site, path="/srv/data/notes/b.txt"), Permit)
    assert isinstance(begun(site, path="/srv/data/other/b.txt"), Pending)
    assert isinstance(begun(site, content="other"), Pending)
    (grant,) = site.guard.grants.list()
    assert (grant.reviewer, grant.max_uses, grant.uses) == ("bob", 3, 1)


def test_a_grant_is_listed_with_what_is_left_and_ends_at_once(page: Page, site: Site) -> None:
    pending = asked(site)
    opened(page, site, pending.request_id)
    page.get_by_text("Allow narrowly for a while").click()
    page.get_by_role("button", name="Approve, and allow this for a while").click()
    expect(page.locator("#status")).to_contain_text("Approved")
    run(site, pending)
    begun(site)

    page.get_by_role("link", name="Grants", exact=True).click()
    expect(page.locator("main")).to_contain_text("9 of 10 uses left")
    expect(page.locator("main")).to_contain_text(re.compile("1[45]:[0-9]{2} left"))
    assert [v["id"] for v in Axe().run(page, options={"runOnly": RULES}).response["violations"]] == []
    page.get_by_role("button", name="Revoke").click()

    expect(page.locator("main")).to_contain_text("Revoked · used 1 of 10 times")
    assert isinstance(begun(site), Pending)


def test_a_grant_is_given_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = context.new_page()
    sign_in_with_link(page, site)
    pending = asked(site)
    opened(page, site, pending.request_id)

    page.get_by_text("Allow narrowly for a while").click()
    page.get_by_label("`path` anywhere below").check()
    page.get_by_role("button", name="Approve, and allow this for a while").click()

    expect(page.locator("#outcome")).to_contain_text("`path` anywhere below /srv/data/notes; everything else exactly")
    context.close()


def test_enter_in_the_form_of_a_grant_gives_none(page: Page, site: Site) -> None:
    pending = asked(site)
    opened(page, site, pending.request_id)
    page.get_by_text("Allow narrowly for a while").click()

    page.get_by_label("`path` anywhere below").focus()
    page.keyboard.press("Enter")

    assert site.view(pending).state != "approved"
    assert not site.guard.grants.list()


def test_a_grant_with_a_high_score_needs_the_reading_confirmed(site: Site) -> None:
    client = site.signed_in()
    pending = site.ask(command="rm -rf /srv/data/customers; git push --force origin main")
    view = site.view(pending)
    assert (view.may_grant, view.score >= 60) == (True, True)
    form = {
        "csrf": csrf(client),
        "request_digest": view.request_digest,
        "vote": "grant",
        "minutes": "15",
        "uses": "10",
    }

    assert client.post(f"/approvals/{view.id}/vote", data=form).status_code == 422
    assert client.post(f"/approvals/{view.id}/vote", data={**form, "seen": "yes"}).status_code == 303


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"minutes": "481"}, 400),
        ({"minutes": "0"}, 400),
        ({"minutes": "-5"}, 400),
        ({"minutes": "٥"}, 400),
        ({"uses": "101"}, 400),
        ({"uses": ""}, 400),
        ({"loosen-0": "/other"}, 403),
        ({"csrf": "0" * 64}, 403),
        ({"request_digest": "0" * 64}, 409),
        ({"loosen-7": "/other"}, 303),
        ({}, 303),
    ],
)
def test_a_form_that_asks_for_what_was_not_offered_gives_nothing(
    site: Site, changes: dict[str, str], status: int
) -> None:
    client, pending = site.signed_in(), asked(site)
    view = site.view(pending)
    form = {"csrf": csrf(client), "request_digest": view.request_digest, "vote": "grant", "minutes": "15", "uses": "5"}

    answer = client.post(f"/approvals/{view.id}/vote", data={**form, **changes})

    assert answer.status_code == status
    assert bool(site.guard.grants.list()) == (status == 303)


def test_approving_once_and_then_with_a_grant_gives_no_grant_and_says_so(site: Site) -> None:
    view, rest = site.view(asked(site)), site.rest()
    vote = {"vote": "approve", "request_digest": view.request_digest}
    path = f"/api/v1/approvals/{view.id}/votes"

    assert rest.post(path, json=vote).status_code == 201
    assert rest.post(path, json={**vote, "grant": {}}).status_code == 409
    assert rest.get("/api/v1/grants").json() == {"grants": []}


def test_programs_give_list_and_revoke_grants(site: Site) -> None:
    pending, rest = asked(site), site.rest()
    view = rest.get(f"/api/v1/approvals/{pending.request_id}").json()
    assert view["offers"][0]["sentence"] == "`path` anywhere below /srv/data/notes"

    cast = rest.post(
        f"/api/v1/approvals/{pending.request_id}/votes",
        json={
            "vote": "approve",
            "request_digest": view["request_digest"],
            "grant": {"pointers": ["/path"], "uses": 2, "seconds": 60},
        },
    )

    assert cast.status_code == 201
    (grant,) = rest.get("/api/v1/grants").json()["grants"]
    assert (grant["max_uses"], grant["uses"], grant["from_request"]) == (2, 0, pending.request_id)
    assert rest.post(f"/api/v1/grants/{grant['id']}/revoke").json()["revoked_at"]
    assert rest.post(f"/api/v1/grants/{grant['id']}/revoke").status_code == 404
    assert rest.get("/api/v1/grants").json() == {"grants": []}


@pytest.mark.parametrize(
    "grant",
    [
        [],
        "yes",
        {"uses": 0},
        {"uses": 101},
        {"uses": True},
        {"uses": 1.5},
        {"uses": "3"},
        {"seconds": 0},
        {"seconds": 8 * 3600 + 1},
        {"pointers": "/path"},
        {"pointers": [7]},
        {"pointers": ["/path"] * 9},
        {"for_ever": True},
    ],
)
def test_what_is_no_grant_is_refused_with_the_reason(site: Site, grant: Any) -> None:
    view = site.view(asked(site))

    answer = site.rest().post(
        f"/api/v1/approvals/{view.id}/votes",
        json={"vote": "approve", "request_digest": view.request_digest, "grant": grant},
    )

    assert answer.status_code == 422
    assert site.guard.approvals.list("pending")


def test_a_person_stops_everything_and_releases_it(page: Page, site: Site) -> None:
    page.get_by_text("Stop everything", exact=True).click()
    page.get_by_label("Why?").fill("strange deletions")
    page.get_by_role("button", name="Stop everything now").click()

    banner = page.locator(".stopped")
    expect(banner).to_contain_text("by bob: strange deletions")
    assert isinstance(begun(site), Refusal)
    for path in ("/grants", "/finished", "/audit"):
        page.goto(site.url + path)
        expect(banner).to_contain_text("Everything that needs a person is stopped")
        assert [v["id"] for v in Axe().run(page, options={"runOnly": RULES}).response["violations"]] == []

    page.get_by_role("button", name="Release").click()

    expect(banner).to_have_count(0)
    assert isinstance(begun(site), Pending)
    assert [kind for kind in kinds(site.guard) if kind.startswith("guard.")] == ["guard.stopped", "guard.released"]


def test_the_button_that_stops_needs_to_be_unfolded_first(page: Page, site: Site) -> None:
    page.goto(site.url + "/")

    expect(page.get_by_role("button", name="Stop everything now")).to_be_hidden()


@pytest.mark.parametrize("path", ["/stop", "/release", "/grants/gr_0/revoke"])
def test_no_other_page_stops_releases_or_revokes(site: Site, path: str) -> None:
    client = site.signed_in()

    assert client.post(path, data={"csrf": "0" * 64}).status_code == 403
    assert site.client().post(path, data={"csrf": "0" * 64}).headers["location"].startswith("/sign-in")
    assert site.guard.stop_switch.since is None


def test_only_the_stop_that_was_seen_is_released(site: Site) -> None:
    client = site.signed_in()
    token = csrf(client)
    client.post("/stop", data={"csrf": token, "reason": "odd"})

    assert client.post("/release", data={"csrf": token, "since": "2020-01-01T00:00:00.000Z"}).status_code == 409
    assert site.guard.stop_switch.current is not None
    assert client.get("/grants").text.count("odd") == 1


@pytest.fixture
def limited(config: Config) -> Iterator[Site]:
    policy = replace(config.policy, grants=GrantLimits(seconds=600, uses=4))
    with Guard(replace(config, policy=policy)) as guard:
        yield from running(guard)


def test_a_policy_sets_how_long_and_how_often_at_most(limited: Site, browser: Browser) -> None:
    page = browser.new_page()
    sign_in_with_link(page, limited)
    pending = asked(limited)
    opened(page, limited, pending.request_id)
    page.get_by_text("Allow narrowly for a while").click()

    assert page.get_by_label("For").inner_text().split("\n") == ["5 minutes", "10 minutes"]
    assert page.get_by_label("at most").inner_text().split("\n") == ["1 time", "3 times", "4 times"]
    page.get_by_role("button", name="Approve, and allow this for a while").click()

    expect(page.locator("#outcome")).to_contain_text("at most 4 times")
    page.close()


@pytest.mark.parametrize(("grant", "status"), [({"uses": 4, "seconds": 600}, 201), ({"uses": 5}, 403)])
def test_programs_give_no_more_than_the_policy_permits(limited: Site, grant: dict[str, int], status: int) -> None:
    view = limited.view(asked(limited))
    body = {"vote": "approve", "request_digest": view.request_digest, "grant": {"seconds": 60, **grant}}

    assert limited.rest().post(f"/api/v1/approvals/{view.id}/votes", json=body).status_code == status


def test_a_policy_without_grants_offers_none(config: Config) -> None:
    with Guard(replace(config, policy=replace(config.policy, grants=GrantLimits(uses=0)))) as guard:
        for site in running(guard):
            view = site.view(asked(site))

            assert "Allow narrowly" not in site.signed_in().get(f"/approvals/{view.id}").text
            body = {"vote": "approve", "request_digest": view.request_digest, "grant": {"uses": 1, "seconds": 60}}
            assert site.rest().post(f"/api/v1/approvals/{view.id}/votes", json=body).status_code == 403
