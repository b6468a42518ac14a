"""Reviewers and channels as toolguard.yaml declares them; secrets as written, resolved only where they are used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewerSettings:
    """A person whom the file declares; `serve` enrols who is missing. Removing the entry removes nobody."""

    name: str
    groups: tuple[str, ...] = ()
    person: str = ""
    """The operating-system user that they are on this machine."""
    slack: str = ""
    """`TEAM/USER`, both as Slack numbers them."""
    keys: tuple[str, ...] = ()
    """Keys of their signed webhook callbacks: `whpk_...` (Ed25519) or `whsec_...` (shared)."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One way to reach reviewers."""

    name: str
    kind: str
    """`webhook`, `slack`, `teams` or `apprise`."""
    url: str = ""
    secret: str = ""
    """Of a webhook: `whsec_...` or `whsk_...`; of Slack: the signing secret."""
    token: str = ""
    """Of Slack: the bot token."""
    app_token: str = ""
    """Of Slack's Socket Mode, for machines without a public address."""
    channel: str = ""
    """Of Slack: where to post."""
    allow: tuple[str, ...] = ()
    """`host:port` pairs inside the network that may be sent to."""
    groups: tuple[str, ...] = ()
    """Groups of reviewers whom it reaches."""
    when: str = "always"
    """`always`, or `reminded`: it hears of a request only once a reminder named it."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """When who is told again that a request waits."""

    after: float | None
    """Seconds since the request came."""
    before: float | None
    """Seconds until its time is over; one of the two."""
    to: tuple[str, ...]
    """Names of channels."""

    @property
    def name(self) -> str:
        """What is noted of it: an edited file makes it another reminder."""
        moment = f"after {self.after:g} s" if self.after is not None else f"{self.before:g} s before the end"
        return f"{moment} to {', '.join(self.to)}"
