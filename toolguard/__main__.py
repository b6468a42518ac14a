"""The entry point. `proxy` and `hook` are dispatched before the command-line library is imported: the agent waits for
their start, for that of a hook at every call."""

from __future__ import annotations

import sys


def main() -> int:
    """The exit status of the command line in `sys.argv`."""
    if sys.argv[1:2] == ["hook"] and sys.argv[2:3] not in ([], ["--help"], ["-h"]):
        from toolguard.hooks.send import main as hook

        return hook(sys.argv[2:])
    from toolguard.cli.frame import run

    if sys.argv[1:2] == ["proxy"] and sys.argv[2:3] not in (["--help"], ["-h"]):
        for heavy in ("numpy", "pandas"):
            # sqlite-utils loads them wherever it finds them: 11 MB and 0.1 s in which the client waits, for nothing.
            sys.modules[heavy] = None  # type: ignore[assignment]  # what Python documents for "not to be found"
        from toolguard.cli.proxy import proxy

        return run(lambda: proxy(sys.argv[2:]))
    from toolguard.cli.app import invoke

    return run(lambda: invoke(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
