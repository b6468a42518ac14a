"""`toolguard demo`: the whole loop on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click

from toolguard import config as configuration
from toolguard.cli.asking import example
from toolguard.cli.frame import FAILED, OK
from toolguard.errors import ConfigError

if TYPE_CHECKING:
    from toolguard.demo.story import Paused, Played
    from toolguard.demo.telling import Line

_STYLES: Final[dict[str, dict[str, object]]] = {
    "strong": {"bold": True},
    "quiet": {"dim": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "wait": {"fg": "yellow"},
}


@click.command(epilog=example("toolguard demo --auto"))
@click.option("--auto", is_flag=True, help="Let an enrolled demo reviewer answer over the REST API.")
def demo(auto: bool) -> int:
    """Run the whole loop on this machine: an MCP server, the proxy, an agent's calls, the review page, the log.

    Safe calls pass, one is denied, one waits until you answer on the review page. Without a terminal, or with --auto,
    a demo reviewer answers. Exit status 0 only if everything was as expected.
    """
    _needs_the_sdk()
    from toolguard.demo import stage as stages
    from toolguard.demo import story, telling

    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C does: take the stage down, the reviewer with it.
        signal.signal(number, signal.default_int_handler)
    auto = auto or not sys.stdin.isatty()
    with stages.set_up(is_person=not auto) as stage:
        _print(telling.opening(stage, auto=auto))

        def tell(moment: Paused | Played) -> None:
            _print(telling.told(moment, stage, auto=auto))

        closed = asyncio.run(story.play(stage, tell, auto=auto))
        _print(telling.closing(closed, stage))
    return OK if closed.held else FAILED


def _needs_the_sdk() -> None:
    try:
        import mcp  # noqa: F401 - only whether it is there
    except ImportError:
        raise ConfigError(
            "the demo needs the MCP SDK, which is not installed",
            hint="pip install 'toolguard-firewall[mcp]', or in a checkout: pip install '.[mcp]'",
        ) from None


def _print(lines: Iterable[Line]) -> None:
    """click leaves the colours out where standard output is no terminal."""
    plain = configuration.variable("NO_COLOR") is not None or configuration.variable("TERM") == "dumb"
    for line in lines:
        click.echo(line.text if plain or line.tone == "plain" else _coloured(line))
    sys.stdout.flush()


def _coloured(line: Line) -> str:
    end = len(line.text) if line.end is None else line.end
    inside = click.style(line.text[line.start : end], **_STYLES[line.tone])  # type: ignore[arg-type]  # click's own keywords
    return line.text[: line.start] + inside + line.text[end:]
