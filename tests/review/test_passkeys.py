"""Passkeys in a real browser with an authenticator of its own, and answers that prove nothing.

The browser's virtual authenticator is driven over the DevTools protocol; its answers are real signatures.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.review.conftest import Site, running
from tests.review.test_browser import RULES
from toolguard.config import Config, ReviewSettings
from toolguard.core.model import Effect, Outcome, OutcomeKind
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.proof.passkey import RelyingParty, relying_party
from toolguard.guard import Guard, Pending, Permit, Refusal, Reviewer, VoteResult
from toolguard.guard.voting import vote_digest
from toolguard.review.server import listen
from toolguard.store import audit
from toolguard.store.proving import verify_file

RULE = Rule("proven", Effect.ASK, Match(tool=("run_*",)), terms=Terms(strength=4))


@pytest.fixture
def site(config: Config) -> Iterator[Site]:
    """A guard whose configured address names the port that it really has; its rule demands a passkey."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    review = ReviewSettings(port=port, url=f"http://127.0.0.1:{port}")
    with Guard(replace(config, review=review, policy=Policy(rules=(RULE,)))) as guard:
        for site in running(guard, listener):
            site.url = f"http://localhost:{port}"
            yield site


def plug_in(session: CDPSession, **options: Any) -> str:
    """A new authenticator."""
    session.send("WebAuthn.enable")
    wanted = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": {**wanted, "isUserVerified": True, **options}})
    return str(made["authenticatorId"])


@dataclass
class Desk:
    """Bob at his browser, with a passkey enrolled."""

    site: Site
    page: Page
    session: CDPSession
    authenticator: str

    @property
    def bob(self) -> Reviewer:
        found = self.site.guard.reviewers.by_token(self.site.token)
        assert found is not None
        return found

    def open(self, pending: Pending) -> None:
        self.page.goto(f"{self.site.url}/approvals/{pending.request_id}")

    def approve(self, pending: Pending) -> None:
        self.open(pending)
        self.page.get_by_role("button", name="Approve with your passkey").click()
        expect(self.page.locator("#status")).to_contain_text("Approved")

    def answer(self, challenge: bytes, url: str = "", verification: str = "required") -> dict[str, Any]:
        """What the passkey says to any challenge on any page: an attacker's own page asks so too."""
        if url:
            self.page.goto(url)
        known = self.site.guard.passkeys.of(self.bob)[0]
        asked = {"verification": verification, "challenge": list(challenge), "id": known.credential_id}
        made: dict[str, str] = self.page.evaluate(ASK, asked)
        return {
            "credential_id": known.credential_id,
            "public_key": known.public_key,
            "client_data_json": made["clientDataJSON"],
            "authenticator_data": made["authenticatorData"],
            "signature": made["signature"],
        }

    def vote(self, pending: Pending, evidence: Any) -> VoteResult:
        return self.site.guard.approvals.vote(
            pending.request_id,
            self.bob,
            "approve",
            request_digest=self.site.view(pending).request_digest,
            channel="web",
            strength=4,
            evidence=evidence,
        )

    def challenge(self, pending: Pending) -> bytes:
        return bytes.fromhex(vote_digest(self.site.view(pending).request_digest, "approve"))

    def post(self, pending: Pending, evidence: dict[str, Any], **fields: str) -> int:
        """The form of the page, sent by a program with bob's session."""
        client = self.site.signed_in()
        page = client.get(f"/approvals/{pending.request_id}").text
        token = page.partition('name="csrf" value="')[2].partition('"')[0]
        credential = {
            "id": evidence["credential_id"],
            "rawId": evidence["credential_id"],
            "type": "public-key",
            "response": {
                "clientDataJSON": evidence["client_data_json"],
                "authenticatorData": evidence["authenticator_data"],
                "signature": evidence["signature"],
            },
        }
        form = {
            "csrf": token,
            "vote": "approve",
            "seen": "yes",
            "request_digest": self.site.view(pending).request_digest,
            "passkey": json.dumps(credential),
        }
        return client.post(f"/approvals/{pending.request_id}/vote", data={**form, **fields}).status_code


ASK = """async ({verification, challenge, id}) => {
  const bytes = (t) => Uint8Array.from(atob(t.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b)))
    .replace(/[+]/g, "-").replace(/[/]/g, "_").replace(/=+$/, "");
  const { response } = await navigator.credentials.get({ publicKey: {
    rpId: "localhost", challenge: new Uint8Array(challenge), userVerification: verification,
    allowCredentials: [{ type: "public-key", id: bytes(id) }] } });
  return Object.fromEntries(["clientDataJSON", "authenticatorData", "signature"].map((n) => [n, text(response[n])]));
}"""


@pytest.fixture
def desk(context: BrowserContext, site: Site) -> Iterator[Desk]:
    page = context.new_page()
    session = context.new_cdp_session(page)
    authenticator = plug_in(session)
    page.goto(site.link())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
    enrol(page, site)
    expect(page.locator(".passkeys li")).to_have_count(1)
    yield Desk(site, page, session, authenticator)
    page.close()


def enrol(page: Page, site: Site, code: str = "") -> None:
    page.goto(site.url + "/passkeys")
    page.get_by_label("The link, or the code at its end").fill(code or site.link())
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("What do you call this device?").fill("bob's laptop")
    page.get_by_role("button", name="Make the passkey").click()


def run(site: Site, pending: Pending) -> None:
    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    site.guard.dispatch(permit)
    site.guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4))


def events(guard: Guard, kind: str) -> list[dict[str, Any]]:
    return audit.read(guard.store, limit=1_000, kind=kind)


def problems(guard: Guard) -> list[str]:
    guard.store.flush()
    return [problem.what for problem in verify_file(guard.config.database).problems]


@pytest.mark.guarantee("vote:passkey-proves")
def test_a_passkey_approves_exactly_this_call_and_the_log_proves_it(desk: Desk) -> None:
    pending = desk.site.ask(command="make deploy")

    desk.approve(pending)

    expect(desk.page.locator("#outcome")).to_contain_text("signed with a passkey")
    run(desk.site, pending)
    (cast,) = events(desk.site.guard, "vote.cast")
    assert cast["body"]["strength"] == 4
    enrolled = [event for event in events(desk.site.guard, "credential.added") if event["body"]["kind"] == "passkey"]
    assert enrolled[0]["body"]["origin"] == desk.site.url
    assert enrolled[0]["body"]["aaguid"]
    assert enrolled[0]["seq"] < cast["seq"]
    assert problems(desk.site.guard) == []


def test_the_pages_of_passkeys_are_accessible(desk: Desk) -> None:
    pending = desk.site.ask()
    for path in ("/passkeys", f"/approvals/{pending.request_id}"):
        desk.page.goto(desk.site.url + path)
        assert [v["id"] for v in Axe().run(desk.page, options={"runOnly": RULES}).response["violations"]] == []


def test_an_ip_address_leads_to_localhost_where_passkeys_work(desk: Desk) -> None:
    pending = desk.site.ask()
    numbers = desk.site.url.replace("localhost", "127.0.0.1")
    client = desk.site.signed_in()

    assert client.get(f"/approvals/{pending.request_id}").status_code == 200
    client.base_url = numbers
    client.post("/sign-in", data={"token": desk.site.token})
    answer = client.get(f"/approvals/{pending.request_id}")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{desk.site.url}/approvals/{pending.request_id}"


def test_denying_asks_for_no_passkey(desk: Desk) -> None:
    pending = desk.site.ask()
    desk.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": desk.authenticator})
    desk.open(pending)

    desk.page.get_by_role("button", name="Deny").click()

    expect(desk.page.locator("#status")).to_contain_text("Denied")
    assert isinstance(desk.site.guard.resume(pending), Refusal)


def test_without_an_answer_of_the_passkey_nothing_is_decided(desk: Desk) -> None:
    pending = desk.site.ask()
    user = {"authenticatorId": desk.authenticator, "isUserVerified": False}
    desk.session.send("WebAuthn.setUserVerified", user)
    desk.open(pending)

    desk.page.get_by_role("button", name="Approve with your passkey").click()

    expect(desk.page.locator("#passkey-note")).to_contain_text("nothing was decided")
    assert desk.site.view(pending).state == "pending"


def test_whoever_has_no_passkey_reads_so_and_can_deny(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.link())
    page.get_by_role("button", name="Sign in").click()
    pending = site.ask()
    page.goto(f"{site.url}/approvals/{pending.request_id}")

    expect(page.locator("#form")).to_contain_text("needs a passkey, and you have none here yet")
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.get_by_role("button", name="Deny").click()

    expect(page.locator("#status")).to_contain_text("Denied")


def tampered(evidence: dict[str, Any], name: str) -> dict[str, Any]:
    """One bit of a part flipped."""
    text = evidence[name]
    at = len(text) // 2
    return {**evidence, name: text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]}


@pytest.mark.parametrize("part", ["client_data_json", "authenticator_data", "signature", "credential_id"])
def test_a_tampered_answer_proves_nothing(desk: Desk, part: str) -> None:
    pending = desk.site.ask()
    good = desk.answer(desk.challenge(pending))
    bad = tampered(good, part)

    assert desk.post(pending, bad) == 403
    assert desk.vote(pending, bad).code == "weak_channel"
    assert desk.site.view(pending).state == "pending"
    verified = desk.answer(desk.challenge(pending))
    assert verified["signature"] != good["signature"]


def no_evidence(desk: Desk, pending: Pending) -> Any:
    return None


def swapped(desk: Desk, pending: Pending) -> Any:
    return desk.answer(desk.challenge(desk.site.ask(command="make something else")))


def of_the_request_alone(desk: Desk, pending: Pending) -> Any:
    return desk.answer(bytes.fromhex(desk.site.view(pending).request_digest))


def of_a_denial(desk: Desk, pending: Pending) -> Any:
    return desk.answer(bytes.fromhex(vote_digest(desk.site.view(pending).request_digest, "deny")))


def of_a_grant(desk: Desk, pending: Pending) -> Any:
    terms = {"predicate": {"server": "ops"}, "uses": 10, "expiry": "2026-11-22T12:15:00.000Z"}
    return desk.answer(bytes.fromhex(vote_digest(desk.site.view(pending).request_digest, "approve", terms)))


def unverified(desk: Desk, pending: Pending) -> Any:
    user = {"authenticatorId": desk.authenticator, "isUserVerified": False}
    desk.session.send("WebAuthn.setUserVerified", user)
    return desk.answer(desk.challenge(pending), verification="discouraged")


def on_another_port(desk: Desk, pending: Pending) -> Any:
    """Ids of relying parties have no port: the browser gives a page on another port a valid signature."""
    other = "http://localhost:9/"
    desk.page.route(other, lambda route: route.fulfill(content_type="text/html", body="<title>Another page</title>"))
    return desk.answer(desk.challenge(pending), other)


@pytest.mark.guarantee("vote:passkey-proves")
@pytest.mark.parametrize(
    "evidence", [no_evidence, swapped, of_the_request_alone, of_a_denial, of_a_grant, unverified, on_another_port]
)
def test_what_is_no_yes_to_this_call_on_this_page_proves_nothing(
    desk: Desk, evidence: Callable[[Desk, Pending], Any]
) -> None:
    pending = desk.site.ask()

    given = evidence(desk, pending)

    if given is not None:
        assert desk.post(pending, given) == 403
    assert desk.vote(pending, given).code == "weak_channel"
    assert desk.site.view(pending).state == "pending"
    assert isinstance(desk.site.guard.resume(pending), Pending)


def test_an_answer_counts_for_its_own_reviewer_only(desk: Desk) -> None:
    pending, guard = desk.site.ask(), desk.site.guard
    eve = guard.reviewers.by_token(guard.reviewers.add("eve").token)
    assert eve is not None
    good = desk.answer(desk.challenge(pending))
    digest = desk.site.view(pending).request_digest

    result = guard.approvals.vote(
        pending.request_id, eve, "approve", request_digest=digest, channel="web", strength=4, evidence=good
    )

    assert result.code == "weak_channel"
    assert desk.vote(pending, good).accepted


def test_the_form_takes_a_good_answer_once_for_its_request(desk: Desk) -> None:
    pending, later = desk.site.ask(), desk.site.ask(command="make later")
    good = desk.answer(desk.challenge(pending))

    assert desk.post(later, good) == 403
    assert desk.post(pending, good) == 303
    assert desk.post(later, good) == 403
    assert desk.site.view(later).state == "pending"


@pytest.mark.parametrize("passkey", ["", "{", "[]", "null", '{"id": 7}', '{"id": "x", "response": {}}', "\ud800"])
def test_what_is_no_answer_at_all_is_refused(desk: Desk, passkey: str) -> None:
    pending = desk.site.ask()
    good = desk.answer(desk.challenge(pending))

    assert desk.post(pending, good, passkey=passkey.encode("utf-8", "replace").decode()) == 403
    assert [event["body"]["code"] for event in events(desk.site.guard, "vote.refused")] == ["weak_channel"]


def test_no_token_approves_what_demands_a_passkey(desk: Desk) -> None:
    pending = desk.site.ask()
    view = desk.site.view(pending)

    answer = desk.site.rest().post(
        f"/api/v1/approvals/{view.id}/votes", json={"vote": "approve", "request_digest": view.request_digest}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "weak_channel")


def test_a_counter_that_fell_is_an_alert(desk: Desk) -> None:
    guard = desk.site.guard
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE passkey SET sign_count = 1000")
    pending = desk.site.ask()

    assert desk.vote(pending, desk.answer(desk.challenge(pending))).code == "weak_channel"

    (alert,) = events(guard, "credential.alert")
    assert alert["body"]["stored"] == 1000
    assert alert["reviewer"] == "bob"


def test_a_removed_passkey_proves_nothing_and_takes_unused_approvals_along(desk: Desk) -> None:
    approved, waiting = desk.site.ask(), desk.site.ask(command="make later")
    desk.approve(approved)
    late = desk.answer(desk.challenge(waiting))

    desk.page.goto(desk.site.url + "/passkeys")
    desk.page.get_by_role("button", name="Remove bob's laptop").click()
    expect(desk.page.locator(".passkeys li")).to_have_count(0)

    assert desk.vote(waiting, late).code == "weak_channel"
    assert isinstance(desk.site.guard.resume(approved), Refusal)
    assert problems(desk.site.guard) == []


@pytest.mark.parametrize("whose", ["spent", "eve", "made up"])
def test_only_an_unused_link_of_ones_own_adds_a_passkey(desk: Desk, whose: str) -> None:
    codes = {"eve": desk.site.guard.reviewers.add("eve").link_code, "made up": "A" * 32}
    spent = desk.site.guard.reviewers.link("bob")
    desk.site.guard.reviewers.redeem(spent)
    desk.page.goto(desk.site.url + "/passkeys")

    desk.page.get_by_label("The link, or the code at its end").fill(codes.get(whose, spent))
    desk.page.get_by_role("button", name="Go on").click()

    expect(desk.page.get_by_role("alert")).to_contain_text("no unused link of yours")


EDITS = {
    "evidence gone": "UPDATE vote SET evidence = NULL",
    "a vote without a passkey": "UPDATE vote SET evidence = NULL, strength = 2",
    "another signature": 'UPDATE vote SET evidence = replace(evidence, \'"signature":"ME\', \'"signature":"MF\')',
    "another owner of the key": "UPDATE passkey SET reviewer_id = 'rv_0'",
    "another key": "UPDATE passkey SET public_key = replace(public_key, 'a', 'b')",
    "another page": "UPDATE passkey SET origin = 'http://localhost:1'",
    "a weaker demand": "UPDATE approval_request SET requirement = replace(requirement, 'strength\":4', 'strength\":0')",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_approval_in_an_edited_database_is_not_claimed(desk: Desk, edit: str) -> None:
    pending = desk.site.ask()
    desk.approve(pending)
    connection = sqlite3.connect(desk.site.guard.config.database)
    connection.execute("PRAGMA foreign_keys=OFF")
    assert connection.execute(EDITS[edit]).rowcount == 1
    connection.commit()
    connection.close()

    assert isinstance(desk.site.guard.resume(pending), Refusal)


def rewrite(guard: Guard, change: Callable[[list[dict[str, Any]]], None]) -> list[str]:
    """What the verifier finds when somebody changes bodies and computes every hash anew."""
    import hashlib

    from tests.store.test_verify import rehash
    from toolguard.store.verify import verify

    rows = list(audit.stream(guard.store))
    bodies = [json.loads(row["body"]) for row in rows]
    for row, body in zip(rows, bodies, strict=True):
        body["#"] = row
    change(bodies)
    for row, body in zip(rows, bodies, strict=True):
        del body["#"]
        row["body"] = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        row["body_hash"] = hashlib.sha256(b"toolguard/body/v1\0" + row["body"].encode()).hexdigest()
    rehash(rows)
    return [problem.what for problem in verify(rows).problems]


def of_kind(bodies: list[dict[str, Any]], event: str, **members: Any) -> dict[str, Any]:
    return next(b for b in bodies if b["#"]["kind"] == event and members.items() <= b.items())


def nothing(bodies: list[dict[str, Any]]) -> None: ...


def forge_signature(bodies: list[dict[str, Any]]) -> None:
    vote = of_kind(bodies, "vote.cast")
    vote["evidence"] = tampered(vote["evidence"], "signature")


def drop_evidence(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["evidence"] = None


def lower_strength(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast").update(evidence=None, strength=2)


def give_to_another(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["#"]["reviewer"] = "eve"


def never_enrolled(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "credential.added", kind="passkey")["kind"] = "token"


def another_key(bodies: list[dict[str, Any]]) -> None:
    added = of_kind(bodies, "credential.added", kind="passkey")
    added["public_key"] = added["public_key"][:-2] + "00"


def removed_before(bodies: list[dict[str, Any]]) -> None:
    last = [b for b in bodies if b["#"]["kind"] == "call.decided"][-1]
    last["#"].update(kind="reviewer.removed", reviewer="bob", call_id=None, effect=None)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (nothing, ""),
        (forge_signature, "its signature is wrong"),
        (drop_evidence, "there is no answer of one"),
        (lower_strength, "without the passkey that its request demands"),
        (give_to_another, "had not enrolled it"),
        (never_enrolled, "had not enrolled it"),
        (another_key, "its signature is wrong"),
        (removed_before, "had not enrolled it"),
    ],
)
@pytest.mark.guarantee("vote:passkey-proves")
def test_the_verifier_asks_for_the_proof_of_each_vote_also_when_every_hash_was_made_anew(
    desk: Desk, change: Callable[[list[dict[str, Any]]], None], found: str
) -> None:
    desk.approve(desk.site.ask())

    told = rewrite(desk.site.guard, change)

    assert bool(told) == bool(found)
    assert any(found in problem for problem in told) or not found


def test_a_passkey_put_into_the_tables_by_hand_is_found(desk: Desk) -> None:
    connection = sqlite3.connect(desk.site.guard.config.database)
    connection.execute(
        "INSERT INTO passkey SELECT 'forged', reviewer_id, public_key, cose, rp_id, origin, aaguid, label, 0, created, "
        "NULL FROM passkey"
    )
    connection.commit()
    connection.close()

    assert any("the stored passkey forged" in problem for problem in problems(desk.site.guard))


@pytest.mark.parametrize(
    ("url", "party"),
    [
        ("http://127.0.0.1:8787", RelyingParty("localhost", "http://localhost:8787")),
        ("http://[::1]:8787", RelyingParty("localhost", "http://localhost:8787")),
        ("http://localhost:8787/", RelyingParty("localhost", "http://localhost:8787")),
        ("http://toolguard.localhost:80", RelyingParty("toolguard.localhost", "http://toolguard.localhost")),
        ("https://Guard.example.com", RelyingParty("guard.example.com", "https://guard.example.com")),
        ("https://guard.example.com:443/x", RelyingParty("guard.example.com", "https://guard.example.com")),
        ("https://guard.example.com:8443", RelyingParty("guard.example.com", "https://guard.example.com:8443")),
        ("http://guard.example.com", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::7]", None),
        ("ftp://localhost", None),
        ("", None),
    ],
)
def test_passkeys_belong_to_the_configured_address(url: str, party: RelyingParty | None) -> None:
    assert relying_party(url) == party


MADE_HERE = "01020304-0506-0708-0102-030405060708"
"""The make that Chromium's virtual authenticators say they are."""


@pytest.mark.parametrize(("model", "counts"), [(MADE_HERE, 1), ("ee882879-721c-4913-9775-3dfcce97072a", 0)])
def test_where_the_policy_names_makes_no_other_passkey_is_enrolled(
    context: BrowserContext, config: Config, model: str, counts: int
) -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    review = ReviewSettings(port=port, url=f"http://localhost:{port}")
    policy = Policy(rules=(RULE,), passkey_models=(model,))
    with Guard(replace(config, review=review, policy=policy)) as guard:
        for site in running(guard, listener):
            site.url = f"http://localhost:{port}"
            page = context.new_page()
            plug_in(context.new_cdp_session(page))
            page.goto(site.link())
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(site.url + "/")
            enrol(page, site)

            if counts:
                expect(page.locator(".passkeys li")).to_have_count(1)
            else:
                expect(page.get_by_role("alert")).to_contain_text("does not take passkeys of this make")
            assert len(guard.passkeys.of(guard.reviewers.list()[0])) == counts
            page.close()


def test_a_passkey_of_another_make_counts_no_more_when_the_policy_names_some(desk: Desk) -> None:
    site = desk.site
    pending = site.ask(command="make deploy")
    evidence = desk.answer(desk.challenge(pending))
    strict = Policy(rules=(RULE,), passkey_models=("ee882879-721c-4913-9775-3dfcce97072a",))

    with Guard(replace(site.guard.config, policy=strict)) as guard:
        cast = guard.approvals.vote(
            pending.request_id,
            desk.bob,
            "approve",
            request_digest=site.view(pending).request_digest,
            channel="web",
            strength=4,
            evidence=evidence,
        )

    assert (cast.accepted, cast.code) == (False, "weak_channel")
    assert "of this make" in cast.text


def test_a_passkey_signs_the_call_as_a_reviewer_changed_it(desk: Desk) -> None:
    site = desk.site
    pending = site.ask(command="make deploy")
    old = desk.answer(desk.challenge(pending))
    view = site.view(pending)
    made = site.guard.edits.edit(
        view.id, desk.bob, {"command": "make stage"}, request_digest=view.request_digest, channel="web"
    )
    assert made.request is not None

    swapped = site.guard.approvals.vote(
        made.request.id,
        desk.bob,
        "approve",
        request_digest=made.request.request_digest,
        channel="web",
        strength=4,
        evidence=old,
    )
    assert (swapped.accepted, swapped.code) == (False, "weak_channel")
    desk.page.goto(f"{site.url}/approvals/{made.request.id}")
    desk.page.get_by_role("button", name="Approve with your passkey").click()
    expect(desk.page.locator("#status")).to_contain_text("Approved")

    permit = site.guard.resume(pending)
    assert isinstance(permit, Permit)
    assert permit.call.arguments == {"command": "make stage"}
    assert problems(site.guard) == []
