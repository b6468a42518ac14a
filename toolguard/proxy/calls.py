"""The life of a judged call on one connection: begun, held while people decide, sent, finished.

What is sent is built from the object that was judged. A held call is an entry in a table and a look at it every
20 ms, never a task or a lock, so it delays nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from toolguard.core.approvals import RefusalCode
from toolguard.core.canonical import compact
from toolguard.core.model import Json, Outcome, OutcomeKind, ToolCall
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal, patience
from toolguard.guard.foretold import Foretold, Words
from toolguard.proxy import asides, forwarding, messages
from toolguard.proxy.client import Client
from toolguard.proxy.forwarding import ANSWERS
from toolguard.proxy.listing import Listing
from toolguard.proxy.messages import Id, Request
from toolguard.proxy.prompting import Prompting
from toolguard.proxy.replays import Replays
from toolguard.proxy.results import outcome
from toolguard.proxy.unfinished import Ended, Unfinished
from toolguard.proxy.wire import Flight, Upstream, Wire

POLL_SECONDS: Final = 0.02
"""A vote reaches the server within 100 ms (p95); a look at the database's version costs microseconds."""
LOOK_SECONDS: Final = 1.0
"""Time alone can end an approval; nothing changes in the database then until somebody looks."""
PROGRESS_SECONDS: Final = 10.0
"""Clients that reset their timer on progress have timers of 30 s and more."""
CANCEL_SECONDS: Final = 10.0
"""How long a cancelled call may still answer before its end counts as unknown."""
LATE_SECONDS: Final = 600.0
"""How long after that a late answer still corrects the record."""

HOOKED: Final = "claude-code"
"""The client whose hooks say what the person asked, as it names itself; for others nothing is looked up."""

_NOT_OTHER: Final = ANSWERS | {"name", "arguments", "_meta"}


@dataclass(slots=True)
class Held:
    """A call that waits for people."""

    flight: Flight
    pending: Pending
    settles_at: float
    progress_at: float
    progress: int = 0
    """The last value sent to the client."""
    seen: int = -1
    """The database's version when the approval was last looked at."""
    seen_at: float = 0.0
    question: str = ""
    """The id of a question to the person at the client."""


class Calls:
    """All judged calls of one connection."""

    def __init__(self, guard: Guard, wire: Wire, upstream: Upstream, listing: Listing, connection: str) -> None:
        self._guard, self._wire, self._upstream, self._listing = guard, wire, upstream, listing
        self._connection = connection
        self._count = 0
        self._held: dict[Id, Held] = {}
        self._is_polling = False
        self._offsets: dict[Id, tuple[Id, int]] = {}
        """Progress token -> request and the last progress value that the proxy sent under it."""
        self._replays = Replays()
        self._foretold = Foretold(guard.store, guard.redactor, guard.config.prompts)
        self.unfinished = Unfinished()
        self.client = Client()
        self.prompting = Prompting(guard, wire, self.client)
        self.flights: dict[Id, Flight] = {}
        """Every request of the client without an answer, judged or not."""

    @property
    def held(self) -> Held | None:
        """One of the calls that wait, if any does."""
        return next(iter(self._held.values()), None)

    # -- from the client --------------------------------------------------------------------------------------------

    def judge(self, flight: Flight) -> None:
        """Begin a call that arrived, and send, refuse or hold it."""
        if self.prompting.is_ours(flight.request):
            self._replied(flight)
            return
        request = flight.request
        call = self._call(request)
        if ANSWERS.isdisjoint(request.params):
            if not self._replayed(flight, call):
                self._act(flight, self._guard.begin(call))
            return
        # The next leg of a call: its answers are judged like arguments.
        answers = {key: value for key, value in request.params.items() if key in ANSWERS}
        with_answers = replace(call, other_params={**call.other_params, **answers})
        permit = self.unfinished.continued(request)
        if permit is not None:
            followed = self._guard.follow(permit, with_answers)
            if followed is not None:
                self._act(flight, followed)
                return
            self.finish((permit, Outcome(OutcomeKind.UNKNOWN, error="its answers were judged as a new call")))
        self._act(flight, self._guard.begin(with_answers))

    def _replied(self, flight: Flight) -> None:
        """The call comes again, with what the person answered at the client."""
        flight.request, asked, reply = self.prompting.without(flight.request)
        if not ANSWERS.isdisjoint(flight.request.params):  # and with answers that nobody asked for
            self.judge(flight)
            return
        answer = self._guard.begin(self._call(flight.request))
        if isinstance(answer, Pending):
            self.prompting.replied(asked, reply, answer)
            answer = self._guard.resume(answer)
        self._act(flight, answer)

    def may_answer(self, permit: Permit, answers: Json) -> bool:
        """Whether the client may give these answers to a task that this permit started."""
        call = replace(permit.call, other_params={**permit.call.other_params, "inputResponses": answers})
        return self._guard.follow(permit, call) is not None

    def cancel(self, id: Id) -> bool:
        """The client no longer wants an answer. Whether the server knows nothing of the call.

        A client's timeout looks the same on the wire, so a held call only loses its waiter: the approval request
        lives on for an identical retry. The call itself can no longer run.
        """
        held = self._held.pop(id, None)
        if held is not None:
            self.flights.pop(id, None)
            self._detach(held)
            return True
        flight = self.flights.get(id)
        if flight is not None and flight.permit is not None:
            flight.is_cancelled = True
            self._wire.later(CANCEL_SECONDS, lambda: self._lose(id, flight))
        return False

    def let_go(self) -> None:
        """Settle every held call now: the client is leaving."""
        for held in list(self._held.values()):
            self._settle(held)

    # -- from the server --------------------------------------------------------------------------------------------

    def answered(self, flight: Flight, response: dict[str, Json], size: int) -> None:
        """The server answered a call; it has been forwarded."""
        permit, now = flight.permit, self._wire.clock()
        if permit is None:
            return
        self._forget_progress(flight.request)
        if "error" not in response:
            result = response.get("result")
            if self.unfinished.keep(flight.request, permit, result, flight.sent_at, now):
                return
            if flight.is_cancelled and permit.request_id is not None:
                self._replays.keep(permit.asked or permit.call, result, size, now)
        self.finish((permit, outcome(response, size, (now - flight.sent_at) * 1000)))

    def raised(self, params: Json) -> int:
        """What to add to a progress notification, so that values rise over the whole call."""
        if not self._offsets or not isinstance(params, dict):
            return 0
        token = messages.as_id(params.get("progressToken"))
        return 0 if token is None else self._offsets.get(token, (0, 0))[1]

    def lose(self, why: str) -> None:
        """The server is gone: what was sent and not answered has an unknown end, what waits never runs."""
        for held in list(self._held.values()):
            self._detach(held)
        self._held.clear()
        unknown = Outcome(OutcomeKind.UNKNOWN, error=why)
        for flight in self.flights.values():
            if flight.permit is not None and not flight.is_lost:
                self.finish((flight.permit, unknown))
        self.flights.clear()
        for ended in self.unfinished.all():
            self.finish(ended)

    def finish(self, ended: Ended) -> None:
        """Record the end of an execution."""
        try:
            self._guard.finish(*ended)
        except StoreError as error:
            # The answer is on its way already; without its end in the log the execution counts as unknown.
            self._wire.to_stderr(f"toolguard: the end of a call was not recorded: {error}".encode())

    # -- how --------------------------------------------------------------------------------------------------------

    def _call(self, request: Request) -> ToolCall:
        params, pin = request.params, self._listing.pin_of(request.params["name"])
        schema = pin.definition.input_schema if pin else {}
        given, client = params.get("arguments", {}), self.client.name_of(request)
        arguments, justification = asides.taken(given, request.meta, schema)
        foretold = self._foretold_of(params["name"], given) if client == HOOKED else Words()
        self._count += 1
        return ToolCall(
            server=self._upstream.name,
            tool=params["name"],
            arguments=arguments,
            principal=self._upstream.principal,
            definition=pin.definition if pin else None,
            definition_fp=pin.fingerprint if pin else "",
            server_trusted=self._upstream.trusted,
            prompt=asides.asked(request.meta) or foretold.prompt,
            justification=justification or foretold.justification,
            client=client,
            # Ids may come again once they are answered, so the key counts the tries of this connection.
            transport_key=f"{self._connection}/{self._count}",
            other_params={key: value for key, value in params.items() if key not in _NOT_OTHER},
        )

    def _foretold_of(self, tool: str, arguments: dict[str, Json]) -> Words:
        """What the client's hook said of this call."""
        try:
            return self._foretold.of(self._upstream.principal.person, self._upstream.name, tool, arguments)
        except StoreError:
            return Words()  # the call itself will be refused for it

    def _replayed(self, flight: Flight, call: ToolCall) -> bool:
        """Whether this is the retry of an approved call that ran, and whose result its client did not wait for."""
        result = self._replays.take(call, self._wire.clock()) if self._replays else None
        if result is None:
            return False
        self._guard.record("call.replayed", {}, server=call.server, tool=call.tool)
        marked = {**result, "_meta": {**_members(result.get("_meta")), messages.REPLAY: True}}
        self.answer(flight, compact({"jsonrpc": "2.0", "id": flight.request.id, "result": marked}))
        return True

    def _act(self, flight: Flight, answer: Permit | Refusal | Pending) -> None:
        match answer:
            case Permit():
                self._send(flight, answer)
            case Refusal():
                self._refuse(flight, answer.text + self._how(flight, answer), _approval_of(answer))
            case Pending():
                self._hold(flight, answer)

    def _how(self, flight: Flight, refusal: Refusal) -> str:
        """What only this protocol can tell the agent about a refusal."""
        if refusal.code is not RefusalCode.NO_JUSTIFICATION:
            return ""
        pin = self._listing.pin_of(flight.request.params["name"])
        return asides.how(pin.definition.input_schema if pin else {})

    def _send(self, flight: Flight, permit: Permit) -> None:
        try:
            self._guard.dispatch(permit)
        except StoreError as error:
            self.answer(flight, messages.error(flight.request.id, messages.OWN_FAULT, f"not executed: {error}"))
            return
        flight.permit, flight.sent_at = permit, self._wire.clock()
        self._wire.to_server(forwarding.line(flight.request, permit.call))
        self._guard.catch_up(permit.call.principal)  # the server is at work now

    def _refuse(self, flight: Flight, text: str, approval: dict[str, Json] | None) -> None:
        self.answer(flight, messages.refusal(flight.request, text, approval))

    def answer(self, flight: Flight, line: bytes) -> None:
        """Answer a request in the server's place; it is no longer in flight."""
        self.flights.pop(flight.request.id, None)
        self._forget_progress(flight.request)
        self._wire.to_client(line)

    def _hold(self, flight: Flight, pending: Pending) -> None:
        now, call = self._wire.clock(), pending.call
        has_token = _progress_token(flight.request) is not None
        settings, rules = self._guard.config.approvals, pending.decision.obligations.hold
        settles_at = now + patience.seconds(settings, rules, call.client, progress=has_token)
        if flight.request.is_modern:
            line = self.prompting.instead(flight.request, pending)
            if line:
                self._leave(pending)
                self.answer(flight, line)
                return
        held = self._held[flight.request.id] = Held(flight, pending, settles_at, now + PROGRESS_SECONDS)
        if not flight.request.is_modern:
            held.question = self.prompting.ask(flight.request, pending)
        if not self._is_polling:
            self._is_polling = True
            self._wire.later(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        """Look at every held call; calls itself again as long as one waits."""
        self._is_polling = bool(self._held)
        if not self._held:
            return
        self._wire.later(POLL_SECONDS, self._poll)
        now = self._wire.clock()
        # After a change of the server's tools nothing is claimed before they were listed again.
        version = None if self._listing.is_stale else self._version()
        for held in list(self._held.values()):
            if version is not None and (held.seen != version or now - held.seen_at >= LOOK_SECONDS):
                held.seen, held.seen_at = version, now
                if self._resumed(held):
                    continue
            if now >= held.settles_at:
                self._settle(held)
            elif now >= held.progress_at:
                held.progress_at = now + PROGRESS_SECONDS
                self._show_progress(held)

    def _version(self) -> int | None:
        try:
            return self._guard.version()
        except StoreError:
            return None  # nothing can be claimed now; the call goes on waiting and settles

    def _resumed(self, held: Held) -> bool:
        """Whether people have decided, and the call went its way."""
        answer = self._guard.resume(held.pending)
        if isinstance(answer, Pending):
            return False
        request = held.flight.request
        del self._held[request.id]
        self.prompting.withdraw(held.question)
        token = _progress_token(request)
        if token is not None and held.progress and isinstance(answer, Permit):
            self._offsets[token] = (request.id, held.progress)
        self._act(held.flight, answer)
        return True

    def _settle(self, held: Held) -> None:
        pending = held.pending
        del self._held[held.flight.request.id]
        self._detach(held)
        approval = {
            "id": pending.request_id,
            "code": pending.code,
            "status": "pending",
            "decide_by": pending.decide_by.isoformat(),
        }
        self._refuse(held.flight, pending.settle_text, approval)

    def _detach(self, held: Held) -> None:
        self.prompting.withdraw(held.question)
        self._leave(held.pending)

    def _leave(self, pending: Pending) -> None:
        try:
            self._guard.detach(pending)
        except StoreError as error:
            self._wire.to_stderr(f"toolguard: a waiting call left unrecorded: {error}".encode())

    def _show_progress(self, held: Held) -> None:
        token = _progress_token(held.flight.request)
        if token is None:
            return
        held.progress += 1
        text = f"waiting for a person to approve {held.pending.code} ({held.pending.link})"
        self._wire.to_client(messages.progress(token, held.progress, text))

    def _forget_progress(self, request: Request) -> None:
        if self._offsets:
            self._offsets = {token: each for token, each in self._offsets.items() if each[0] != request.id}

    def _lose(self, id: Id, flight: Flight) -> None:
        """A cancelled call that never answered; a late answer is still recorded."""
        if self.flights.get(id) is flight and flight.permit is not None and not flight.is_lost:
            flight.is_lost = True
            why = "cancelled by the client, and the server did not answer"
            self.finish((flight.permit, Outcome(OutcomeKind.UNKNOWN, error=why)))
            self._wire.later(LATE_SECONDS, lambda: self._forget(id, flight))

    def _forget(self, id: Id, flight: Flight) -> None:
        if self.flights.get(id) is flight:
            del self.flights[id]


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _approval_of(refusal: Refusal) -> dict[str, Json] | None:
    if refusal.request_id is None:
        return None
    return {"id": refusal.request_id, "code": refusal.binding_code, "status": str(refusal.code)}


def _progress_token(request: Request) -> Id | None:
    return messages.as_id(request.meta.get("progressToken"))
