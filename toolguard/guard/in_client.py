"""Asking in the client itself: the weakest way to approve, off unless a policy opens it for a call.

The question and its answer travel over the agent's own connection. Who answers is for the client to say: an honest one
shows a form to the person at it, and the model never sees it; a rigged or careless one can answer by itself, and
nothing here could tell. So such a vote has strength 0 and a channel of its own, is attributed to the operating-system
user as their own word for their own agent, and never counts where more is asked for (tests/proxy/test_in_client.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from toolguard import config as configuration
from toolguard.core.approvals import RefusalCode
from toolguard.core.canonical import pretty
from toolguard.core.layout.visible import escape
from toolguard.core.model import Json
from toolguard.core.secrets.redact import readable
from toolguard.guard import requests
from toolguard.guard.answers import Pending
from toolguard.guard.approvals import Approvals, Choice
from toolguard.guard.reviewers import Reviewer, Reviewers
from toolguard.guard.views import STRENGTH, RequestView, VoteResult, may_ask_in_client
from toolguard.store import audit, records
from toolguard.store.database import Database

LONGEST: Final = 2_000
"""Characters of arguments that a form can show whole; a larger call is for the page."""
AT_LEAST_SECONDS: Final = 1.0
"""Nobody reads and answers faster. Some clients answer by themselves where they cannot show a form."""
ANSWER: Final[Mapping[str, Json]] = {
    # Required, without a default, and with the answer first that does no harm: some clients accept empty forms.
    "type": "object",
    "properties": {
        "decision": {"type": "string", "title": "Your decision", "enum": ["deny", "approve"]},
        "reason": {"type": "string", "title": "Reason, for the log and the agent", "maxLength": 500},
    },
    "required": ["decision"],
}


@dataclass(frozen=True, slots=True)
class Question:
    """What the person at the client is asked about one request."""

    request_id: str
    request_digest: str
    reviewer: Reviewer
    text: str


class InClient:
    """Makes questions and takes answers; the adapter carries them."""

    def __init__(self, database: Database, approvals: Approvals, reviewers: Reviewers) -> None:
        self._database, self._approvals, self._reviewers = database, approvals, reviewers

    def question(self, pending: Pending) -> Question | None:
        """What to ask; None where an answer in the client would not count, or nobody is known to give it."""
        if not pending.decision.obligations.in_client:
            return None
        if pending.call.principal.person != configuration.person():
            return None  # whoever runs toolguard under a user of its own wants the client's user to have no say
        view = self._approvals.show(pending.request_id)
        reviewer = self._reviewers.by_person(pending.call.principal.person)
        if view is None or reviewer is None or not may_ask_in_client(view.requirement, view.shown):
            return None
        arguments = escape(pretty(readable(view.arguments)))
        if view.edited or len(arguments) > LONGEST:
            return None
        with self._database.write(full=True) as tx:
            row = records.request(tx, view.id)
            if row is None:
                return None
            columns = requests.request_columns(row)
            audit.append(tx, "approval.prompted", {}, reviewer=reviewer.name, channel="elicitation", **columns)
        return Question(view.id, view.request_digest, reviewer, _text(view, arguments, pending.link))

    def answered(self, question: Question, answer: Json, seconds: float, client: str) -> VoteResult | None:
        """Count an answer as far as it may; None where the client could not ask, so the call goes on waiting.

        `seconds` is how long it took. Raises StoreError.
        """
        choice, reason = _choice(answer)
        if choice is None:
            return None
        if seconds < AT_LEAST_SECONDS:
            self._refuse(question, choice)
            return None
        return self._approvals.vote(
            question.request_id,
            question.reviewer,
            choice,
            request_digest=question.request_digest,
            channel="elicitation",
            strength=STRENGTH["in_client"],
            reason=reason,
            evidence={"client": client, "ms": round(seconds * 1000)},
        )

    def _refuse(self, question: Question, choice: Choice) -> None:
        with self._database.write(full=True) as tx:
            row = records.request(tx, question.request_id)
            if row is not None:
                contents = {"choice": choice, "code": RefusalCode.WEAK_CHANNEL, "why": "answered too fast for a person"}
                columns = requests.request_columns(row)
                name = question.reviewer.name
                audit.append(tx, "vote.refused", contents, reviewer=name, channel="elicitation", **columns)


def _choice(answer: Json) -> tuple[Choice | None, str]:
    """What an elicitation result says, with its reason. Only a whole and explicit yes is one."""
    action = answer.get("action") if isinstance(answer, dict) else None
    if action == "decline":
        return "deny", ""
    content = answer.get("content") if action == "accept" else None
    if not isinstance(content, dict):
        return None, ""
    reason = content.get("reason")
    reason = reason if isinstance(reason, str) else ""
    match content.get("decision"):
        case "approve":
            return "approve", reason
        case "deny":
            return "deny", reason
    return None, ""


def _text(view: RequestView, arguments: str, link: str) -> str:
    """Foreign text stands indented: a client that renders Markdown shows it as it is."""
    lines = [f"{view.server}/{view.tool}", view.headline, *arguments.splitlines()]
    lines += [f"{finding['severity']}: {finding['message']}" for finding in view.findings]
    return "\n".join(
        [
            f"toolguard: may the agent make this call? Code {view.code}, risk score {view.score}.",
            "",
            *(f"    {escape(line)}" for each in lines for line in each.splitlines()),
            "",
            f"Compare the code with the agent's message. All about it: {link}",
            *([f"Audit log: {view.audit['size']}/{view.audit['root']}"] if view.audit else []),
        ]
    )
