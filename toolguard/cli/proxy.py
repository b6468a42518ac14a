"""`toolguard proxy`, without the command-line library: a few options and a command."""

from __future__ import annotations

from dataclasses import replace

from toolguard.errors import ConfigError

USAGE = "usage: toolguard proxy [--config F] [--home DIR] [--name N] [--agent A] -- COMMAND [ARG...]"


def proxy(arguments: list[str]) -> int:
    """Put the proxy in front of one server until its client leaves; the exit status is the server's."""
    options, command = parse(arguments)

    from toolguard import config as configuration
    from toolguard.config import Config
    from toolguard.proxy import run

    def load() -> Config:
        config = configuration.load(options["--config"] or None, options["--home"] or None)
        return replace(config, agent=options["--agent"]) if options["--agent"] else config

    return run(command, name=options["--name"], load=load)


def parse(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options, empty where not given, and the command; it may be absent where a declared server is named.

    Raises ConfigError.
    """
    options = dict.fromkeys(("--config", "--home", "--name", "--agent"), "")
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
    if not command and not options["--name"]:
        raise ConfigError("no server command after `--`", hint=USAGE)
    return options, command
