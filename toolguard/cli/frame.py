"""Around every command: errors as one line of what and one of what next, and an exit status; never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Final

from toolguard.config import variable
from toolguard.core.layout.visible import escape
from toolguard.errors import ConfigError, ToolguardError

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
ASK: Final = 3
DENY: Final = 4
INTERRUPTED: Final = 130
"""128 + SIGINT, as shells say it."""
PIPE_CLOSED: Final = 141
"""128 + SIGPIPE: what `yes | head -1` gives."""


def run(command: Callable[[], int]) -> int:
    """The exit status of a command, whatever becomes of it."""
    try:
        status = command()
        sys.stdout.flush()
    except ToolguardError as error:
        report(str(error), error.hint)
        return BAD_INPUT if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone. Point stdout elsewhere, or Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the top of the program: a bug becomes one line and a failing status
        if variable("TOOLGUARD_TRACE"):
            traceback.print_exc()
        report(
            f"a defect in toolguard: {type(error).__name__}: {error}",
            "set TOOLGUARD_TRACE=1 to see where; please report it",
        )
        return FAILED
    return status


def report(what: str, next_step: str = "") -> None:
    """One line of what, one of what next, on stderr."""
    print("toolguard: " + line(what), file=sys.stderr)
    if next_step:
        print("  " + line(next_step), file=sys.stderr)


def line(text: str) -> str:
    """Text on one line of a terminal: what cannot be seen, or would steer the terminal, is spelled out."""
    return escape(text.replace("\n", "\\n").replace("\t", " "))
