"""`toolguard listen` and `toolguard connect`: toolguard under a user of its own (docs/separate-user.md)."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from toolguard import config as configuration
from toolguard.bridge.connect import HOOK
from toolguard.cli.asking import config_option, example
from toolguard.cli.frame import OK
from toolguard.cli.output import print_lines
from toolguard.config import Config
from toolguard.errors import ConfigError
from toolguard.hooks import send

_socket = click.option(
    "--socket",
    "path",
    type=click.Path(path_type=Path),
    help="The socket, instead of the one that TOOLGUARD_SOCKET names, or /run/toolguard/agent.sock.",
)


@click.command(epilog=example("toolguard listen --user alice"))
@config_option
@_socket
@click.option("--user", "users", multiple=True, required=True, metavar="U", help="Who may connect; can be repeated.")
def listen(config: str | None, path: Path | None, users: tuple[str, ...]) -> int:
    """Let clients of other operating-system users reach the servers of toolguard.yaml, until SIGTERM or Ctrl-C.

    Runs as the user that owns toolguard's home; docs/separate-user.md sets it all up. Each connection gets a proxy of
    its own, and the kernel says who connects.
    """
    from toolguard.bridge.listen import Listener, uids_of
    from toolguard.guard import Guard

    def load() -> Config:
        return configuration.load(config)

    loaded = load()
    names = sorted(name for name, server in loaded.servers.items() if server.command)
    if not names:
        raise ConfigError("toolguard.yaml declares no server with a command", hint="docs/separate-user.md shows one")
    Guard.open(loaded).close()  # home and database are made now, and by us
    path = path or configuration.agent_socket()
    listener = Listener(path, uids_of(users), load, partial(_launch, config), _say)
    listener.serve(lambda: print_lines([f"toolguard listens at {path} for {', '.join(users)}: {', '.join(names)}"]))
    return OK


@click.command(epilog=example("toolguard connect files"))
@_socket
@click.argument("name", metavar="NAME")
def connect(path: Path | None, name: str) -> int:
    """Reach the server NAME of a toolguard that another user runs: MCP on standard input and output.

    This is what a client starts; `toolguard listen` answers.
    """
    from toolguard.bridge.connect import connect as start

    return start(name, path or configuration.agent_socket())


def _launch(file: str | None, name: str, config: Config, person: str) -> list[str]:
    """The program for a connection, on the same home and configuration as ours."""
    flag = "-I" if sys.flags.isolated else "-P"
    options = ["--home", str(config.home), *(["--config", str(Path(file).absolute())] if file else [])]
    if name != HOOK:
        return [sys.executable, flag, "-m", "toolguard", "proxy", *options, "--name", name]
    options += ["--proxied", ",".join(sorted(config.servers)), "--within", str(int(config.approvals.hold) + 1)]
    return [sys.executable, flag, "-S", send.__file__, "claude-code", *options, "--person", person, "--framed", "yes"]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
