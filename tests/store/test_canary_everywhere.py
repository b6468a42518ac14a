"""Planted secrets come in by every door of real processes, the proxy and the review server, and leave by none: not by
the data folder, logs, pages, REST, messages, exports or proofs. What passes between client and server is theirs."""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.channels.conftest import Received, Receiver, receiver
from tests.cli.conftest import Run, run
from tests.proxy.process import Process, until
from tests.store.test_canary import SECRETS, shapes
from toolguard.config import load
from toolguard.guard import Guard

__all__ = ["receiver", "run"]
LEAKY = Path(__file__).parent / "leaky.py"
COMMAND = [sys.executable, "-m", "toolguard"]
POSTED = json.dumps({"ok": True, "channel": "C1", "ts": "1700000000.000100"}).encode()
# Neither has a known format: one is a variable that a configured server gets, one the value of a configured key.
VARIABLE = "correct-horse-battery-7Q"
COOKIE = "mX0pQ1-not-any-format"
PLANTED = {**SECRETS, "variable": VARIABLE, "cookie": COOKIE}
CONFIGURATION = """
agent: claude
redact: {{keys: [session_cookie]}}
servers:
  leaky: {{command: {python}, args: [{server}, {file}], env: {{LEAKY_TOKEN: {variable}}}}}
policy:
  rules:
    - {{name: safe, match: {{tool: "safe*"}}, effect: allow}}
    - {{name: risky, match: {{tool: "risky*"}}, effect: ask}}
    - {{name: never, match: {{tool: "never*"}}, effect: deny}}
review: {{port: {port}}}
prompts: full
approvals: {{hold: 8s}}
channels:
  hook: {{kind: webhook, url: "{url}", secret: {secret}, allow: ["{place}"]}}
  team: {{kind: teams, url: "{url}", allow: ["{place}"]}}
  chat: {{kind: slack, url: "http://{place}/api/", secret: sssssssssssssssssssssssssssssss, token: xoxb-1, channel: C1}}
audit:
  anchor_every: 10s
  anchors:
    auditor: {{kind: webhook, url: "{url}", secret: {secret}, allow: ["{place}"]}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """A home with everything configured, and the processes on it."""

    home: Path
    port: int
    token: str
    serve: Process
    seen: dict[str, bytes] = field(default_factory=dict)

    @property
    def client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.token}", "sec-fetch-site": "same-origin"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers)


@pytest.fixture
def house(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    receiver.answers += [(200, {"content-type": "application/json"}, POSTED)] * 500
    home, port = tmp_path / "home", free_port()
    home.mkdir(mode=0o700)
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(SECRETS), encoding="utf-8")
    text = CONFIGURATION.format(
        python=sys.executable,
        server=LEAKY,
        file=file,
        variable=VARIABLE,
        port=port,
        url=receiver.url,
        place=receiver.place,
        secret="whsec_" + base64.b64encode(b"k" * 32).decode(),
    )
    (home / "toolguard.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TOOLGUARD_HOME", str(home))
    with Guard.open(load()) as guard:
        token = guard.reviewers.add("bob").token
    with Process([*COMMAND, "serve"], home) as serve:
        assert list(_lines_until(serve, b"serves")), "it came up"
        yield House(home, port, token, serve)


def _lines_until(process: Process, words: bytes) -> Iterator[bytes]:
    while (line := process.line()) is not None:
        yield line
        if words in line:
            return


def places(secret: str) -> dict[str, Any]:
    """Arguments that hold a secret wherever it may stand."""
    return {
        "text": f"use {secret} please",
        "nested": [{"deep": {"list": [1, secret]}}],
        "headers": {"Authorization": f"Bearer {secret}", "X-Key": secret},
        secret: "a key",
        "url": f"https://x.example/?token={quote(secret, safe='')}",
        "login": f"https://me:{quote(secret, safe='')}@x.example/",
        "env": {"API_KEY": secret},
        "command": f"curl -H 'Authorization: Bearer {secret}' https://x.example",
    }


def converse(house: House) -> None:
    """Everything that a client can say through the proxy, with each secret in it."""
    with Process([*COMMAND, "proxy", "--name", "leaky"], house.home) as proxy:
        first = next(iter(SECRETS.values()))
        proxy.ask(
            "initialize", 1, protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": first, "version": first}
        )
        proxy.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        listed = proxy.ask("tools/list", 2)["result"]["tools"]
        assert len(listed) > len(SECRETS)
        pending = []
        for number, (planted, secret) in enumerate({**SECRETS, "variable": VARIABLE}.items()):
            meta = {
                "dev.toolguard/prompt": f"log in with {secret}",
                "dev.toolguard/justification": f"{secret} is needed",
                "progressToken": f"p{number}",
            }
            arguments = (
                {**places(secret), "session_cookie": COOKIE} if planted != "cookie" else {"session_cookie": COOKIE}
            )
            named = f"safe_{number}_{secret}"
            for tool in ("safe_read", "never_do", f"risky_{number}", named):
                params = {"name": tool, "arguments": arguments, "_meta": meta}
                name = f"{number}/{tool[:8]}"
                proxy.send({"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params})
                pending.append(name)
            failing = {"name": "safe_read", "arguments": {**arguments, "fail": 1}, "_meta": meta}
            proxy.send({"jsonrpc": "2.0", "id": f"{number}/f", "method": "tools/call", "params": failing})
            pending.append(f"{number}/f")
            proxy.send(
                f"junk {secret}".replace("\n", " ").encode(),
                b'{"jsonrpc":"2.0","id":"%d/m","method":"tools/call","params":{"name":"a","name":%s}}'
                % (number, json.dumps(secret).encode()),
                {"jsonrpc": "2.0", "id": f"{number}/r", "method": "resources/read", "params": {"uri": f"x://{secret}"}},
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/cancelled",
                    "params": {"requestId": f"{number}/no", "reason": secret},
                },
            )
        decide(house)
        answered: set[str] = set()
        while not set(pending) <= answered:
            answered.add(str(proxy.receive().get("id")))
        proxy.end()
        house.seen["proxy's standard error"] = proxy.errors.encode()


def decide(house: House) -> None:
    """Approve every second request over REST, deny the others."""
    with house.client as client:
        waiting = until(lambda: _waiting(client, len(SECRETS)), "the requests")
        for number, request in enumerate(waiting):
            page = client.get(f"/api/v1/approvals/{request['id']}").json()
            vote = {"vote": "deny" if number % 2 else "approve", "request_digest": page["request_digest"]}
            secret = list(SECRETS.values())[number % len(SECRETS)]
            answer = client.post(
                f"/api/v1/approvals/{request['id']}/votes", json={**vote, "reason": f"use {secret} instead"}
            )
            assert answer.status_code in (200, 201), answer.text


def _waiting(client: httpx.Client, least: int) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = client.get("/api/v1/approvals", params={"limit": 100}).json()["approvals"]
    return found if len(found) >= least else None


def look(house: House) -> None:
    """Every page and every address of REST that shows something."""
    with house.client as client:
        client.headers.pop("authorization")
        assert client.post("/sign-in", data={"token": house.token}).status_code == 303
        client.headers["authorization"] = f"Bearer {house.token}"
        requests = [
            request["id"]
            for state in ("consumed", "denied", "pending")
            for request in client.get("/api/v1/approvals", params={"state": state, "limit": 100}).json()["approvals"]
        ]
        assert len(requests) >= len(SECRETS)
        events = client.get("/api/v1/audit", params={"limit": 1000}).json()
        calls = set(re.findall(r"ca_[0-9a-f]+", json.dumps(events)))
        addresses = [
            "/", "/finished", "/audit", "/audit?kind=call.decided", "/api/v1/audit?limit=1000",
            "/api/v1/audit?q=leaky", "/api/v1/audit/checkpoint", "/api/v1/grants",
            *(f"/approvals/{one}" for one in requests), *(f"/approvals/{one}/arguments.json" for one in requests),
            *(f"/api/v1/approvals/{one}" for one in requests), *(f"/audit/calls/{one}" for one in calls),
        ]  # fmt: skip
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.text)
            house.seen[address] = answer.content


def export(house: House, run: Run, tmp_path: Path) -> None:
    """Everything that the command line writes."""
    words: list[tuple[str, ...]] = [("audit", "export", "--format", form) for form in ("jsonl", "csv", "ocsf", "cef")]
    words += [("audit", "export", "--format", "otlp", "--arguments"), ("audit", "list", "--limit", "9999"),
              ("audit", "list", "--json", "--limit", "9999"), ("audit", "search", "leaky", "--json"),
              ("audit", "receipts"), ("audit", "checkpoint"), ("audit", "verify", "--json"),
              ("approvals", "list", "--state", "all", "--json"), ("definitions", "list")]  # fmt: skip
    for command in words:
        ran = run(*command)
        assert ran.status == 0, (command, ran.err)
        house.seen[" ".join(command)] = ran.out.encode() + ran.err.encode()
    copy = tmp_path / "copy.db"
    assert run("audit", "copy", str(copy)).status == 0
    house.seen["audit copy"] = copy.read_bytes()
    events = json.loads(house.seen["audit list --json --limit 9999"])
    for event in events[:: max(1, len(events) // 20)]:
        house.seen[f"audit prove {event['seq']}"] = run("audit", "prove", str(event["seq"])).out.encode()


def folder(home: Path) -> dict[str, bytes]:
    """The files, but the configuration, which holds what its owner wrote into it."""
    files = [file for file in home.rglob("*") if file.is_file() and file.name != "toolguard.yaml"]
    assert {"toolguard.db", "search.db", "audit-checkpoint.txt"} <= {file.name for file in files}
    return {str(file.relative_to(home)): str(file).encode() + file.read_bytes() for file in files}


def drained(receiver: Receiver) -> list[Received]:
    found = []
    while not receiver.arrived.empty():
        found.append(receiver.arrived.get())
    return found


def leaks(seen: dict[str, bytes]) -> list[tuple[str, str]]:
    return sorted(
        {
            (where, name)
            for name, secret in PLANTED.items()
            for shape in shapes(secret)
            for where, content in seen.items()
            if shape in content
        }
    )


@pytest.mark.guarantee("redact:nothing-stored")
def test_no_secret_leaves_the_proxy_or_the_review_server(
    house: House, receiver: Receiver, tmp_path: Path, run: Run
) -> None:
    converse(house)
    look(house)
    house.seen |= {f"while running: {name}": content for name, content in folder(house.home).items()}
    messages = until(lambda: receiver.arrived.qsize() >= 4 * len(SECRETS) and drained(receiver), "messages")
    export(house, run, tmp_path)
    house.serve.popen.terminate()
    house.seen["serve's output"] = b"\n".join(house.serve.rest())
    house.serve.end()
    house.seen["serve's standard error"] = house.serve.errors.encode()
    house.seen |= folder(house.home)
    for number, message in enumerate([*messages, *drained(receiver)]):
        house.seen[f"message {number} to {message.path}"] = message.body + repr(message.headers).encode()

    assert {message.path for message in messages} >= {"/hook", "/api/chat.postMessage"}
    assert b"risky_0" in house.seen["toolguard.db"], "the files were really read"

    assert leaks(house.seen) == []
