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
        headers = signed_headers(self._settings.secret, message.id, int(now), body)
        return await post(self._settings.url, body, headers, allowed=self._settings.allow), None


def signed_headers(secret: str, webhook_id: str, now: int, body: bytes) -> dict[str, str]:
    """The headers of a JSON message under a key `whsec_...` (v1) or `whsk_...` (v1a). Raises ValueError for no key."""
    content = signed_content(webhook_id, now, body)
    if secret.startswith(PRIVATE_PREFIX):
        signature = written_v1a(sign_with_seed(key_bytes(secret, PRIVATE_PREFIX)[:32], content))
    else:
        signature = sign_v1(key_bytes(secret, SECRET_PREFIX), content)
    return {
        "content-type": "application/json",
        "user-agent": "toolguard",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature,
    }
