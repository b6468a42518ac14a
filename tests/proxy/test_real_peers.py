"""Real servers behind the proxy, real clients before it, in both protocols: nobody notices, but for the pause."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.session import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from tests.proxy.peers import NODE_FOLDER, node, node_program, python_program, repository
from tests.proxy.process import SECONDS, proxied, vote
from toolguard.guard import Guard

WRITES_ASK = """
policy:
  preset: balanced
  rules:
    - {name: writes, match: {tool: write_file}, effect: ask}
    - {name: rest, match: {tool: "*"}, effect: allow}
"""
ASKING = Path(__file__).parent / "servers" / "asking.py"
MODERN, LEGACY = "2026-07-28", "legacy"
Call = tuple[str, dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "toolguard.yaml").write_text(WRITES_ASK, encoding="utf-8")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = (tmp_path / "files").resolve()
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\nworld\n", encoding="utf-8")
    return folder


@pytest.fixture
def servers(tmp_path: Path, files: Path) -> dict[str, list[str]]:
    """Commands of the servers; each test uses one."""
    return {
        "filesystem": [node_program("mcp-server-filesystem"), str(files)],
        "memory": [node_program("mcp-server-memory")],
        "everything": [node_program("mcp-server-everything")],
        "git": [python_program("mcp-server-git"), "--repository", str(repository(tmp_path / "repository"))],
        "time": [python_program("mcp-server-time"), "--local-timezone", "UTC"],
    }


def calls(server: str, tmp_path: Path) -> list[Call]:
    table: dict[str, list[Call]] = {
        "filesystem": [
            ("read_text_file", {"path": str((tmp_path / "files").resolve() / "hello.txt")}),
            ("list_directory", {"path": str((tmp_path / "files").resolve())}),
            ("read_text_file", {"path": "/nowhere/else"}),
        ],
        "memory": [
            ("create_entities", {"entities": [{"name": "Ada", "entityType": "person", "observations": ["counts"]}]}),
            ("read_graph", {}),
            ("search_nodes", {"query": "ada"}),
        ],
        "everything": [("echo", {"message": "hä?"}), ("get-sum", {"a": 2, "b": 3}), ("get-structured-content", {})],
        "git": [
            ("git_status", {"repo_path": str(tmp_path / "repository")}),
            ("git_branch", {"repo_path": str(tmp_path / "repository"), "branch_type": "local"}),
        ],
        "time": [
            ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
            ("convert_time", {"source_timezone": "nowhere", "time": "12:00", "target_timezone": "UTC"}),
        ],
    }
    return table[server]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "TOOLGUARD_HOME": str(home), **more}


def session(command: list[str], mode: str, wanted: list[Call], env: dict[str, str]) -> tuple[str, list[Any], list[Any]]:
    """The Python SDK's client: negotiated version, tools, results."""

    async def talk() -> tuple[str, list[Any], list[Any]]:
        parameters = StdioServerParameters(command=command[0], args=command[1:], env=env)
        async with Client(parameters, mode=mode) as client:
            tools = (await client.list_tools()).tools
            results = [(await client.call_tool(name, arguments)).model_dump() for name, arguments in wanted]
            return str(client.protocol_version), [tool.model_dump() for tool in tools], results

    return asyncio.run(talk())


@pytest.mark.parametrize("mode", ["auto", LEGACY])
@pytest.mark.parametrize("server", ["filesystem", "memory", "everything", "git", "time"])
def test_the_python_client_sees_the_same_with_and_without_the_proxy(
    server: str, mode: str, servers: dict[str, list[str]], home: Path, tmp_path: Path
) -> None:
    wanted = calls(server, tmp_path)
    direct = session(servers[server], mode, wanted, environment(home, MEMORY_FILE_PATH=str(tmp_path / "direct.jsonl")))
    through = environment(home, MEMORY_FILE_PATH=str(tmp_path / "through.jsonl"))

    assert session(proxied(servers[server]), mode, wanted, through) == direct


@pytest.mark.parametrize("server", ["git", "time"])
def test_a_client_of_the_modern_protocol_alone_is_served(
    server: str, servers: dict[str, list[str]], home: Path, tmp_path: Path
) -> None:
    wanted = calls(server, tmp_path)
    version, tools, results = session(proxied(servers[server]), MODERN, wanted, environment(home))

    assert version == MODERN
    assert tools
    assert len(results) == len(wanted)


def typescript(plan: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [node(), "client.mjs", json.dumps(plan)], cwd=NODE_FOLDER, capture_output=True, timeout=2 * SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def ts_plan(command: list[str], wanted: list[Call], home: Path, **more: Any) -> dict[str, Any]:
    steps = [{"name": name, "arguments": arguments} for name, arguments in wanted]
    base = {"command": command[0], "args": command[1:], "env": environment(home), "calls": steps, "sdk": "v2"}
    return {**base, **more}


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("filesystem", {"sdk": "v1"}),
        ("filesystem", {"mode": "legacy"}),
        ("filesystem", {"mode": "auto"}),
        ("everything", {"sdk": "v1"}),
        ("git", {"mode": "auto"}),
    ],
    ids=["filesystem-v1", "filesystem-v2", "filesystem-v2-auto", "everything-v1", "git-v2-auto"],
)
def test_the_typescript_client_sees_the_same_with_and_without_the_proxy(
    server: str, client: dict[str, str], servers: dict[str, list[str]], home: Path, tmp_path: Path
) -> None:
    wanted = calls(server, tmp_path)
    direct = typescript(ts_plan(servers[server], wanted, home, **client))

    assert typescript(ts_plan(proxied(servers[server]), wanted, home, **client)) == direct


def test_a_server_reaches_the_model_and_the_person_through_the_proxy(servers: dict[str, list[str]], home: Path) -> None:
    wanted: list[Call] = [("trigger-sampling-request", {"prompt": "hi"}), ("trigger-elicitation-request", {})]

    seen = typescript(ts_plan(proxied(servers["everything"]), wanted, home, sdk="v1"))

    assert seen["asked"] == ["sampling/createMessage", "elicitation/create"]
    assert "sampled" in json.dumps(seen["results"][0])


def test_the_servers_progress_reaches_the_client(servers: dict[str, list[str]], home: Path) -> None:
    plan = ts_plan(proxied(servers["everything"]), [], home, sdk="v1")
    work = {"name": "trigger-long-running-operation", "arguments": {"duration": 0.3, "steps": 3}}
    plan["calls"] = [{**work, "options": {"progress": True}}]

    # This SDK may drop a progress that arrives in one chunk with the answer, also without the proxy.
    assert typescript(plan)["progress"][:2] == [1, 2]


def test_a_write_through_the_python_client_waits_for_a_person_and_then_happens(
    servers: dict[str, list[str]], home: Path, files: Path, office: Guard
) -> None:
    wanted: list[Call] = [("write_file", {"path": str(files / "new.txt"), "content": "approved"})]
    voter = threading.Thread(target=vote, args=(office,))
    voter.start()

    _, _, results = session(proxied(servers["filesystem"]), LEGACY, wanted, environment(home))
    voter.join()

    assert not results[0]["is_error"]
    assert (files / "new.txt").read_text(encoding="utf-8") == "approved"


def test_a_denied_write_through_the_typescript_client_does_not_happen(
    servers: dict[str, list[str]], home: Path, files: Path, office: Guard
) -> None:
    wanted: list[Call] = [("write_file", {"path": str(files / "new.txt"), "content": "x"})]
    voter = threading.Thread(target=vote, args=(office, "deny"))
    voter.start()

    seen = typescript(ts_plan(proxied(servers["filesystem"]), wanted, home))
    voter.join()

    assert seen["results"][0]["isError"] is True
    assert not (files / "new.txt").exists()


def test_a_client_that_times_out_while_the_call_is_held_never_has_it_run(
    servers: dict[str, list[str]], home: Path, files: Path, office: Guard
) -> None:
    plan = ts_plan(proxied(servers["filesystem"]), [], home, sdk="v1")
    write = {"name": "write_file", "arguments": {"path": str(files / "new.txt"), "content": "x"}}
    read = {"name": "read_text_file", "arguments": {"path": str(files / "hello.txt")}}
    plan["calls"] = [{**write, "options": {"timeout": 300}}, read]

    seen = typescript(plan)
    vote(office)

    assert seen["results"][0]["code"] == -32001
    assert "hello" in json.dumps(seen["results"][1])
    assert not (files / "new.txt").exists()


def test_a_settled_call_is_readable_for_the_model(servers: dict[str, list[str]], home: Path, files: Path) -> None:
    (home / "toolguard.yaml").write_text(WRITES_ASK + "approvals: {hold: 100ms}\n", encoding="utf-8")
    wanted: list[Call] = [("write_file", {"path": str(files / "new.txt"), "content": "x"})]

    _, _, results = session(proxied(servers["filesystem"]), LEGACY, wanted, environment(home))

    result = CallToolResult.model_validate(results[0])
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    assert "PENDING APPROVAL" in result.content[0].text


@pytest.mark.parametrize(("mode", "continued"), [("auto", 1), (LEGACY, 0)])
def test_a_server_that_asks_the_person_first_gets_its_answer_in_both_protocols(
    mode: str, continued: int, home: Path, office: Guard
) -> None:
    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def talk() -> str:
        command = proxied([sys.executable, str(ASKING)])
        parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment(home))
        async with Client(parameters, mode=mode, elicitation_callback=answer) as client:
            await client.list_tools()
            return str((await client.call_tool("greet", {"greeting": "Hello"})).content)

    assert "Hello, Ada" in asyncio.run(talk())

    counted = office.store.read("SELECT kind, count(*) n FROM audit_event GROUP BY kind")
    kinds = {row["kind"]: row["n"] for row in counted}
    assert kinds["execution.dispatched"] == kinds["execution.ended"] == 1
    assert kinds.get("execution.continued", 0) == continued
