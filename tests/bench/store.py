"""Decided calls on one database, by several processes: `python -m tests.bench.store [PROCESSES] [SECONDS]`.

Each process judges and records calls as a proxy does: an allowed call is a decision, an execution and its outcome. Two
figures stand beside it, measured in the same run: what SQLite alone gives for as many bare transactions of this size
under the same lock, and the same calls at two paces: about 600 a second in total, and that of working agents (50 ms
between two), which is what a call waits.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from toolguard.config import Config
from toolguard.core.model import Outcome, OutcomeKind, Principal, ToolCall
from toolguard.guard import Guard, Permit
from toolguard.store import filelock

THINK_SECONDS = 0.05
RATE = 850
"""Calls a second that all processes together would make if a call took no time."""
WARM_UP = 10
"""Calls of each process that are not counted: what is loaded at the first call is not what a call costs."""
ROWS = 3
"""Events of an allowed call."""


def decided(home: Path, seconds: float, think: float) -> list[float]:
    """Milliseconds that the guard added to each call."""
    guard = Guard(Config(home=home, roots=(str(home),)))
    principal = Principal("bench", "bench", str(os.getpid()))
    waits, number, end = list[float](), -WARM_UP, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        call = ToolCall("files", "read_file", {"path": f"notes/{number}.txt"}, principal)
        began = time.perf_counter()
        permit = guard.begin(call)
        between = time.perf_counter()
        if not isinstance(permit, Permit):
            raise SystemExit(f"refused: {permit}")
        guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "ok", 2, "", 1.0))
        if number > 0:
            waits.append((between - began + time.perf_counter() - between) * 1000)
        if think:
            time.sleep(think)
    guard.close()
    return waits


def bare(home: Path, seconds: float) -> list[float]:
    """The same number of rows of the same size in one table, under the same kind of lock, and nothing else."""
    home.mkdir(exist_ok=True)
    lock = os.open(home / "bare.lock", os.O_RDWR | os.O_CREAT)
    filelock.acquire(lock, 5)
    connection = sqlite3.connect(home / "bare.db", isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
    filelock.release(lock)
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        filelock.acquire(lock, 5)
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(2 * ROWS):
            connection.execute("INSERT INTO t (a, b) VALUES (?, ?)", ("h" * 64, "b" * 400))
        connection.execute("COMMIT")
        filelock.release(lock)
        waits.append((time.perf_counter() - began) * 1000)
    connection.close()
    return waits


def race(role: str, home: Path, processes: int, seconds: float, think: float) -> dict[str, float]:
    words = [sys.executable, "-m", "tests.bench.store", "--role", role, str(home), str(seconds), str(think)]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in range(processes)]
    for process in started:
        if process.stdout is not None:
            process.stdout.readline()
    began = time.monotonic()
    for process in started:
        if process.stdin is not None:
            process.stdin.write(b"go\n")
            process.stdin.flush()
    waits = [wait for process in started for wait in json.loads(process.communicate()[0])]
    passed = time.monotonic() - began
    cuts = statistics.quantiles(waits, n=1000)
    return {
        "calls": len(waits),
        "per_second": round(len(waits) / passed, 1),
        "p50_ms": round(cuts[499], 2),
        "p99_ms": round(cuts[989], 2),
        "max_ms": round(max(waits), 1),
    }


def main(processes: int = 8, seconds: float = 5.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = {
            "bare SQLite, as fast as it goes": race("bare", Path(folder) / "bare", processes, seconds, 0),
            "decided calls, as fast as it goes": race("decided", Path(folder) / "fast", processes, seconds, 0),
            "decided calls, paced to 600 a second": race(
                "decided", Path(folder) / "rate", processes, seconds, processes / RATE
            ),
            "decided calls, 50 ms between two": race(
                "decided", Path(folder) / "paced", processes, seconds, THINK_SECONDS
            ),
        }
    print(f"{processes} processes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # noqa: T201 - a bench prints
    for name, row in rows.items():
        print(f"{name:38}" + "  ".join(f"{key} {value:>8}" for key, value in row.items()))  # noqa: T201


def role(name: str, home: str, seconds: str, think: str) -> None:
    Guard(Config(home=Path(home))).close()  # everything is loaded before the race begins
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    waits = bare(Path(home), float(seconds)) if name == "bare" else decided(Path(home), float(seconds), float(think))
    print(json.dumps(waits))  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:2] == ["--role"]:
        role(*sys.argv[2:])
    else:
        main(*(int(word) for word in sys.argv[1:2]), *(float(word) for word in sys.argv[2:3]))
