"""Part of the verifier: every vote that counted as a passkey's must be one, by a key enrolled earlier in the log.

Nothing of the database's tables is needed, and no library of the page: the log alone holds the keys and the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolguard.core.proof.passkey import Assertion, RelyingParty
from toolguard.store.signing import is_signed_by_passkey

PASSKEY: Final = 4
"""The strength of a vote that a passkey proves."""


@dataclass(frozen=True, slots=True)
class _Key:
    reviewer: str
    public_key: str
    party: RelyingParty


class PasskeyVotes:
    """Takes the events in order; each method answers what is wrong, empty when nothing is."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._all: set[tuple[str, str]] = set()
        self._demanded: dict[str, tuple[int, int]] = {}
        """Strength and number of approvals that each request asks for, where a passkey is demanded."""
        self._proven: dict[str, set[str]] = {}

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

    def request(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        requirement = body.get("requirement") or {}
        if requirement.get("strength", 0) >= PASSKEY:
            self._demanded[row["request_id"]] = requirement["strength"], max(1, int(requirement.get("need") or 1))

    def vote(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        strength = body.get("strength", 0)
        if body.get("choice") != "approve":
            return ""
        if strength < self._demanded.get(row["request_id"], (0, 0))[0]:
            return "a vote without the passkey that its request demands"
        if strength < PASSKEY:
            return ""
        fault = self._fault(row, body)
        if not fault:
            self._proven.setdefault(row["request_id"], set()).add(row["reviewer"])
        return fault and f"the passkey does not prove this vote: {fault}"

    def _fault(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> str:
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

    def approved(self, request_id: str, *, has_all_contents: bool) -> str:
        """A request that demands passkeys is approved by as many people as it asks for."""
        _, need = self._demanded.get(request_id, (0, 0))
        if has_all_contents and len(self._proven.get(request_id, ())) < need:
            return "approved without the passkeys that the request demands"
        return ""

    def compare(self, kept: frozenset[tuple[str, str]]) -> list[str]:
        """The keys of the tables with those of the log."""
        return [f"the stored passkey {name[:16]} is not the one that the log enrolled" for name, _ in kept - self._all]
