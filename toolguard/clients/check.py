"""What one look of the doctor found, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found."""

    name: str
    """What was looked at: `home`, `audit`, or `CLIENT/SERVER`."""
    state: str
    """`ok`, `note` (works, but know this) or `problem`."""
    what: str
    then: str = ""
    """What to do about it."""

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "state": self.state, "what": self.what, "next": self.then}
