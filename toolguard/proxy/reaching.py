"""Requests of a server that use the person or the model behind the client: what they say goes to the log.

They pass as they came. Before 2026-07-28 such a request names no call, so it is recorded with a call only while exactly
one is in flight; from then on it is part of that call's answer. As much of the words is kept as `prompts` says.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from toolguard.core.canonical import parse
from toolguard.core.model import Json
from toolguard.core.secrets.redact import Redactor, readable
from toolguard.guard import Permit
from toolguard.guard.shown import kept_prompt
from toolguard.proxy.messages import Id, Response
from toolguard.proxy.wire import Flight

METHODS: Final = frozenset({"sampling/createMessage", "elicitation/create", "roots/list"})
OPEN: Final = 1_000
"""Requests whose answers are awaited; a client need not answer, so the oldest is forgotten first."""


class Record(Protocol):
    """Writes an event about this server."""

    def __call__(self, kind: str, contents: dict[str, Json], **columns: str | None) -> None: ...


class Reaching:
    """What one server asks of the person and the model, and what they answer."""

    def __init__(self, record: Record, redactor: Redactor, prompts: str) -> None:
        self._record, self._redactor, self._prompts = record, redactor, prompts
        self._open: OrderedDict[Id, tuple[str, dict[str, str]]] = OrderedDict()

    def asked(self, id: Id | None, method: Json, params: Json, flights: Iterable[Flight]) -> None:
        """The server asks, by a request of its own."""
        if not isinstance(method, str) or method not in METHODS:
            return
        permits = [flight.permit for flight in flights if flight.permit is not None]
        columns = _columns(permits[0]) if len(permits) == 1 else {}
        self._record("server.requested", {"method": method, **self._said(params)}, **columns)
        if id is not None:
            self._open[id] = (method, columns)
            if len(self._open) > OPEN:
                self._open.popitem(last=False)

    def answered(self, response: Response) -> None:
        """The client answers a request of the server."""
        method, columns = self._open.pop(response.id, ("", {}))
        if method:
            told = parse(response.raw).get("result")
            self._record("server.answered", {"method": method, **_choice(told), **self._said(told)}, **columns)

    def needs_input(self, permit: Permit, result: Mapping[str, Json]) -> None:
        """The server answers a call with what it wants to know first; the answers come as part of the next leg."""
        wanted = result.get("inputRequests")
        for each in wanted.values() if isinstance(wanted, dict) else ():
            method = each.get("method") if isinstance(each, dict) else None
            if isinstance(method, str) and method in METHODS:
                said = {"method": method, **self._said(each.get("params"))}
                self._record("server.requested", said, **_columns(permit))

    def _said(self, value: Json) -> dict[str, Json]:
        if self._prompts == "off":
            return {}
        shown = readable(self._redactor.redact(value))  # by the names of fields too, while they are there
        said = kept_prompt("\n".join(words(shown)), self._redactor, self._prompts)
        return {"prompt": said} if said else {}


def words(value: Json) -> Iterator[str]:
    """What is said in a request or an answer, a line a message with who speaks; images and sound say nothing."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("systemPrompt"), str):
        yield f"system: {value['systemPrompt']}"
    if isinstance(value.get("message"), str):
        yield value["message"]
    messages = value.get("messages")
    for message in messages if isinstance(messages, list) else (value,):
        if isinstance(message, dict):
            speaker = message["role"] if isinstance(message.get("role"), str) else ""
            yield from (f"{speaker}: {text}" if speaker else text for text in _texts(message.get("content")))


def _texts(content: Json) -> Iterator[str]:
    """Texts of content blocks; of the answers to a form, each value with its name."""
    blocks = content if isinstance(content, list) else [content]
    for block in blocks:
        if isinstance(block, str):
            yield block
        elif isinstance(block, dict) and isinstance(block.get("text"), str):
            yield block["text"]
        elif isinstance(block, dict) and "type" not in block:
            yield from (f"{name}: {answer}" for name, answer in block.items())


def _choice(answer: Json) -> dict[str, Json]:
    action = answer.get("action") if isinstance(answer, dict) else None
    return {"action": action} if isinstance(action, str) else {}


def _columns(permit: Permit) -> dict[str, str]:
    call = permit.call
    return {
        "tool": call.tool,
        "agent": call.principal.agent,
        "person": call.principal.person,
        "session": call.principal.session,
        "call_id": permit.call_id,
        "execution_id": permit.execution_id,
    }
