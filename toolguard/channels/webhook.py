"""The outgoing approval webhook: Standard Webhooks, signed with v1 or v1a."""

from __future__ import annotations

from toolguard.channels.message import Message
from toolguard.channels.sender import Sent, post
from toolguard.config_channels import ChannelSettings
from toolguard.core.canonical import canonical
from toolguard.core.proof.webhook_signature import (
    PRIVATE_PREFIX,
    SECRET_PREFIX,
    key_bytes,
    sign_v1,
    signed_content,
    written_v1a,
)
from toolguard.store.signing import sign_with_seed


class Webhook:
    """Posts each message to one address."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def send(self, message: Message, now: float, before: str | None) -> tuple[Sent, str | None]:
        """Send once; `before` and what is returned beside are unused here."""
        body = canonical(message.payload())
        content = signed_content(message.id, int(now), body)
        headers = {
            "content-type": "application/json",
            "user-agent": "toolguard",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": self._sign(content),
        }
        return await post(self._settings.url, body, headers, allowed=self._settings.allow), None

    def _sign(self, content: bytes) -> str:
        secret = self._settings.secret
        if secret.startswith(PRIVATE_PREFIX):
            return written_v1a(sign_with_seed(key_bytes(secret, PRIVATE_PREFIX)[:32], content))
        return sign_v1(key_bytes(secret, SECRET_PREFIX), content)
