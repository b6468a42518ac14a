"""A real guard behind a real server, and a real browser in front of it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from toolguard.config import Config, ReviewSettings
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Rule
from toolguard.guard import Guard, Pending, RequestView
from toolguard.review.links import sign_in
from toolguard.review.server import listen, server

RULES = (Rule("asked", Effect.ASK, Match(tool=("run_*", "write_*", "send_*", "query"))),)


@dataclass
class Site:
    """The reviewers' side as it runs, and its agent's side."""

    guard: Guard
    url: str
    token: str
    clients: list[httpx.Client] = field(default_factory=list)

    def ask(self, tool: str = "run_shell", *, server: str = "ops", agent: str = "claude", **arguments: Any) -> Pending:
        """A call that waits for people."""
        call = ToolCall(server, tool, arguments or {"command": "make clean"}, Principal(agent, "alice", server))
        pending = self.guard.begin(replace(call, prompt="clean up", justification="to save space", client="Test 1.0"))
        assert isinstance(pending, Pending)
        return pending

    def view(self, pending: Pending) -> RequestView:
        found = self.guard.approvals.show(pending.request_id)
        assert found is not None
        return found

    def client(self) -> httpx.Client:
        """A browser's way of asking, without the browser."""
        return self._opened({"sec-fetch-site": "same-origin"})

    def signed_in(self) -> httpx.Client:
        client = self.client()
        answer = client.post("/sign-in", data={"token": self.token})
        assert answer.status_code == 303
        return client

    def rest(self) -> httpx.Client:
        return self._opened({"authorization": f"Bearer {self.token}"})

    def _opened(self, headers: dict[str, str]) -> httpx.Client:
        self.clients.append(httpx.Client(base_url=self.url, headers=headers))
        return self.clients[-1]

    def link(self, name: str = "bob") -> str:
        return sign_in(self.url, self.guard.reviewers.link(name))


def running(guard: Guard, listener: socket.socket | None = None) -> Iterator[Site]:
    listener = listener or listen("127.0.0.1", 0)
    web = server(guard)
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    token = guard.reviewers.add("bob", ["ops"]).token
    site = Site(guard, f"http://127.0.0.1:{listener.getsockname()[1]}", token)
    try:
        yield site
    finally:
        for client in site.clients:
            client.close()
        web.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        home=tmp_path / "home",
        agent="claude",
        roots=(str(tmp_path),),
        policy=Policy(rules=RULES),
        review=ReviewSettings(url=""),
    )


@pytest.fixture
def guard(config: Config) -> Iterator[Guard]:
    with Guard(config) as opened:
        yield opened


@pytest.fixture
def site(guard: Guard) -> Iterator[Site]:
    yield from running(guard)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("these tests need a browser: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Page:
    """A signed-in reviewer's page; anything that the browser complains about fails the test."""
    opened = context.new_page()
    sign_in_with_link(opened, site)
    return opened


def sign_in_with_link(page: Page, site: Site) -> None:
    page.goto(site.link())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
