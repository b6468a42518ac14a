"""Accounts, rights and keys: sees what changes who may do what, or takes out credentials.

Leaves alone asking who one is, listing users and groups, and showing what rights a file has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from toolguard.core.acts import FileOp
from toolguard.core.model import Finding
from toolguard.core.paths import Kind, kinds
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import HIGH, LIKELY, MEDIUM, SURE, FindingKind, from_acts

FINDINGS: Final = (
    FindingKind("identity.accounts", HIGH, LIKELY, "changes who has an account or how people log in", ("CWE-269",)),
    FindingKind("identity.privilege", HIGH, SURE, "gives rights that were not there before", ("CWE-250",)),
    FindingKind("identity.keys", MEDIUM, SURE, "changes keys or certificates", ("CWE-320",)),
    FindingKind(
        "identity.cloud-access", HIGH, LIKELY, "changes or uses rights in a cloud account or cluster", ("CWE-269",)
    ),
    FindingKind("identity.dumps-credentials", HIGH, SURE, "takes out passwords, tickets or keys", ("CWE-522",)),
)
_BY_ID: Final = {kind.id: kind for kind in FINDINGS}


_SETS_ID: Final = re.compile(r"(?:0o?)?[2467][0-7]{3}$|[ugoa]*\+[rwxX]*s")  # 4755, u+s


_TIGHTENS: Final = re.compile(r"0?[4-7]00$|[ugoa]*-[rwx]+$|go=$")  # nobody but the owner, or fewer rights than before


LOOKS_AT: Final = ("acts", "changes")


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    yield from from_acts(FINDINGS, reading.acts)
    for use in reading.files:
        place = use.place
        if use.op is FileOp.MODE and _TIGHTENS.match(use.content or ""):
            continue
        if use.op in (FileOp.WRITE, FileOp.MODE, FileOp.OWNER) and Kind.ACCOUNTS in kinds(use.path):
            yield _BY_ID["identity.accounts"].at(
                f"changes {use.path[:200]}, which says who may log in or do what",
                place.pointer,
                place.start,
                place.end,
                confidence=SURE,
            )
        elif use.op is FileOp.MODE and use.content and _SETS_ID.match(use.content):
            yield _BY_ID["identity.privilege"].at(
                f"lets everybody run {use.path[:200]} with its owner's rights", place.pointer, place.start, place.end
            )
