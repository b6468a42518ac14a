"""Slack's request signature (api.slack.com/authentication/verifying-requests-from-slack), total on any bytes.

The vendor's own verifier raises on a garbage timestamp, a signature that is not ASCII and a body that is not UTF-8.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

TOLERANCE: Final = 300
"""Seconds, as Slack's documentation advises."""
_TIMESTAMP: Final = re.compile(rb"[0-9]{10,11}")


def is_signed(headers: Sequence[tuple[bytes, bytes]], body: bytes, secret: str, now: float) -> bool:
    """Whether Slack signed this body under the app's signing secret, within the last five minutes."""
    timestamps = [value for name, value in headers if name.lower() == b"x-slack-request-timestamp"]
    signatures = [value for name, value in headers if name.lower() == b"x-slack-signature"]
    if not secret or len(timestamps) != 1 or len(signatures) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        return False
    if abs(now - int(timestamps[0])) > TOLERANCE:
        return False
    mac = hmac.new(secret.encode(), b"v0:" + timestamps[0] + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(b"v0=" + mac.encode(), signatures[0])
