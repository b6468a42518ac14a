"""Part of the verifier: every vote that counted as signed, or as a passkey's, must be one, by a key enrolled earlier.

Nothing of the database's tables is needed, and no library of the page: the log alone holds the keys and the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolguard.core.proof.webhook_signature import PUBLIC_PREFIX
from toolguard.store.verify_callbacks import CallbackKeys
from toolguard.store.verify_passkeys import PasskeyKeys

SIGNED: Final = 3
PASSKEY: Final = 4
_WORDS: Final = {SIGNED: "signature", PASSKEY: "passkey"}


class ProvenVotes:
    """Takes the events in order; each method answers what is wrong, empty when nothing is."""

    def __init__(self) -> None:
        self._passkeys = PasskeyKeys()
        self._callbacks = CallbackKeys()
        self._demanded: dict[str, tuple[int, int]] = {}
        """Strength and number of approvals that each request asks for, where a proof is demanded."""
        self._proven: dict[str, set[str]] = {}

    def change(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """Any other event: those about keys count."""
        return self._passkeys.change(row, body) or self._callbacks.change(row, body)

    def request(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        requirement = body.get("requirement") or {}
        if requirement.get("strength", 0) >= SIGNED:
            self._demanded[row["request_id"]] = requirement["strength"], max(1, int(requirement.get("need") or 1))

    def vote(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        strength = body.get("strength", 0)
        if body.get("choice") != "approve":
            return ""
        demanded = self._demanded.get(row["request_id"], (0, 0))[0]
        if strength < demanded:
            return f"a vote without the {_WORDS[demanded]} that its request demands"
        if strength < SIGNED:
            return ""
        is_passkey = strength >= PASSKEY
        fault = self._passkeys.fault(row, body) if is_passkey else self._callbacks.fault(row, body)
        if not fault:
            self._proven.setdefault(row["request_id"], set()).add(row["reviewer"])
        return fault and f"the {'passkey' if is_passkey else 'key'} does not prove this vote: {fault}"

    def approved(self, request_id: str, *, has_all_contents: bool) -> str:
        """A request that demands proof is approved by as many people as it asks for."""
        demanded, need = self._demanded.get(request_id, (0, 0))
        if has_all_contents and len(self._proven.get(request_id, ())) < need:
            return f"approved without the {_WORDS[demanded]}s that the request demands"
        return ""

    def compare(self, kept: frozenset[tuple[str, str]]) -> list[str]:
        """The keys of the tables with those of the log."""
        callbacks = frozenset(pair for pair in kept if pair[0].startswith(PUBLIC_PREFIX))
        return [*self._passkeys.compare(kept - callbacks), *self._callbacks.compare(callbacks)]
