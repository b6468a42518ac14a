"""Part of the verifier: the keys of reviewers' signed callbacks, and whether one of them proves a vote.

As with passkeys, the log alone holds what is needed: the keys from their enrolment, the messages from the votes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolguard.core.proof.callback import Callback
from toolguard.store.signing import is_signed


class CallbackKeys:
    """Takes the events in order."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        """Reviewer by public key, as `whpk_...`."""

    def change(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """`credential.added`, `credential.ended` and `reviewer.removed` count. Nothing of these can be wrong."""
        if row["kind"] == "reviewer.removed":
            self._owners = {key: name for key, name in self._owners.items() if name != row["reviewer"]}
        elif body.get("kind") != "webhook":
            return ""
        elif row["kind"] == "credential.ended":
            self._owners.pop(str(body.get("public_key")), None)
        elif row["kind"] == "credential.added":
            self._owners[str(body.get("public_key"))] = str(row["reviewer"])
        return ""

    def fault(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """Why the message that a vote keeps does not prove it; empty when it does."""
        callback = Callback.from_json(body.get("evidence"))
        if callback is None:
            return "there is no message under one"
        if self._owners.get(callback.key) != row["reviewer"]:
            return "this reviewer had not enrolled it"
        if body.get("grant"):
            return "a message gives no grant"
        fault = callback.fault(row["request_id"], body["request_digest"])
        if fault:
            return fault
        signed = any(is_signed(callback.public_key, callback.signed, one) for one in callback.signatures)
        return "" if signed else "its signature is wrong"

    def compare(self, kept: frozenset[tuple[str, str]]) -> list[str]:
        """Keys and reviewers of the tables with those of the log."""
        return [
            f"the stored key {key[:16]} of {owner} is not one that the log enrolled for them"
            for key, owner in kept
            if self._owners.get(key) != owner
        ]
