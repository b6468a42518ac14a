"""Routes every message between one client and one server: judges tool calls and listings, passes all else.

What is not judged goes on as the bytes that came, methods it has never heard of included. Messages keep their order;
nothing here waits. The rules of each direction stand in the two tables of methods at the end of the class.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable, Mapping
from typing import Final

from toolguard.core.canonical import compact, digest
from toolguard.core.model import Json, Outcome, OutcomeKind
from toolguard.errors import StoreError
from toolguard.guard import Guard
from toolguard.proxy import lenient, messages
from toolguard.proxy.calls import Calls
from toolguard.proxy.listing import Listing
from toolguard.proxy.messages import Id, Malformed, Notification, Request, Response
from toolguard.proxy.reaching import Reaching
from toolguard.proxy.relisting import OWN_PREFIX, Relisting
from toolguard.proxy.results import noted
from toolguard.proxy.wire import Flight, Upstream, Wire

BURST_SECONDS: Final = 60.0
"""Lines that are no messages within this time are one event in the log: some servers print all the time."""
INTRODUCTION_BYTES: Final = 65_536
"""Of an answer to the handshake whose contents the log keeps; a larger one is noted without them."""


class Relay:
    """One client, one server, the messages between them."""

    def __init__(self, guard: Guard, wire: Wire, upstream: Upstream) -> None:
        self._guard, self._wire, self._upstream = guard, wire, upstream
        connection = secrets.token_hex(8)
        self._listing = Listing(guard, upstream.name, upstream.launch)
        self.calls = Calls(guard, wire, upstream, self._listing, connection)
        self._flights = self.calls.flights
        self._is_modern = False
        self._relisting = Relisting(wire, self._listing, connection, self._judge)
        self._reaching = Reaching(self._record, guard.redactor, guard.config.prompts)
        self._junk_count = 0

    # -- client to server -------------------------------------------------------------------------------------------

    def from_client(self, line: bytes | None) -> None:
        """One line of the client; None stands for one over the limit."""
        if line is None:
            message: Request | Notification | Response | Malformed = Malformed("a line over the limit")
        elif not line.strip():
            return
        else:
            message = messages.read(line)
        try:
            self._route(message)
        except Exception as error:  # noqa: BLE001 - top of the loop: a fault of ours must never let a call through
            self._fault(message.id if isinstance(message, Request) else None, error)

    def _route(self, message: Request | Notification | Response | Malformed) -> None:
        match message:
            case Request():
                self._request(message)
            case Notification(method="notifications/cancelled"):
                self._cancelled(message)
            case Notification():
                self._wire.to_server(message.raw)
            case Response():
                self._response(message)
            case Malformed():
                self._wire.to_client(messages.error(message.id, messages.INVALID_REQUEST, message.why))
                self._refused("client", message.why)

    def _request(self, request: Request) -> None:
        known = self._flights.get(request.id)
        if known is not None and not known.is_lost:
            why = "this id belongs to a request that is not answered yet"
            self._wire.to_client(messages.error(request.id, messages.INVALID_REQUEST, why))
            self._refused("client", why)
            return
        flight = self._flights[request.id] = Flight(request, self._wire.clock())
        if request.is_modern:
            self._is_modern = True
        if request.method == "tools/call":
            if self._relisting.needed_for(request):
                self._relisting.wait(flight)
            else:
                self.calls.judge(flight)
        elif request.method == "tasks/update":
            self._task_update(flight)
        else:
            if request.method == "initialize":
                # A client may probe with server/discover and still choose the older protocol.
                self._is_modern = False
                self.calls.client.introduced(request)
            self._wire.to_server(request.raw)

    def _response(self, response: Response) -> None:
        if not self._is_modern and self.calls.prompting.took(response):
            return
        if self._is_modern or _is_ours(response.id):
            why = "a response to a request that nobody made"
            self._refused("client", why)
            return
        self._wire.to_server(response.raw)
        self._reaching.answered(response)

    def _cancelled(self, notification: Notification) -> None:
        cancelled = messages.as_id(notification.params.get("requestId"))
        if cancelled is not None and self._relisting.drop(cancelled):
            del self._flights[cancelled]
        elif cancelled is None or not self.calls.cancel(cancelled):
            self._wire.to_server(notification.raw)
            flight = None if cancelled is None else self._flights.get(cancelled)
            if flight is not None and flight.permit is None and flight.request.method != "tools/list":
                del self._flights[flight.request.id]  # a cancelled request need not be answered

    def _task_update(self, flight: Flight) -> None:
        """The client answers what a running task asked; the answers are judged like arguments of its call."""
        request = flight.request
        permit = self.calls.unfinished.task(request.params.get("taskId"))
        answers = request.params.get("inputResponses")
        if permit is not None and answers and not self.calls.may_answer(permit, answers):
            why = "not sent: toolguard does not permit this answer"
            self.calls.answer(flight, messages.error(request.id, messages.OWN_FAULT, why))
            return
        self._wire.to_server(compact(request.members))

    def _judge(self, flight: Flight, tools_are_known: bool) -> None:
        """A call that waited for its server's tools to be listed again."""
        if tools_are_known:
            self.calls.judge(flight)
            return
        # Its tools changed and it will not say how: what would be judged is not what would run.
        why = "not executed: the server changed its tools and did not list them again"
        self.calls.answer(flight, messages.error(flight.request.id, messages.OWN_FAULT, why))
        self._refused("client", why)

    # -- server to client -------------------------------------------------------------------------------------------

    def from_server(self, line: bytes | None) -> None:
        """One line of the server; None stands for one over the limit."""
        message = None if line is None else lenient.read(line)
        if line is None or message is None:
            self._junk(line)
        elif isinstance(message, list):
            for each in message:  # a batch, which only 2025-03-26 knows; every client takes its messages one by one
                self._take(each, compact(each))
        else:
            self._take(message, line)

    def _take(self, message: dict[str, Json], line: bytes) -> None:
        try:
            self._from_server(message, line)
        except Exception as error:  # noqa: BLE001 - top of the loop: what we could not look at is not forwarded
            self._fault(None if "method" in message else messages.as_id(message.get("id")), error)

    def _from_server(self, message: dict[str, Json], line: bytes) -> None:
        method = message.get("method")
        if method is None:
            self._answer(message, line)
        elif "id" in message:
            self._server_request(message, line)
        elif method == "notifications/progress":
            self._progress(message, line)
        elif method == "notifications/cancelled" and self._is_modern:
            self._listen_ended(message, line)
        else:
            self._wire.to_client(line)
            if method == "notifications/tools/list_changed":
                self._list_changed()
            elif method in ("notifications/tasks", "notifications/tasks/status"):
                self._task_status(message.get("params"))

    def _answer(self, message: dict[str, Json], line: bytes) -> None:
        if self._relisting.took(message):
            return
        answered = messages.as_id(message.get("id"))
        flight = None if answered is None else self._flights.get(answered)
        if flight is None:
            self._wire.to_client(line)
            return
        method = flight.request.method
        if method == "tools/call" and flight.permit is None:
            self._refused("server", "an answer to a call that was not sent")
            return
        del self._flights[flight.request.id]
        if method == "tools/list":
            line = self._page_for_client(flight.request, message, line)
        elif note := self._note(flight):
            line = compact(noted(message, note))
        self._wire.to_client(line)
        after = self._after.get(method)
        if after is not None:
            after(self, flight, message, len(line))

    def _note(self, flight: Flight) -> str:
        """What the agent must be told beside the result: that a reviewer changed what ran."""
        permit = flight.permit
        if flight.request.method in ("tasks/get", "tasks/result"):
            permit = self.calls.unfinished.task(flight.request.params.get("taskId"))
        return permit.note if permit is not None else ""

    def _page_for_client(self, request: Request, message: dict[str, Json], line: bytes) -> bytes:
        """A page of the list as the client may see it."""
        if "result" not in message:
            return line
        cursor = request.params.get("cursor")
        try:
            result, _ = self._listing.page(cursor if isinstance(cursor, str) else None, message["result"])
        except StoreError as error:
            return messages.error(request.id, messages.OWN_FAULT, f"the tools cannot be pinned: {error}")
        if result is message["result"] and lenient.is_strict(line):
            return line
        # Without what is withheld; or as it was pinned, where the client's parser might see another definition.
        return compact({**message, "result": result})

    def _server_request(self, message: dict[str, Json], line: bytes) -> None:
        if self._is_modern or _is_ours(message["id"]):
            # There are none in this protocol, and none of the server's has an id of ours: answers could be confused.
            self._refused("server", "a request that it may not make in this protocol, or under this id")
            return
        self._wire.to_client(line)
        asked = messages.as_id(message["id"])
        self._reaching.asked(asked, message["method"], message.get("params"), self._flights.values())

    def _progress(self, message: dict[str, Json], line: bytes) -> None:
        params = message.get("params")
        added = self.calls.raised(params)
        if added and isinstance(params, dict):
            sums = {key: params[key] + added for key in ("progress", "total") if type(params.get(key)) in (int, float)}
            line = compact({**message, "params": {**params, **sums}})
        self._wire.to_client(line)

    def _listen_ended(self, message: dict[str, Json], line: bytes) -> None:
        params = message.get("params")
        ended = messages.as_id(params.get("requestId")) if isinstance(params, dict) else None
        flight = None if ended is None else self._flights.get(ended)
        if flight is None or flight.request.method != "subscriptions/listen":
            self._refused("server", "it cancelled a request that is no subscription")
            return
        del self._flights[flight.request.id]
        self._wire.to_client(line)

    def _list_changed(self) -> None:
        self._listing.changed()
        held = self.calls.held
        if held is not None:
            self._relisting.begin(held.flight.request)

    # -- what an answer means, after it was forwarded ---------------------------------------------------------------

    def _call_answered(self, flight: Flight, message: dict[str, Json], size: int) -> None:
        result = message.get("result")
        if flight.permit is not None and isinstance(result, dict) and result.get("resultType") == "input_required":
            self._reaching.needs_input(flight.permit, result)
        self.calls.answered(flight, message, size)

    def _introduced(self, flight: Flight, message: dict[str, Json], size: int) -> None:
        result = message.get("result")
        if not isinstance(result, dict):
            return
        said: dict[str, Json] = {"method": flight.request.method, "client": self.calls.client.name, "size": size}
        if size <= INTRODUCTION_BYTES:
            said |= {
                "protocol": result.get("protocolVersion") or result.get("supportedVersions"),
                "server": result.get("serverInfo"),
                "capabilities": result.get("capabilities"),
                "instructions": digest("toolguard/instructions/v1", result.get("instructions")),
            }
        self._record("server.introduced", said)
        instructions = result.get("instructions")
        try:
            self._guard.introduced(self._upstream.name, instructions if isinstance(instructions, str) else "")
        except StoreError as error:
            self._wire.to_stderr(f"toolguard: {error}".encode())

    def _task_told(self, flight: Flight, message: dict[str, Json], size: int) -> None:
        self._task_status(message.get("result"))

    def _task_result(self, flight: Flight, message: dict[str, Json], size: int) -> None:
        if "result" in message:
            task_id, now = flight.request.params.get("taskId"), self._wire.clock()
            ended = self.calls.unfinished.task_result(task_id, message["result"], size, now)
            if ended is not None:
                self.calls.finish(ended)

    def _task_status(self, task: Json) -> None:
        ended = self.calls.unfinished.task_status(task, self._wire.clock())
        if ended is not None:
            self.calls.finish(ended)

    _after: Final[Mapping[str, Callable[[Relay, Flight, dict[str, Json], int], None]]] = {
        "tools/call": _call_answered,
        "initialize": _introduced,
        "server/discover": _introduced,
        "tasks/get": _task_told,
        "tasks/cancel": _task_told,
        "tasks/result": _task_result,
    }

    # -- ends -------------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether the server owes the client an answer."""
        return bool(self._flights)

    @property
    def is_listing(self) -> bool:
        """Whether calls wait for the server to list its tools."""
        return self._relisting.is_under_way

    def client_left(self) -> None:
        """The client sends nothing more; it may still read."""
        self.calls.let_go()

    def server_left(self, why: str) -> None:
        """The server will answer nothing more."""
        self._end_burst()
        self._relisting.stop()
        self.calls.lose(why)

    def tend(self) -> None:
        """Give up what nobody will finish, and let the guard do the same; called now and then."""
        for ended in self.calls.unfinished.overdue(self._wire.clock()):
            self.calls.finish(ended)
        try:
            self._guard.tend()
        except StoreError as error:
            self._wire.to_stderr(f"toolguard: {error}".encode())

    # -- how --------------------------------------------------------------------------------------------------------

    def _junk(self, line: bytes | None) -> None:
        """What is no message never reaches the client, whose parser it could end; people may want to read it."""
        self._wire.to_stderr(line if line is not None else b"toolguard: the server sent a line over the limit")
        self._junk_count += 1
        if self._junk_count == 1:
            self._wire.later(BURST_SECONDS, self._end_burst)

    def _end_burst(self) -> None:
        if self._junk_count:
            count, self._junk_count = self._junk_count, 0
            self._record("message.refused", {"from": "server", "why": "lines that are no messages", "count": count})

    def _refused(self, sender: str, why: str) -> None:
        self._record("message.refused", {"from": sender, "why": why})

    def _record(self, kind: str, contents: dict[str, Json], **columns: str | None) -> None:
        try:
            self._guard.record(kind, contents, server=self._upstream.name, **columns)
        except StoreError as error:
            self._wire.to_stderr(f"toolguard: {error}".encode())

    def _fault(self, request: Id | None, error: Exception) -> None:
        """Report a defect of ours, and end the request that it struck."""
        traceback.print_exc()
        flight = None if request is None else self._flights.get(request)
        if flight is None:
            return
        if flight.permit is not None:
            self.calls.finish((flight.permit, Outcome(OutcomeKind.UNKNOWN, error="a fault in toolguard")))
        why = f"a fault in toolguard: {type(error).__name__}"
        self.calls.answer(flight, messages.error(flight.request.id, messages.OWN_FAULT, why))


def _is_ours(id: Json) -> bool:
    return isinstance(id, str) and id.startswith(OWN_PREFIX)
