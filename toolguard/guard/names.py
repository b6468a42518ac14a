"""Tools as they are kept and shown: a server may put a secret into a tool's name or definition.

A name with a secret is told by a marker and a keyed digest, so that two such tools stay two. Policy sees that name too;
a definition's fingerprint is of the definition as it came.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from toolguard.core.model import Json, ToolDefinition
from toolguard.core.secrets.redact import Redactor

_REMEMBERED: Final = 4_096
"""Names; the agent may call by as many as it likes, so the memory of them is bounded."""
_DIGITS: Final = 8
_SEPARATOR: Final = re.compile(r"[^0-9A-Za-z]")
_PARTS: Final = 16
"""Of a name that are looked at; people's names have four."""


class Names:
    """Of one guard; a name that was seen before costs one look."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name without secrets; itself where it has none."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[name] = self._marked(name, self._shown(name))
        return known

    def _marked(self, text: str, shown: str) -> str:
        """What is shown of a text, with a keyed digest where something was taken out."""
        digest = self._redactor.mac(text).partition(":")[2]
        return text if shown == text else f"{shown}~{digest[:_DIGITS]}"

    def _shown(self, name: str) -> str:
        """Formats of secrets end at words, and an underscore ends none, so each run of a name's parts is looked at."""
        shown = self._redactor.text(name)
        if shown != name:
            return shown
        ends = [at.start() for at in _SEPARATOR.finditer(name)][:_PARTS]
        for start in (0, *(end + 1 for end in ends)):
            for end in (len(name), *reversed(ends)):
                told = self._redactor.text(name[start:end])
                if told != name[start:end]:
                    return name[:start] + told + self._shown(name[end:])
        return name

    def without_secrets(self, definition: ToolDefinition) -> ToolDefinition:
        """The definition with markers for secrets, wherever a server wrote them."""
        return replace(
            definition,
            name=self.of(definition.name),
            title=self._told(definition.title),
            description=self._told(definition.description),
            input_schema=self._told(definition.input_schema),
            annotations=self._told(definition.annotations),
            rest=self._told(definition.rest),
        )

    def _told(self, value: Json) -> Json:
        """Text by text: a parameter that is called `token` is no secret, its default may be one."""
        if isinstance(value, str):
            return self._marked(value, self._redactor.text(value))
        if isinstance(value, dict):
            return {self._marked(name, self._redactor.text(name)): self._told(inside) for name, inside in value.items()}
        if isinstance(value, list):
            return [self._told(inside) for inside in value]
        return value
