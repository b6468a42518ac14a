"""The proxy as a process: bytes, ends, signals, and what a crash leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.conftest import POLICY
from tests.proxy.process import SECONDS, Message, Process, effects, proxied, scripted, until, vote
from toolguard.config import Config
from toolguard.guard import Guard


@pytest.fixture
def proxy(home: Path, folder: Path) -> Iterator[Process]:
    with Process(proxied(scripted(folder)), home) as running:
        yield running


def states(guard: Guard) -> list[str]:
    return [row["state"] for row in guard.store.read("SELECT state FROM execution ORDER BY claimed_at")]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")


# -- bytes ---------------------------------------------------------------------------------------------------------

CONVERSATION: list[bytes] = [
    b'{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}',
    b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
    b'{"jsonrpc":"2.0","id":"l","method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":1,"method":"vendor/raw","params":{"f":1.10,"big":18446744073709551616}}',
    b'{"jsonrpc":"2.0","id":"7","method":"ping","top":{"level":null}}',
    b'{"jsonrpc":"2.0", "id":7 ,"method":"vendor/unknown","params":{"_meta":{"vendor.example/x":[1e3]}}}',
    json.dumps({"jsonrpc": "2.0", "id": 8, "method": "vendor/large", "params": {"x": "y" * 3_000_000}}).encode(),
    b'{"jsonrpc":"2.0","id":9,"method":"vendor/speak","params":{"lines":["{\\"jsonrpc\\":\\"2.0\\",\\"method\\":\\"n\\"}"]}}',
    b'{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"safe_echo","arguments":{"a":[1,2.5,"\xc3\xbc"]}}}',
    b'{"jsonrpc":"2.0","id":11,"method":"tools/call","params":{"name":"safe_large","arguments":{"size":3000000}}}',
]


def transcript(command: list[str], home: Path | None = None) -> list[bytes | None]:
    with Process(command, home) as running:
        running.send(*CONVERSATION[:3])
        opening = [running.line(), running.line()]
        running.send(*CONVERSATION[3:])
        running.close_input()
        lines = running.rest()
        assert running.end() == 0
        return [*opening, *lines]


@pytest.mark.guarantee("proxy:unknown-passes")
def test_a_conversation_is_the_same_with_and_without_the_proxy(tmp_path: Path, home: Path) -> None:
    direct = transcript(scripted(tmp_path / "direct"))
    through = transcript(proxied(scripted(tmp_path / "through")), home)

    assert through == direct
    received = [(tmp_path / name / "received").read_bytes().splitlines() for name in ("direct", "through")]
    assert received[1][:8] == received[0][:8]
    assert [json.loads(line) for line in received[1]] == [json.loads(line) for line in received[0]]


def test_what_is_malformed_is_answered_and_the_server_sees_nothing_of_it(proxy: Process, folder: Path) -> None:
    proxy.start_session()
    before = (folder / "received").read_bytes()

    proxy.send(b"junk", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}', b"[]")

    assert [proxy.receive()["error"]["code"] for _ in range(3)] == [-32600] * 3
    assert (folder / "received").read_bytes() == before
    proxy.call("safe_echo", 2)
    assert proxy.receive()["id"] == 2


def test_lines_that_are_no_messages_go_to_standard_error(proxy: Process) -> None:
    proxy.start_session().call("safe_junk", 1)

    assert proxy.receive()["id"] == 1
    proxy.end()
    assert "debug: not a message" in proxy.errors
    assert '"msg": "neither"' in proxy.errors
    assert "scripted: ready" in proxy.errors


def test_a_client_that_reads_slowly_loses_nothing(proxy: Process) -> None:
    proxy.start_session()
    for number in range(20):
        proxy.call("safe_large", number, size=2_000_000)

    answers = [proxy.receive() for _ in range(20)]

    assert [answer["id"] for answer in answers] == list(range(20))
    assert {len(answer["result"]["content"][0]["text"]) for answer in answers} == {2_000_000}


def test_standard_input_may_be_a_file(tmp_path: Path, home: Path, folder: Path) -> None:
    file = tmp_path / "messages"
    file.write_bytes(b"\n".join(CONVERSATION[:5]) + b"\n")

    with file.open("rb") as stdin:
        done = subprocess.run(
            proxied(scripted(folder)),
            stdin=stdin,
            capture_output=True,
            env={**os.environ, "TOOLGUARD_HOME": str(home)},
            timeout=SECONDS,
        )

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4


# -- the environment of the server ---------------------------------------------------------------------------------


def test_the_server_gets_our_environment_without_anything_of_toolguards(home: Path, folder: Path) -> None:
    with Process(proxied(scripted(folder)), home, TOOLGUARD_REVIEWER_TOKEN="t", VENDOR_KEY="k") as running:
        running.start_session().call("safe_env", 1)

        seen = json.loads(running.receive()["result"]["content"][0]["text"])

    assert seen["VENDOR_KEY"] == "k"
    assert not [name for name in seen if name.startswith("TOOLGUARD_")]


def test_a_declared_server_gets_the_least_and_what_it_names(home: Path, folder: Path) -> None:
    command, *args = scripted(folder)
    declared = {"declared": {"command": command, "args": args, "env": {"NAMED": "yes"}}}
    (home / "toolguard.yaml").write_text(f"servers: {json.dumps(declared)}\n{POLICY}", encoding="utf-8")

    with Process([*proxied([], "--name", "declared")[:-1]], home, VENDOR_KEY="k") as running:
        running.start_session().call("safe_env", 1)
        seen = json.loads(running.receive()["result"]["content"][0]["text"])

    assert seen["NAMED"] == "yes"
    assert "PATH" in seen
    assert "VENDOR_KEY" not in seen


# -- ends ----------------------------------------------------------------------------------------------------------


def test_the_servers_exit_code_is_ours_and_what_it_left_is_unknown(proxy: Process, office: Guard) -> None:
    proxy.start_session().call("safe_die", 1)

    assert proxy.line() is None
    assert proxy.end() == 7
    assert states(office) == ["unknown"]


def test_a_server_killed_by_a_signal_shows_as_in_a_shell(proxy: Process, folder: Path) -> None:
    proxy.start_session()
    os.kill(int((folder / "pid").read_text(encoding="utf-8")), signal.SIGKILL)

    assert proxy.line() is None
    assert proxy.end() == 128 + signal.SIGKILL


def test_the_end_of_our_input_is_the_end_of_the_servers(proxy: Process, folder: Path) -> None:
    proxy.start_session()

    assert proxy.end() == 0
    assert (folder / "end-of-input").exists()
    assert not (folder / "signal").exists()


def test_answers_still_arrive_after_the_end_of_our_input(proxy: Process) -> None:
    proxy.start_session()
    for number in range(50):
        proxy.call("safe_echo", number)
    proxy.close_input()

    assert len(proxy.rest()) == 50
    assert proxy.end() == 0


def test_a_server_that_will_not_end_is_told_and_then_killed(home: Path, folder: Path) -> None:
    with Process(proxied(scripted(folder, "stubborn")), home) as running:
        running.start_session()

        assert running.end() == 128 + signal.SIGKILL

    assert (folder / "signal").read_text(encoding="utf-8") == str(int(signal.SIGTERM))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_us_reaches_the_server(proxy: Process, folder: Path, number: signal.Signals) -> None:
    proxy.start_session()

    proxy.popen.send_signal(number)

    assert proxy.popen.wait(timeout=SECONDS) == 3
    assert (folder / "signal").read_text(encoding="utf-8") == str(int(number))


def test_a_server_that_closes_its_output_ends_the_session(proxy: Process, office: Guard) -> None:
    proxy.start_session().call("safe_close", 1)

    assert proxy.line() is None
    proxy.popen.wait(timeout=SECONDS)
    assert states(office) == ["unknown"]


def test_a_client_that_vanishes_takes_the_server_with_it(proxy: Process, folder: Path) -> None:
    proxy.start_session().call("safe_never", 1)
    pid = int((folder / "pid").read_text(encoding="utf-8"))

    proxy.stdin.close()
    proxy._stdout.close()

    proxy.popen.wait(timeout=SECONDS)
    assert until(lambda: gone(pid), "the server's end")


def test_a_command_that_does_not_exist_is_one_line_of_what_and_one_of_what_next(home: Path) -> None:
    with Process(proxied(["/nowhere/server"]), home) as running:
        assert running.line() is None
        assert running.end() == 1
        assert running.errors.splitlines() == [
            "toolguard: cannot start `/nowhere/server`: no such file or directory",
            "  check the command after `--` in the client's configuration",
        ]


def test_a_configuration_that_cannot_be_used_is_said_with_its_place_and_nothing_runs(home: Path, folder: Path) -> None:
    (home / "toolguard.yaml").write_text("policy: {preset: lenient}\n", encoding="utf-8")
    with Process(proxied(scripted(folder)), home) as running:
        running.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "risky_append"}})

        assert running.rest() == []
        assert running.end() == 2
        assert "toolguard.yaml:1:" in running.errors

    assert effects(folder) == []


# -- pausing, with real processes ----------------------------------------------------------------------------------


def test_an_approved_call_runs_once_in_the_held_client(proxy: Process, office: Guard, folder: Path) -> None:
    proxy.start_session().call("risky_append", 1)

    vote(office)

    assert proxy.receive()["result"] == {"content": [{"type": "text", "text": "appended"}]}
    assert effects(folder) == ["once"]
    assert until(lambda: states(office) == ["succeeded"], "the outcome")


def test_a_denied_call_answers_and_does_not_run(proxy: Process, office: Guard, folder: Path) -> None:
    proxy.start_session().call("risky_append", 1)

    vote(office, "deny")

    assert proxy.receive()["result"]["isError"] is True
    assert effects(folder) == []


def test_a_call_settles_when_the_hold_is_over_and_its_retry_runs(home: Path, folder: Path, office: Guard) -> None:
    (home / "toolguard.yaml").write_text(POLICY + "approvals: {hold: 200ms}\n", encoding="utf-8")
    with Process(proxied(scripted(folder)), home) as running:
        running.start_session().call("risky_append", 1)
        assert "PENDING APPROVAL" in running.receive()["result"]["content"][0]["text"]
        vote(office)
        assert effects(folder) == []

        running.call("risky_append", 2)

        assert running.receive()["result"]["content"][0]["text"] == "appended"
    assert effects(folder) == ["once"]


@pytest.mark.guarantee("execution:once")
def test_a_call_approved_while_the_proxy_was_killed_runs_once_after_the_restart(
    home: Path, folder: Path, office: Guard
) -> None:
    with Process(proxied(scripted(folder)), home) as first:
        first.start_session().call("risky_append", 1)
        until(office.approvals.list, "an approval request")
        first.popen.kill()
    vote(office)
    assert effects(folder) == []

    with Process(proxied(scripted(folder)), home) as second:
        second.start_session().call("risky_append", 1)
        assert second.receive()["result"]["content"][0]["text"] == "appended"
        second.call("risky_append", 2)
        until(office.approvals.list, "a new approval request")

    assert effects(folder) == ["once"]


@pytest.mark.guarantee("execution:no-second-after-a-crash", "execution:unknown-is-settled-by-people")
def test_a_proxy_killed_while_an_approved_call_runs_leaves_it_unknown_and_never_repeats_it(
    home: Path, folder: Path, office: Guard
) -> None:
    with Process(proxied(scripted(folder)), home) as first:
        first.start_session().call("risky_append", 1, then="never")
        vote(office)
        until(lambda: effects(folder), "the effect")
        first.popen.kill()

    with Process(proxied(scripted(folder)), home) as second:
        second.start_session().call("risky_append", 1, then="never")
        assert "it may have happened" in second.receive()["result"]["content"][0]["text"]

    assert effects(folder) == ["once"]
    assert states(office) == ["unknown"]


def test_with_the_client_gone_an_approval_runs_nothing(proxy: Process, office: Guard, folder: Path) -> None:
    proxy.start_session().call("risky_append", 1)
    until(office.approvals.list, "an approval request")
    proxy.close_input()
    assert b"PENDING APPROVAL" in b"".join(proxy.rest())
    assert proxy.end() == 0

    vote(office)

    assert effects(folder) == []
    assert states(office) == []


@pytest.mark.guarantee("execution:once")
def test_of_many_proxies_that_hold_the_same_call_one_runs_it(home: Path, folder: Path, office: Guard) -> None:
    proxies = [Process(proxied(scripted(folder)), home) for _ in range(4)]
    for number, running in enumerate(proxies):
        running.start_session().call("risky_append", number)
    until(lambda: office.store.read("SELECT 1 FROM request_call GROUP BY request_id HAVING count(*) = 4"), "all four")

    vote(office)

    texts = [running.receive()["result"]["content"][0]["text"] for running in proxies]
    for running in proxies:
        running.end()
    assert effects(folder) == ["once"]
    assert sorted(words == "appended" for words in texts) == [False, False, False, True]


def test_an_allowed_call_that_a_killed_proxy_had_sent_is_recorded_as_unknown(proxy: Process, home: Path) -> None:
    proxy.start_session().call("safe_never", 1)
    with Guard(Config(home=home)) as other:
        until(lambda: states(other) == ["dispatched"], "the dispatch")
        proxy.popen.kill()
        proxy.popen.wait()
        other.tend()

        assert states(other) == ["unknown"]


def test_the_log_of_all_this_verifies(proxy: Process, home: Path, office: Guard) -> None:
    proxy.start_session()
    for number in range(20):
        proxy.call("safe_echo", number, n=number)
        proxy.receive()
    proxy.end()

    kinds: list[Message] = [
        dict(row) for row in office.store.read("SELECT kind, count(*) n FROM audit_event GROUP BY kind")
    ]
    found = {row["kind"]: row["n"] for row in kinds}
    assert (found["call.decided"], found["execution.dispatched"], found["execution.ended"]) == (20, 20, 20)
