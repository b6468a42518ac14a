"""`toolguard proxy`, without the command-line library: three options and a command."""

from __future__ import annotations

from pathlib import PurePath

from toolguard.errors import ConfigError

USAGE = "usage: toolguard proxy [--config F] [--name N] -- COMMAND [ARG...]"


def proxy(arguments: list[str]) -> int:
    """Put the proxy in front of one server until its client leaves; the exit status is the server's."""
    config, name, command = parse(arguments)

    from toolguard.proxy import run

    return run(command, name=name, config=config)


def parse(arguments: list[str]) -> tuple[str | None, str, list[str]]:
    """Configuration file, server name and command. Without --name the server is called like its program.

    Raises ConfigError.
    """
    options = {"--config": "", "--name": ""}
    rest = list(arguments)
    while rest and rest[0] != "--":
        option, given, value = rest.pop(0).partition("=")
        if option not in options:
            raise ConfigError(f"unknown option `{option}`: the server's command goes after `--`", hint=USAGE)
        if not given:
            if not rest or rest[0] == "--":
                raise ConfigError(f"`{option}` needs a value", hint=USAGE)
            value = rest.pop(0)
        options[option] = value
    command = rest[1:]
    if not command:
        raise ConfigError("no server command after `--`", hint=USAGE)
    return options["--config"] or None, options["--name"] or PurePath(command[0]).stem, command
