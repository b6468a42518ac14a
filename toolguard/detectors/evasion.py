"""Covering tracks and weakening defences: logs, shell history, firewalls, scanners, marks and times of files.

Leaves alone reading logs, looking at the firewall, and writing logs of one's own project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from toolguard.core.acts import FileOp, FileUse
from toolguard.core.model import Finding
from toolguard.core.paths import Kind, kinds
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.core.shell import in_place
from toolguard.detectors.kinds import HIGH, LIKELY, SURE, FindingKind, from_acts

FINDINGS: Final = (
    FindingKind("evasion.logs", HIGH, SURE, "deletes or overwrites logs", ("CWE-117",)),
    FindingKind(
        "evasion.history", HIGH, LIKELY, "keeps commands from being recorded, or changes the record", ("CWE-778",)
    ),
    FindingKind("evasion.defences", HIGH, LIKELY, "weakens or changes a protection of the machine", ("CWE-693",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}


LOOKS_AT: Final = ("acts", "changes")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    yield from from_acts(FINDINGS, reading.acts)
    for use in reading.files:
        if use.op in (FileOp.WRITE, FileOp.DELETE, FileOp.MODE, FileOp.OWNER):
            yield from _covers(use)
        if use.op is FileOp.WRITE and use.content and _WORKFLOW.search(use.path) and _unmasks(use.content):
            place = use.place
            yield _BY_ID["evasion.defences"].at(
                f"makes {use.path[:200]} print or send secrets in a form that the build's log does not mask",
                place.pointer,
                place.start,
                place.end,
            )


_WORKFLOW: Final = re.compile(
    r"\.(?:github|gitea|forgejo)/(?:workflows|actions)/|\.gitlab-ci\.ya?ml$|\.circleci/config\.ya?ml$|azure-pipelines\.ya?ml$"
)
_NAMED: Final = r"(?:\$\{\{\s*(?:secrets\.|toJSON\(\s*secrets)[^}\n]{0,100}\}\})"
_UNMASKED: Final = re.compile(
    # piped on into something that rewrites it, so that the build no longer knows it as a secret
    _NAMED + r"[^\n]{0,200}\|\s*(?:base64|base32|xxd|od|hexdump|rev|tr|sed|gzip|openssl|curl|wget|nc)\b"
    # or as content of a request; in a header it stands for logging in
    r"|\b(?:curl|wget|nc)\b[^\n]{0,300}(?:\s(?:-d|-F|--data\S*|--form|--post-data|--json)[\s=]\S*|[?&][\w-]+=)[^\n]{0,60}"
    + _NAMED
    + r"|toJSON\(\s*secrets\s*\)[^\n]{0,200}\|",
    re.IGNORECASE,
)


def _unmasks(content: str) -> bool:
    """Content of a workflow that takes secrets past the mask that hides them in its log."""
    return "secrets" in content and _UNMASKED.search(content[:100_000]) is not None


def _covers(use: FileUse) -> Iterator[Finding]:
    found = kinds(use.path)
    place = use.place
    if Kind.LOGS in found and (use.program in in_place.PROGRAMS or not (use.append and use.content is None)):
        yield _BY_ID["evasion.logs"].at(
            f"{_VERBS[use.op]} the log {use.path[:200]}", place.pointer, place.start, place.end
        )
    if Kind.HISTORY in found:
        yield _BY_ID["evasion.history"].at(
            f"{_VERBS[use.op]} the record of commands {use.path[:200]}", place.pointer, place.start, place.end
        )


_VERBS: Final = {
    FileOp.WRITE: "writes to",
    FileOp.DELETE: "deletes",
    FileOp.MODE: "changes the mode of",
    FileOp.OWNER: "changes the owner of",
}
