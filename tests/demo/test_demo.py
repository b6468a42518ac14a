"""`toolguard demo` as a person or a script starts it: a process of its own, on a terminal or without one."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from toolguard.guard import Guard

SECONDS = 120
"""Deadline of the whole demo; it takes about five."""
DEMO = [sys.executable, "-P", "-m", "toolguard", "demo"]


def run(tmp_path: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        env={**os.environ, "TMPDIR": str(tmp_path), **environment},
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines of running processes that name this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(folder) in command:
            found.append(command)
    return found


def votes(guard: Guard) -> list[tuple[str, str, bool]]:
    return [(v["choice"], v["channel"], v["self_attested"]) for view in guard.approvals.list(None) for v in view.votes]


@pytest.mark.guarantee("demo:proves-itself")
def test_without_a_terminal_the_demo_reviewer_answers_and_everything_holds(tmp_path: Path, home: Path) -> None:
    ended = run(tmp_path)

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "All 5 held." in ended.stdout
    assert "\x1b" not in ended.stdout
    assert max(map(len, ended.stdout.replace(str(tmp_path), "").splitlines())) <= 80
    with Guard.open() as guard:
        assert votes(guard) == [("approve", "rest", False)]
        assert guard.reviewers.list() == []
    assert processes_of(tmp_path) == []


def test_without_a_home_of_its_own_it_names_a_scratch_folder(tmp_path: Path) -> None:
    ended = run(tmp_path, "--auto", TOOLGUARD_HOME="")

    named = re.search(r"TOOLGUARD_HOME  (.+)", ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert named is not None
    assert (Path(named[1]) / "toolguard.db").is_file()
    assert Path(named[1]).is_relative_to(tmp_path)


def test_a_home_in_use_keeps_its_configuration_and_its_people(tmp_path: Path, home: Path) -> None:
    with Guard.open() as guard:
        guard.reviewers.add("alice", person="alice")
        guard.reviewers.add("demo reviewer")  # as a demo leaves it that was killed
    (home / "toolguard.yaml").write_text("policy: {preset: observe}\n", encoding="utf-8")

    ended = run(tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (home / "toolguard.yaml").read_text(encoding="utf-8") == "policy: {preset: observe}\n"
    with Guard.open() as guard:
        assert [reviewer.name for reviewer in guard.reviewers.list()] == ["alice"]
        assert len(votes(guard)) == 1


def test_without_the_mcp_sdk_it_says_what_to_install(tmp_path: Path) -> None:
    without = "import sys; sys.modules['mcp'] = None; from toolguard.__main__ import main; sys.argv[1:] = ['demo']"

    ended = subprocess.run(
        [sys.executable, "-c", f"{without}; sys.exit(main())"], capture_output=True, encoding="utf-8", timeout=SECONDS
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    what, next_step = ended.stderr.splitlines()
    assert "MCP SDK" in what
    assert "pip install 'toolguard-firewall[mcp]'" in next_step


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    ended = run(tmp_path, TOOLGUARD_HOME=str(tmp_path / "file" / "home"))

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 2
    assert "Traceback" not in ended.stderr
    assert processes_of(tmp_path) == []


# -- on a terminal, with a person ---------------------------------------------------------------------------------


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, tmp_path: Path, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.popen = subprocess.Popen(
            DEMO,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read until the pattern has been printed."""
        deadline = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text
        return found

    def end(self) -> int:
        while self._read():
            pass
        return self.popen.wait(SECONDS)

    def _read(self) -> bool:
        """Take in what was printed; False at the end."""
        if not select.select([self._master], [], [], SECONDS)[0]:
            return False
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:  # how Linux says that the other side of a terminal is closed
            return False
        self.text += chunk.decode("utf-8", errors="replace")
        return bool(chunk)

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait(SECONDS)
        os.close(self._master)


@contextmanager
def terminal(tmp_path: Path, **environment: str) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, **environment)
    try:
        yield opened
    finally:
        opened.close()


def answer_as_a_browser_does(link: str, vote: str, reason: str) -> None:
    """Follow the one-time link, press its button, read the request and send its form."""
    url = httpx.URL(link)
    origin = f"http://{url.netloc.decode()}"
    with httpx.Client(headers={"origin": origin}, follow_redirects=True, trust_env=False) as browser:
        assert browser.get(link).status_code == 200
        page = browser.post(f"{origin}/sign-in", data=dict(url.params))
        assert (page.status_code, page.url.path[:11]) == (200, "/approvals/"), page.text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form = {**hidden, "vote": vote, "reason": reason, "seen": "yes"}
        assert browser.post(f"{page.url}/vote", data=form).status_code == 200


LINK = r"(http://127\.0\.0\.1:\d+/sign-in\S+/approvals/\w+)"


def test_on_a_terminal_a_person_answers_in_the_browser(tmp_path: Path) -> None:
    with terminal(tmp_path) as demo:
        link = demo.until(LINK)[1]

        answer_as_a_browser_does(link, "approve", "checked the backup")

        assert demo.end() == 0, demo.text
    assert "approved by demo reviewer over web" in demo.text
    assert "checked the backup" in demo.text
    assert "(self-attested)" in demo.text
    assert "\x1b[32m" in demo.text
    assert processes_of(tmp_path) == []


@pytest.mark.guarantee("demo:proves-itself")
def test_after_a_denial_nothing_was_deleted_and_the_demo_ends_well(tmp_path: Path) -> None:
    with terminal(tmp_path, NO_COLOR="1") as demo:
        link = demo.until(LINK)[1]

        answer_as_a_browser_does(link, "deny", "that is not yours")

        assert demo.end() == 0, demo.text
    assert "after the denial it did not run at all" in demo.text
    assert "that is not yours" in demo.text
    assert "\x1b" not in demo.text
    assert len(list(tmp_path.glob("toolguard-demo-*/archive/*.csv"))) == 3


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)],
    ids=["ctrl-c", "terminated", "killed"],
)
def test_a_demo_that_is_ended_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals, status: int, home: Path
) -> None:
    with terminal(tmp_path) as demo:
        demo.until(LINK)

        demo.popen.send_signal(number)

        assert demo.end() == status, demo.text
        deadline = time.monotonic() + SECONDS
        while processes_of(tmp_path):
            assert time.monotonic() < deadline, processes_of(tmp_path)
            select.select([], [], [], 0.05)
    assert "Traceback" not in demo.text
    assert len(list(tmp_path.glob("toolguard-demo-*/archive/*.csv"))) == 3
    with Guard.open() as guard:
        assert (guard.reviewers.list() == []) is (status == 130)
