"""JSON-RPC messages of a client: read strictly, and the few that the proxy writes itself.

What this file accepts, every MCP server reads in the same way; what servers are known to read differently is
`Malformed` and goes no further. Measured differences: a duplicate `method`, an id of null, 1.5 or true (a call
without an answer for one server, a request for another), `jsonrpc` of another version, `params` as a list, batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from toolguard.core import strict_json
from toolguard.core.canonical import compact
from toolguard.core.model import Json

Id = int | str

INVALID_REQUEST: Final = -32600
OWN_FAULT: Final = -31000
"""Outside -32768..-32000, which JSON-RPC reserves and MCP shares out; a fault of the proxy, not of the server."""

PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
"""Every request of the protocol from 2026-07-28 on names its version here; older requests never do."""
APPROVAL: Final = "dev.toolguard/approval"
"""The `_meta` member of a result that tells a client what became of a call's approval."""
REPLAY: Final = "dev.toolguard/replay"
"""The `_meta` member of a result that an earlier, identical call brought."""

SPECIAL: Final = frozenset(
    "jsonrpc id method params result error name arguments uri task taskId _meta requestState inputResponses".split()
)
"""Members that decide what a message does. Go's JSON reader takes `Method` for `method`, others stop at a NUL."""
_SPECIAL_FOLDED: Final = frozenset(name.casefold() for name in SPECIAL)

JUDGED: Final = frozenset({"tools/call", "tools/list", "tasks/update", "notifications/cancelled", "initialize"})
"""Methods that the proxy acts on; another spelling of one of them is refused, not passed."""


def as_id(value: Json) -> Id | None:
    """The value as an id or token; None for what is neither a string nor an integer. `true` is no 1."""
    return value if type(value) in (int, str) else None


@dataclass(frozen=True, slots=True)
class Request:
    """A message that wants an answer."""

    id: Id
    method: str
    params: dict[str, Json]
    members: dict[str, Json]
    """The whole message as parsed."""
    raw: bytes
    """The line as it came, without its newline."""

    @property
    def meta(self) -> dict[str, Json]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def is_modern(self) -> bool:
        """Of the protocol from 2026-07-28 on, where each request stands for itself."""
        return PROTOCOL_VERSION in self.meta


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that wants none."""

    method: str
    params: dict[str, Json]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """The client's answer to a request of the server."""

    id: Id
    raw: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is not forwarded."""

    why: str
    id: Id | None = None
    """Of the request that the line tries to be, where it can be told for certain."""


def read(line: bytes) -> Request | Notification | Response | Malformed:
    """A line of a client as a message. Total: never raises."""
    try:
        members = strict_json.parse(line)
    except strict_json.NotStrict as error:
        return Malformed(str(error), _id_of_malformed(line))
    why = _fault(members, line)
    if why:
        return Malformed(why, _id_of_malformed(line))
    method = members.get("method")
    if method is None:
        return Response(members["id"], line)
    params = members.get("params", {})
    if "id" in members:
        return Request(members["id"], method, params, members, line)
    return Notification(method, params, line)


def _fault(members: Json, line: bytes) -> str:
    """The first rule of the envelope that a parsed line breaks; empty when it breaks none."""
    if not isinstance(members, dict):
        return "batches are not served" if isinstance(members, list) else "not an object"
    if b"\r" in line.rstrip(b"\r"):
        # Legal white space in JSON, but a server that reads lines in text mode (the Python SDK does) cuts there,
        # and what stands between two of them can be a whole message that nobody judged.
        return "a carriage return inside the message"
    params = members.get("params", {})
    if not isinstance(params, dict):
        return "params is not an object"
    meta = params.get("_meta", {})
    if not isinstance(meta, dict):
        return "params._meta is not an object"
    for level in (members, params, meta):
        for key in level:
            if key not in SPECIAL and strict_json.folded(key) in _SPECIAL_FOLDED:
                return "a key that differs from a member of the protocol only in case or invisible characters"
    if members.get("jsonrpc") != "2.0":
        return "jsonrpc is not 2.0"
    if "id" in members and type(members["id"]) not in (int, str):
        return "id is neither a string nor an integer"
    return _shape_fault(members, params)


def _shape_fault(members: dict[str, Json], params: dict[str, Json]) -> str:
    answers = ("result" in members) + ("error" in members)
    if "method" not in members:
        if answers == 1 and "id" in members and "params" not in members:
            return ""
        return "neither a request, a notification nor a response"
    if answers:
        return "a request and a response in one"
    method = members["method"]
    if not isinstance(method, str) or not method.isprintable() or not method or " " in method:
        return "method is not a plain word"
    if method not in JUDGED and strict_json.folded(method) in JUDGED:
        return "method differs from one of the protocol only in case or invisible characters"
    if method == "tools/call":
        return _call_fault(members, params)
    return ""


def _call_fault(members: dict[str, Json], params: dict[str, Json]) -> str:
    if "id" not in members:
        return "tools/call without an id"
    if not isinstance(params.get("name"), str):
        return "tools/call without the name of a tool"
    if not isinstance(params.get("arguments", {}), dict):
        return "arguments is not an object"
    return ""


def _id_of_malformed(line: bytes) -> Id | None:
    """The id that an error may name: that of a request, standing once at the top.

    A response's id belongs to the server's numbering; an error under it could end another request of the client.
    """
    if len(line) > strict_json.MAX_BYTES:
        return None
    try:
        pairs = json.loads(line.decode("utf-8"), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, tuple) or "method" not in (key for key, _ in pairs):
        return None
    ids = [value for key, value in pairs if key == "id"]
    if len(ids) != 1 or type(ids[0]) not in (int, str):
        return None
    found: Id = ids[0]
    try:
        compact(found)
    except ValueError:
        return None
    return found


def error(id: Id | None, code: int, message: str) -> bytes:
    """The line of an error response; without an id where the request's cannot be told."""
    members: dict[str, Json] = {"jsonrpc": "2.0"}
    if id is not None:
        members["id"] = id
    members["error"] = {"code": code, "message": message}
    return compact(members)


def refusal(request: Request, text: str, approval: dict[str, Json] | None = None) -> bytes:
    """The line of a tool result that says why the call did not run.

    A result and not an error, so that the model reads it and can go on (MCP server/tools, "Error Handling").
    """
    result: dict[str, Json] = {"content": [{"type": "text", "text": text}], "isError": True}
    if request.is_modern:
        result["resultType"] = "complete"
    if approval is not None:
        result["_meta"] = {APPROVAL: approval}
    return compact({"jsonrpc": "2.0", "id": request.id, "result": result})


def progress(token: Id, value: int, text: str) -> bytes:
    """The line of a progress notification; without a total, since nobody knows when a person answers."""
    params = {"progressToken": token, "progress": value, "message": text}
    return compact({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
