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
