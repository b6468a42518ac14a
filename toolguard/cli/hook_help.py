"""`toolguard hook --help`; the command itself is dispatched before click is there (hooks/send.py)."""

from __future__ import annotations

import click

from toolguard.cli.asking import example


@click.command(epilog=example("toolguard hook claude-code --home ~/.local/share/toolguard < event.json"))
@click.option("--home", metavar="DIR", help="Folder of database and keys instead of the one TOOLGUARD_HOME names.")
@click.option("--config", metavar="F", help="Configuration file instead of the home's toolguard.yaml.")
@click.option("--proxied", metavar="NAMES", help="MCP servers behind `toolguard proxy`, which judges them itself.")
@click.option("--socket", metavar="PATH", help="Ask the toolguard of another user that listens there.")
@click.option("--within", metavar="SECONDS", help="Answer by then, whatever `hold` says; below the client's own limit.")
@click.argument("client", type=click.Choice(["claude-code"]))
def hook(client: str, **options: str | None) -> int:
    """Judge one event of a client's hooks: the event on standard input, the answer on standard output.

    `toolguard install claude-code --hooks` sets it up. What cannot be judged is blocked: exit status 2.
    """
    from toolguard.hooks.send import main

    return main([client, *(f"--{option}={value}" for option, value in options.items() if value)])
