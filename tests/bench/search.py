"""Searching a large log: `python -m tests.bench.search [EVENTS] [FOLDER]`.

Makes a log of so many events (1,000,000) by the writer itself, in large transactions; then the index, while another
process commits calls at the pace of a working agent, so that it shows whether these wait; then it searches. Every
figure is of the whole `search`: bringing the index up to date, finding, and reading the events. With FOLDER the log is
kept and used again.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from toolguard.core.model import Json
from toolguard.guard.times import iso, utc_now
from toolguard.store import audit
from toolguard.store.database import Database
from toolguard.store.search import SearchIndex, search

BATCH = 20_000
CALLS_A_SECOND = 20
ROUNDS = 60
LIMIT = 50
WORDS = 30_000
"""Size of the vocabulary; how often each comes falls as in a language (Zipf)."""


def vocabulary() -> list[str]:
    chance = random.Random(1)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]
    return ["".join(chance.choices(syllables, k=chance.randint(2, 5))) for _ in range(WORDS)]


def events(count: int, words: Sequence[str]) -> Iterator[tuple[str, dict[str, Json], dict[str, str | int]]]:
    """Kind, contents and columns of events as calls leave them: decided, dispatched, ended."""
    chance = random.Random(2)
    weights = [1 / (rank + 1) for rank in range(len(words))]
    cumulated = list(accumulate(weights))
    for number in range(count // 3 + 1):
        some = chance.choices(words, cum_weights=cumulated, k=24)
        who: dict[str, str | int] = {
            "agent": "claude",
            "person": f"person{number % 40}",
            "session": f"session{number % 5_000}",
            "server": f"server{number % 7}",
            "tool": f"{some[0]}_{some[1]}",
            "call_id": f"ca_{number:016x}",
        }
        contents: dict[str, Json] = {
            "headline": " ".join(some[:6]),
            "arguments": {"path": f"/srv/{some[6]}/{some[7]}/{number}.txt", "text": " ".join(some[8:])},
            "findings": [],
            "decision_key": f"{number:064x}",
        }
        yield "call.decided", contents, {**who, "effect": "allow", "score": number % 100}
        yield "execution.dispatched", {}, who
        yield "execution.ended", {"duration_us": number % 9_000, "result_size": number % 3_000}, who


def fill(database: Database, count: int, words: Sequence[str]) -> None:
    made = events(count, words)
    written = 0
    while written < count:
        with database.write(full=False) as tx:
            for kind, contents, columns in made:
                audit.append(tx, kind, contents, **columns)
                written += 1
                if written % BATCH == 0 or written == count:
                    break
    database.sync()
    database.fold()


def calls(home: Path, seconds: float) -> list[float]:
    """Milliseconds of each commit of an allowed call, at a working agent's pace."""
    database = Database(home / "toolguard.db", clock=lambda: iso(utc_now()))
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        with database.write(full=False) as tx:
            for kind in ("call.decided", "execution.dispatched", "execution.ended"):
                audit.append(tx, kind, {"headline": "while indexing"}, session="pace", effect="allow")
        waits.append((time.perf_counter() - began) * 1000)
        time.sleep(1 / CALLS_A_SECOND)
    database.close()
    return waits


def line(name: str, milliseconds: Sequence[float], more: str = "") -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    figures = f"p50 {cuts[49]:8.2f} ms   p99 {cuts[98]:8.2f} ms   max {max(milliseconds):8.2f} ms"
    print(f"{name:46}{figures}   {more}", flush=True)  # noqa: T201 - a bench prints


def timed(found: Callable[[], int]) -> tuple[float, int]:
    began = time.perf_counter()
    count = found()
    return (time.perf_counter() - began) * 1000, count


def queries(words: Sequence[str]) -> dict[str, list[str]]:
    """What people look for, by kind."""
    chance = random.Random(3)
    common, rare = words[:50], words[5_000:]
    return {
        "a common word": [chance.choice(common) for _ in range(ROUNDS)],
        "a rare word": [chance.choice(rare) for _ in range(ROUNDS)],
        "a common and a rare word": [f"{chance.choice(common)} {chance.choice(rare)}" for _ in range(ROUNDS)],
        "three common words": [" ".join(chance.sample(common, 3)) for _ in range(ROUNDS)],
        "a session": [f"session{chance.randrange(5_000)}" for _ in range(ROUNDS)],
        "a kind and a person": [f"execution.ended person{chance.randrange(40)}" for _ in range(ROUNDS)],
        "how a word begins (4 letters)": [chance.choice(rare)[:4] + "*" for _ in range(ROUNDS)],
        "a path": [f"/srv/{chance.choice(rare)}" for _ in range(ROUNDS)],
        "what nobody wrote": [f"qqq{chance.randrange(10**6)}" for _ in range(ROUNDS)],
    }


def build(database: Database, home: Path) -> None:
    """The index, beside an agent that goes on calling, and the same agent without it."""
    words = [sys.executable, "-m", "tests.bench.search", "--calls", str(home)]

    def pace(seconds: float) -> subprocess.Popen[str]:
        return subprocess.Popen([*words, str(seconds)], stdout=subprocess.PIPE, text=True, encoding="utf-8")

    quiet = pace(5)
    line("a commit, nobody indexes", [float(word) for word in quiet.communicate()[0].split()])
    index, before = SearchIndex(database), audit.head(database)[0]
    agent, began = pace(10), time.monotonic()
    while index.catch_up(1.0):
        pass
    passed = time.monotonic() - began
    line("a commit, while the index is made", [float(word) for word in agent.communicate()[0].split()])
    size = index.path.stat().st_size / 1e6
    print(f"index of {before} events made in {passed:.0f} s ({before / passed:.0f}/s), {size:.0f} MB")  # noqa: T201


def main(count: int, home: Path) -> None:
    words = vocabulary()
    database = Database(home / "toolguard.db", clock=lambda: iso(utc_now()))
    began = time.monotonic()
    if audit.head(database)[0] < count:
        fill(database, count, words)
        size = database.path.stat().st_size / 1e6
        print(f"log of {count} events made in {time.monotonic() - began:.0f} s, {size:.0f} MB")  # noqa: T201
    build(database, home)
    search(database, "warm", limit=LIMIT, patience=600)
    every = []
    for name, texts in queries(words).items():
        took = [timed(lambda text=text: len(search(database, text, limit=LIMIT).events)) for text in texts]  # type: ignore[misc]  # a default that binds
        line(f"search: {name}", [wait for wait, _ in took], f"{statistics.mean(n for _, n in took):.0f} events")
        every += [wait for wait, _ in took]
    line("search: all of these", every)
    lags = []
    for number in range(20):
        with database.write(full=False) as tx:
            for _ in range(1_000):
                audit.append(tx, "call.decided", {"headline": f"fresh{number}"}, effect="allow")
        lags.append(timed(lambda n=number: len(search(database, f"fresh{n}", limit=LIMIT).events))[0])  # type: ignore[misc]  # a default that binds
    line("search right after 1,000 new events, indexed too", lags)
    database.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--calls"]:
        print(" ".join(map(str, calls(Path(sys.argv[2]), float(sys.argv[3])))))  # noqa: T201
    else:
        given = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
        if len(sys.argv) > 2:
            main(given, Path(sys.argv[2]))
        else:
            with tempfile.TemporaryDirectory() as folder:
                main(given, Path(folder) / "home")
