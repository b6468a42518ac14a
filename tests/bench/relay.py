"""What the stdio proxy costs, as ratios in one run: `python -m tests.bench.relay [--calls N] [--flat N]`.

One client calls one tool, sequentially and without think time: directly, through a relay of bytes, through
toolguard (balanced and full durability) and through FastMCP's proxy. Beside it one commit of SQLite, which a log
that survives a crash cannot do without. Then: start until the first answer, resident memory before and after the
first SQL call, memory after many calls, and the time from a vote to the call leaving the proxy.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolguard.config import Config
from toolguard.guard import Guard

HERE = Path(__file__).parent
SERVER = [sys.executable, str(HERE / "server.py")]
WARM_UP = 300
ROUND = 250
"""Calls without a pause: what a sequential run is, and not the first calls after a pause."""
Times = list[float]


class Client:
    """The leanest client: one message out, one line in."""

    def __init__(self, command: list[str], home: Path) -> None:
        environment = {**os.environ, "TOOLGUARD_HOME": str(home)}
        self.began = time.perf_counter()
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self._in, self._out = self.popen.stdin, self.popen.stdout
        self._id = 0
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "b", "version": "1"})
        self.start = time.perf_counter() - self.began
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.ask("tools/list")

    def send(self, message: dict[str, Any]) -> None:
        self._in.write(json.dumps(message).encode() + b"\n")
        self._in.flush()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        while True:
            answer: dict[str, Any] = json.loads(self._out.readline())
            if answer.get("id") == self._id:
                return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", name=tool, arguments=arguments)

    def timed(self, number: int) -> float:
        began = time.perf_counter()
        answer = self.call("read_file", path=f"{Path.cwd()}/src/file{number % 50}.py", head=20)
        took = time.perf_counter() - began
        assert not answer["result"].get("isError"), answer
        return took

    def memory(self) -> float:
        """Resident MB of the proxy itself."""
        for line in Path(f"/proc/{self.popen.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def close(self) -> None:
        self._in.close()
        self.popen.wait(timeout=20)


def proxy(*options: str) -> list[str]:
    return [sys.executable, "-m", "toolguard", "proxy", *options, "--name", "files", "--", *SERVER]


def at(times: Times, share: float) -> float:
    """A percentile, in milliseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def measure(ways: dict[str, Client], calls: int) -> dict[str, Times]:
    """Rounds of ROUND calls each way in turn, so that a busy machine is busy for all of them."""
    times: dict[str, Times] = {name: [] for name in ways}
    for client in ways.values():
        for number in range(WARM_UP):
            client.timed(number)
    for _ in range(calls // ROUND):
        for name, client in ways.items():
            times[name].extend(client.timed(number) for number in range(ROUND))
    return times


def commits(folder: Path, synchronous: str, count: int) -> Times:
    """One row and one commit each, as bare as SQLite allows."""
    connection = sqlite3.connect(folder / f"{synchronous}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, body TEXT)")

    def once() -> float:
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO log (body) VALUES (?)", ("x" * 700,))
        connection.execute("COMMIT")
        return time.perf_counter() - began

    times = [once() for _ in range(count)]
    connection.close()
    return times


def vote_to_leaving(home: Path, count: int) -> Times:
    """From the commit of a vote to the first byte at the server, seen as the answer's arrival."""
    client = Client(proxy(), home)
    times = []
    with Guard(Config(home=home)) as guard:
        reviewer = guard.reviewers.by_token(guard.reviewers.add("bench").token)
        assert reviewer is not None
        for number in range(count):
            client._id += 1
            params = {"name": "risky_delete", "arguments": {"path": f"/srv/{number}"}}
            client.send({"jsonrpc": "2.0", "id": client._id, "method": "tools/call", "params": params})
            while not (views := guard.approvals.list()):  # the request comes from another process, unannounced
                time.sleep(0.001)
            time.sleep(0.007 * (number % 5))  # not in step with the proxy's looks
            view = views[0]
            guard.approvals.vote(
                view.id, reviewer, "approve", request_digest=view.request_digest, channel="rest", strength=2
            )
            began = time.perf_counter()
            client._out.readline()
            times.append(time.perf_counter() - began)
    client.close()
    return times


def home_with(folder: Path, name: str, text: str) -> Path:
    home = folder / name
    home.mkdir(mode=0o700)
    if text:
        (home / "toolguard.yaml").write_text(text, encoding="utf-8")
    return home


RULE = 'policy: {preset: balanced, rules: [{name: risky, match: {tool: "risky*"}, effect: ask}]}\n'


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(name: str, times: Times, direct: Times, unit: float) -> None:
    p50, p95, p99 = at(times, 0.5), at(times, 0.95), at(times, 0.99)
    added = (p50 - at(direct, 0.5), p95 - at(direct, 0.95))
    say(
        f"{name:26} p50 {p50:7.3f}  p95 {p95:7.3f}  p99 {p99:7.3f} ms"
        f"   added p50 {added[0]:+7.3f}  p95 {added[1]:+7.3f} ms   = {added[0] / unit:5.1f} FULL commits"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--flat", type=int, default=10_000)
    parser.add_argument("--votes", type=int, default=40)
    parser.add_argument("--without-fastmcp", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run(Path(name), options)


def run(folder: Path, options: argparse.Namespace) -> None:
    full, normal = commits(folder, "FULL", 500), commits(folder, "NORMAL", 500)
    unit = at(full, 0.5)
    say(f"one SQLite commit: FULL p50 {unit:.3f} p95 {at(full, 0.95):.3f}, NORMAL p50 {at(normal, 0.5):.3f} ms")

    balanced = home_with(folder, "balanced", "")
    commands: dict[str, Callable[[], Client]] = {
        "direct": lambda: Client(SERVER, balanced),
        "relay of bytes": lambda: Client([sys.executable, str(HERE / "bytes_relay.py"), *SERVER], balanced),
        "toolguard, balanced": lambda: Client(proxy(), balanced),
        "toolguard, full": lambda: Client(proxy(), home_with(folder, "full", "durability: full\n")),
    }
    if not options.without_fastmcp:
        commands["FastMCP's proxy"] = lambda: Client(
            [sys.executable, str(HERE / "fastmcp_proxy.py"), *SERVER], balanced
        )
    ways = {name: make() for name, make in commands.items()}
    times = measure(ways, options.calls)
    for way, taken in times.items():
        report(way, taken, times["direct"], unit)
    say("start until the first answer, ms: " + ", ".join(f"{n} {c.start * 1000:.0f}" for n, c in ways.items()))

    guarded = ways["toolguard, balanced"]
    before = guarded.memory()
    guarded.call("query", sql="SELECT name FROM customers WHERE id = 1")
    after = guarded.memory()
    for number in range(options.flat):
        guarded.timed(number)
    say(
        f"resident MB: {before:.1f} before the first SQL call, {after:.1f} after it, "
        f"{guarded.memory():.1f} after {options.flat} calls more"
    )
    for client in ways.values():
        client.close()

    votes = vote_to_leaving(home_with(folder, "votes", RULE), options.votes)
    say(f"vote to the answer of the call: p50 {at(votes, 0.5):.1f}  p95 {at(votes, 0.95):.1f} ms")


if __name__ == "__main__":
    main()
