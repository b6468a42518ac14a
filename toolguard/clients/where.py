"""Where each client keeps its MCP servers, as data.

Verified against the clients' documentation and trackers in November 2026. A client is added by adding an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from toolguard.clients.entry import Format
from toolguard.clients.jsonc import JSONC
from toolguard.clients.toml import TOML


@dataclass(frozen=True, slots=True)
class Client:
    """A program that starts MCP servers."""

    name: str
    title: str
    format: Format
    containers: tuple[tuple[str, ...], ...]
    """Paths of member names to the objects that hold servers; `*` stands for any name."""
    files: Mapping[str, tuple[str, ...]]
    """Templates of the user's files by `sys.platform`, the usual one first; all that exist are read by the client or
    by a variant of it. `{home}` and the like are filled from `_folders`."""
    project_file: str = ""
    """The file of one project, relative to its folder; empty when there is none."""
    projects: tuple[str, ...] = ()
    """Path to the object whose names are the folders of projects that the client has seen."""
    patience: int | None = None
    """Seconds that the client waits for a tool call; None when it waits for hours."""
    calls_itself: str = ""
    """Its name in the protocol, by which `toolguard proxy` knows how long to hold calls."""
    patience_member: str = ""
    """The member of an entry that sets another number of seconds."""
    blind: str = ""
    """Servers that this client gets from elsewhere, which no edit of these files covers."""


_EDITORS: Final = ("Code", "Code - Insiders", "VSCodium")


def _everywhere(*templates: str) -> Mapping[str, tuple[str, ...]]:
    return {"linux": templates, "darwin": templates, "win32": templates}


def _vscode(folder: str, *more: str) -> tuple[str, ...]:
    """Each variant of the editor, and each of its profiles: a profile does not inherit the default's servers."""
    return (
        *(f"{folder}/{editor}/User/mcp.json" for editor in _EDITORS),
        *(f"{folder}/{editor}/User/profiles/*/mcp.json" for editor in _EDITORS),
        *more,
    )


CLIENTS: Final = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        calls_itself="claude-ai",
        format=JSONC,
        containers=(("mcpServers",),),
        files={
            "linux": ("{config}/Claude/claude_desktop_config.json",),
            "darwin": ("{home}/Library/Application Support/Claude/claude_desktop_config.json",),
            "win32": (
                "{appdata}/Claude/claude_desktop_config.json",
                # Packaged builds read from the package's own folder (anthropics/claude-code#25579).
                "{localappdata}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json",
                "{localappdata}/Claude-Data/*/claude_desktop_config.json",
            ),
        },
        patience=60,
        blind="desktop extensions and connectors added in its settings",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        calls_itself="claude-code",
        format=JSONC,
        # User scope, and local scope: one user's servers for one project.
        containers=(("mcpServers",), ("projects", "*", "mcpServers")),
        files=_everywhere("{claude}/.claude.json", "{home}/.claude/.claude.json"),
        project_file=".mcp.json",
        projects=("projects",),
        blind="plugins, claude.ai connectors and its built-in tools",
    ),
    Client(
        name="cursor",
        title="Cursor",
        calls_itself="cursor-vscode",
        format=JSONC,
        containers=(("mcpServers",),),
        files=_everywhere("{home}/.cursor/mcp.json"),
        project_file=".cursor/mcp.json",
        patience=300,
        blind="plugins and its built-in tools",
    ),
    Client(
        name="vscode",
        title="VS Code",
        calls_itself="Visual Studio Code",
        format=JSONC,
        containers=(("servers",),),
        files={
            "linux": _vscode(
                "{config}",
                "{home}/.vscode-server/data/User/mcp.json",
                "{home}/.var/app/com.visualstudio.code/config/Code/User/mcp.json",
            ),
            "darwin": _vscode("{home}/Library/Application Support"),
            "win32": _vscode("{appdata}"),
        },
        project_file=".vscode/mcp.json",
        patience=300,
        blind="servers that extensions bring, `mcp-config.json` of Copilot and its built-in tools",
    ),
    Client(
        name="codex",
        title="Codex",
        calls_itself="codex-mcp-client",
        format=TOML,
        containers=(("mcp_servers",),),
        files=_everywhere("{codex}/config.toml"),
        project_file=".codex/config.toml",
        projects=("projects",),
        patience=300,
        patience_member="tool_timeout_sec",
        blind="plugins, apps and its built-in shell",
    ),
)

NAMES: Final = tuple(client.name for client in CLIENTS)


def client(name: str) -> Client:
    """The client of that name; KeyError when there is none."""
    return {one.name: one for one in CLIENTS}[name]


def usual_file(client: Client, environ: Mapping[str, str], platform: str) -> Path:
    """The file that the client writes when none of its files exists yet."""
    return Path(client.files[platform][0].format_map(_folders(environ)))


def user_files(client: Client, environ: Mapping[str, str], platform: str) -> tuple[Path, ...]:
    """The user's files of this client that exist, each once, in the order of the templates."""
    found: dict[Path, Path] = {}
    for template in client.files[platform]:
        for path in _expand(template.format_map(_folders(environ))):
            found.setdefault(path.resolve(), path)
    return tuple(found.values())


def _expand(pattern: str) -> list[Path]:
    if "*" not in pattern:
        return [Path(pattern)] if Path(pattern).is_file() else []
    fixed = pattern.partition("*")[0]
    folder = Path(fixed) if fixed.endswith("/") else Path(fixed).parent
    return sorted(path for path in folder.glob(pattern[len(folder.as_posix()) + 1 :]) if path.is_file())


def _folders(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What the templates name; an override of the client's own counts when it is set, as it does for the client."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home()).as_posix()

    def folder(variable: str, default: str) -> str:
        return Path(environ.get(variable) or default).as_posix()

    return {
        "home": home,
        "config": folder("XDG_CONFIG_HOME", f"{home}/.config"),
        "appdata": folder("APPDATA", f"{home}/AppData/Roaming"),
        "localappdata": folder("LOCALAPPDATA", f"{home}/AppData/Local"),
        "claude": folder("CLAUDE_CONFIG_DIR", home),
        "codex": folder("CODEX_HOME", f"{home}/.codex"),
    }
