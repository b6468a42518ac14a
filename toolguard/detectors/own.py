"""toolguard itself: sees calls that reach for its files, its ports, its command line, or the configuration that puts
it in place.

Leaves alone listing folders above them and running `toolguard check`, `doctor`, `--help` and the like, which change
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import Confidence, Finding, Severity
from toolguard.core.paths import normal, resolved
from toolguard.core.reading import Language, Reading
from toolguard.core.session.facts import Facts
from toolguard.core.urls import parse
from toolguard.detectors.kinds import FindingKind

OWN_FILES: Final = FindingKind(
    "guard.own-files", Severity.CRITICAL, Confidence.HIGH, "reaches for toolguard's own files", ("CWE-693",)
)
CLIENT: Final = FindingKind(
    "guard.client-configuration",
    Severity.CRITICAL,
    Confidence.HIGH,
    "changes the configuration that puts toolguard in front of a server",
    ("CWE-693",),
)
OWN_COMMAND: Final = FindingKind(
    "guard.own-command",
    Severity.CRITICAL,
    Confidence.HIGH,
    "uses toolguard's own command line, which is for people",
    ("CWE-693",),
)
OWN_PORT: Final = FindingKind(
    "guard.own-port", Severity.CRITICAL, Confidence.HIGH, "talks to toolguard's own review server", ("CWE-693",)
)
FINDINGS: Final = (OWN_FILES, CLIENT, OWN_COMMAND, OWN_PORT)

# What is protected and is no client's configuration is ours: a home may have any name (`TOOLGUARD_HOME=/srv/tg`).
_CLIENTS_NAME: Final = re.compile(
    r"/(?:claude_desktop_config\.json|\.claude\.json|settings(?:\.local)?\.json|\.?mcp\.json|profiles|config\.toml)$"
)
# Words of the command line that decide, enrol, configure or serve; the others only look.
_DECIDES: Final = re.compile(
    r"(?:^|[\s;&|'\"/(`])toolguard(?:\.exe)?['\"]?\s+(?:--?\S+\s+)*(approvals\s+(?:approve|deny)|grants\s+revoke|reviewers|serve|install|uninstall|proxy|hook|policy\s+learn|audit\s+checkpoint)\b|-m\s+toolguard\s+(?:approvals|grants|reviewers|serve|install|uninstall|proxy|hook)\b"
)
_READS: Final = frozenset({FileOp.READ, FileOp.LIST})


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    around = facts.surroundings
    for use in reading.files:
        if not use.remote:
            yield from _touched(use, _normals(around.protected), normal(resolved(use.path, around.cwd)))
    for contact in reading.contacts:
        link = parse(contact.address)
        if link is not None and link.place in ("loopback", "local-name") and link.port in around.protected_ports:
            yield OWN_PORT.at(
                f"talks to port {link.port}, toolguard's review server",
                contact.place.pointer,
                contact.place.start,
                contact.place.end,
            )
    for fragment in reading.fragments:
        if fragment.language in (Language.SHELL, Language.POWERSHELL, Language.CMD, Language.PYTHON, Language.CODE):
            match = _DECIDES.search(fragment.text[:100_000]) if "toolguard" in fragment.text else None
            if match is not None and not _only_mentions(reading):
                yield OWN_COMMAND.at(
                    "uses toolguard's own command line, which is for people",
                    fragment.place.pointer,
                    fragment.place.start,
                    fragment.place.end,
                )


@lru_cache(maxsize=64)
def _normals(protected: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normal(path).rstrip("/") for path in protected)


@lru_cache(maxsize=64)
def _below(protected: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(own + "/" for own in protected)


def _touched(use: FileUse, protected: tuple[str, ...], path: str) -> Iterator[Finding]:
    """The first protected place that this use reaches: below it, or above it with everything in between."""
    place, above = use.place, use.op is FileOp.DELETE and use.recursive
    if not above and not path.startswith(_below(protected)) and path not in protected:
        return  # one look for all of them: most files are nobody's secret
    for own in protected:
        if not (path == own or path.startswith(own + "/") or (above and own.startswith(path.rstrip("/*") + "/"))):
            continue
        if not _CLIENTS_NAME.search(own):
            if use.op is not FileOp.LIST:
                message = f"{use.op.value}s {use.path[:200]}, which belongs to toolguard"
                yield OWN_FILES.at(message, place.pointer, place.start, place.end)
        elif use.op not in _READS:
            message = f"changes {use.path[:200]}, which puts toolguard in front of a server"
            yield CLIENT.at(message, place.pointer, place.start, place.end)
        return


def _only_mentions(reading: Reading) -> bool:
    """The command line stands in a text that is only searched or printed."""
    return (
        bool(reading.fragments)
        and re.match(
            r"\s*(?:echo|printf|grep|rg|ag|man|which|cat|git\s+(?:log|grep|commit))\b[^|;&`$]*$",
            reading.fragments[0].text[:2000],
        )
        is not None
    )
