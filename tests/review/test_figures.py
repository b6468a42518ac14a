"""The page of figures: drawn by the server, with the same in words and tables."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.review.conftest import Site, sign_in_with_link
from toolguard.core.model import Outcome, OutcomeKind
from toolguard.guard import Permit


def busy(site: Site) -> None:
    reviewer = site.guard.reviewers.by_token(site.token)
    assert reviewer is not None
    for number in range(4):
        pending = site.ask(command="rm -rf /srv/old/build")
        view = site.view(pending)
        site.guard.approvals.vote(
            view.id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2
        )
        permit = site.guard.resume(pending)
        assert isinstance(permit, Permit), number
        site.guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED))
    site.ask("write_note", agent="<b>cursor</b>", path="/srv/x", content="y")
    site.guard.store.flush()


def test_a_drawing_says_in_words_and_in_a_table_what_it_draws(page: Page, site: Site) -> None:
    busy(site)
    page.goto(f"{site.url}/figures?span=1h")

    drawing = page.get_by_role("img", name="Calls", exact=False).first
    expect(drawing).to_have_attribute("aria-labelledby", "calls-title calls-desc")
    expect(page.locator("#calls-desc")).to_have_text("5 in all: 0 allow, 5 ask, 0 deny")
    assert page.locator("svg rect.ask title").first.text_content()
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("table", name="Calls", exact=True)).to_contain_text("5")
    expect(page.locator(".numbers")).to_contain_text("100 %")


def test_rules_that_were_always_approved_stand_beside_what_learn_proposes(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page = context.new_page()
    sign_in_with_link(page, site)
    busy(site)
    page.goto(f"{site.url}/figures")

    section = page.locator(".rules-asked")
    expect(section).to_contain_text("always approved")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    context.close()


def test_the_filters_choose_span_and_agent(page: Page, site: Site) -> None:
    busy(site)
    page.goto(f"{site.url}/figures")
    page.get_by_label("Span").select_option("24h")
    page.get_by_label("Agent").select_option("<b>cursor</b>")
    page.get_by_role("button", name="Show").click()

    expect(page.locator(".numbers")).to_contain_text("Asked1")
    assert "span=24h" in page.url


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?span=30d", 200), ("?span=1y", 404), ("?agent=nobody", 200), ("?agent=%00", 200)],
)
def test_an_address_with_odd_filters_is_answered(site: Site, query: str, status: int) -> None:
    assert site.signed_in().get(f"/figures{query}").status_code == status
    assert site.client().get(f"/figures{query}").headers["location"].startswith("/sign-in")
