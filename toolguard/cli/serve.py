"""`toolguard serve`: the review page and the REST API."""

from __future__ import annotations

from dataclasses import replace

import click

from toolguard import config as configuration
from toolguard.cli.asking import config_option, example
from toolguard.cli.frame import OK
from toolguard.cli.output import print_lines
from toolguard.clients.enrol import first_reviewer
from toolguard.config import LOOPBACK, Config, ReviewSettings
from toolguard.errors import ConfigError
from toolguard.guard import Guard
from toolguard.review import serve as serve_review
from toolguard.review.links import sign_in


@click.command(epilog=example("toolguard serve --port 8787"))
@config_option
@click.option("--host", metavar="H", help="Address to listen on; 127.0.0.1 by default.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="P", help="Port to listen on; 8787 by default.")
def serve(config: str | None, host: str | None, port: int | None) -> int:
    """Serve the review page and the REST API until Ctrl-C.

    The first start enrols the operating-system user as the first reviewer and prints a link that signs in, once.
    """
    loaded = configuration.load(config)
    loaded = replace(loaded, review=_review(loaded, host, port))
    with Guard.open(loaded) as guard:
        enrolled = first_reviewer(guard)
        if enrolled is not None:
            link = sign_in(loaded.review.url, enrolled.link_code)
            print_lines([f"enrolled {enrolled.name} as first reviewer; this link signs in, once:", f"  {link}"])
        print_lines([f"toolguard serves {loaded.review.url} (Ctrl-C ends it)"])
        serve_review(guard, loaded.review.host, loaded.review.port)
    return OK


def _review(loaded: Config, host: str | None, port: int | None) -> ReviewSettings:
    """Where to listen. Raises ConfigError for an open address that only this command knows of."""
    settings = loaded.review
    if host is not None and host not in LOOPBACK and host != settings.host:
        # The proxies decide by the same file whether people may approve their own agents' calls.
        raise ConfigError(
            f"`--host {host}` is reachable from other machines, which the proxies must know too",
            hint=f"write `review: {{host: {host}}}` in toolguard.yaml; approvals then need a second person",
        )
    if (host or settings.host, port or settings.port) == (settings.host, settings.port):
        return settings
    host, port = host or settings.host, port or settings.port
    shown = f"[{host}]" if ":" in host else host
    return ReviewSettings(host, port, f"http://{shown}:{port}")
