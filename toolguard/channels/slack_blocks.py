"""What toolguard shows in Slack: the message about a request, and the dialog that asks why not.

All texts are `plain_text`, so nothing of a call is read as markup, a mention or a link. Every limit here is one that
Slack documents (docs.slack.dev/reference/block-kit, docs.slack.dev/reference/views): beyond it Slack refuses the whole.
"""

from __future__ import annotations

from typing import Final

from toolguard.channels.message import Message
from toolguard.core.canonical import text as text_of
from toolguard.core.model import Json
from toolguard.guard.views import STRENGTH, RequestView

HEADER: Final = 150
SECTION: Final = 3_000
TITLE: Final = 24
LABEL: Final = 2_000
REASON: Final = 2_000
"""Of a dialog's text field, at most 3,000; a vote's reason is cut there (guard/approvals.py)."""

APPROVE: Final = "toolguard_approve"
DENY: Final = "toolguard_deny"
OPEN: Final = "toolguard_open"
DIALOG: Final = "toolguard_why_not"
REASON_FIELD: Final = "reason"


def blocks(message: Message) -> list[Json]:
    """The message: headline, facts, and as long as it waits the buttons."""
    request = message.request
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    found: list[Json] = [
        {"type": "header", "text": _plain(message.title, HEADER)},
        {"type": "section", "text": _plain(facts, SECTION)},
    ]
    if request.state == "pending":
        found.append({"type": "actions", "elements": _buttons(message)})
    else:
        found.append({"type": "section", "text": _plain(message.outcome, SECTION)})
    if message.witness:
        found.append({"type": "context", "elements": [_plain(f"audit {message.witness}", SECTION)]})
    return found


def _buttons(message: Message) -> list[Json]:
    request = message.request
    value = text_of({"id": request.id, "digest": request.request_digest})
    buttons: list[Json] = [
        {"type": "button", "action_id": DENY, "text": _plain("Deny", TITLE), "value": value},
        {"type": "button", "action_id": OPEN, "text": _plain("Open", TITLE), "url": message.link},
    ]
    if request.requirement["strength"] <= STRENGTH["account"]:
        approve = {"type": "button", "action_id": APPROVE, "text": _plain("Approve once", TITLE), "value": value}
        buttons.insert(1, approve)
    return buttons


def dialog(request: RequestView, headline: str, channel: str) -> dict[str, Json]:
    """The dialog behind "Deny". It carries which request it is about; Slack hands that back unchanged."""
    about = {"id": request.id, "digest": request.request_digest, "channel": channel}
    return {
        "type": "modal",
        "callback_id": DIALOG,
        "private_metadata": text_of(about),
        "title": _plain(f"Deny {request.code}", TITLE),
        "submit": _plain("Deny", TITLE),
        "close": _plain("Back", TITLE),
        "blocks": [
            {"type": "section", "text": _plain(headline, SECTION)},
            {
                "type": "input",
                "block_id": REASON_FIELD,
                "optional": True,
                "label": _plain("Why not? The agent reads this.", LABEL),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON_FIELD,
                    "multiline": True,
                    "max_length": REASON,
                },
            },
        ],
    }


def again(message: Message) -> list[Json]:
    """A reminder, as an answer to the message that has the buttons."""
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    found: list[Json] = [{"type": "section", "text": _plain(f"{message.heading}\n{facts}", SECTION)}]
    if message.witness:
        found.append({"type": "context", "elements": [_plain(f"audit {message.witness}", SECTION)]})
    return found


def fallback(message: Message) -> str:
    """The line of a notification. It alone is read as markup, so its marks are written as Slack wants them literal."""
    text = f"{message.heading}: {message.title}"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str, most: int) -> dict[str, Json]:
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return {"type": "plain_text", "text": shown or " ", "emoji": False}
