"""Nothing leaves the machine: every connection and every name that is looked up, in all processes of a whole demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 120
# Python imports this module at each start of an interpreter; an audit hook sees what no library can hide.
WATCH = """
import json, os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        where = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        with open({file!r}, "a", encoding="utf-8") as file:
            file.write(json.dumps([event, os.getpid(), repr(where)]) + "\\n")

sys.addaudithook(note)
with open({file!r}, "a", encoding="utf-8") as file:
    file.write(json.dumps(["started", os.getpid(), " ".join(sys.orig_argv)]) + "\\n")
"""


@pytest.mark.guarantee("offline:loopback-only")
def test_the_whole_demo_connects_to_nothing_but_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "connections.jsonl"
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(WATCH.format(file=str(seen)), encoding="utf-8")
    # A client's SDK gives the processes it starts a small environment, so the hook travels in an interpreter's name.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{hook}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    started = f"import sys; sys.executable = {str(python)!r}; sys.argv[1:] = ['demo', '--auto']"

    ended = subprocess.run(
        [str(python), "-c", f"{started}; from toolguard.__main__ import main; sys.exit(main())"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    notes = [json.loads(line) for line in seen.read_text(encoding="utf-8").splitlines()]
    processes = " ".join(what for event, _, what in notes if event == "started")
    assert all(name in processes for name in ("demo", "proxy", "toolguard.demo.server", "audit verify"))
    reached = {what for event, _, what in notes if event != "started"}
    assert reached
    assert {what for what in reached if "127.0.0.1" not in what} == set()
