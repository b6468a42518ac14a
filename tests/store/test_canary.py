"""No planted secret stands anywhere: not in the data folder, the log, the index, pages, messages or exports."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from tests.guard.conftest import PRINCIPAL
from tests.made_up import example, jwt, private_key
from tests.store.scenes import opened
from toolguard.core.model import Json, Outcome, OutcomeKind, ToolCall
from toolguard.core.secrets.formats import FORMATS
from toolguard.guard import Guard, Pending, Permit
from toolguard.review.application import application
from toolguard.store import audit
from toolguard.store.exporting import FORMATS as EXPORTS
from toolguard.store.exporting import export
from toolguard.store.proofs import prove
from toolguard.store.search import search

SECRETS = {
    **{one.id: example(one, seed=7) for one in FORMATS[:: max(1, len(FORMATS) // 12)]},
    "jwt": jwt(7),
    "private-key": private_key(7),
}


def places(secret: str) -> dict[str, Json]:
    """Arguments that hold the secret wherever it may stand."""
    return {
        "text": f"use {secret} please",
        "nested": [{"deep": {"list": [1, secret]}}],
        "headers": {"Authorization": f"Bearer {secret}"},
        secret[:64].replace("\n", " "): "a key",
        "url": f"https://x.example/?token={quote(secret, safe='')}",
    }


def live(guard: Guard, secret: str) -> None:
    """The secret comes in by every door."""
    reviewer = guard.reviewers.by_token(guard.reviewers.add(f"bob{len(guard.reviewers.list())}").token)
    assert reviewer is not None
    guard.asked(PRINCIPAL, f"log in with {secret}")
    for tool in ("read_file", "never_this", "risky_delete"):
        call = ToolCall(
            "files", tool, places(secret), PRINCIPAL, prompt=f"with {secret}", justification=f"{secret} is needed"
        )
        answer = guard.begin(call)
        if isinstance(answer, Pending):
            view = guard.approvals.show(answer.request_id)
            assert view is not None
            guard.approvals.vote(
                view.id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2
            )
            answer = guard.resume(answer)
        if isinstance(answer, Permit):
            guard.dispatch(answer)
            guard.finish(answer, Outcome(OutcomeKind.FAILED, f"found {secret}", 40, f"bad token {secret}", 1.0))
    guard.record("message.refused", {"why": f"not JSON: {secret}"})


def shapes(secret: str) -> list[bytes]:
    """The secret as it is and as JSON, URLs and base 64 write it."""
    return [
        one.encode()
        for one in {
            secret,
            json.dumps(secret)[1:-1],
            quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode(),
        }
    ]


@pytest.mark.guarantee("redact:nothing-stored")
def test_no_planted_secret_is_found_anywhere(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with opened(home) as guard:
        for secret in SECRETS.values():
            live(guard, secret)
        seen = _everything(guard)
        seen["data folder, open"] = _folder(home)
    seen["data folder, closed"] = _folder(home)
    seen["standard output and error"] = "".join(capfd.readouterr()).encode()

    found = [
        (where, name) for where, content in seen.items() for name, secret in SECRETS.items()
        for shape in shapes(secret) if shape in content
    ]  # fmt: skip
    assert found == []
    assert b"risky_delete" in seen["data folder, closed"], "the folder was really read"


def _folder(home: Path) -> bytes:
    return b"\n".join(file.name.encode() + file.read_bytes() for file in home.rglob("*") if file.is_file())


def _everything(guard: Guard) -> dict[str, bytes]:
    """What leaves the guard, by where it goes."""
    guard.store.flush()
    search(guard.store, "risky_delete")
    head = audit.head(guard.store)[0]
    seen = {form: b"".join(export(guard.store, form, "1", arguments=True)) for form in EXPORTS}
    seen["proofs"] = json.dumps([prove(guard.store, guard.checkpoints, seq) for seq in range(1, head + 1)]).encode()
    seen["messages"] = json.dumps([view.as_json() for _, _, view in guard.approvals.feed(0)], default=str).encode()
    token = guard.reviewers.add("alice").token
    client = TestClient(application(guard), base_url=guard.config.review.url)
    client.headers["authorization"] = f"Bearer {token}"
    views = guard.approvals.list(None, limit=1_000)
    paths = [
        "/api/v1/audit?limit=1000",
        "/api/v1/approvals?state=consumed",
        *(f"/api/v1/approvals/{v.id}" for v in views),
    ]
    answers = [client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    seen["REST"] = b"\n".join(answer.content for answer in answers)
    return seen
