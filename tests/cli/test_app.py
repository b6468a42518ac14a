"""The frame around every command: help with an example, errors in two lines, no traceback whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from toolguard.cli.app import COMMANDS, toolguard
from toolguard.cli.frame import BAD_INPUT, FAILED, INTERRUPTED, PIPE_CLOSED
from toolguard.cli.frame import run as framed
from toolguard.cli.proxy import parse
from toolguard.errors import ConfigError, StoreError

PROGRAM = (sys.executable, "-m", "toolguard")


def commands(group: click.Group = toolguard, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], run: Run) -> None:
    ran = run(*path, "--help")

    assert ran.status == 0
    assert "Usage: toolguard" in ran.out
    assert f"toolguard {' '.join(path)}" in ran.out.partition("Example")[2]
    assert ran.err == ""


def test_the_list_of_commands_is_the_documented_one(run: Run) -> None:
    ran = run("--help")

    assert all(f"  {name} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["--nonsense"],
        ["check"],
        ["check", "--tool", "t", "--arguments"],
        ["audit", "list", "--limit", "many"],
        ["audit", "show"],
        ["policy", "nonsense"],
        ["approvals", "list", "--state", "asleep"],
        ["check", "--tool", "t", "--arguments", "{}", "--config", "/nowhere.yaml"],
        ["replay", "/nowhere.jsonl"],
        ["proxy"],
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_of_what_and_one_of_what_next(words: list[str], run: Run) -> None:
    ran = run(*words)

    assert ran.status == BAD_INPUT
    assert ran.out == ""
    first, *rest = ran.err.splitlines()
    assert first.startswith("toolguard: ")
    assert len(rest) <= 1
    assert "Traceback" not in ran.err


def failing(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ConfigError("wrong", hint="do this"), BAD_INPUT, "toolguard: wrong\n  do this\n"),
        (StoreError("the disk is full"), FAILED, "toolguard: the disk is full\n"),
        (ConfigError("a\nb \x1b[31m \u202e"), BAD_INPUT, "toolguard: a\\nb \\u001b[31m \\u202e\n"),
        (KeyboardInterrupt(), INTERRUPTED, ""),
        (RuntimeError("oops"), FAILED, "toolguard: a defect in toolguard: RuntimeError: oops\n  set TOOLGUARD_TRACE=1"),
    ],
)
def test_every_exception_becomes_a_status(
    error: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert framed(lambda: failing(error)) == status
    assert capsys.readouterr().err.startswith(words)


def test_a_reader_that_leaves_early_ends_the_command_quietly(tmp_path: Path) -> None:
    sessions = tmp_path / "s.jsonl"
    sessions.write_text('{"id": "a", "steps": [{"tool": "t"}]}\n' * 20_000, encoding="utf-8")

    with subprocess.Popen(
        [*PROGRAM, "replay", str(sessions)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith('{"id": "a"')
        program.stdout.close()
        assert program.stderr.read() == ""

    assert program.returncode == PIPE_CLOSED


def test_ctrl_c_ends_a_command_quietly(tmp_path: Path) -> None:
    pipe = tmp_path / "never"
    os.mkfifo(pipe)

    with subprocess.Popen(
        [*PROGRAM, "replay", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdin.write('{"id": "a", "steps": []}\n')
        program.stdin.flush()
        assert program.stdout.readline() == '{"id": "a", "steps": []}\n'  # it reads the second line now
        program.send_signal(signal.SIGINT)
        assert program.stderr.read() == ""

    assert program.returncode == INTERRUPTED


@pytest.mark.parametrize(
    ("words", "options", "command"),
    [
        (["--", "cmd"], {}, ["cmd"]),
        (["--name", "n", "--", "cmd", "--name", "x"], {"--name": "n"}, ["cmd", "--name", "x"]),
        (["--config=f", "--agent=a", "--", "cmd"], {"--config": "f", "--agent": "a"}, ["cmd"]),
        (["--name", "declared"], {"--name": "declared"}, []),
        (["--name", "declared", "--"], {"--name": "declared"}, []),
    ],
)
def test_the_proxy_reads_its_options_before_the_command(
    words: list[str], options: dict[str, str], command: list[str]
) -> None:
    found, rest = parse(words)

    assert {name: value for name, value in found.items() if value} == options
    assert rest == command


@pytest.mark.parametrize("words", [[], ["--"], ["cmd"], ["--nme", "x", "--", "cmd"], ["--name"], ["--name", "--", "c"]])
def test_the_proxy_refuses_what_it_cannot_read(words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(words)

    assert caught.value.hint.startswith("usage: toolguard proxy")


def test_the_proxy_is_dispatched_before_the_command_line_library(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "toolguard", "proxy", "--", "true"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip

    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "toolguard.proxy" in loaded
    assert not loaded & {"click", "starlette", "mcp", "pydantic", "jinja2", "sqlglot"}
