"""Part of the verifier: the passkeys of reviewers, and whether an answer of one proves a vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolguard.core.proof.passkey import Assertion, RelyingParty
from toolguard.store.signing import is_signed_by_passkey


@dataclass(frozen=True, slots=True)
class _Key:
    reviewer: str
    public_key: str
    party: RelyingParty


class PasskeyKeys:
    """Takes the events in order; each method answers what is wrong, empty when nothing is."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._all: set[tuple[str, str]] = set()

    def change(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """Any other event: `credential.added`, `credential.ended` and `reviewer.removed` count."""
        if row["kind"] == "reviewer.removed":
            self._keys = {name: key for name, key in self._keys.items() if key.reviewer != row["reviewer"]}
        elif body.get("kind") != "passkey":
            return ""
        elif row["kind"] == "credential.ended":
            self._keys.pop(str(body.get("credential_id")), None)
        elif row["kind"] == "credential.added":
            name, key = str(body.get("credential_id")), str(body.get("public_key"))
            if any(name == known for known, _ in self._all):
                return "enrols a passkey that was enrolled before"
            self._all.add((name, key))
            party = RelyingParty(str(body.get("rp_id")), str(body.get("origin")))
            self._keys[name] = _Key(str(row["reviewer"]), key, party)
        return ""

    def fault(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """Why the answer that a vote keeps does not prove it; empty when it does."""
        assertion = Assertion.from_json(body.get("evidence"))
        if assertion is None:
            return "there is no answer of one"
        key = self._keys.get(assertion.credential_id)
        if key is None or key.reviewer != row["reviewer"]:
            return "this reviewer had not enrolled it"
        public_key = bytes.fromhex(key.public_key)
        fault = assertion.fault(bytes.fromhex(body["vote_digest"]), key.party)
        if fault:
            return fault
        return (
            "" if is_signed_by_passkey(public_key, assertion.signed, assertion.signature) else "its signature is wrong"
        )

    def compare(self, kept: frozenset[tuple[str, str]]) -> list[str]:
        """The keys of the tables with those of the log."""
        return [f"the stored passkey {name[:16]} is not the one that the log enrolled" for name, _ in kept - self._all]
