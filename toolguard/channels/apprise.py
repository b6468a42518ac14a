"""E-mail, ntfy, Discord, Telegram, the desktop and everything else that Apprise reaches. The only door to Apprise.

A link and nothing to press: what comes back through these is no proof of anybody. Redirects are off: by default a 302
turned the POST into a GET elsewhere and counted as success.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from toolguard.channels.message import Message
from toolguard.channels.sender import Sent
from toolguard.config_channels import ChannelSettings


class Apprise:
    """Sends each message as plain text."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Send once, on a thread: most of its plug-ins block."""
        failed = await asyncio.to_thread(self._notify, message)
        return (Sent(0, error=failed) if failed else Sent(200)), None

    def _notify(self, message: Message) -> str:
        """Why it was not taken; empty when it was."""
        import apprise

        asset = apprise.AppriseAsset(http_redirects=False, plugin_paths=[], async_mode=False)
        sender = apprise.Apprise(asset=asset)
        lines = [f"{name}: {_plain(value)}" for name, value in message.facts]
        if message.witness:
            lines.append(f"Audit: {message.witness}")
        try:
            if not sender.add(self._settings.url):
                return "this is no address that Apprise knows"
            taken = sender.notify(
                title=_plain(f"{message.heading}: {message.title}"),
                body="\n".join([*lines, message.link]),
                body_format=apprise.NotifyFormat.TEXT,
                interpret_escapes=False,
            )
        except Exception as error:  # noqa: BLE001 - a plug-in of many hands; what it raises is a failure to deliver
            return type(error).__name__
        return "" if taken else "the notification service did not take it"


# What a chat makes more of than text: `[words](address)`, `<!channel>` and `<tag>`, `@everyone`.
_MARKS: Final = re.compile(r"\](?=\()|<(?=\S)|(?<!\w)@(?=everyone|here|channel|all\b|room)", re.IGNORECASE)


def _plain(text: str) -> str:
    """A space where some service would read a link that says something else, a tag or a mention. The page has the text
    to the letter."""
    return _MARKS.sub(r"\g<0> ", text)
