"""GuardMiddleware for `create_agent`: one request to people per turn, the prompt learned, every tool call guarded.

Enforcement stays at the tool: the middleware hands each call to a guarded tool, so that neither a jump past it nor
another middleware that rewrites the call, before or after it, runs anything that was not judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NotRequired

from langchain.agents.middleware.types import AgentMiddleware, AgentState, PrivateStateAttr
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool

from toolguard.core.model import Json
from toolguard.guard import Guard, Pending, Refusal
from toolguard.langchain import origin, pausing, refusing, replies, results
from toolguard.langchain.gate import Gate
from toolguard.langchain.options import Options
from toolguard.langchain.places import Place, place
from toolguard.langchain.reading import EDITED, Job, NotCopied, Reader, as_json, know, principal
from toolguard.langchain.tools import Guarded, wrap_tool

EDITS: Final = "toolguard_edits"
"""Key of the agent's state: by tool call id, the arguments that a reviewer wrote."""


class GuardState(AgentState[Any]):
    """What the middleware keeps between the model and its tools."""

    toolguard_edits: NotRequired[Annotated[dict[str, Any], PrivateStateAttr]]


Asked = list[tuple[Job, Pending, int]]
"""The calls of a turn that wait: each with its request, and how often the run paused for it."""


@dataclass(slots=True)
class Turn:
    """What the answers of people have made of one turn so far."""

    refused: list[tuple[Job, Refusal]] = field(default_factory=list)
    edits: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def is_decided(self, job: Job) -> bool:
        """Whether nobody needs to approve this call any more: it is refused, or another one takes its place."""
        return job.tool_call_id in self.edits or any(one.tool_call_id == job.tool_call_id for one, _ in self.refused)

    def update(self) -> dict[str, Any]:
        """For the agent's state: answers in place of refused calls, and edits; those of an earlier turn are cleared."""
        answers = [
            ToolMessage(
                content=refusal.text,
                name=job.call.tool,
                tool_call_id=job.tool_call_id or "",
                status="error",
                artifact={"toolguard": refusing.as_json(refusal)},
            )
            for job, refusal in self.refused
        ]
        return {EDITS: self.edits, **({"messages": answers} if answers else {})}


# Without type arguments, since releases of LangChain differ in how many there are.
class GuardMiddleware(AgentMiddleware):
    """Guards every tool of an agent, wrapped or not; options as for `wrap`."""

    state_schema = GuardState

    def __init__(self, guard: Guard, **options: Any) -> None:
        super().__init__()
        self.guard = guard
        self.options = Options(**options)
        self._pauses = pausing.Pauses(guard, self.options)
        self._guarded: dict[int, tuple[BaseTool, BaseTool]] = {}
        self._by_name: dict[str, BaseTool] = {}
        self.trace_policy = _quiet_traces()

    # -- before anything: what an earlier run left open ---------------------------------------------------------------

    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """New input abandons a pause of the same thread; people are not asked about it any longer."""
        where = place(None)
        if where.is_durable and "|" not in where.task:
            self.guard.tries.abandon(principal(self.guard, where), "the conversation went on without the answer")
        return None

    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return self.before_agent(state, runtime)

    # -- the model's tools, as they are bound --------------------------------------------------------------------------

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        self._learn_tools(request.tools)
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        self._learn_tools(request.tools)
        return await handler(request)

    def _learn_tools(self, tools: Sequence[Any]) -> None:
        for tool in tools:
            if isinstance(tool, BaseTool):
                self._by_name[tool.name] = tool

    # -- after the model: one request for the whole turn ---------------------------------------------------------------

    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Ask people about every call of this turn that needs it, with one interrupt."""
        where = place(None)
        if self.options.interrupt_mode != "batched" or not _pauses_here(self.options, where):
            return None
        messages = state["messages"]
        last = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
        if last is None or not last.tool_calls:
            return None
        asked = self._ask(last, messages, where)
        return self._answered(asked, where) if asked else None

    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return self.after_model(state, runtime)

    def _ask(self, last: AIMessage, messages: Sequence[Any], where: Place) -> Asked:
        """The calls that wait, with their requests and how often this run paused for them."""
        jobs = [job for call in last.tool_calls if (job := self._job(call, messages)) is not None]
        tries = [(job, self.guard.tries.earlier(job.call)) for job in jobs]
        if any(earlier is not None for _, earlier in tries):
            # Executed again after a pause: the same calls as then, whatever their score would be now.
            again = [(job, self.guard.pending_again(job.call, e), e.pauses) for job, e in tries if e is not None]
            return [(job, pending, pauses) for job, pending, pauses in again if pending is not None]
        announced = [(job, self.guard.announce(job.call), 0) for job in jobs]
        return [(job, pending, pauses) for job, pending, pauses in announced if pending is not None]

    def _job(self, call: Any, messages: Sequence[Any]) -> Job | None:
        tool = self._by_name.get(call["name"])
        if tool is None:
            return None
        token = origin.MIDDLEWARE.set(messages)
        try:
            gate: Gate = self._front(tool).__dict__["_tg_gate"]
            job = gate.reader.read(call["args"], call["id"], None)
            gate.learn_prompt(job)
        except NotCopied:
            return None  # refused at the tool
        finally:
            origin.MIDDLEWARE.reset(token)
        return job

    def _answered(self, asked: Asked, where: Place) -> dict[str, Any]:
        """Pause until every call is decided; refusals and edits go into the state, approvals into the store."""
        pauses, raised, turn = max(count for *_, count in asked), 0, Turn()
        while True:
            while raised < pauses:
                said = pausing.raise_interrupt(self._payload(asked, " ".join(turn.notes)))
                raised += 1
                found = replies.read(as_json(said), [(p.request_id, p.call.tool) for _, p, _ in asked])
                self._take(turn, asked, found, where)
            undecided = [one for one in asked if not turn.is_decided(one[0]) and self._is_open(one[1])]
            if not undecided:
                return turn.update()
            for job, pending, _ in asked:
                self.guard.tries.paused(job.call, pending.call_id, pending.request_id)
            pauses += 1

    def _take(self, turn: Turn, asked: Asked, found: list[replies.Reply] | None, where: Place) -> None:
        """Let one answer count, for each call that no earlier one decided."""
        turn.notes.clear()
        for place_in_turn, (job, pending, _) in enumerate(asked):
            if turn.is_decided(job):
                continue
            if found is None:
                if self._is_open(pending):
                    turn.refused.append((job, refusing.not_understood(pending.request_id, pending.code)))
                continue
            reply = found[place_in_turn]
            if reply.choice == "edit" and reply.arguments != job.call.arguments:
                self.guard.cancel(pending, "a reviewer changed the arguments")
                turn.edits[job.tool_call_id or ""] = dict(reply.arguments or {})
                continue
            same = replies.Reply("approve") if reply.choice == "edit" else reply
            refusal, note = self._pauses.take(pending, same, where.config)
            turn.notes += [note] if note else []
            if refusal is not None:
                turn.refused.append((job, refusal))

    def _payload(self, asked: Asked, note: str) -> Json:
        views = [view for _, p, _ in asked if (view := self.guard.approvals.show(p.request_id)) is not None]
        return replies.batched(views, note or self._pauses.how_to_answer(self.guard.config.review.url))

    def _is_open(self, pending: Pending) -> bool:
        view = self.guard.approvals.show(pending.request_id)
        return view is not None and view.state == "pending"

    # -- the tool call -------------------------------------------------------------------------------------------------

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        request, notes = self._prepared(request)
        token = origin.MIDDLEWARE.set(_messages(request.state))
        try:
            if request.tool is None:
                return self._unknown(request).call(
                    request.tool_call["args"], request.tool_call["id"], None,
                    lambda sent: handler(_with_arguments(request, sent)),
                )  # fmt: skip
            return results.with_notes(handler(request), notes)
        finally:
            origin.MIDDLEWARE.reset(token)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        request, notes = self._prepared(request)
        token = origin.MIDDLEWARE.set(_messages(request.state))
        try:
            if request.tool is None:
                return await self._unknown(request).acall(
                    request.tool_call["args"], request.tool_call["id"], None,
                    lambda sent: handler(_with_arguments(request, sent)),
                )  # fmt: skip
            return results.with_notes(await handler(request), notes)
        finally:
            origin.MIDDLEWARE.reset(token)

    def _prepared(self, request: Any) -> tuple[Any, tuple[str, ...]]:
        """The request with a guarded tool, and with what a reviewer wrote in place of the arguments."""
        notes: tuple[str, ...] = ()
        state = request.state if isinstance(request.state, Mapping) else {}
        edit = (state.get(EDITS) or {}).get(request.tool_call["id"])
        if edit is not None:
            request, notes = _with_arguments(request, edit), (EDITED + replies.shown(edit),)
        if request.tool is not None:
            request = request.override(tool=self._front(request.tool))
        return request, notes

    def _front(self, tool: BaseTool) -> BaseTool:
        """The guarded form of a tool, made once."""
        if isinstance(tool, Guarded):
            return tool
        known = self._guarded.get(id(tool))
        if known is None or known[0] is not tool:
            known = self._guarded[id(tool)] = (tool, wrap_tool(self.guard, tool, self.options))
        return known[1]

    def _unknown(self, request: Any) -> Gate:
        """A tool that the agent was not given: another middleware may run it, so the call is judged by its name."""
        known = know(_Unlisted(name=request.tool_call["name"], description=""), self.options)
        return Gate(self.guard, self.options, Reader(self.guard, self.options, known))


class _Unlisted(BaseTool):
    """Stands for a tool of which only the name is known."""

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


def _pauses_here(options: Options, where: Place) -> bool:
    return where.is_durable and options.pause != "wait"


def _messages(state: Any) -> Sequence[Any] | None:
    return state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", None)


def _with_arguments(request: Any, arguments: Any) -> Any:
    return request.override(tool_call={**request.tool_call, "args": arguments})


def _quiet_traces() -> Any:
    """Arguments stay out of the spans of this middleware, where LangChain knows how; the tool's own span has them."""
    try:
        from langgraph.types import TracePolicy, omit_payload
    except ImportError:
        return None
    return TracePolicy(process_inputs=omit_payload)
