"""Calls that are alike are answered together, and each is bound, voted on and recorded by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, expect

from tests.review.conftest import Site, sign_in_with_link
from tests.review.test_browser import RULES
from tests.review.test_standing import csrf
from toolguard.store import audit


def votes(site: Site) -> list[tuple[str, str, str]]:
    found = audit.read(site.guard.store, kind="vote.cast", limit=100)
    return [(event["request_id"], event["body"]["choice"], event["body"]["request_digest"]) for event in found]


def test_requests_are_alike_by_who_asks_for_what_under_which_rules(site: Site) -> None:
    first, second = site.ask(command="make a"), site.ask(command="make b")
    other = [
        site.ask("write_note", path="/srv/a", content="x"),
        site.ask(command="make a", server="other"),
        site.ask(command="make a", agent="cursor"),
        site.ask(command="rm -rf /srv/data"),
    ]

    assert site.view(first).group == site.view(second).group
    assert len({site.view(pending).group for pending in (first, *other)}) == 5


@pytest.mark.guarantee("group:each-by-itself")
def test_one_answer_goes_to_all_that_are_ticked(page: Page, site: Site) -> None:
    asked = [site.ask(command=f"make {name}") for name in "abc"]
    lone = site.ask("write_note", path="/srv/a", content="x")
    page.goto(site.url + "/")
    page.get_by_role("link", name="Answer together").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 calls of run_shell wait")
    expect(page.locator("main")).to_contain_text("make b")
    assert [v["id"] for v in Axe().run(page, options={"runOnly": RULES}).response["violations"]] == []

    page.get_by_role("checkbox").nth(1).uncheck()
    page.get_by_label("Reason").fill("all known")
    page.get_by_role("button", name="Approve all ticked").click()
    page.wait_for_url(site.url + "/")

    assert [site.view(pending).state for pending in asked] == ["approved", "pending", "approved"]
    assert site.view(lone).state == "pending"
    digests = [(p.request_id, "approve", site.view(p).request_digest) for p in (asked[0], asked[2])]
    assert votes(site) == digests


@pytest.mark.guarantee("group:each-by-itself")
def test_what_changed_since_it_was_shown_is_left_out_and_named(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = context.new_page()
    sign_in_with_link(page, site)
    asked = [site.ask(command=f"make {name}") for name in "abc"]
    page.goto(f"{site.url}/groups/{site.view(asked[0]).group}")
    site.guard.cancel(asked[1])

    page.get_by_role("button", name="Deny all ticked").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("2 of 3 denied. Left out:")
    expect(alert).to_contain_text(asked[1].code)
    assert [site.view(pending).state for pending in asked] == ["denied", "cancelled", "denied"]
    context.close()


def test_a_call_with_a_high_score_is_approved_on_its_own_page_only(site: Site) -> None:
    client = site.signed_in()
    high = site.ask(command="rm -rf /srv/data/customers; git push --force origin main")
    view = site.view(high)
    assert view.score >= 60
    form = {"csrf": csrf(client), f"pick-{view.id}": view.request_digest}

    answer = client.post(f"/groups/{view.group}/vote", data={**form, "vote": "approve"})

    assert "must be read on its own page" in answer.text
    assert site.view(high).state == "pending"
    assert client.post(f"/groups/{view.group}/vote", data={**form, "vote": "deny"}).status_code == 303
    assert site.view(high).state == "denied"


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, 303), ({"vote": "grant"}, 400), ({"vote": ""}, 400), ({"csrf": "0" * 64}, 403)],
)
def test_a_form_that_is_no_answer_changes_nothing(site: Site, changes: dict[str, str], status: int) -> None:
    client, pending = site.signed_in(), site.ask()
    view = site.view(pending)
    form = {"csrf": csrf(client), "vote": "approve", f"pick-{view.id}": view.request_digest}

    answer = client.post(f"/groups/{view.group}/vote", data={**form, **changes})

    assert answer.status_code == status
    assert (site.view(pending).state == "approved") == (status == 303)


def test_nothing_ticked_answers_nothing(site: Site) -> None:
    client, view = site.signed_in(), site.view(site.ask())

    answer = client.post(f"/groups/{view.group}/vote", data={"csrf": csrf(client), "vote": "approve"})

    assert (answer.status_code, votes(site)) == (422, [])


def test_programs_answer_a_group(site: Site) -> None:
    rest = site.rest()
    asked = [site.ask(command=f"make {name}") for name in "ab"]
    other = site.ask("write_note", path="/srv/a", content="x")
    views = {view["id"]: view for view in rest.get("/api/v1/approvals").json()["approvals"]}
    requests = [{"id": name, "request_digest": view["request_digest"]} for name, view in sorted(views.items())]
    requests.append({"id": "ap_none", "request_digest": "0" * 64})
    group = views[asked[0].request_id]["group"]

    answer = rest.post("/api/v1/votes", json={"vote": "approve", "group": group, "requests": requests})

    results = {one["id"]: one["code"] for one in answer.json()["results"]}
    assert results == {
        asked[0].request_id: "accepted",
        asked[1].request_id: "accepted",
        other.request_id: "not_alike",
        "ap_none": "unknown",
    }


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"vote": "approve", "group": "x", "requests": []},
        {"vote": "approve", "group": 7, "requests": [{"id": "a", "request_digest": "b"}]},
        {"vote": "maybe", "group": "x", "requests": [{"id": "a", "request_digest": "b"}]},
        {"vote": "deny", "group": "x", "requests": [{"id": "a"}]},
        {"vote": "deny", "group": "x", "requests": [{"id": "a", "request_digest": 7}]},
        {"vote": "deny", "group": "x", "requests": [{"id": "a", "request_digest": "b"}] * 101},
        {"vote": "deny", "group": "x", "requests": [{"id": "a", "request_digest": "b"}], "all": True},
    ],
)
def test_what_answers_no_group_is_refused_with_the_reason(site: Site, body: Any) -> None:
    assert site.rest().post("/api/v1/votes", json=body).status_code == 422


def test_an_edited_call_leaves_its_group_by_what_it_has_become(site: Site) -> None:
    pending = site.ask(command="make a")
    view = site.view(pending)
    reviewer = site.guard.reviewers.by_token(site.token)
    assert reviewer is not None

    made = site.guard.edits.edit(
        view.id, reviewer, {"command": "make b"}, request_digest=view.request_digest, channel="web"
    )
    results = site.guard.approvals.vote_together(
        view.group, {view.id: view.request_digest}, reviewer, "approve", channel="web", strength=2
    )

    assert made.accepted
    assert not results[view.id].accepted
    assert site.guard.resume(replace(pending)) == pending
