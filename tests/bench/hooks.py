"""What a hook costs the client, from the start of its program to its end: python -m tests.bench.hooks

Beside it, in turns: an empty program of the same interpreter, with and without `site`, which no hook in Python can be
faster than, and the same hook started as a module. Events are those of one session, its keeper already at work. The
median of a hook is to stay below 60 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from toolguard.hooks import send

MOST_MEDIAN_MS: Final = 60.0


def event(kind: str, number: int, work: Path) -> bytes:
    call = {
        "tool_name": "Bash",
        "tool_input": {"command": f"git log -n {number}", "description": "See what changed"},
        "tool_use_id": f"toolu_{number}",
    }
    members: dict[str, dict[str, Any]] = {
        "UserPromptSubmit": {"prompt": f"what did commit {number} change?"},
        "PreToolUse": call,
        "PostToolUse": {**call, "tool_response": {"stdout": "commit\n" * 50, "stderr": ""}},
        "SessionEnd": {"reason": "exit"},
    }
    return json.dumps(
        {"session_id": "bench", "cwd": str(work), "hook_event_name": kind, **members[kind]}, separators=(",", ":")
    ).encode()


def milliseconds(words: list[str], given: bytes) -> float:
    """Of one whole program. Raises CalledProcessError when it failed."""
    start = time.perf_counter()
    subprocess.run(words, input=given, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1_000


def measured(rounds: int, home: Path, work: Path) -> dict[str, list[float]]:
    python = sys.executable
    options = ["claude-code", "--home", str(home), "--within", "51"]
    installed = [python, "-I", "-S", send.__file__, *options]
    module = [python, "-I", "-m", "toolguard", "hook", *options]
    events = ("UserPromptSubmit", "PreToolUse", "PostToolUse")
    taken: dict[str, list[float]] = {}
    for number in range(rounds + 5):
        runs: dict[str, tuple[list[str], bytes]] = {
            "python -c pass": ([python, "-c", "pass"], b""),
            "python -S -E -c pass": ([python, "-S", "-E", "-c", "pass"], b""),
            **{f"hook {kind}": (installed, event(kind, number, work)) for kind in events},
            "module PreToolUse": (module, event("PreToolUse", number + 1_000_000, work)),
        }
        for name, (words, given) in runs.items():
            spent = milliseconds(words, given)
            if number >= 5:
                taken.setdefault(name, []).append(spent)
    for words in (installed, module):
        milliseconds(words, event("SessionEnd", 0, work))
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    home, work = (Path(tempfile.mkdtemp(prefix="tg")) for _ in range(2))
    try:
        taken = measured(rounds, home, work)
    finally:
        shutil.rmtree(home)
        shutil.rmtree(work)
    bare = statistics.median(taken["python -S -E -c pass"])
    sys.stdout.write(f"{rounds} rounds in turns, load {os.getloadavg()[0]:.1f}, milliseconds of a whole program\n")
    sys.stdout.write(f"{'':24}{'p50':>8}{'p95':>8}{'p50 / python -S -E -c pass':>30}\n")
    for name, values in taken.items():
        p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        sys.stdout.write(f"{name:24}{p50:8.1f}{p95:8.1f}{p50 / bare:30.2f}\n")
    slow = [name for name in taken if name.startswith("hook") and statistics.median(taken[name]) > MOST_MEDIAN_MS]
    for name in slow:
        sys.stdout.write(f"over {MOST_MEDIAN_MS:.0f} ms: {name}\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
