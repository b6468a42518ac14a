"""Microsoft Teams: an Adaptive Card to a Workflows URL. One way only: its button opens the page, where people decide.

The Workflows trigger "When a Teams webhook request is received" takes a message with one card attached; a card's
`Action.Execute` reaches bots alone, so only `Action.OpenUrl` is used. Possession of the URL is its only secret.
"""

from __future__ import annotations

from typing import Final

from toolguard.channels.message import Message
from toolguard.channels.sender import Sent, post
from toolguard.config_channels import ChannelSettings
from toolguard.core.canonical import canonical
from toolguard.core.model import Json

MOST_BYTES: Final = 28_000
"""Of a message with a card, as Microsoft documents for incoming webhooks."""


class Teams:
    """Posts each message as a card."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Send once. A workflow cannot change an earlier card, so an outcome comes as a card of its own."""
        body = canonical(card(message))
        headers = {"content-type": "application/json"}
        return await post(self._settings.url, body, headers, allowed=self._settings.allow), None


def card(message: Message) -> dict[str, Json]:
    """The message with its card. Texts are plain: TextBlock and FactSet render a little markdown, which is escaped."""
    facts = [{"title": name, "value": _plain(value)} for name, value in message.facts]
    if message.witness:
        facts.append({"title": "Audit", "value": message.witness})
    content: dict[str, Json] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": _plain(message.heading), "isSubtle": True, "wrap": True},
            {"type": "TextBlock", "text": _plain(message.title), "size": "Large", "weight": "Bolder", "wrap": True},
            {"type": "FactSet", "facts": facts},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open the request", "url": message.link}],
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
        ],
    }


def _plain(text: str) -> str:
    """Markdown's marks made literal; a card has no way to switch it off."""
    return "".join(f"\\{c}" if c in "\\*_[]()`#<>|~" else c for c in text)
