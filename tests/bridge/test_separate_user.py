"""Level L2: toolguard under a user of its own. What an agent's user cannot do, tried by that user with real programs.

Each attack is also tried by toolguard's own user, where it succeeds: one that could never work would prove nothing.
Only root can start programs of other users; elsewhere these tests are left out, which the summary says.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.conftest import SECRET, House, made
from tests.bridge.users import AGENT, GUARD, STRANGER
from tests.proxy.process import Process, effects, until

pytestmark = pytest.mark.other_users

# Each is a program with the house's folder and the process ids of proxy, server and `listen` as arguments.
ATTACKS = {
    "list the home": "os.listdir(home)",
    "read the database": "open(home + '/toolguard.db', 'rb').read(1)",
    "read the write-ahead log": "open(home + '/toolguard.db-wal', 'rb').close()",
    "write the database": "open(home + '/toolguard.db', 'r+b').close()",
    "read the keys": "[open(key, 'rb').read(1) for key in os.scandir(home + '/keys')]",
    "read the policy and the servers' credentials": "open(home + '/toolguard.yaml').read()",
    "put another policy there": "open(home + '/toolguard.yaml', 'a').close()",
    "put a file beside it": "open(home + '/new', 'w').close()",
    "take the socket's place": "os.rename(run + '/agent.sock', run + '/other.sock')",
    "read what the server wrote": "os.listdir(home + '/../journal')",
    "signal the proxy": "os.kill(proxy, 0)",
    "signal the server": "os.kill(server, 0)",
    "signal the listener": "os.kill(listener, 0)",
    "read the proxy's environment": "open(f'/proc/{proxy}/environ', 'rb').read()",
    "read the server's environment": "open(f'/proc/{server}/environ', 'rb').read()",
    "read the proxy's memory": "open(f'/proc/{proxy}/mem', 'rb').close()",
    "reach the server's standard streams": "os.listdir(f'/proc/{server}/fd')",
    "look into the server's working directory": "os.listdir(f'/proc/{server}/cwd/')",
    "read the log by the command line": "toolguard('audit', 'list')",
    "verify, and so open, the log": "toolguard('audit', 'verify')",
    "list requests": "toolguard('approvals', 'list')",
    "list reviewers": "toolguard('reviewers', 'list')",
    "enrol a reviewer": "toolguard('reviewers', 'add', 'mallory')",
    "list grants": "toolguard('grants', 'list')",
}
PROGRAM = """
import os, subprocess, sys
folder, (proxy, server, listener) = sys.argv[1], map(int, sys.argv[2:5])
home, run = folder + '/home', folder + '/run'
def toolguard(*words):
    if subprocess.run([sys.executable, '-m', 'toolguard', *words], stdin=subprocess.DEVNULL).returncode:
        raise PermissionError('toolguard refused')
{attack}
"""


def running(house: House) -> list[str]:
    """Process ids of the proxy, the server behind it, and `listen`."""
    found: dict[str, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if str(house.journal) in words:
            found["server"] = process.name
        elif str(house.home) in words and "proxy" in words:
            found["proxy"] = process.name
        elif str(house.socket) in words and "listen" in words and process.stat().st_uid == GUARD:
            found["listener"] = process.name
    return [found["proxy"], found["server"], found["listener"]]


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[House, list[str]]]:
    """One house for all attacks; a session is open and a request waits."""
    for house in made(apart=True):
        with house.listening(AGENT), house.client(AGENT) as client:
            client.start_session().call("risky_append", 1, what="x")
            assert client.receive()["result"]["isError"]
            yield house, running(house)


@pytest.mark.guarantee("separate-user:out-of-reach")
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_toolguards_user_can_do_the_agents_user_cannot(scene: tuple[House, list[str]], attack: str) -> None:
    house, processes = scene
    program = PROGRAM.format(attack=ATTACKS[attack])
    words = [sys.executable, "-c", program, str(house.folder), *processes]

    by_agent = house.run(AGENT, *words)
    by_guard = house.run(GUARD, *words)

    assert by_agent.returncode != 0
    assert SECRET not in by_agent.stdout + by_agent.stderr
    assert any(word in by_agent.stderr for word in ("Permission", "Operation not permitted", "refused"))
    assert by_guard.returncode == 0, by_guard.stderr
    if "rename" in ATTACKS[attack]:
        (house.folder / "run" / "other.sock").rename(house.socket)


def post(address: str, body: dict[str, Any], token: str = "") -> int:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.guarantee("separate-user:out-of-reach")
def test_the_agents_calls_pass_and_pause_and_only_a_reviewer_lets_them_on(apart: House, agent: Process) -> None:
    agent.call("safe_echo", 1, text="hello")
    passed = agent.receive()
    agent.call("risky_append", 2, what="once")
    paused = agent.receive()
    token = json.loads(apart.toolguard(GUARD, "reviewers", "add", "bob", "--json").stdout)["token"]
    (request,) = json.loads(apart.toolguard(GUARD, "approvals", "list", "--json").stdout)
    body = {"vote": "approve", "request_digest": request["request_digest"]}

    with apart.serving() as page:
        votes = f"{page}/api/v1/approvals/{request['id']}/votes"
        by_nobody = post(votes, body)
        by_guess = post(votes, body, token[:-4] + "aaaa")
        by_command = apart.toolguard(AGENT, "approvals", "approve", request["id"], TOOLGUARD_REVIEWER_TOKEN=token[:-4])
        assert effects(apart.journal) == []
        by_reviewer = post(votes, body, token)

    assert "hello" in json.dumps(passed)
    assert paused["result"]["isError"]
    assert request["id"] in json.dumps(paused)
    assert (by_nobody, by_guess, by_reviewer) == (401, 401, 201)
    assert by_command.returncode != 0
    agent.call("risky_append", 3, what="once")
    assert not agent.receive()["result"].get("isError")
    assert effects(apart.journal) == ["once"]
    decided = [event for event in apart.events() if event["kind"] == "call.decided"]
    assert {(event["person"], event["server"]) for event in decided} == {(f"uid-{AGENT}", "files")}


def test_the_servers_credentials_reach_the_server_and_only_it(apart: House, agent: Process) -> None:
    agent.call("safe_env", 1)
    environment = json.loads(agent.receive()["result"]["content"][0]["text"])

    assert environment["TOKEN"] == SECRET
    assert not [name for name in environment if name.startswith("TOOLGUARD_")]


@pytest.mark.guarantee("separate-user:out-of-reach")
def test_a_clients_own_tools_are_judged_out_of_the_agents_reach(apart: House) -> None:
    harmless = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "t1"}
    harmful = {"tool_name": "Bash", "tool_input": {"command": "rm -rf ~/"}, "tool_use_id": "t2"}
    with apart.listening(AGENT):
        prompt = apart.hook(AGENT, "UserPromptSubmit", prompt="look around")
        passed, denied = apart.hook(AGENT, "PreToolUse", **harmless), apart.hook(AGENT, "PreToolUse", **harmful)
        ended = apart.hook(AGENT, "PostToolUse", **harmless, tool_response="a.py")
        by_stranger = apart.hook(STRANGER, "PreToolUse", **harmless)
        (keeper,) = [pid for pid in Path("/proc").glob("[0-9]*") if b"--keep" in words_of(pid) and of(apart, pid)]
        apart.hook(AGENT, "SessionEnd", reason="exit")

    assert [ran.returncode for ran in (prompt, passed, denied, ended, by_stranger)] == [0, 0, 0, 0, 2], denied.stderr
    assert (passed.stdout, ended.stdout) == ("", "")
    assert json.loads(denied.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert "not among those who may connect" in by_stranger.stderr
    assert keeper.name
    calls = [event for event in apart.events() if event["kind"] == "call.decided"]
    assert [(event["person"], event["tool"]) for event in calls] == [(f"uid-{AGENT}", "Bash")] * 2
    assert apart.hook(AGENT, "PreToolUse", **harmless).returncode == 2, "nobody listens any more"


def words_of(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def of(house: House, process: Path) -> bool:
    return str(house.home).encode() in words_of(process) and process.stat().st_uid == GUARD


def test_a_user_who_was_not_named_is_refused(apart: House) -> None:
    with apart.listening(AGENT), apart.client(STRANGER) as client:
        assert client.end() == 1
    assert "not among those who may connect" in client.errors


def test_when_the_agent_leaves_its_proxy_and_server_end(apart: House) -> None:
    with apart.listening(AGENT), apart.client(AGENT) as client:
        client.start_session()
        processes = [Path("/proc", pid) for pid in running(apart)[:2]]
        assert client.end() == 0
        for process in processes:
            until(partial(_is_gone, process), f"the end of {process}")


def _is_gone(process: Path) -> bool:
    return not process.exists()


def test_doctor_says_which_level_each_user_finds(apart: House, agent: Process) -> None:
    def level(uid: int) -> dict[str, Any]:
        ran = apart.toolguard(uid, "doctor", "--json", TOOLGUARD_SOCKET=str(apart.socket))
        (found,) = [check for check in json.loads(ran.stdout)["checks"] if check["name"] == "level"]
        assert isinstance(found, dict)
        return found

    assert level(AGENT)["what"].startswith("L2:")
    assert level(AGENT)["state"] == "ok"
    assert level(GUARD)["what"].startswith("L1")
    apart.demand_passkeys()
    assert level(AGENT)["what"].startswith("L3:")


@pytest.mark.parametrize("opened", ["home", "home/toolguard.yaml"])
def test_doctor_finds_what_was_left_open(apart: House, agent: Process, opened: str) -> None:
    apart.home.chmod(0o755)
    (apart.folder / opened).chmod(0o755)

    ran = apart.toolguard(AGENT, "doctor", "--json", TOOLGUARD_SOCKET=str(apart.socket))

    (level,) = [check for check in json.loads(ran.stdout)["checks"] if check["name"] == "level"]
    assert (level["state"], level["what"][:2]) == ("problem", "L1")
    assert ran.returncode == 1
