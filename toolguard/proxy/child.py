"""The tool server as a child process: started, signalled, and ended in the order that MCP asks for.

First its standard input closes, then it gets SIGTERM, then SIGKILL (MCP basic/lifecycle, "Shutdown"). It runs in a
process group of its own, so that a signal reaches the server behind a launcher such as npx, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from toolguard.errors import UpstreamError


class Child:
    """A running tool server; its standard error is ours."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it. Raises: UpstreamError."""
        its_input, self.stdin = os.pipe()
        self.stdout, its_output = os.pipe()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the command of the client's own configuration, without a shell
                command, stdin=its_input, stdout=its_output, env=environment, process_group=0
            )
        except (OSError, ValueError) as error:
            os.close(self.stdin)
            os.close(self.stdout)
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UpstreamError(
                f"cannot start `{command[0]}`: {why.lower()}",
                hint="check the command after `--` in the client's configuration",
            ) from None
        finally:
            os.close(its_input)
            os.close(its_output)

    def exit_code(self) -> int | None:
        """As a shell reports it: 128 and the number of the signal that ended it; None while it runs."""
        code = self._popen.poll()
        return code if code is None or code >= 0 else 128 - code

    def signal(self, number: int) -> None:
        """Send a signal to its whole process group, which may outlive the process that we started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
