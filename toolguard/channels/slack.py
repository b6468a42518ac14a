"""Slack: a message with buttons, updated to the outcome. The only door to slack-sdk.

All texts are `plain_text`, so nothing of a call is read as markup, a mention or a link. Deciding happens in
review/slack_actions.py, with Slack's signature and a Slack user who is a reviewer.
"""

from __future__ import annotations

import asyncio
from typing import Final

from toolguard.channels.message import Message
from toolguard.channels.sender import Sent
from toolguard.config_channels import ChannelSettings
from toolguard.core.canonical import parse
from toolguard.core.canonical import text as text_of
from toolguard.core.model import Json
from toolguard.guard.views import STRENGTH

HEADER: Final = 150
"""Characters of a header block; a section takes 3,000, a button's value 2,000 (api.slack.com/reference/block-kit)."""
API: Final = "https://slack.com/api/"
SECONDS: Final = 10


class Slack:
    """Posts a message about each request to one channel, and changes it when something happens."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Post, or with `before` (where the earlier message stands) update; returns where it stands."""
        return await asyncio.to_thread(self._send, message, before)

    def _send(self, message: Message, before: str | None) -> tuple[Sent, str | None]:
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackClientError

        client = WebClient(self._settings.token, base_url=self._settings.url or API, timeout=SECONDS)
        text, body = f"{message.outcome or 'An agent waits'}: {message.title}", blocks(message)
        try:
            if before is None:
                answer = client.chat_postMessage(
                    channel=self._settings.channel, text=text, blocks=body, unfurl_links=False
                )
            else:
                place = parse(before)
                answer = client.chat_update(channel=place["channel"], ts=place["ts"], text=text, blocks=body)
        except SlackClientError as error:
            response = getattr(error, "response", None)
            after = getattr(response, "headers", {}).get("Retry-After") if response is not None else None
            status = getattr(response, "status_code", 0) if response is not None else 0
            # An answer of 200 that says `ok: false` is a failure; 200 would count as sent.
            return Sent(status if status >= 400 else 0, "", float(after) if after else None, str(error)[:300]), None
        except OSError as error:
            return Sent(0, error=str(error)[:300]), None
        return Sent(200), text_of({"channel": answer["channel"], "ts": answer["ts"]})


def blocks(message: Message) -> list[Json]:
    """The message: headline, facts, and as long as it waits the buttons."""
    request = message.request
    text = "\n".join(f"{name}: {value}" for name, value in message.facts)
    found: list[Json] = [
        {"type": "header", "text": _plain(message.title[:HEADER])},
        {"type": "section", "text": _plain(text)},
    ]
    if request.state == "pending":
        value = text_of({"id": request.id, "digest": request.request_digest})
        buttons: list[Json] = [
            {"type": "button", "action_id": "toolguard_deny", "text": _plain("Deny"), "value": value},
            {"type": "button", "action_id": "toolguard_open", "text": _plain("Open"), "url": message.link},
        ]
        if request.requirement["strength"] <= STRENGTH["account"]:
            approve = {
                "type": "button",
                "action_id": "toolguard_approve",
                "text": _plain("Approve once"),
                "value": value,
            }
            buttons.insert(1, approve)
        found.append({"type": "actions", "elements": buttons})
    else:
        found.append({"type": "section", "text": _plain(message.outcome)})
    if message.witness:
        found.append({"type": "context", "elements": [_plain(f"audit {message.witness}")]})
    return found


def _plain(text: str) -> dict[str, Json]:
    return {"type": "plain_text", "text": text or " ", "emoji": False}
