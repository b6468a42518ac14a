"""`toolguard serve` as a program: it enrols the first reviewer, serves, and ends at Ctrl-C."""

from __future__ import annotations

import http.client
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[str]]:
    """The program; whatever the test does, it is gone afterwards."""
    command = [sys.executable, "-u", "-m", "toolguard", "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def health(port: int) -> int:
    """The status of the health check, as soon as somebody listens."""
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except ConnectionRefusedError:
            select.select([], [], [], 0.05)
        finally:
            connection.close()
    return 0


def test_the_first_start_enrols_whoever_starts_it_and_serves(run: Run) -> None:
    port = free_port()
    with serving(port) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        said = [program.stdout.readline() for _ in range(3)]
        status = health(port)
        program.send_signal(signal.SIGINT)
        program.wait(30)

        assert said[0].startswith("enrolled ")
        assert f"http://127.0.0.1:{port}/sign-in?code=" in said[1]
        assert f"http://127.0.0.1:{port}" in said[2]
        assert status == 200
        assert program.stderr.read() == ""

    assert len(run("reviewers", "list", "--json").json) == 1


def test_a_port_in_use_is_named(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        ran = run("serve", "--port", str(taken.getsockname()[1]))

    assert ran.status == 2
    assert "cannot listen" in ran.err


@pytest.mark.parametrize("words", [["--port", "0"], ["--port", "99999"], ["--port", "x"], ["--host", "0.0.0.0"]])
def test_what_the_proxies_would_not_know_is_refused(words: list[str], home: Path, run: Run) -> None:
    ran = run("serve", *words)

    assert (ran.status, ran.out) == (2, "")
    assert not home.exists()
