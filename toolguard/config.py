"""How to run: one frozen `Config`, read once and passed by hand.

The only door to the environment. It writes nothing and starts nothing. INVARIANT: without any file the defaults
protect, and no file is looked for where the agent may write (tests/test_config.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from toolguard.config_audit import AuditSettings
from toolguard.config_channels import ChannelSettings, Reminder, ReviewerSettings
from toolguard.core.model import Obligations
from toolguard.core.policy.policy import Policy
from toolguard.core.session.facts import Surroundings
from toolguard.errors import ConfigError

FILE_NAME: Final = "toolguard.yaml"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

# Where MCP clients keep their servers: an agent that can write there starts servers beside toolguard.
# `{home}` and the like are filled by `protected_paths`; a test holds this list to clients/where.py.
CLIENT_FILES: Final = (
    "{config}/Claude/claude_desktop_config.json",
    "{home}/Library/Application Support/Claude/claude_desktop_config.json",
    "{claude}/.claude.json",
    "{home}/.claude/.claude.json",
    "{home}/.claude/settings.json",
    "{home}/.claude/settings.local.json",
    "{home}/.cursor/mcp.json",
    *(
        f"{folder}/{editor}/User/{file}"
        for folder in ("{config}", "{home}/Library/Application Support")
        for editor in ("Code", "Code - Insiders", "VSCodium")
        for file in ("mcp.json", "profiles")
    ),
    "{home}/.vscode-server/data/User/mcp.json",
    "{home}/.var/app/com.visualstudio.code/config/Code/User/mcp.json",
    "{codex}/config.toml",
)
PROJECT_FILES: Final = (
    ".mcp.json",
    ".cursor/mcp.json",
    ".vscode/mcp.json",
    ".codex/config.toml",
    ".claude/settings.json",
    ".claude/settings.local.json",
)

# What a program needs to start at all; a server of toolguard.yaml gets these and what it names, nothing else.
PASSED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "TZ")


@dataclass(frozen=True, slots=True)
class Server:
    """A tool server as the operator declared it."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    auth: str = ""
    trusted: bool = False
    """Its annotations may lower a risk."""


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """Times and separation of approvals where no rule says otherwise."""

    hold: float = 50.0
    """Seconds that a call is kept open before it settles with an answer that names the approval."""
    decide_within: int = 3600
    """Seconds that reviewers have."""
    use_within: int = 900
    """Seconds between the approval and its use."""
    separation: str = "agent"
    """`agent` or `owner`: whether the person who runs the agent may approve its calls."""
    hold_by_client: tuple[tuple[str, float], ...] = ()
    """Seconds by the name that a client gives itself; `*` stands for anything; of several the least counts."""
    in_client: bool = False
    """Whether a person may also answer in the client, where no rule says otherwise."""
    is_hold_set: bool = False
    """`hold` was chosen, so it also counts for clients whose patience is known."""


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Where reviewers find the page."""

    host: str = "127.0.0.1"
    port: int = 8787
    url: str = "http://localhost:8787"
    """Address that links and messages name; behind a reverse proxy it differs from host and port."""


@dataclass(frozen=True, slots=True)
class Config:
    """How to run."""

    home: Path
    """Folder of database and keys, mode 0700."""
    file: Path | None = None
    agent: str = "agent"
    """Name of the agent that this configuration guards; a policy and the log know it by this name."""
    servers: Mapping[str, Server] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    """Absolute folders that belong to the agent's work."""
    policy: Policy = Policy()
    approvals: ApprovalSettings = ApprovalSettings()
    durability: str = "balanced"
    """`balanced`: calls nobody was asked about are synced within 200 ms; `full`: before they run."""
    review: ReviewSettings = ReviewSettings()
    redact_keys: tuple[str, ...] = ()
    """Names of arguments whose values are secrets whatever they look like."""
    reviewers: tuple[ReviewerSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    prompts: str = "tail"
    """How much of the person's prompt is recorded: `off`, `tail` or `full`."""
    audit: AuditSettings = AuditSettings()

    @property
    def database(self) -> Path:
        return self.home / "toolguard.db"


def load(path: str | Path | None = None, folder: str | Path | None = None) -> Config:
    """The configuration of a file, of the home's own file, or the defaults; `folder` is the home where it is not the
    one that the environment names.

    Raises ConfigError or PolicyError with the place in the file.
    """
    folder = Path(folder).expanduser().absolute() if folder else home()
    if path is not None:
        file = Path(path).expanduser()
        if not _is_file(file):
            raise ConfigError(f"no such file: `{file}`", hint="name an existing file with --config")
    else:
        file = folder / FILE_NAME
        if not _is_file(file):
            return defaults(folder)
    # Only now: most machines run without a file, and these two cost 20 MB and 0.1 s.
    from toolguard.config_file import read_config

    return read_config(file.absolute(), folder)


def _is_file(path: Path) -> bool:
    """Raises ConfigError where that cannot be known: without its policy nothing may be judged."""
    try:
        return path.is_file()
    except OSError as error:
        raise ConfigError(
            f"cannot be looked at: {(error.strerror or str(error)).lower()}",
            file=str(path),
            hint="it belongs to another user; `toolguard connect` reaches a toolguard of another user",
        ) from None


def defaults(folder: Path) -> Config:
    """What holds without a file: `balanced`, and the working directory as the only root."""
    return with_obligations(Config(home=folder, roots=default_roots()))


def with_obligations(config: Config) -> Config:
    """The configuration with the times of `approvals` as its policy's terms."""
    terms = Obligations(
        separation=config.approvals.separation,
        decide_within=config.approvals.decide_within,
        use_within=config.approvals.use_within,
        in_client=config.approvals.in_client,
    )
    return replace(config, policy=replace(config.policy, obligations=terms))


def home() -> Path:
    """Where configuration, database and keys are; not created here."""
    named = variable("TOOLGUARD_HOME")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("toolguard", appauthor=False)


def agent_socket() -> Path:
    """Where a toolguard of another user listens, and where ours does (docs/separate-user.md)."""
    return Path(variable("TOOLGUARD_SOCKET") or "/run/toolguard/agent.sock")


def default_roots() -> tuple[str, ...]:
    """The working directory; but not `/`, the person's home or a folder above it, where clients start by default."""
    here = Path.cwd()
    person = Path.home()
    return () if here == person or here in person.parents else (str(here),)


def root(folder: str) -> str:
    """A root as written, made absolute: `~` is the person's home, the rest is relative to the working directory."""
    return os.path.normpath(Path(folder).expanduser().absolute())


def protected_paths(config: Config) -> tuple[str, ...]:
    """Absolute files and folders that are out of bounds for the agent: toolguard's own, and the clients' settings."""
    person = str(Path.home())
    folders = {
        "home": person,
        "config": variable("XDG_CONFIG_HOME") or f"{person}/.config",
        "claude": variable("CLAUDE_CONFIG_DIR") or person,
        "codex": variable("CODEX_HOME") or f"{person}/.codex",
    }
    own = [str(config.home)] if config.file is None else [str(config.home), str(config.file)]
    clients = [template.format_map(folders) for template in CLIENT_FILES]
    projects = [f"{folder.rstrip('/')}/{file}" for folder in config.roots for file in PROJECT_FILES]
    return tuple(dict.fromkeys([*own, *clients, *projects]))


def surroundings(config: Config) -> Surroundings:
    """What this machine contributes to judging a call."""
    return Surroundings(
        roots=config.roots,
        cwd=str(Path.cwd()),
        home=str(Path.home()),
        protected=protected_paths(config),
        protected_ports=(config.review.port,),
    )


def secret(text: str, field: str) -> str:
    """A secret as configured: itself, `env:NAME` or `file:PATH`, so that toolguard.yaml need not hold it.

    Raises ConfigError when the variable or file is not there.
    """
    kind, _, place = text.partition(":")
    if kind == "env":
        found = variable(place)
        if found is None:
            raise ConfigError(f"the variable `{place}` is not set", field=field, hint="set it, or name a file")
        return found
    if kind == "file":
        try:
            return Path(place).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"`{place}` cannot be read: {error}", field=field) from error
    return text


def variable(name: str) -> str | None:
    """One variable of the environment; None when it is absent or empty."""
    return os.environ.get(name) or None


def wrapped_environment() -> dict[str, str]:
    """For a server that `toolguard proxy -- COMMAND` starts: our own, without anything of toolguard's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOOLGUARD_")}


def server_environment(server: Server) -> dict[str, str]:
    """For a server that toolguard.yaml declares: the least that programs need, and what the server names."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | dict(server.env)


def person(uid: int | None = None) -> str:
    """The operating-system user, ours by default, from the uid and not from a variable that anyone can set."""
    import pwd

    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user without an entry
        return f"uid-{uid}"
