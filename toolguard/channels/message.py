"""What every channel says of a request: the same facts, short, with code, link and the log's size and root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.core.canonical import canonical
from toolguard.core.layout.visible import escape
from toolguard.core.model import Json
from toolguard.core.secrets.redact import readable
from toolguard.guard.views import RequestView

MOST_BYTES: Final = 20_000
"""Of a webhook's body; the specification advises to stay small."""
LINE: Final = 300


@dataclass(frozen=True, slots=True)
class Message:
    """One notification about one request."""

    kind: str
    """`approval.created` or `approval.changed`."""
    id: str
    """The same at every attempt."""
    request: RequestView
    link: str
    """Shows the request; it decides nothing and carries no right."""
    reminder: str = ""
    """Which reminder this is; empty when something happened."""

    @property
    def heading(self) -> str:
        """What has become of the request, else what it wants."""
        if self.outcome:
            return self.outcome
        return "An agent still waits for your answer" if self.reminder else "An agent waits for your answer"

    @property
    def title(self) -> str:
        return line(self.request.headline or f"{self.request.tool} on {self.request.server}")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Name and value of what a reviewer wants to know before opening the page."""
        request = self.request
        asked_by = f"{request.principal['agent']} for {request.principal['person']}"
        found = [
            ("Code", request.code),
            ("Risk", f"{request.score} of 100"),
            ("Tool", f"{request.tool} on {request.server}"),
            ("Asked by", asked_by),
            ("Target", request.target),
            ("Decide by", request.decide_by),
        ]
        return [(name, line(value)) for name, value in found if value]

    @property
    def witness(self) -> str:
        """Size and root of the audit log: whoever keeps this message can prove later that the log was cut."""
        audit = self.request.audit
        return f"{audit['size']}/{audit['root']}" if audit else ""

    @property
    def outcome(self) -> str:
        """What has become of the request, in words; empty while it is open and undecided."""
        request = self.request
        if request.state == "pending":
            return ""
        who = ", ".join(f"{vote['reviewer']} ({vote['choice']})" for vote in request.votes)
        run = f", the call {request.execution['state']}" if request.execution else ""
        return line(f"{request.state}{f' by {who}' if who else ''}{run}")

    def payload(self) -> dict[str, Json]:
        """The body of a webhook; without the arguments when they would make it too large, and saying so."""
        request = self.request
        body: dict[str, Json] = {
            "type": self.kind,
            "timestamp": request.created,
            "data": {
                "id": request.id,
                "state": request.state,
                "request_digest": request.request_digest,
                "code": request.code,
                "server": request.server,
                "tool": request.tool,
                "arguments": request.arguments,
                "class": request.effect_class,
                "headline": request.headline,
                "target": request.target,
                "score": request.score,
                "findings": [
                    {name: finding[name] for name in ("id", "severity", "message", "pointer")}
                    for finding in request.findings
                ],
                "principal": dict(request.principal),
                "created": request.created,
                "decide_by": request.decide_by,
                "votes": [dict(vote) for vote in request.votes],
                "execution": dict(request.execution) if request.execution else None,
                "link": self.link,
                "audit": dict(request.audit),
            },
        }
        if self.reminder:
            body["data"]["reminder"] = self.reminder
        if len(canonical(body)) > MOST_BYTES:
            body["data"]["arguments"] = None
            body["data"]["findings"] = body["data"]["findings"][:10]
            body["data"]["left_out"] = "arguments: see the link"
        return body


def line(text: str) -> str:
    """One line of plain text: line breaks and hidden characters drawn, cut with a mark where it is too long.

    A break that stayed one could begin a line that looks like ours, with another code.
    """
    shown = escape(str(readable(text))).replace("\n", "\\u000a").replace("\t", " ")
    return shown if len(shown) <= LINE else shown[: LINE - 1] + "…"
