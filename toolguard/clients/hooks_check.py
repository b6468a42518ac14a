"""Examines whether Claude Code's own tools are judged: by its settings, and by running its hooks as it runs them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from toolguard.clients import hooks
from toolguard.clients.check import Check
from toolguard.config import Config
from toolguard.core.secrets.redact import Redactor
from toolguard.errors import ConfigError

_NAME: Final = "claude-code/hooks"
_INSTALL: Final = "toolguard install claude-code --hooks"
_SESSION: Final = "toolguard-doctor"


def examine_hooks(config: Config, environ: Mapping[str, str], within: float) -> Iterator[Check]:
    """Nothing is said where Claude Code has no settings, as on machines without it."""
    path = hooks.settings_file(environ)
    if not path.exists():
        return
    try:
        missing, commands = hooks.missing(path), hooks.commands(path)
        is_off = hooks.are_switched_off(path)
    except ConfigError as error:
        yield Check(_NAME, "problem", str(error), error.hint)
        return
    if not commands:
        yield Check(_NAME, "note", "not installed: Claude Code's own tools are not judged", _INSTALL)
        return
    if is_off:
        yield Check(_NAME, "problem", "`disableAllHooks` switches them off", f"take it out of {path}")
    if missing:
        yield Check(_NAME, "problem", f"these events lead past toolguard: {', '.join(missing)}", _INSTALL)
    for command in commands:
        yield _proof(command, config, environ, within)


def _proof(command: str, config: Config, environ: Mapping[str, str], within: float) -> Check:
    """What an event of no tool, sent as the client would send it, is answered."""
    words = shlex.split(command)
    gone = [word for word in words[:4] if word.startswith("/") and not os.access(word, os.R_OK)]
    if gone:
        return Check(_NAME, "problem", f"`{gone[0]}` is gone: it blocks every call", _INSTALL)
    home = words[words.index("--home") + 1] if "--home" in words[:-1] else ""
    for kind in ("Notification", "SessionEnd"):
        event = json.dumps({"session_id": _SESSION, "cwd": str(Path.cwd()), "hook_event_name": kind})
        try:
            ran = subprocess.run(  # noqa: S603 - a command that we wrote into the settings
                words, check=False, input=event.encode(), env=dict(environ), capture_output=True, timeout=within
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Check(_NAME, "problem", f"do not run: {error}", _INSTALL)
        if ran.returncode:
            said = Redactor(b"").text(ran.stderr.decode(errors="replace")).strip().splitlines()
            return Check(_NAME, "problem", said[-1] if said else f"end with status {ran.returncode}", _INSTALL)
    if home and Path(home) != config.home:
        then = f"TOOLGUARD_HOME={shlex.quote(home)} toolguard doctor"
        return Check(_NAME, "note", f"answer, and keep their records in `{home}`", then)
    return Check(_NAME, "ok", "Claude Code's own tools are judged")
