"""The signed callback: a vote by whoever holds a reviewer's key, once, and by nobody else."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.review.conftest import RULES, Site, running
from toolguard.config import Config
from toolguard.config_channels import ReviewerSettings
from toolguard.core.policy.policy import Policy
from toolguard.core.proof.webhook_signature import sign_v1, signed_content, written_v1a
from toolguard.guard import Guard, Pending
from toolguard.store import audit

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = "whpk_" + base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Site]:
    people = (ReviewerSettings("ann", ("ops",), keys=(PUBLIC,)), ReviewerSettings("carl"))
    with Guard(Config(home=tmp_path / "home", policy=Policy(rules=RULES), reviewers=people)) as guard:
        yield from running(guard)


def body(site: Site, pending: Pending, **changes: Any) -> dict[str, Any]:
    digest = site.view(pending).request_digest
    return {"id": pending.request_id, "vote": "approve", "request_digest": digest, **changes}


def send(site: Site, content: dict[str, Any] | bytes, webhook_id: str = "msg_1", **changes: str) -> httpx.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    now = int(time.time())  # noqa: TID251 - the sender's clock
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": written_v1a(PRIVATE.sign(signed_content(webhook_id, now, raw))),
        "content-type": "application/json",
        **changes,
    }
    return httpx.post(f"{site.url}/webhooks/approvals", content=raw, headers=headers)


def test_a_signed_vote_counts_for_the_holder_of_the_key_with_its_proof_kept(called: Site) -> None:
    pending = called.ask()

    answer = send(called, body(called, pending, reason="looked", reviewer="ann"))

    assert answer.status_code == 201
    (vote,) = called.view(pending).votes
    assert (vote["reviewer"], vote["channel"], vote["strength"]) == ("ann", "webhook", 3)
    (cast,) = audit.read(called.guard.store, kind="vote.cast")
    assert "signature" in cast["body"]["evidence"]


def test_a_message_counts_once(called: Site) -> None:
    first, second = called.ask(command="make one"), called.ask(command="make two")

    assert send(called, body(called, first)).status_code == 201
    again = send(called, body(called, second))

    assert (again.status_code, again.json()["code"]) == (409, "replayed")
    assert called.view(second).state == "pending"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"vote": "maybe"}, 422),
        ({"vote": None}, 422),
        ({"id": 7}, 422),
        ({"request_digest": None}, 422),
        ({"reviewer": "carl"}, 422),
        ({"reason": ["x"]}, 422),
        ({"admin": True}, 422),
        ({"id": "ap_unknown"}, 404),
        ({"request_digest": "0" * 64}, 409),
    ],
)
def test_a_body_that_says_anything_else_is_refused(called: Site, changes: dict[str, Any], status: int) -> None:
    pending = called.ask()

    answer = send(called, body(called, pending, **changes))

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert called.view(pending).state == "pending"


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1a," + base64.b64encode(b"x" * 64).decode()},
        {"webhook-signature": ""},
        {"webhook-timestamp": "1614265330"},
        {"webhook-timestamp": "soon"},
        {"webhook-id": "another"},
        {"webhook-signature": sign_v1(b"s" * 24, b"anything")},
    ],
)
def test_an_unsigned_message_is_refused_and_noted(called: Site, headers: dict[str, str]) -> None:
    pending = called.ask()

    answer = send(called, body(called, pending), **headers)

    assert answer.status_code == 401
    assert called.view(pending).state == "pending"
    assert audit.read(called.guard.store, kind="vote.refused")


@pytest.mark.parametrize("raw", [b"", b"{", b'{"id": 1, "id": 2}', b"[]", b"\xff\xfe", b'{"a": NaN}', b"[" * 99])
def test_a_signed_body_that_cannot_be_read_is_refused(called: Site, raw: bytes) -> None:
    assert send(called, raw).status_code in (400, 422)


def test_a_declared_reviewer_is_enrolled_once_and_keeps_the_groups_of_the_file(called: Site) -> None:
    ann = called.guard.reviewers.by_name("ann")
    assert ann is not None
    assert ann.groups == ("ops",)

    assert called.guard.reviewers.declare(ReviewerSettings("ann", ("ops",), keys=(PUBLIC,))) is False
    assert called.guard.reviewers.declare(replace(ReviewerSettings("ann"), groups=("dba",))) is True
    changed = called.guard.reviewers.by_name("ann")
    assert changed is not None
    assert changed.groups == ("dba",)
