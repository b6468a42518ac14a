"""Ways to reach reviewers outside the page. A channel tells; it never decides. A failed one decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolguard.channels.delivery import Channel, Delivery
from toolguard.config import secret
from toolguard.config_channels import ChannelSettings

__all__ = ["Channel", "Delivery", "opened"]


def opened(settings: Sequence[ChannelSettings]) -> list[Channel]:
    """The channels of a configuration, with their secrets. Raises ConfigError when one cannot be read."""
    return [_channel(_resolved(each)) for each in settings]


def _resolved(settings: ChannelSettings) -> ChannelSettings:
    where = f"channels.{settings.name}"
    return replace(
        settings,
        url=secret(settings.url, f"{where}.url"),
        secret=secret(settings.secret, f"{where}.secret"),
        token=secret(settings.token, f"{where}.token"),
        app_token=secret(settings.app_token, f"{where}.app_token"),
    )


def _channel(settings: ChannelSettings) -> Channel:
    # Imported one by one: most installations use one, and Apprise alone costs half a second.
    if settings.kind == "webhook":
        from toolguard.channels.webhook import Webhook

        return Webhook(settings)
    if settings.kind == "slack":
        from toolguard.channels.slack import Slack

        return Slack(settings)
    if settings.kind == "teams":
        from toolguard.channels.teams import Teams

        return Teams(settings)
    from toolguard.channels.apprise import Apprise

    return Apprise(settings)
