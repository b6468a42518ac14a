"""A reviewer changes the arguments: on the page, with and without scripts, and by REST."""

from __future__ import annotations

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, expect

from tests.made_up import example
from tests.review.conftest import Site, sign_in_with_link
from tests.review.test_browser import RULES, opened
from tests.review.test_standing import csrf
from toolguard.core.secrets.formats import FORMATS
from toolguard.guard import Permit

SECRET = example(next(one for one in FORMATS if one.id == "github-token"))


def ran_with(site: Site, pending: Any) -> object:
    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    return permit.call.arguments


def test_the_changed_call_is_shown_beside_what_was_asked_and_is_what_runs(page: Page, site: Site) -> None:
    pending = site.ask("write_file", path="/srv/notes/a.txt", content="hello\u202e", token=SECRET)
    opened(page, site, pending.request_id)
    page.get_by_role("link", name="Change the arguments").click()
    box = page.get_by_label("Arguments, as JSON")
    assert r"hello\u202e" in box.input_value()
    assert [v["id"] for v in Axe().run(page, options={"runOnly": RULES}).response["violations"]] == []

    arguments = json.loads(box.input_value())
    box.fill(json.dumps({**arguments, "path": "/srv/notes/b.txt"}))
    page.get_by_role("button", name="Judge the changed call").click()

    expect(page.get_by_role("heading", name="Changed by bob")).to_be_visible()
    expect(page.locator(".edited")).to_contain_text("/srv/notes/a.txt → /srv/notes/b.txt")
    expect(page.locator(".edited")).to_contain_text(pending.code)
    assert [v["id"] for v in Axe().run(page, options={"runOnly": RULES}).response["violations"]] == []
    page.get_by_role("button", name="Approve once").click()
    expect(page.locator("#status")).to_contain_text("Approved")
    assert ran_with(site, pending) == {"path": "/srv/notes/b.txt", "content": "hello\u202e", "token": SECRET}


def test_the_request_as_it_was_leads_to_the_call_as_it_is(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = context.new_page()
    sign_in_with_link(page, site)
    pending = site.ask(command="make clean")
    opened(page, site, pending.request_id)
    page.get_by_role("link", name="Change the arguments").click()
    page.get_by_label("Arguments, as JSON").fill('{"command": "make all"}')
    page.get_by_role("button", name="Judge the changed call").click()

    page.get_by_role("link", name="The request as it was").click()

    expect(page.locator("#status")).to_contain_text("Changed")
    page.get_by_role("link", name="The call as it is now").click()
    expect(page.locator("#status")).to_contain_text("Waiting")
    expect(page.locator("main")).to_contain_text("make all")
    context.close()


def test_what_cannot_be_taken_stays_in_the_form_with_the_reason(page: Page, site: Site) -> None:
    pending = site.ask(command="make clean")
    page.goto(f"{site.url}/approvals/{pending.request_id}/edit")

    page.get_by_label("Arguments, as JSON").fill('{"command": "make all"')
    page.get_by_role("button", name="Judge the changed call").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(page.get_by_label("Arguments, as JSON")).to_have_value('{"command": "make all"')
    assert site.view(pending).state == "pending"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 303),
        ({"arguments": '{"command": "make clean"}'}, 422),
        ({"arguments": "[]"}, 422),
        ({"arguments": '{"a": 1, "a": 2}'}, 422),
        ({"arguments": '{"command": NaN}'}, 422),
        ({"arguments": '{"command": {"$redacted": {"rule": "x"}}}'}, 422),
        ({"arguments": ""}, 422),
        ({"request_digest": "0" * 64}, 409),
        ({"csrf": "0" * 64}, 403),
    ],
)
def test_a_form_that_is_no_edit_changes_nothing(site: Site, changes: dict[str, str], status: int) -> None:
    client, pending = site.signed_in(), site.ask(command="make clean")
    form = {
        "csrf": csrf(client),
        "request_digest": site.view(pending).request_digest,
        "arguments": '{"command": "make all"}',
    }

    answer = client.post(f"/approvals/{pending.request_id}/edit", data={**form, **changes})

    assert answer.status_code == status
    assert (site.view(pending).state == "cancelled") == (status == 303)


def test_a_request_that_ended_is_not_edited(site: Site) -> None:
    pending = site.ask(command="make clean")
    site.guard.cancel(pending)
    client = site.signed_in()

    assert "waits no longer" in client.get(f"/approvals/{pending.request_id}/edit").text
    assert client.get("/approvals/ap_none/edit").status_code == 404


def test_programs_edit_and_then_vote_on_what_they_made_of_it(site: Site) -> None:
    pending, rest = site.ask(command="make clean", token=SECRET), site.rest()
    view = rest.get(f"/api/v1/approvals/{pending.request_id}").json()

    made = rest.post(
        f"/api/v1/approvals/{view['id']}/edits",
        json={"arguments": {**view["arguments"], "command": "make all"}, "request_digest": view["request_digest"]},
    )

    assert made.status_code == 201
    new = made.json()["approval"]
    assert (new["edited_from"], new["edited"]["by"], new["state"]) == (view["id"], ["bob"], "pending")
    assert rest.get(f"/api/v1/approvals/{view['id']}").json()["edited_to"] == new["id"]
    cast = {"vote": "approve", "request_digest": new["request_digest"]}
    assert rest.post(f"/api/v1/approvals/{view['id']}/votes", json=cast).status_code == 409
    assert rest.post(f"/api/v1/approvals/{new['id']}/votes", json=cast).status_code == 201
    assert ran_with(site, pending) == {"command": "make all", "token": SECRET}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"arguments": {"command": "x"}}, 422),
        ({"arguments": {"command": "x"}, "request_digest": 7}, 422),
        ({"arguments": {"command": "x"}, "request_digest": "0", "tool": "y"}, 422),
        ({"arguments": {"command": "x"}, "request_digest": "0"}, 409),
        ({"arguments": "x", "request_digest": "0"}, 422),
        ([], 422),
    ],
)
def test_what_is_no_edit_is_refused_with_the_reason(site: Site, body: Any, status: int) -> None:
    pending = site.ask()

    answer = site.rest().post(f"/api/v1/approvals/{pending.request_id}/edits", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.view(pending).state == "pending"
