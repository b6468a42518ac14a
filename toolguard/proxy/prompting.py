"""Questions about held calls to the person at the client: carried there and back, in both protocols.

Before 2026-07-28 a question is a request of ours to the client, beside the held call; from then on it is the call's
answer, and the client repeats the call with the reply. INVARIANT: a reply counts once, for the question that it
answers: ids and states are random and known to this connection's client alone, never to its server.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from toolguard.core.canonical import compact, parse
from toolguard.core.model import Json
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending
from toolguard.guard.in_client import ANSWER, Question
from toolguard.proxy.client import Client
from toolguard.proxy.messages import Request, Response
from toolguard.proxy.relisting import OWN_PREFIX
from toolguard.proxy.wire import Wire

KEY: Final = "toolguard.approval"
"""Of our entry among the input requests of a call's answer."""
MOST: Final = 100
"""Questions without a reply, and requests that are asked about no more; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that went out."""

    question: Question
    client: str
    at: float


class Prompting:
    """The open questions of one connection."""

    def __init__(self, guard: Guard, wire: Wire, client: Client) -> None:
        self._guard, self._wire, self._client = guard, wire, client
        self._open: OrderedDict[str, Asked] = OrderedDict()
        """By the id of our request, or by the state that the client brings back."""
        self._over: OrderedDict[str, None] = OrderedDict()
        """Requests that were asked about here, and are not again."""

    def ask(self, request: Request, pending: Pending) -> str:
        """Ask beside the held call; the id of the question, or empty where nobody can be asked here."""
        asked = self._question(request, pending)
        if asked is None:
            return ""
        own_id = OWN_PREFIX + secrets.token_hex(16)
        self._keep(own_id, asked)
        self._wire.to_client(compact({"jsonrpc": "2.0", "id": own_id, **_form(asked.question, is_modern=False)}))
        return own_id

    def instead(self, request: Request, pending: Pending) -> bytes:
        """The answer that makes the client ask, and repeat the call; empty where nobody can be asked here."""
        asked = self._question(request, pending)
        if asked is None:
            return b""
        state = OWN_PREFIX + secrets.token_hex(32)
        self._keep(state, asked)
        result = {
            "resultType": "input_required",
            "inputRequests": {KEY: _form(asked.question, is_modern=True)},
            "requestState": state,
        }
        return compact({"jsonrpc": "2.0", "id": request.id, "result": result})

    def took(self, response: Response) -> bool:
        """Whether this is the reply to a question of ours; it then counts as far as it may."""
        asked = self._open.pop(str(response.id), None)
        if asked is None:
            return False
        self._count(asked, parse(response.raw).get("result"))
        return True

    def withdraw(self, own_id: str) -> None:
        """The call no longer waits, and nobody answered; a retry may ask again."""
        asked = self._open.pop(own_id, None)
        if asked is not None:
            self._over.pop(asked.question.request_id, None)
            params = {"requestId": own_id, "reason": "answered elsewhere, or no longer waiting"}
            line = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            self._wire.to_client(compact(line))

    @staticmethod
    def is_ours(request: Request) -> bool:
        """Whether the client repeats this call with a reply to a question of ours."""
        state = request.params.get("requestState")
        return isinstance(state, str) and state.startswith(OWN_PREFIX)

    def without(self, request: Request) -> tuple[Request, Asked | None, Json]:
        """The call as the server may see it, what was asked, and the reply."""
        asked = self._open.pop(request.params["requestState"], None)
        replies = request.params.get("inputResponses")
        replies = dict(replies) if isinstance(replies, dict) else {}
        reply = replies.pop(KEY, None)
        params = {key: value for key, value in request.params.items() if key not in ("requestState", "inputResponses")}
        if replies:
            params["inputResponses"] = replies
        return replace(request, params=params, members={**request.members, "params": params}), asked, reply

    def replied(self, asked: Asked | None, reply: Json, pending: Pending) -> None:
        """The call was repeated and still waits: its reply counts as far as it may."""
        self._note(pending.request_id)  # whatever the state was, this call is not asked about again
        if asked is not None and asked.question.request_id == pending.request_id:
            self._count(asked, reply)

    def _question(self, request: Request, pending: Pending) -> Asked | None:
        if pending.request_id in self._over or not self._client.fills_forms(request):
            return None
        try:
            question = self._guard.in_client.question(pending)
        except StoreError:
            return None  # the call is held, and people are told in other ways
        if question is None:
            return None
        self._note(pending.request_id)
        return Asked(question, pending.call.client, self._wire.clock())

    def _count(self, asked: Asked, reply: Json) -> None:
        try:
            self._guard.in_client.answered(asked.question, reply, self._wire.clock() - asked.at, asked.client)
        except StoreError as error:
            self._wire.to_stderr(f"toolguard: an answer in the client was not recorded: {error}".encode())

    def _keep(self, key: str, asked: Asked) -> None:
        self._open[key] = asked
        if len(self._open) > MOST:
            self._open.popitem(last=False)

    def _note(self, request_id: str) -> None:
        self._over[request_id] = None
        if len(self._over) > MOST:
            self._over.popitem(last=False)


def _form(question: Question, *, is_modern: bool) -> dict[str, Json]:
    params: dict[str, Json] = {"message": question.text, "requestedSchema": dict(ANSWER)}
    if is_modern:
        params["mode"] = "form"
    return {"method": "elicitation/create", "params": params}
