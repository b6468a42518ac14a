"""Claude Code's settings with toolguard's hooks in them, and without.

The settings are read and written as JSON; what others put there stays, in its order. The file as it was is kept beside
the database: if nothing but our hooks changed since, taking them out gives it back to the byte.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from toolguard.clients import file as files
from toolguard.core.model import Json
from toolguard.errors import ConfigError

EVENTS: Final = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "SessionEnd")
_ABOUT_TOOLS: Final = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure"})
MARK: Final = "toolguard hook claude-code"
"""The words by which our entries are known, whatever starts them."""
EXTRA_SECONDS: Final = 60
"""Beyond `hold`, until the client gives up on the hook and goes on as if there were none: never within a hold."""


@dataclass(frozen=True, slots=True)
class HooksPlan:
    """The settings before and after."""

    path: Path
    before: bytes | None
    """None when there was no file."""
    after: bytes | None
    """None when the file goes away."""

    @property
    def changed(self) -> bool:
        return self.before != self.after


def settings_file(environ: Mapping[str, str]) -> Path:
    """The user's settings."""
    folder = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME') or Path.home()}/.claude"
    return Path(folder) / "settings.json"


def command(launch: Sequence[str], options: Mapping[str, str]) -> str:
    """One line for the client's shell; `launch` starts `toolguard hook`."""
    words = [*launch, "claude-code"]
    for name, value in options.items():
        words += [name, value] if value else []
    return shlex.join(words)


def plan_install(path: Path, launch: Sequence[str], options: Mapping[str, str], hold: float) -> HooksPlan:
    """Raises ConfigError when the settings cannot be understood."""
    before, settings = _read(path)
    hooks = _hooks_of(path, settings)
    line = command(launch, {**options, "--within": str(int(hold) + 1)})
    entry = {"type": "command", "command": line, "timeout": int(hold) + EXTRA_SECONDS}
    for event in EVENTS:
        others = _without_ours(hooks.get(event, []))
        group = {"matcher": "*", "hooks": [entry]} if event in _ABOUT_TOOLS else {"hooks": [entry]}
        hooks[event] = [*others, group]
    after = {**settings, "hooks": hooks}
    return HooksPlan(path, before, _written(after) if after != settings or before is None else before)


def plan_uninstall(path: Path, home: Path) -> HooksPlan:
    """Raises ConfigError when the settings cannot be understood."""
    if not path.exists():
        return HooksPlan(path, None, None)
    before, settings = _read(path)
    kept = _kept(home, path)
    if kept is not None and before is not None and kept["after"] == _digest(before):
        original = kept["before"]
        return HooksPlan(path, before, None if original is None else original.encode())
    hooks = {event: groups for event, one in _hooks_of(path, settings).items() if (groups := _without_ours(one))}
    after = {name: value for name, value in settings.items() if name != "hooks"} | ({"hooks": hooks} if hooks else {})
    return HooksPlan(path, before, before if after == settings else _written(after))


def carry_out(plan: HooksPlan, home: Path, now: datetime, *, keeps: bool) -> None:
    """Write the settings, with a backup; `keeps` remembers what was there. Raises ConfigError."""
    if not plan.changed:
        return
    if keeps and plan.after is not None:
        _keep(home, plan)
    if plan.before is None and plan.after is not None:
        plan.path.parent.mkdir(parents=True, exist_ok=True)
        plan.path.write_bytes(plan.after)
        return
    opened = files.read(plan.path)
    files.back_up(opened, home / "backups", now)
    if plan.after is None:
        plan.path.unlink()
    else:
        files.write(opened, plan.after.decode())


def is_installed(path: Path) -> bool:
    """Whether every event leads to toolguard. Raises ConfigError."""
    hooks = _hooks_of(path, _read(path)[1])
    return all(_without_ours(hooks.get(event, [])) != hooks.get(event, []) for event in EVENTS[:3])


def _read(path: Path) -> tuple[bytes | None, dict[str, Json]]:
    if not path.exists():
        return None, {}
    content = files.read(path).content
    try:
        settings = json.loads(content)
    except ValueError as error:
        raise ConfigError(f"is no JSON: {error}", file=str(path), hint="mend it first; nothing was changed") from None
    if not isinstance(settings, dict):
        raise ConfigError("is no JSON object", file=str(path), hint="mend it first; nothing was changed")
    return content, settings


def _hooks_of(path: Path, settings: Mapping[str, Json]) -> dict[str, Json]:
    hooks = settings.get("hooks", {})
    if not isinstance(hooks, dict) or not all(isinstance(groups, list) for groups in hooks.values()):
        raise ConfigError(
            "`hooks` is not as Claude Code writes it", file=str(path), hint="mend it first; nothing was changed"
        )
    return dict(hooks)


def _without_ours(groups: Sequence[Json]) -> list[Json]:
    """The groups without our entries; a group that held nothing else goes away."""
    left = []
    for group in groups:
        entries = group.get("hooks") if isinstance(group, dict) else None
        if not isinstance(entries, list) or not any(_is_ours(entry) for entry in entries):
            left.append(group)
        elif others := [entry for entry in entries if not _is_ours(entry)]:
            left.append({**group, "hooks": others})
    return left


def _is_ours(entry: Json) -> bool:
    return isinstance(entry, dict) and MARK in " ".join(_split(str(entry.get("command", ""))))


def _split(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:
        return [line]
    return [_known(word) for word in words]


def _known(word: str) -> str:
    """What starts us, in the words of `MARK`."""
    if word.endswith("/toolguard/hooks/send.py"):
        return "toolguard hook"
    return "toolguard" if word.endswith(("/toolguard", "toolguard.exe")) else word


def _written(settings: Mapping[str, Json]) -> bytes:
    return (json.dumps(settings, indent=2, ensure_ascii=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _memory(home: Path, path: Path) -> Path:
    return home / "backups" / f"hooks-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}.json"


def _keep(home: Path, plan: HooksPlan) -> None:
    """What was there before the first installation; a renewal keeps the older memory as long as it fits."""
    kept, memory = _kept(home, plan.path), _memory(home, plan.path)
    before = plan.before.decode() if plan.before is not None else None
    if kept is not None and plan.before is not None and kept["after"] == _digest(plan.before):
        before = kept["before"]
    memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    memory.touch(mode=0o600)
    memory.write_text(json.dumps({"before": before, "after": _digest(plan.after or b"")}), encoding="utf-8")


def _kept(home: Path, path: Path) -> dict[str, Json] | None:
    try:
        found: dict[str, Json] = json.loads(_memory(home, path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.keys() == {"before", "after"} else None
