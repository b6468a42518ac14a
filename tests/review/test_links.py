"""Links never decide: whoever opens one (a person, a mail scanner, a chat's preview, a browser that fetches ahead), by
whatever method that is safe, changes nothing in the database, not even "seen".
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from tests.review.conftest import RULES, Site, running
from toolguard.channels.message import Message
from toolguard.channels.slack_blocks import again, blocks, dialog
from toolguard.channels.teams import card
from toolguard.config import Config, ReviewSettings
from toolguard.core.policy.policy import Policy
from toolguard.guard import Guard, Pending
from toolguard.review.application import application
from toolguard.review.server import listen


@dataclass
class Desk:
    site: Site
    pending: Pending
    sign_in: str

    def changes(self) -> dict[str, int]:
        """How many rows, and which states: what any write at all would alter."""
        self.site.guard.store.flush()
        connection = sqlite3.connect(f"file:{self.site.guard.config.database}?mode=ro", uri=True)
        try:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            # Checkpoints and beats of the log come by themselves; nobody has to open anything for them.
            left = [name for name in tables if name not in ("audit_checkpoint", "meta", "sqlite_sequence")]
            return {name: hash(str(sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))))) for name in left}
        finally:
            connection.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    review = ReviewSettings(port=port, url=f"http://127.0.0.1:{port}")
    config = Config(home=tmp_path_factory.mktemp("links") / "home", policy=Policy(rules=RULES), review=review)
    with Guard(config) as guard:
        for site in running(guard, listener):
            yield Desk(site, site.ask(), site.link())


def addresses(value: Any) -> set[str]:
    return set(re.findall(r"https?://[^\s\"'<>)\\]+", value if isinstance(value, str) else json.dumps(value)))


def links_of_channels(desk: Desk) -> set[str]:
    """Every address that any channel, and the agent's message, puts before anybody."""
    view = desk.site.view(desk.pending)
    message = Message("approval.created", "msg_1", view, desk.site.guard.approvals.link(view.id))
    shown: list[Any] = [
        message.payload(), blocks(message), again(message), dialog(view, "x", "C1"), card(message), message.link,
        desk.pending.settle_text, desk.pending.link, desk.sign_in,
    ]  # fmt: skip
    ours = urlsplit(desk.site.url).netloc
    return {address for one in shown for address in addresses(one) if urlsplit(address).netloc == ours}


def safe_routes(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from safe_routes(list(route.routes), prefix + route.path)
        elif isinstance(route, Route) and "GET" in (route.methods or set()):
            yield prefix + route.path


# Who opens links without anybody having decided anything, and what they send.
OPENERS: dict[str, dict[str, str]] = {
    "somebody": {},
    "a browser fetching ahead": {"sec-purpose": "prefetch", "sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    "a browser rendering ahead": {"sec-purpose": "prefetch;prerender", "purpose": "prefetch", "x-moz": "prefetch"},
    "a click in a mail": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    "a mail scanner": {"user-agent": "Mozilla/5.0 (compatible; SafeLinks scanner)", "x-requested-with": "scanner"},
    "a chat's preview": {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    "a page that embeds it": {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image", "origin": "https://a.example"},
}
METHODS = ("GET", "HEAD", "OPTIONS")


@pytest.fixture(scope="module")
def visitors(desk: Desk) -> dict[str, dict[str, str]]:
    """With nothing, with a reviewer's session, and with a reviewer's token."""
    signed_in = desk.site.signed_in()
    cookies = "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())
    return {"nobody": {}, "session": {"cookie": cookies}, "token": {"authorization": f"Bearer {desk.site.token}"}}


@pytest.mark.guarantee("review:get-decides-nothing")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("who", ["nobody", "session", "token"])
@pytest.mark.parametrize("opener", OPENERS)
def test_opening_any_link_of_any_channel_changes_nothing(
    desk: Desk, visitors: dict[str, dict[str, str]], opener: str, who: str, method: str
) -> None:
    links = links_of_channels(desk)
    assert len(links) >= 2
    before = desk.changes()

    with httpx.Client(headers={**OPENERS[opener], **visitors[who]}) as client:
        answers = [client.request(method, link) for link in links]

    assert all(answer.status_code < 500 for answer in answers)
    assert desk.changes() == before
    assert desk.site.view(desk.pending).state == "pending"


@pytest.mark.guarantee("review:get-decides-nothing")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("who", ["nobody", "session", "token"])
def test_no_address_at_all_is_changed_by_reading_it(
    desk: Desk, visitors: dict[str, dict[str, str]], who: str, method: str
) -> None:
    request_id, digest = desk.pending.request_id, desk.site.view(desk.pending).request_digest
    hostile = f"?vote=approve&choice=approve&request_digest={digest}&seen=yes&confirm=1&_method=POST"
    paths = {re.sub(r"{[a-z_:]+}", request_id, path) for path in safe_routes(list(application(desk.site.guard).routes))}
    before = desk.changes()

    with httpx.Client(base_url=desk.site.url, headers={**visitors[who], "x-http-method-override": "POST"}) as client:
        for path in sorted(paths):
            with client.stream(method, path + hostile) as answer:
                assert answer.status_code < 500, path

    assert desk.changes() == before
    assert desk.site.view(desk.pending).state == "pending"


def test_a_link_that_everybody_has_opened_still_signs_its_owner_in(desk: Desk) -> None:
    code = desk.sign_in.partition("code=")[2]
    with httpx.Client(headers={"sec-fetch-site": "same-origin"}) as client:
        client.get(desk.sign_in)

        answer = client.post(f"{desk.site.url}/sign-in", data={"code": code})

    assert answer.status_code == 303


def test_a_forwarded_link_leads_to_the_login(desk: Desk) -> None:
    answer = httpx.get(desk.pending.link)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")
