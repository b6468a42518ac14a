"""The doctor's client against real servers and programs that are none."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from toolguard.clients.probe import MODERN, Listing, list_tools
from toolguard.errors import UpstreamError

MODERN_SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        answer = {"error": {"code": -32022, "message": "unsupported protocol version"}}
    elif "io.modelcontextprotocol/protocolVersion" not in message["params"]["_meta"]:
        answer = {"error": {"code": -32600, "message": "no version"}}
    elif message["method"] == "server/discover":
        answer = {"result": {"resultType": "complete", "serverInfo": {"name": "modern"}, "capabilities": {}}}
    elif message["params"].get("cursor") is None:
        answer = {"result": {"resultType": "complete", "tools": [{"name": "one"}], "nextCursor": "2"}}
    else:
        answer = {"result": {"resultType": "complete", "tools": [{"name": "two"}]}}
    print("noise on standard output")
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


def ask(*argv: str, within: float = 30.0) -> Listing:
    return list_tools(argv, os.environ, None, within)


def test_a_real_server_of_the_older_era_lists_its_tools() -> None:
    listing = ask(sys.executable, "-m", "mcp_server_time")

    assert set(listing.tools) == {"get_current_time", "convert_time"}


def test_a_server_that_knows_only_the_newer_era_is_asked_in_it_and_every_page_is_read() -> None:
    assert ask(sys.executable, "-c", MODERN_SERVER) == Listing(MODERN, "modern", ("one", "two"))


ONLY_ERRORS = """
import json, sys
for line in sys.stdin:
    error = {"code": -32600, "message": "not today"}
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "error": error}), flush=True)
"""
NO_SERVERS = [
    ("a program that is not there", ["/no/such/program"], "cannot be started"),
    ("one that ends at once", ["true"], "ended before it answered"),
    ("one that says why it ends", ["sh", "-c", "echo 'no licence' >&2; exit 3"], "no licence"),
    ("one that never answers", ["sh", "-c", "exec sleep 600"], "no answer in time"),
    ("one that answers with errors", [sys.executable, "-c", ONLY_ERRORS], "not today"),
    ("an answer that is no object", ["sh", "-c", """echo '{"id": 1, "result": 7}'; exec cat"""], "is no object"),
]


@pytest.mark.parametrize(("argv", "what"), [pytest.param(argv, what, id=name) for name, argv, what in NO_SERVERS])
def test_what_is_no_server_is_said_in_words(argv: list[str], what: str) -> None:
    with pytest.raises(UpstreamError, match=what):
        ask(*argv, within=1.0 if "sleep" in argv[-1] else 30.0)


def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    left = tmp_path / "pid"

    with pytest.raises(UpstreamError):
        ask("sh", "-c", f"sleep 600 & echo $! > '{left}'; wait", within=1.0)

    assert has_ended(int(left.read_text(encoding="ascii")))


def has_ended(pid: int) -> bool:
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10.0)[0])  # readable once the process is over
    finally:
        os.close(watched)
