"""The root command. Each command lives in a file of its own and is imported only when it is called."""

from __future__ import annotations

import importlib
from typing import Final

import click

from toolguard.cli.frame import BAD_INPUT, OK, report

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # Name -> module, one line of help; in the order in which `toolguard --help` lists them.
    "demo": ("demo", "Run the whole loop on this machine."),
    "proxy": ("proxy_help", "Guard one MCP server on stdio."),
    "listen": ("listen", "Let clients of other users reach your servers."),
    "connect": ("listen", "Reach a server of a toolguard that another user runs."),
    "serve": ("serve", "Serve the review page and the REST API."),
    "install": ("install", "Put a client's MCP servers behind toolguard."),
    "uninstall": ("install", "Take a client's MCP servers out from behind toolguard."),
    "doctor": ("doctor", "Check that the protection is in place."),
    "check": ("check", "Judge one tool call."),
    "replay": ("replay", "Judge recorded sessions."),
    "policy": ("policy", "Validate, explain, test, compare and learn policies."),
    "approvals": ("approvals", "List, show, approve and deny requests."),
    "grants": ("grants", "List and revoke what reviewers allowed for a while."),
    "definitions": ("definitions", "List changed tool definitions and accept them."),
    "reviewers": ("reviewers", "Enrol and remove the people who may decide."),
    "audit": ("audit", "Read, verify, export and retain the audit log."),
    "stop": ("stopping", "Refuse everything that would be asked about."),
    "release": ("stopping", "End a stop."),
    "hook": ("hook_help", "Guard a client's own tools through its hooks."),
}


class _Lazy(click.Group):
    """A group whose commands are files of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"toolguard.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='\b\nExample:\n  toolguard check --tool run_shell --arguments \'{"command": "rm -rf ~"}\'',
)
@click.version_option(package_name="toolguard-firewall", prog_name="toolguard")
def toolguard() -> None:
    """The firewall for what AI agents do: every tool call is judged, and a risky one waits for a person."""


def invoke(arguments: list[str]) -> int:
    """The exit status of a command line. Raises what the command raises; cli/frame.py turns that into words."""
    # Not `toolguard.main`: it would answer Ctrl-C and a closed pipe itself, in its own words and with its own status.
    try:
        with toolguard.make_context("toolguard", list(arguments)) as context:
            status = toolguard.invoke(context)
    except click.exceptions.Exit as left:  # after --help and --version
        return left.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return BAD_INPUT
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "toolguard"
        report(error.format_message().rstrip("."), f"`{where} --help` shows how it is used")
        return BAD_INPUT
    except click.ClickException as error:
        report(error.format_message().rstrip("."))
        return BAD_INPUT
    except click.Abort:  # Ctrl-C or end of input at a prompt
        raise KeyboardInterrupt from None
    return status if isinstance(status, int) else OK
