"""The process behind the hooks: it leaves when it should, is followed when it is gone, and what fails blocks."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hooks.conftest import SESSION, Client, keepers
from toolguard.hooks import send
from toolguard.store.proving import verify_file


@contextlib.contextmanager
def watched(process: int) -> Iterator[Callable[[], bool]]:
    """A claim that waits for the end of a process."""
    end = os.pidfd_open(process)
    try:
        yield lambda: bool(select.select([end], [], [], 60)[0])
    finally:
        os.close(end)


def kill(process: int) -> None:
    """Until it is dead."""
    with watched(process) as has_ended:
        os.kill(process, signal.SIGKILL)
        assert has_ended()


def test_a_keeper_whose_home_was_taken_away_leaves(client: Client) -> None:
    assert client.tool("Bash", command="ls").status == 0
    (keeper,) = keepers(client.home)

    with watched(keeper) as has_ended:
        shutil.rmtree(client.home)
        assert has_ended(), "it still waits for events that cannot come"
    assert not client.home.exists()


REPEATS = [pytest.param(4), pytest.param(100, marks=pytest.mark.soak)]


@pytest.mark.parametrize("repeats", REPEATS)
def test_a_keeper_that_leaves_late_takes_nothing_away_from_its_successor(client: Client, repeats: int) -> None:
    for _ in range(repeats):
        assert client.tool("Bash", command="ls").status == 0
        (before,) = keepers(client.home)
        with watched(before) as has_ended:
            shutil.rmtree(client.home)
            assert client.tool("Bash", command="rm -rf ~/").decision == "deny"
            addresses = {path: path.stat().st_ino for path in client.home.glob("hook-*")}
            assert has_ended()

        assert {path: path.stat().st_ino for path in client.home.glob("hook-*")} == addresses
        assert client.tool("Bash", command="rm -rf ~/").decision == "deny"
        assert len(keepers(client.home)) == 1


@pytest.mark.parametrize("repeats", REPEATS)
def test_a_keeper_that_is_killed_is_followed_by_another(client: Client, repeats: int) -> None:
    for _ in range(repeats):
        assert client.tool("Bash", command="ls").status == 0
        for keeper in keepers(client.home):
            os.kill(keeper, signal.SIGKILL)  # the next event may still reach it, dying

        assert client.tool("Bash", command="rm -rf ~/").decision == "deny"
    assert verify_file(client.home / "toolguard.db").problems == []


@pytest.mark.parametrize("repeats", REPEATS)
def test_events_that_come_while_a_session_ends_are_answered_all_the_same(client: Client, repeats: int) -> None:
    with ThreadPoolExecutor(4) as clients:
        for _ in range(repeats):
            over = clients.submit(client.event, "SessionEnd", reason="clear")
            calls = [clients.submit(client.tool, "Bash", command="rm -rf ~/") for _ in range(3)]

            assert over.result().status == 0
            assert [call.result().decision for call in calls] == ["deny"] * 3
    assert verify_file(client.home / "toolguard.db").problems == []


def test_a_keeper_whose_session_is_over_leaves_nothing_behind(client: Client) -> None:
    assert client.tool("Bash", command="ls").status == 0
    (keeper,) = keepers(client.home)

    with watched(keeper) as has_ended:
        client.event("SessionEnd", reason="exit")
        assert has_ended()
    assert list(client.home.glob("hook-*")) == []


def test_a_call_whose_keeper_is_killed_while_people_think_is_never_let_through(client: Client) -> None:
    (client.home / "toolguard.yaml").write_text("approvals: {hold: 3s}\n", encoding="utf-8")
    with ThreadPoolExecutor(1) as clients:
        waiting = clients.submit(client.tool, "Bash", command="rm -rf ~/old")
        deadline = time.monotonic() + 60
        while not any(event["kind"] == "approval.requested" for event in logged(client)):
            assert time.monotonic() < deadline
        for keeper in keepers(client.home):
            kill(keeper)

        ran = waiting.result()
    assert ran.decision == "deny" or ran.status == send.BLOCKED, ran
    assert [event["kind"] for event in logged(client)].count("approval.requested") == 1


def logged(client: Client) -> list[dict[str, object]]:
    return client.log() if (client.home / "toolguard.db").exists() else []


# -- what fails blocks, and says why -----------------------------------------------------------------------------------


def a_keeper_that_cannot_write(client: Client) -> Client:
    """The disk becomes full under a keeper that is at work."""
    assert client.tool("Bash", command="ls").status == 0
    (keeper,) = keepers(client.home)
    resource.prlimit(keeper, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
    return client


def a_keeper_that_hangs(client: Client) -> Client:
    assert client.tool("Bash", "--within", "-43", command="ls").status == 0
    (keeper,) = keepers(client.home)
    os.kill(keeper, signal.SIGSTOP)
    return client


def elsewhere(client: Client, home: Path) -> Client:
    return Client(home, client.work)


def bad_configuration(client: Client) -> Client:
    (client.home / "toolguard.yaml").write_text("polcy: {}\n", encoding="utf-8")
    return client


def configuration_that_breaks_later(client: Client) -> Client:
    assert client.tool("Bash", command="ls").status == 0
    return bad_configuration(client)


def no_database(client: Client) -> Client:
    (client.home / "toolguard.db").write_bytes(b"no database at all, but as long as the head of one " * 100)
    return client


FAILURES: dict[str, tuple[Callable[[Client], Client], str]] = {
    "the home is a file": (lambda client: elsewhere(client, client.home / "toolguard.yaml"), "Not a directory"),
    "the home cannot be written": (lambda client: elsewhere(client, Path("/proc")), "`/proc` cannot be used"),
    "the home cannot be made": (lambda client: elsewhere(client, Path("/proc/x/y")), "cannot be used"),
    "the home's name is too long": (lambda client: elsewhere(client, client.home / ("x" * 120)), "too long a name"),
    "the configuration is wrong": (bad_configuration, "`polcy`: unknown key"),
    "the configuration becomes wrong": (configuration_that_breaks_later, "`polcy`: unknown key"),
    "the database is none": (no_database, "database"),
    "the disk is full": (a_keeper_that_cannot_write, "log"),
    "the keeper hangs": (a_keeper_that_hangs, "did not answer in time"),
}


@pytest.mark.guarantee("hook:what-fails-is-blocked")
@pytest.mark.parametrize("failure", FAILURES)
def test_what_fails_blocks_the_call_and_says_why(client: Client, failure: str) -> None:
    arrange, reason = FAILURES[failure]
    broken = arrange(client)
    options = ("--within", "-43") if failure == "the keeper hangs" else ()

    ran = broken.tool("Bash", *options, command="ls")

    assert (ran.status, ran.out) == (2, "") or ran.decision == "deny"
    assert reason in ran.err + ran.out
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) <= 1
    for keeper in keepers(client.home):
        kill(keeper)


@pytest.mark.guarantee("hook:what-fails-is-blocked")
def test_an_event_beyond_the_limit_is_blocked_with_a_reason(client: Client) -> None:
    ran = client.send(b" " * (send.MOST_BYTES + 1))

    assert (ran.status, ran.out) == (2, "")
    assert "too large" in ran.err


@pytest.mark.guarantee("hook:what-fails-is-blocked")
def test_an_answer_that_nobody_can_read_does_not_count_as_one(client: Client) -> None:
    event = {"session_id": SESSION, "hook_event_name": "PreToolUse", "tool_name": "Bash"}
    raw = json.dumps({**event, "tool_input": {"command": "rm -rf ~/"}}).encode()
    words = [sys.executable, "-I", "-S", send.__file__, "claude-code", "--home", str(client.home)]
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(words, input=raw, stdout=full, stderr=subprocess.PIPE, timeout=60)

    assert ran.returncode == 2
