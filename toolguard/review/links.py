"""Addresses of pages that others name: the command line, messages, the agent's answer. None of them is a right."""

from __future__ import annotations

from urllib.parse import quote


def sign_in(url: str, link_code: str) -> str:
    """Where a one-time link leads: to a button. Opening it signs nobody in, since mail scanners open links too."""
    return f"{url.rstrip('/')}/sign-in?code={quote(link_code, safe='')}"


def approval(url: str, request_id: str) -> str:
    """The page of one request."""
    return f"{url.rstrip('/')}/approvals/{quote(request_id, safe='')}"
