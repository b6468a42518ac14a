"""What a client's hook knows of a call before a proxy sees it: what the person asked, and the model's words.

A hook and a proxy are two processes that know one call by its server, tool and arguments alone. So the hook leaves its
words under a keyed digest of these, and the proxy takes the newest. INVARIANT: they are shown and recorded, and change
no judgement: two conversations may make the same call at one moment (tests/hooks/test_foretold.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from toolguard.core.canonical import text
from toolguard.core.model import Json, ToolCall
from toolguard.core.secrets.redact import Redactor
from toolguard.guard.shown import kept_justification, kept_prompt
from toolguard.guard.times import later
from toolguard.store import foretold
from toolguard.store.database import Database

KEPT_SECONDS: Final = 600
"""Between the hook and the call the client may ask the person for its own permission."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")
"""What Claude Code writes as `_` where it names the tools of a server."""


@dataclass(frozen=True, slots=True)
class Words:
    """About one call; both without secrets."""

    prompt: str | None = None
    justification: str | None = None


class Foretold:
    """One side of the exchange: hooks note, proxies look."""

    def __init__(self, database: Database, redactor: Redactor, prompts: str) -> None:
        self._database, self._redactor, self._prompts = database, redactor, prompts

    def note(self, call: ToolCall) -> None:
        """A proxy will see this call. Raises StoreError."""
        prompt = kept_prompt(call.prompt, self._redactor, self._prompts)
        said = kept_justification(call.justification, self._redactor)
        key = self._key(call.principal.person, call.server, call.tool, call.arguments)
        with self._database.write(full=False) as tx:
            foretold.forget(tx, later(tx.now, -KEPT_SECONDS))
            foretold.save(tx, key, prompt, said)

    def of(self, person: str, server: str, tool: str, arguments: Json) -> Words:
        """What was said of this call, if anything was. Raises StoreError."""
        since = later(self._database.now(), -KEPT_SECONDS)
        row = foretold.find(self._database, self._key(person, server, tool, arguments), since)
        return Words(row["prompt"], row["justification"]) if row is not None else Words()

    def _key(self, person: str, server: str, tool: str, arguments: Json) -> str:
        return self._redactor.mac(text([person, _ODD.sub("_", server), _ODD.sub("_", tool), arguments]))
