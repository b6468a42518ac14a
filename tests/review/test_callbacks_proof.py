"""What a signed callback proves: checked at the vote, at the claim, and offline in the log."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.review.conftest import Site, running
from tests.review.test_callbacks import PRIVATE, PUBLIC, body, send
from tests.review.test_passkeys import of_kind, problems, rewrite, run
from toolguard.config import Config
from toolguard.config_channels import ReviewerSettings
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.proof.webhook_signature import signed_content, written_v1a
from toolguard.guard import Guard, Pending, Refusal
from toolguard.store import audit

SIGNED = 3
RULE = Rule("signed", Effect.ASK, Match(tool=("run_*",)), terms=Terms(strength=SIGNED))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER_PUBLIC = "whpk_" + base64.b64encode(OTHER.public_key().public_bytes_raw()).decode()


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Site]:
    people = (ReviewerSettings("ann", keys=(PUBLIC,)), ReviewerSettings("eve", keys=(OTHER_PUBLIC,)))
    with Guard(Config(home=tmp_path / "home", policy=Policy(rules=(RULE,)), reviewers=people)) as guard:
        yield from running(guard)


def approved(site: Site, webhook_id: str = "msg_1", **arguments: Any) -> Pending:
    pending = site.ask(**arguments)
    assert send(site, body(site, pending), webhook_id).status_code == 201
    return pending


def message(content: dict[str, Any] | bytes, **changes: Any) -> dict[str, Any]:
    """What a vote keeps of a message that ann's key signed."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {
        "scheme": "v1a",
        "key": PUBLIC,
        "webhook_id": "msg_9",
        "timestamp": 1_795_000_000,
        "signature": written_v1a(PRIVATE.sign(signed_content("msg_9", 1_795_000_000, raw))),
        "body": raw.decode(),
        **changes,
    }


def test_a_signed_approval_runs_and_the_log_proves_it(called: Site) -> None:
    pending = approved(called)

    run(called, pending)

    assert called.view(pending).state == "consumed"
    assert problems(called.guard) == []
    (cast,) = audit.read(called.guard.store, kind="vote.cast")
    assert cast["body"]["evidence"]["key"] == PUBLIC


def nothing(good: dict[str, Any]) -> Any:
    return None


@pytest.mark.parametrize(
    "evidence",
    [
        nothing,
        lambda good: message({**good, "vote": "deny"}),
        lambda good: message({**good, "id": "ap_another"}),
        lambda good: message({**good, "request_digest": "0" * 64}),
        lambda good: message(b"[]"),
        lambda good: message(b"{"),
        lambda good: message(good, key=OTHER_PUBLIC),
        lambda good: message(good, key="whpk_"),
        lambda good: message(good, scheme="v1"),
        lambda good: message(good, timestamp=1_795_000_001),
        lambda good: message(good, timestamp=True),
        lambda good: message(good, webhook_id="msg_8"),
        lambda good: message(good, signature="v1a,AAAA"),
        lambda good: message(good, signature=""),
        lambda good: message(good, body=json.dumps(good) + " "),
    ],
)
def test_nobody_votes_at_this_strength_without_a_message_that_says_so(
    called: Site, evidence: Callable[[dict[str, Any]], Any]
) -> None:
    pending = called.ask()
    ann = called.guard.reviewers.by_name("ann")
    assert ann is not None
    good = body(called, pending)

    def vote(given: Any) -> str:
        return called.guard.approvals.vote(
            pending.request_id,
            ann,
            "approve",
            request_digest=good["request_digest"],
            channel="webhook",
            strength=SIGNED,
            evidence=given,
        ).code

    assert vote(evidence(good)) == "weak_channel"
    assert called.view(pending).state == "pending"
    assert vote(message(good)) == "accepted"


EDITS = {
    "evidence gone": "UPDATE vote SET evidence = NULL",
    "a vote without a signature": "UPDATE vote SET evidence = NULL, strength = 2",
    "called a passkey's": "UPDATE vote SET strength = 4",
    "another body": """UPDATE vote SET evidence = replace(evidence, '\\"vote\\"', ' \\"vote\\"')""",
    "another time": "UPDATE vote SET evidence = replace(evidence, '\"timestamp\":1', '\"timestamp\":2')",
    "another voter": "UPDATE vote SET reviewer_id = (SELECT reviewer_id FROM reviewer WHERE name = 'eve')",
    "the key is another's": "UPDATE identity SET reviewer_id = 'rv_0' WHERE kind = 'v1a' AND subject = ?",
    "a grant beside it": 'UPDATE vote SET grant_terms = \'{"predicate":null,"uses":null,"expiry":null}\'',
    "a weaker demand": "UPDATE approval_request SET requirement = replace(requirement, 'strength\":3', 'strength\":0')",
}


@pytest.mark.guarantee("vote:signature-proves")
@pytest.mark.parametrize("edit", EDITS)
def test_an_approval_in_an_edited_database_is_not_claimed(called: Site, edit: str) -> None:
    pending = approved(called)
    connection = sqlite3.connect(called.guard.config.database)
    connection.execute("PRAGMA foreign_keys=OFF")
    values = (PUBLIC,) if "?" in EDITS[edit] else ()
    assert connection.execute(EDITS[edit], values).rowcount == 1
    connection.commit()
    connection.close()

    assert isinstance(called.guard.resume(pending), Refusal)


def test_a_message_moved_from_another_request_proves_nothing_at_the_claim(called: Site) -> None:
    first, second = approved(called, "msg_1", command="make one"), approved(called, "msg_2", command="make two")
    connection = sqlite3.connect(called.guard.config.database)
    connection.execute(
        "UPDATE vote SET evidence = (SELECT evidence FROM vote WHERE request_id = ?) WHERE request_id = ?",
        (first.request_id, second.request_id),
    )
    connection.commit()
    connection.close()

    assert isinstance(called.guard.resume(second), Refusal)
    run(called, first)


def test_a_key_that_left_the_file_takes_unused_approvals_along(called: Site) -> None:
    pending = approved(called)

    assert called.guard.reviewers.declare(ReviewerSettings("ann")) is True

    assert isinstance(called.guard.resume(pending), Refusal)
    assert problems(called.guard) == []
    ended = [e["body"]["public_key"] for e in audit.read(called.guard.store, kind="credential.ended")]
    assert ended == [PUBLIC]


def test_a_key_in_a_variable_is_kept_as_the_key_itself(called: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANN_KEY", PUBLIC)
    declared = ReviewerSettings("ann", keys=("env:ANN_KEY",))

    assert called.guard.reviewers.declare(declared) is False
    assert called.guard.reviewers.declare(replace(declared, keys=())) is True


@pytest.mark.parametrize(
    "edit",
    [
        "INSERT INTO identity SELECT 'v1a', 'whpk_forged', reviewer_id FROM reviewer WHERE name = 'ann'",
        "UPDATE identity SET reviewer_id = (SELECT reviewer_id FROM reviewer WHERE name = 'ann') WHERE kind = 'v1a'",
    ],
)
def test_a_key_put_into_the_tables_by_hand_is_found(called: Site, edit: str) -> None:
    assert problems(called.guard) == []
    connection = sqlite3.connect(called.guard.config.database)
    connection.execute(edit)
    connection.commit()
    connection.close()

    assert any("is not one that the log enrolled for them" in problem for problem in problems(called.guard))


def forge_signature(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["evidence"]["signature"] = written_v1a(b"x" * 64)


def forge_body(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["evidence"]["body"] += " "


def say_deny(bodies: list[dict[str, Any]]) -> None:
    said = json.loads(of_kind(bodies, "vote.cast")["evidence"]["body"])
    of_kind(bodies, "vote.cast")["evidence"] = message({**said, "vote": "deny"})


def name_another_request(bodies: list[dict[str, Any]]) -> None:
    said = json.loads(of_kind(bodies, "vote.cast")["evidence"]["body"])
    of_kind(bodies, "vote.cast")["evidence"] = message({**said, "id": "ap_another"})


def drop_evidence(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["evidence"] = None


def lower_strength(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast").update(evidence=None, strength=2)


def give_to_another(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "vote.cast")["#"]["reviewer"] = "eve"


def never_enrolled(bodies: list[dict[str, Any]]) -> None:
    of_kind(bodies, "credential.added", public_key=PUBLIC)["public_key"] = "whpk_"


def ended_before(bodies: list[dict[str, Any]]) -> None:
    last = [b for b in bodies if b["#"]["kind"] == "call.decided"][-1]
    last["#"].update(kind="reviewer.removed", reviewer="ann", call_id=None, effect=None)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda bodies: None, ""),
        (forge_signature, "its signature is wrong"),
        (forge_body, "its signature is wrong"),
        (say_deny, "it does not approve"),
        (name_another_request, "answers for another request"),
        (drop_evidence, "there is no message under one"),
        (lower_strength, "without the signature that its request demands"),
        (give_to_another, "had not enrolled it"),
        (never_enrolled, "had not enrolled it"),
        (ended_before, "had not enrolled it"),
    ],
)
@pytest.mark.guarantee("vote:signature-proves")
def test_the_verifier_asks_for_the_message_of_each_signed_vote_also_when_every_hash_was_made_anew(
    called: Site, change: Callable[[list[dict[str, Any]]], None], found: str
) -> None:
    approved(called)

    told = rewrite(called.guard, change)

    assert bool(told) == bool(found)
    assert any(found in problem for problem in told) or not found
