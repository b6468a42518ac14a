"""Claude Code's settings with toolguard's hooks in them, and without.

Only our entries are added and taken out; comments, order and layout of the rest stay. The file as it was is kept beside
the database: if nothing but our hooks changed since, taking them out gives it back to the byte.
"""

from __future__ import annotations

import codecs
import difflib
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from toolguard.clients import file as files
from toolguard.clients import jsonc
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

    def diff(self) -> str:
        """Unified."""
        before, after = ((content or b"").decode("utf-8-sig") for content in (self.before, self.after))
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"{self.path} (now)",
            f"{self.path} (after)",
        )
        return "".join(lines)


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
    before, text = _read(path)
    line = command(launch, {**options, "--within": str(int(hold) + 1)})
    entry: Json = {"type": "command", "command": line, "timeout": int(hold) + EXTRA_SECONDS}
    after = text
    for event in EVENTS:
        group: Json = {"matcher": "*", "hooks": [entry]} if event in _ABOUT_TOOLS else {"hooks": [entry]}
        groups = _hooks_of(path, after).get(event, [])
        if groups != [*_without_ours(groups), group]:
            after = jsonc.append(_taken_out(path, after, event), str(path), ("hooks", event), group)
    return _checked(HooksPlan(path, before, _encoded(before, after) if after != text or before is None else before))


def plan_uninstall(path: Path, home: Path) -> HooksPlan:
    """Raises ConfigError when the settings cannot be understood."""
    if not path.exists():
        return HooksPlan(path, None, None)
    before, text = _read(path)
    kept = _kept(home, path)
    if kept is not None and before is not None and kept["after"] == _digest(before):
        original = kept["before"]
        return HooksPlan(path, before, None if original is None else str(original).encode())
    after = text
    for event, groups in _hooks_of(path, text).items():
        if _without_ours(groups) == groups:
            continue
        after = _taken_out(path, after, event)
        if not _hooks_of(path, after)[event]:
            after = jsonc.remove(after, str(path), ("hooks", event))
    if after != text and not _hooks_of(path, after):
        after = jsonc.remove(after, str(path), ("hooks",))
    return _checked(HooksPlan(path, before, before if after == text else _encoded(before, after)))


def _taken_out(path: Path, text: str, event: str) -> str:
    """The text without our entries of one event; a group that held nothing else goes away."""
    while True:
        groups = _hooks_of(path, text).get(event, [])
        found = next(_ours(groups), None)
        if found is None:
            return text
        text = jsonc.remove(text, str(path), ("hooks", event, *found))


def _ours(groups: Sequence[Json]) -> Iterator[tuple[str | int, ...]]:
    """Where our entries stand: a group of nothing else, or one entry of a group."""
    for at, group in enumerate(groups):
        entries = group.get("hooks") if isinstance(group, dict) else None
        if not isinstance(entries, list):
            continue
        ours = [number for number, entry in enumerate(entries) if _is_ours(entry)]
        if ours and len(ours) == len(entries):
            yield (at,)
        elif ours:
            yield (at, "hooks", ours[0])


def _checked(plan: HooksPlan) -> HooksPlan:
    """The plan, if it loses nothing. INVARIANT: no edit of settings reaches a disk without this."""
    if _others(plan.path, plan.before) != _others(plan.path, plan.after):
        raise ConfigError(
            "cannot be edited without changing something else",
            file=str(plan.path),
            hint="please report this file's layout; nothing was changed",
        )
    return plan


def _others(path: Path, content: bytes | None) -> Json:
    """What the settings say beside our entries."""
    text = (content or b"").decode("utf-8-sig")
    settings = _settings(path, text)
    hooks = {event: groups for event, one in _hooks_of(path, text).items() if (groups := _without_ours(one))}
    return {name: value for name, value in settings.items() if name != "hooks"} | ({"hooks": hooks} if hooks else {})


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
        files.write(opened, plan.after.decode("utf-8-sig"))


def is_installed(path: Path) -> bool:
    """Whether every event leads to toolguard. Raises ConfigError."""
    return not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The events that lead past toolguard. Raises ConfigError."""
    hooks = _hooks_of(path, _read(path)[1])
    return tuple(event for event in EVENTS if _without_ours(hooks.get(event, [])) == hooks.get(event, []))


def are_switched_off(path: Path) -> bool:
    """Whether the settings make Claude Code run no hooks at all. Raises ConfigError."""
    return bool(_settings(path, _read(path)[1]).get("disableAllHooks"))


def commands(path: Path) -> tuple[str, ...]:
    """The command lines of our entries, each once. Raises ConfigError."""
    groups = [group for groups in _hooks_of(path, _read(path)[1]).values() for group in groups]
    entries = [entry for group in groups if isinstance(group, dict) for entry in group.get("hooks", [])]
    return tuple(dict.fromkeys(entry["command"] for entry in entries if _is_ours(entry)))


def _read(path: Path) -> tuple[bytes | None, str]:
    if not path.exists():
        return None, ""
    found = files.read(path)
    return found.content, found.text


def _encoded(before: bytes | None, text: str) -> bytes:
    """The bytes of another text for the same file; a byte order mark stays."""
    return (codecs.BOM_UTF8 if before and before.startswith(codecs.BOM_UTF8) else b"") + text.encode()


def _settings(path: Path, text: str) -> dict[str, Json]:
    settings = jsonc.value(text, str(path))
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError("is no JSON object", file=str(path), hint="mend it first; nothing was changed")
    return settings


def _hooks_of(path: Path, text: str) -> dict[str, list[Json]]:
    hooks = _settings(path, text).get("hooks", {})
    if not isinstance(hooks, dict) or not all(isinstance(groups, list) for groups in hooks.values()):
        raise ConfigError(
            "`hooks` is not as Claude Code writes it", file=str(path), hint="mend it first; nothing was changed"
        )
    return {event: list(groups) for event, groups in hooks.items() if isinstance(groups, list)}


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
