"""`toolguard proxy --help`; the command itself is dispatched before click is there (cli/proxy.py)."""

from __future__ import annotations

import click

from toolguard.cli.asking import example


@click.command(
    epilog=example("toolguard proxy --name files -- npx -y @modelcontextprotocol/server-filesystem /srv/data"),
)
@click.option("--config", metavar="F", help="Configuration file instead of the home's toolguard.yaml.")
@click.option("--home", metavar="DIR", help="Folder of database and keys instead of the one TOOLGUARD_HOME names.")
@click.option("--agent", metavar="A", help="Name of the agent in policy and log, instead of the configuration's.")
@click.option("--name", metavar="N", help="Name of the server in policy and log; the program's name by default.")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND [ARG...]")
def proxy(command: tuple[str, ...], **options: str | None) -> int:
    """Start COMMAND as an MCP server and guard it: stdin and stdout speak MCP, and tool calls are judged."""
    from toolguard.cli.proxy import proxy as start

    return start([*(f"--{option}={value}" for option, value in options.items() if value), "--", *command])
