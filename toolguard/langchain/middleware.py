"""GuardMiddleware for `create_agent`: one request to people per turn, the prompt learned, every tool call guarded.

Enforcement stays at the tool: the middleware hands each call to a guarded tool, so that neither a jump past it nor
another middleware that rewrites the call, before or after it, runs anything that was not judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware.types import AgentMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool

from toolguard.core.model import Json
from toolguard.guard import Guard, Pending, Refusal
from toolguard.langchain import origin, pausing, refusing, replies
from toolguard.langchain.gate import Gate
from toolguard.langchain.options import Options
from toolguard.langchain.places import Place, place
from toolguard.langchain.reading import Job, NotCopied, Reader, as_json, know, principal
from toolguard.langchain.tools import Guarded, wrap_tool


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the turn that waits for people."""

    job: Job
    pending: Pending
    pauses: int
    """How often the run paused for it. A call that was asked about less often than another was settled before."""


# Without type arguments, since releases of LangChain differ in how many there are.
class GuardMiddleware(AgentMiddleware):
    """Guards every tool of an agent, wrapped or not; options as for `wrap`."""

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
        asked = self._ask(last, messages)
        return self._answered(asked, where) if asked else None

    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return self.after_model(state, runtime)

    def _ask(self, last: AIMessage, messages: Sequence[Any]) -> list[Asked]:
        """The calls that wait, with their requests and how often this run paused for them."""
        jobs = [job for call in last.tool_calls if (job := self._job(call, messages)) is not None]
        tries = [(job, self.guard.tries.earlier(job.call)) for job in jobs]
        if any(earlier is not None for _, earlier in tries):
            # Executed again after a pause: the same calls as then, whatever their score would be now.
            again = [(job, self.guard.tries.pending_again(job.call, e), e.pauses) for job, e in tries if e is not None]
            return [Asked(job, pending, pauses) for job, pending, pauses in again if pending is not None]
        announced = [(job, self.guard.announce(job.call)) for job in jobs]
        return [Asked(job, pending, 0) for job, pending in announced if pending is not None]

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

    def _answered(self, asked: list[Asked], where: Place) -> dict[str, Any] | None:
        """Pause until every call is decided; refusals become answers in the state, approvals are in the store."""
        pauses, raised, notes, found = max(one.pauses for one in asked), 0, "", None
        refused = [(one.job, refusal) for one in asked if one.pauses < pauses and (refusal := self._settled(one))]
        asked = [one for one in asked if one.pauses == pauses]
        while True:
            while raised < pauses:
                said = pausing.raise_interrupt(self._payload(asked, notes))
                raised += 1
                # Earlier answers were taken when they were the last.
                found = replies.read(as_json(said), [(one.pending.request_id, one.job.call.tool) for one in asked])
            answers = [replies.LOOK if not raised else replies.NONE] * len(asked) if found is None else found
            taken = [self._pauses.take(one.pending, a, where.config) for one, a in zip(asked, answers, strict=True)]
            refused += [(one.job, t.refusal) for one, t in zip(asked, taken, strict=True) if t.refusal is not None]
            asked = [
                Asked(one.job, t.pending, pauses + 1)
                for one, t in zip(asked, taken, strict=True)
                if t.refusal is None and self._is_open(t.pending)
            ]
            if not asked:
                return {"messages": [_message(job, refusal) for job, refusal in refused]} if refused else None
            notes = " ".join(t.note for t in taken if t.note)
            for one in asked:
                self.guard.tries.paused(one.job.call, one.pending.call_id, one.pending.request_id)
            pauses += 1

    def _settled(self, one: Asked) -> Refusal | None:
        """The refusal of a call about which people were not asked again; None when it was approved."""
        view = self.guard.approvals.show(one.pending.request_id)
        if view is None or view.state == "pending":
            return refusing.not_understood(one.pending.request_id, one.pending.code)
        answer = None if view.state in ("approved", "consumed") else self._pauses.resume(one.pending)
        return answer if isinstance(answer, Refusal) else None

    def _payload(self, asked: Sequence[Asked], note: str) -> Json:
        views = [view for one in asked if (view := self.guard.approvals.show(one.pending.request_id)) is not None]
        link = asked[0].pending.link if len(asked) == 1 else self.guard.config.review.url
        return replies.batched(views, note or self._pauses.how_to_answer(link))

    def _is_open(self, pending: Pending) -> bool:
        view = self.guard.approvals.show(pending.request_id)
        return view is not None and view.state == "pending"

    # -- the tool call -------------------------------------------------------------------------------------------------

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        token = origin.MIDDLEWARE.set(_messages(request.state))
        try:
            if request.tool is not None:
                return handler(request.override(tool=self._front(request.tool)))
            return self._unknown(request).call(
                request.tool_call["args"], request.tool_call["id"], None,
                lambda sent: handler(_with_arguments(request, sent)),
            )  # fmt: skip
        finally:
            origin.MIDDLEWARE.reset(token)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        token = origin.MIDDLEWARE.set(_messages(request.state))
        try:
            if request.tool is not None:
                return await handler(request.override(tool=self._front(request.tool)))
            return await self._unknown(request).acall(
                request.tool_call["args"], request.tool_call["id"], None,
                lambda sent: handler(_with_arguments(request, sent)),
            )  # fmt: skip
        finally:
            origin.MIDDLEWARE.reset(token)

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
        """What BaseTool demands of a tool; this one is judged and never runs."""
        raise TypeError(f"`{self.name}` stands for a tool that somebody else runs")


def _pauses_here(options: Options, where: Place) -> bool:
    return where.is_durable and options.pause != "wait"


def _messages(state: Any) -> Sequence[Any] | None:
    return state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", None)


def _message(job: Job, refusal: Refusal) -> ToolMessage:
    return refusing.message(refusal, job.call.tool, job.tool_call_id or "")


def _with_arguments(request: Any, arguments: Any) -> Any:
    return request.override(tool_call={**request.tool_call, "args": arguments})


def _quiet_traces() -> Any:
    """Arguments stay out of the spans of this middleware, where LangChain knows how; the tool's own span has them."""
    try:
        from langgraph.types import TracePolicy, omit_payload
    except ImportError:
        return None
    return TracePolicy(process_inputs=omit_payload)
