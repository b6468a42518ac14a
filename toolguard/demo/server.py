"""A small MCP server with powerful tools: files, SQL on SQLite and a shell, started in a scratch folder.

    python -m toolguard.demo.server SCRATCH [--journal FILE]

It does whatever it is asked, as most tool servers do; guarding is not its job. With a journal it writes down every call
that reached it, before it runs: what is missing there never ran.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

DATABASE: Final = "shop.db"
SHELL_SECONDS: Final = 20
"""A command that takes longer is ended: a demonstration has to end, too."""
ROWS: Final = 100
"""Rows of one answer."""

_ABOUT: Final = "Files, SQL and a shell in one scratch folder."
_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_CHANGES: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

Tool = Callable[..., str]


def tools(scratch: Path) -> tuple[tuple[Tool, ToolAnnotations], ...]:
    """The tools of one scratch folder; relative paths start there, absolute ones and `..` lead anywhere."""

    def list_files(path: str = ".") -> str:
        """List the files of a folder."""
        found = sorted((scratch / path).iterdir())
        return "\n".join(entry.name + ("/" if entry.is_dir() else "") for entry in found)

    def read_file(path: str) -> str:
        """Read a text file."""
        return (scratch / path).read_text(encoding="utf-8", errors="backslashreplace")

    def write_file(path: str, content: str) -> str:
        """Create or replace a text file."""
        (scratch / path).write_text(content, encoding="utf-8")
        return f"{len(content)} characters written"

    def query(sql: str) -> str:
        """Run one SQL statement on the shop's SQLite database."""
        with closing(sqlite3.connect(scratch / DATABASE)) as connection, connection:
            rows = connection.execute(sql).fetchmany(ROWS)
        return json.dumps(rows, ensure_ascii=False)

    def run_shell(command: str) -> str:
        """Run a command with the shell, in the scratch folder."""
        ended = subprocess.run(  # noqa: S603 - running what it is told is what this tool is for
            ["/bin/sh", "-c", command],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=SHELL_SECONDS,
            check=False,
        )
        return f"exit status {ended.returncode}\n{ended.stdout}{ended.stderr}".rstrip()

    return (
        (list_files, _READS),
        (read_file, _READS),
        (write_file, _CHANGES),
        (query, _CHANGES),
        (run_shell, _CHANGES),
    )


def offered(tool: Tool, journal: Path | None) -> Tool:
    """The tool as clients get it: a call is written down before it runs, and what fails is an answer, not a crash."""

    @wraps(tool)
    def run(**arguments: str) -> str:
        if journal is not None:
            line = json.dumps({"tool": tool.__name__, "arguments": arguments}, ensure_ascii=False)
            with journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        try:
            return tool(**arguments)
        except (OSError, ValueError, sqlite3.Error, sqlite3.Warning, subprocess.SubprocessError) as error:
            raise ToolError(str(error)) from error

    return run


def server(scratch: Path, journal: Path | None = None) -> MCPServer:
    """The server, not yet running."""
    served: MCPServer = MCPServer("toolguard-demo", instructions=_ABOUT, log_level="ERROR")
    for tool, hints in tools(scratch):
        served.add_tool(offered(tool, journal), annotations=hints)
    return served


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m toolguard.demo.server", description=__doc__.split("\n", 1)[0])
    parser.add_argument("scratch", type=Path, metavar="SCRATCH", help="folder to work in; it must exist")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="write down each call that arrives")
    arguments = parser.parse_args()
    if not arguments.scratch.is_dir():
        parser.error(f"no such folder: {arguments.scratch}")
    server(arguments.scratch.absolute(), arguments.journal).run("stdio")


if __name__ == "__main__":
    main()
