"""Slack: a message with buttons, updated to the outcome, and Socket Mode. The only door to slack-sdk.

Nothing is decided here: what people press goes to review/slack_actions.py, which knows who is a reviewer. Only
addresses of the configuration are called, never one that a payload names.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPException
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, Final

from toolguard.channels.message import Message
from toolguard.channels.sender import Sent
from toolguard.channels.slack_blocks import again, blocks, fallback
from toolguard.config_channels import ChannelSettings
from toolguard.core.canonical import parse
from toolguard.core.canonical import text as text_of
from toolguard.core.model import Json

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

API: Final = "https://slack.com/api/"
SECONDS: Final = 10
DIALOG_SECONDS: Final = 2
"""A trigger is good for three seconds (docs.slack.dev/interactivity/handling-user-interaction)."""
NO_ANSWER: Final = (OSError, HTTPException, ValueError)
"""What the transport below slack-sdk raises for an answer that did not come, or is none."""
RETRY_SECONDS: Final = (1.0, 5.0, 30.0, 60.0)
"""Pauses between attempts to open a socket; the last one repeats."""


class Slack:
    """One channel of one workspace, as the app's bot."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.name = settings.name
        self.settings = settings

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Post, or with `before` (where the earlier message stands) update or answer it; returns where it stands."""
        return await asyncio.to_thread(self._send, message, before)

    def _send(self, message: Message, before: str | None) -> tuple[Sent, str | None]:
        from slack_sdk.errors import SlackClientError

        try:
            return Sent(200), self._said(self._client(SECONDS), message, before)
        except SlackClientError as error:
            return _failure(error), None
        except NO_ANSWER as error:
            return Sent(0, error=str(error)[:300]), None

    def _said(self, client: WebClient, message: Message, before: str | None) -> str:
        """Where the message stands. Raises what slack-sdk raises, and what is below it."""
        text = fallback(message)
        if before is None:
            answer = client.chat_postMessage(
                channel=self.settings.channel, text=text, blocks=blocks(message), unfurl_links=False
            )
            app = str((answer.get("message") or {}).get("app_id") or "")
            return text_of({"channel": answer["channel"], "ts": answer["ts"], "app": app})
        place = parse(before)
        if message.reminder:  # an update notifies nobody
            client.chat_postMessage(
                channel=place["channel"],
                thread_ts=place["ts"],
                reply_broadcast=True,
                text=text,
                blocks=again(message),
                unfurl_links=False,
            )
        else:
            client.chat_update(channel=place["channel"], ts=place["ts"], text=text, blocks=blocks(message))
        return before

    def ask(self, trigger: str, dialog: Mapping[str, Json]) -> bool:
        """Open a dialog for whoever pressed; False when Slack did not take it in time."""
        return self._called(lambda client: client.views_open(trigger_id=trigger, view=dict(dialog)), DIALOG_SECONDS)

    def tell(self, channel: str, user: str, text: str) -> bool:
        """A line that only this user sees, in a channel where the bot is; False when it did not get there."""
        return self._called(lambda client: client.chat_postEphemeral(channel=channel, user=user, text=text), SECONDS)

    def _called(self, call: Callable[[WebClient], object], seconds: int) -> bool:
        from slack_sdk.errors import SlackClientError

        try:
            call(self._client(seconds))
        except (SlackClientError, *NO_ANSWER):
            return False
        return True

    def _client(self, seconds: int) -> WebClient:
        from slack_sdk import WebClient

        return WebClient(self.settings.token, base_url=self.settings.url or API, timeout=seconds)


def _failure(error: Exception) -> Sent:
    """An answer of 200 that says `ok: false` is a failure too; its status would count as sent."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", 0)
    after = str(getattr(response, "headers", {}).get("Retry-After", ""))
    return Sent(status if status >= 400 else 0, "", float(after) if after.isdigit() else None, str(error)[:300])


class Socket:
    """Socket Mode: presses come over a connection that we open, so this machine needs no public address.

    The token of the app is the proof that it is Slack who speaks. Every envelope is acknowledged, also one that says
    nothing to us: Slack sends again what was not.
    """

    def __init__(self, slack: Slack, act: Callable[[Any], Mapping[str, Json]], trouble: Callable[[str], None]) -> None:
        from slack_sdk import WebClient
        from slack_sdk.socket_mode import SocketModeClient

        settings = slack.settings
        web = WebClient(base_url=settings.url or API, timeout=SECONDS)
        self._client = SocketModeClient(settings.app_token, web_client=web)
        self._client.socket_mode_request_listeners.append(self._take)
        self._act = act
        self._trouble = trouble
        self._over = threading.Event()
        self._opening = threading.Thread(target=self._open, name="slack-socket", daemon=True)

    def open(self) -> None:
        """Begin to connect, and go on trying; once connected, slack-sdk renews the connection by itself."""
        self._opening.start()

    def close(self) -> None:
        self._over.set()
        self._opening.join(1)
        self._client.auto_reconnect_enabled = False
        session = self._client.current_session
        with contextlib.suppress(OSError):
            if session is not None and session.sock is not None:
                session.sock.shutdown(SHUT_RDWR)  # wakes slack-sdk's reader, which otherwise looks every three seconds
        self._client.close()

    def _open(self) -> None:
        from slack_sdk.errors import SlackClientError

        tried = 0
        while not self._over.is_set():
            try:
                self._client.connect()
                return
            except (SlackClientError, *NO_ANSWER) as error:
                if tried == 0:
                    self._trouble(str(error)[:300])
            self._over.wait(RETRY_SECONDS[min(tried, len(RETRY_SECONDS) - 1)])
            tried += 1

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        answer = self._act(request.payload) if request.type == "interactive" else {}
        client.send_socket_mode_response(
            {"envelope_id": request.envelope_id} | ({"payload": dict(answer)} if answer else {})
        )
