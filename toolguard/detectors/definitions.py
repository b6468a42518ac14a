"""The tool's definition: sees changes since it was pinned, orders to the agent inside it, and names that mislead.

It sees the same of its server's instructions. Leaves alone definitions as first seen, advice on how to use the tool,
and writing in any one script. On first sight a definition adds no points; only what no honest description holds does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from toolguard.core.layout.visible import marks
from toolguard.core.model import Confidence, Finding, Json, Severity, ToolDefinition
from toolguard.core.reading import Reading
from toolguard.core.session.facts import Facts
from toolguard.detectors.kinds import FindingKind

UNKNOWN: Final = FindingKind(
    "definition.unknown-tool",
    Severity.HIGH,
    Confidence.HIGH,
    "the server does not offer a tool of this name",
    ("CWE-284",),
)
CHANGED: Final = FindingKind(
    "definition.changed",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the server changed what this tool is after it was first seen",
    ("CWE-494", "OWASP-LLM03"),
)
ADDED: Final = FindingKind(
    "definition.added",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the server added this tool after it was first seen",
    ("CWE-494", "OWASP-LLM03"),
)
SECRECY: Final = FindingKind(
    "definition.secret-orders",
    Severity.HIGH,
    Confidence.MEDIUM,
    "the tool's description orders the agent to keep something from the person, or to read secrets",
    ("OWASP-LLM01", "CWE-1427"),
)
STEERS: Final = FindingKind(
    "definition.steers-other-tools",
    Severity.MEDIUM,
    Confidence.MEDIUM,
    "the tool's description tells the agent how to use other tools",
    ("OWASP-LLM01",),
)
HIDDEN: Final = FindingKind(
    "definition.hidden-characters",
    Severity.LOW,
    Confidence.HIGH,
    "the tool's name or description holds characters that nobody sees",
    ("CWE-1007",),
)
ALIKE: Final = FindingKind(
    "definition.look-alike-name",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the tool's name is written with letters that look like others",
    ("CWE-1007",),
)
SHADOWS: Final = FindingKind(
    "definition.shadows",
    Severity.LOW,
    Confidence.HIGH,
    "another server offers a tool of the same name",
    ("CWE-706",),
)
DOUBLED: Final = FindingKind(
    "definition.listed-twice",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the server lists two tools of this name, and may run the other one than it describes",
    ("CWE-706", "OWASP-LLM03"),
)
INSTRUCTIONS: Final = FindingKind(
    "definition.instructions-changed",
    Severity.MEDIUM,
    Confidence.HIGH,
    "the server changed the instructions that it gives the model after they were first seen",
    ("CWE-494", "OWASP-LLM03"),
)
SECRET_INSTRUCTIONS: Final = FindingKind(
    "definition.secret-instructions",
    Severity.HIGH,
    Confidence.MEDIUM,
    "the server's instructions order the agent to keep something from the person, or to read secrets",
    ("OWASP-LLM01", "CWE-1427"),
)
FINDINGS: Final = (
    UNKNOWN, CHANGED, ADDED, SECRECY, STEERS, HIDDEN, ALIKE, SHADOWS, DOUBLED, INSTRUCTIONS, SECRET_INSTRUCTIONS
)  # fmt: skip

_OF_CHANGE: Final = {"unknown": UNKNOWN, "changed": CHANGED, "added": ADDED}
_FROM_PIN: Final = {kind.id: kind for kind in FINDINGS}

SHORT: Final = 20
"""Texts of a schema up to this length are names and types."""
DEPTH: Final = 12
TEXTS: Final = 500

LONGEST: Final = 20_000
"""Characters of a definition that are read."""

_SECRECY: Final = re.compile(
    r"\b(?:do not|don't|never|without|avoid|must not)\s+(?:\w+\s+){0,2}(?:tell|inform|mention|reveal|notify"
    r"|notif|alert|ask|"
    r"disclos|warn|explain|show)\w*\b[^.\n]{0,60}\b(?:users?|humans?|owner|person|them|him|her)\b"
    r"|\b(?:silently|secretly|covertly)\b|\bthe user (?:must|should|does|need)(?: not|n't)[^.\n]{0,20}\b(?:know"
    r"|see|notice|aware)",
    re.IGNORECASE,
)
# Orders to keep something from the person.
_SECRETS: Final = re.compile(
    r"\b(?:put|read|cat|open|send|pass|include|attach|load|provide|get|access|upload|copy)\b[^.\n]{0,80}(?:~/"
    r"|/home/|/root/|/etc/|"
    r"\$HOME|\.ssh\b|\.aws\b|\.env\b|id_rsa|mcp\.json|credentials?\b[^.\n]{0,20}\bfile|private keys?|api keys? "
    r"of|passwd)",
    re.IGNORECASE,
)
# Orders to fetch what lies in the person's home.
_OTHERS: Final = re.compile(
    r"(?i:\b(?:when(?:ever)?|before|after|instead of|rather than|if)\b[^.\n]{0,40}\b(?:using|use|calling|call|invoking|"
    r"running|sending)\b)[^.\n]{0,20}?\b(?:the\s+)?[`'\"]?([a-z]+(?:_[a-z]+)+|[a-z]+[A-Z]\w+)[`'\"]?",
)
# "before calling send_email": advice about a tool by its name.


def inspect(reading: Reading, facts: Facts) -> Iterable[Finding]:
    """Findings about the definition of the tool that is called."""
    change = _OF_CHANGE.get(facts.surroundings.definition_change)
    if change is not None:
        yield change.at()
    definition = reading.call.definition
    seen: tuple[str, ...] = facts.surroundings.definition_findings
    if definition is not None:
        seen = (*seen, *of_definition(definition))
    for id_ in dict.fromkeys(seen):
        if id_ in _FROM_PIN:
            yield _FROM_PIN[id_].at()


_INSPECTED: Final[dict[int, tuple[ToolDefinition, tuple[str, ...]]]] = {}
# By identity: a definition is frozen, its schema too large to hash for each call. The entry keeps the object alive,
# so that no other one can take its identity.


def of_definition(definition: ToolDefinition) -> tuple[str, ...]:
    """Ids of what is wrong with a definition by itself."""
    known = _INSPECTED.get(id(definition))
    if known is not None:
        return known[1]
    found = _of_text(definition.name, _text(definition.description, definition.input_schema))
    if len(_INSPECTED) >= 1024:
        _INSPECTED.clear()
    _INSPECTED[id(definition)] = (definition, found)
    return found


def of_instructions(instructions: str) -> tuple[str, ...]:
    """Ids of what is wrong with what a server tells the model about itself."""
    text = instructions[:LONGEST]
    return (SECRET_INSTRUCTIONS.id,) if _SECRECY.search(text) or _SECRETS.search(text) else ()


def _text(description: str, schema: Json) -> str:
    """Description and every longer text inside the schema: all of it reaches the model."""
    found = [description]
    _gather(schema, found, DEPTH)
    return "\n".join(found)[:LONGEST]


def _gather(node: Json, found: list[str], depth: int) -> None:
    if isinstance(node, str):
        if len(node) > SHORT:
            found.append(node)
    elif isinstance(node, Mapping | list | tuple) and depth and len(found) < TEXTS:
        for child in node.values() if isinstance(node, Mapping) else node:
            if not isinstance(child, bool | int | float):
                _gather(child, found, depth - 1)


@lru_cache(maxsize=1024)
def _of_text(name: str, text: str) -> tuple[str, ...]:
    found = []
    if _SECRECY.search(text) or _SECRETS.search(text):
        found.append(SECRECY.id)
    if any(other.group(1) != name for other in _OTHERS.finditer(text)):
        found.append(STEERS.id)
    if not name.isascii() and marks(name):
        found.append(ALIKE.id)
    if not text.isascii() and any(mark.kind.value in ("tag", "bidi", "hidden") for mark in marks(text)):
        found.append(HIDDEN.id)
    return tuple(found)
