"""Calls that pause the run, by LangGraph's durable interrupt, until people have answered.

LangGraph hands out answers by position and runs everything before a pause again. So each pause is counted in the log
before it is raised; a call that is run again replays exactly as many, then looks at the store; and an answer by
position counts only where the task belongs to this one call. A resume value is no person: without somebody whom the
application vouches for it approves nothing.
"""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass, replace
from typing import Any, Final

from toolguard.core.approvals import ExecutionState, RefusalCode
from toolguard.core.canonical import text
from toolguard.core.model import Json
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal, RequestView, Reviewer
from toolguard.guard.approvals import Choice
from toolguard.guard.tries import Try
from toolguard.langchain import refusing, replies
from toolguard.langchain.kept import Again, Kept
from toolguard.langchain.options import Options
from toolguard.langchain.reading import Job, as_json
from toolguard.langchain.replies import LOOK, NONE, Reply
from toolguard.langchain.waiting import leave, settled

IN_CLIENT: Final = 0
"""Of Obligations.strength: the answer came through the agent's own application."""
DANGEROUS: Final = frozenset({"delete", "spend", "send", "grant"})
"""Classes of calls that never run a second time while the end of the first is unknown."""
_IN_TURN: Final = threading.Lock()
"""Of calls that share a task: LangGraph counts their pauses and takes their answers in two steps."""
REJECTED: Final = "rejected in the application"
APPLICATION: Final = Reviewer("", "(application)", (), "", "")
"""Who changed arguments when the application vouches for nobody; no reviewer can have this name."""


def is_bubble_up(error: BaseException) -> bool:
    """Whether this is LangGraph's way of pausing or leaving, which is no failure."""
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)


class Pauses:
    """Decides what becomes of a call, with LangGraph's interrupts where they hold."""

    def __init__(self, guard: Guard, options: Options) -> None:
        self._guard = guard
        self._options = options

    def seconds(self, pending: Pending) -> float:
        """How long a waiting call is held."""
        if self._options.wait is not None:
            return self._options.wait
        hold = pending.decision.obligations.hold
        return self._guard.config.approvals.hold if hold is None else hold

    def decide(self, job: Job, kept: Kept) -> Permit | Refusal | Pending | Again:
        """The answer to a call, over any number of pauses; Pending where it is to be waited for."""
        earlier = self._guard.tries.earlier(job.call) if job.place.is_durable else None
        if earlier is not None and earlier.execution_id is not None:
            before = self._ran_before(job, earlier, kept)
            if before is not None:
                return before
            earlier = None
        pending = self._guard.tries.pending_again(job.call, earlier) if earlier is not None else None
        pauses = earlier.pauses if earlier is not None and pending is not None else 0
        if pending is None:
            begun = self._guard.begin(job.call)
            if not isinstance(begun, Pending):
                return begun
            pending = begun
        if interrupts(self._options, job):
            return self._over_interrupts(job, pending, pauses)
        if self._options.pause == "interrupt":
            leave(self._guard, pending)
            return settled(pending)
        return pending

    def _ran_before(self, job: Job, earlier: Try, kept: Kept) -> Permit | Refusal | Again | None:
        """What a call that has an execution gets when its node is run again; None when it may begin anew.

        Its own pauses are raised again first, so that a pause of the tool finds its answer at the same position.
        """
        if job.is_alone:
            self._replay(earlier.pauses)
        execution_id = earlier.execution_id or ""
        # First what this process saw: the log hears of the end of an allowed call some milliseconds later.
        result = kept.of(job.call.transport_key)
        if result is not None:
            return result
        if earlier.state is ExecutionState.SUCCEEDED:
            return refusing.has_run(execution_id, earlier.request_id)
        paused = kept.paused(execution_id)
        if paused is not None:
            permit = self._guard.follow(paused, job.call)
            return permit or refusing.may_have_run(execution_id, earlier.request_id)
        if earlier.paused_inside:
            permit = self._guard.tries.enter_again(job.call, earlier)
            return permit or refusing.may_have_run(execution_id, earlier.request_id)
        is_unknown = earlier.state in (ExecutionState.DISPATCHED, ExecutionState.UNKNOWN)
        if is_unknown and (earlier.request_id or earlier.effect_class in DANGEROUS):
            return refusing.may_have_run(execution_id, earlier.request_id)
        return None

    def paused_inside(self, job: Job, permit: Permit, kept: Kept) -> None:
        """The tool paused the run: its execution stays open, and only the same call enters it again."""
        if not job.place.is_durable:
            return
        kept.pause(permit)
        if permit.request_id is not None:
            self._guard.tries.paused_inside(job.call, permit.execution_id, permit.call_id, permit.request_id)

    def _replay(self, pauses: int) -> None:
        """Raise the pauses of this call again; each has its answer, since the call ran."""
        for _ in range(pauses):
            raise_interrupt({})

    def _over_interrupts(self, job: Job, pending: Pending, pauses: int) -> Permit | Refusal:
        """Pause as often as it takes, in a task that belongs to this call alone."""
        if not job.is_alone:
            return self._in_shared_task(job, pending, pauses)
        raised, note, reply = 0, "", LOOK
        while True:
            while raised < pauses:
                said = self._ask(job, pending, note)
                raised += 1
                # Earlier answers were taken when they were the last.
                found = self.read(said, pending) if raised == pauses else LOOK
                reply = found or NONE
            taken = self.take(pending, reply, job.place.config)
            pending, note = taken.pending, taken.note
            answer = taken.refusal or self.resume(pending)
            if not isinstance(answer, Pending):
                return answer
            # Counted before it is raised: a crash in between pauses once more, it never skips one.
            self._guard.tries.paused(job.call, pending.call_id, pending.request_id)
            pauses += 1

    def _in_shared_task(self, job: Job, pending: Pending, pauses: int) -> Permit | Refusal:
        """Several calls take answers from one list here, in no order; only one that names its approval counts."""
        scratchpad, note = job.place.configurable["__pregel_scratchpad"], ""
        for said in (*scratchpad.resume, scratchpad.get_null_resume(False)):
            reply = self.read(said, pending) if said is not None else None
            if reply is not None and reply.is_named:
                taken = self.take(pending, reply, job.place.config)
                if taken.refusal is not None:
                    return taken.refusal
                pauses = 0 if taken.pending is not pending else pauses
                pending, note = taken.pending, taken.note
        answer = self.resume(pending)
        if not isinstance(answer, Pending):
            return answer
        if not pauses:
            self._guard.tries.paused(job.call, pending.call_id, pending.request_id)
        with _IN_TURN:
            for _ in range(len(scratchpad.resume) + 2):
                self._ask(job, pending, note)
        raise StoreError("the run was resumed more often than it paused")

    def _ask(self, job: Job, pending: Pending, note: str) -> Json:
        """Pause the run with one question, or get the answer that it was resumed with."""
        view = self._guard.approvals.show(pending.request_id)
        if view is None:
            raise StoreError(f"request {pending.request_id} is not in the database")
        note = note or self.how_to_answer(pending.link)
        if self._options.interrupt_mode == "per_call":
            asked = replies.per_call(view, job.tool_call_id, note)
            return raise_interrupt(asked, replies.schema(view.tool, job.call.definition))
        return raise_interrupt(replies.batched([view], note))

    def how_to_answer(self, link: str) -> str:
        """For the person, at the end of each description."""
        if self._options.reviewer is not None:
            return f"Answer here or at {link}."
        return f"Approve it at {link}, then resume the run; an answer here alone approves nothing."

    @staticmethod
    def read(said: Json, pending: Pending) -> Reply | None:
        """The reply to this one request; None for what fits no shape."""
        found = replies.read(as_json(said), [(pending.request_id, pending.call.tool)])
        return found[0] if found else None

    def resume(self, pending: Pending) -> Permit | Refusal | Pending:
        """What became of a request; one that was rejected in the application keeps the words of the rejection."""
        answer = self._guard.resume(pending)
        if isinstance(answer, Refusal) and answer.code is RefusalCode.CANCELLED and answer.reasons:
            reason = answer.reasons[0]
            return refusing.rejected(pending.request_id, pending.code, "" if reason == REJECTED else reason)
        return answer

    def take(self, pending: Pending, reply: Reply, config: Any) -> Taken:
        """Let an answer count as far as it may."""
        view = self._guard.approvals.show(pending.request_id)
        if reply.choice == "look" or view is None or view.state != "pending":
            return Taken(pending)
        if reply.choice == "none":
            leave(self._guard, pending)
            return Taken(pending, refusing.not_understood(pending.request_id, pending.code))
        reviewer = self._reviewer(config)
        if reply.choice == "edit":
            return self._edit(pending, view, reply, reviewer)
        if reply.choice == "approve":
            return Taken(pending, note=self._approve(pending, reviewer))
        # Nobody needs a right to take a call back, so a denial that does not count ends the request all the same.
        if reviewer is None or self._vote(pending, reviewer, "deny", reply.message):
            self._guard.cancel(pending, reply.message or REJECTED)
        said = refusing.answered_by_person if reply.choice == "respond" else refusing.rejected
        return Taken(pending, said(pending.request_id, pending.code, reply.message))

    def _edit(self, pending: Pending, view: RequestView, reply: Reply, reviewer: Reviewer | None) -> Taken:
        """Other arguments for the same tool: judged, and asked about, anew. An edit approves nothing."""
        arguments = self._guard.redactor.redact(dict(reply.arguments or {}))
        if text(arguments) == text(view.arguments):
            # The call as the agent sent it is an approval; what an edit made of it must be approved by that word.
            return Taken(pending, note="" if view.edited else self._approve(pending, reviewer))
        result = self._guard.edits.edit(
            view.id, reviewer or APPLICATION, arguments, request_digest=view.request_digest, channel="in_client"
        )
        if not result.accepted or result.request is None:
            return Taken(pending, note=f"Your change does not count: {result.text}.")
        made = result.request
        link = self._guard.approvals.link(made.id)
        return Taken(replace(pending, request_id=made.id, code=made.code, link=link, attached=True))

    def _reviewer(self, config: Any) -> Reviewer | None:
        vouch = self._options.reviewer
        return vouch(config) if callable(vouch) else vouch

    def _vote(self, pending: Pending, reviewer: Reviewer, choice: Choice, reason: str) -> str:
        view = self._guard.approvals.show(pending.request_id)
        if view is None:
            return ""
        cast = self._guard.approvals.vote(
            view.id,
            reviewer,
            choice,
            request_digest=view.request_digest,
            channel="in_client",
            strength=IN_CLIENT,
            reason=reason,
        )
        return "" if cast.accepted else f"Your answer does not count: {cast.text}. Use {pending.link}."

    def _approve(self, pending: Pending, reviewer: Reviewer | None) -> str:
        if reviewer is not None:
            return self._vote(pending, reviewer, "approve", "")
        self._guard.tries.record_refused_vote(pending.request_id, "approve", RefusalCode.NOT_ELIGIBLE.value)
        return ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one answer made of a request."""

    pending: Pending
    """The request that now stands for the call."""
    refusal: Refusal | None = None
    note: str = ""
    """For people, when they are asked again."""


def interrupts(options: Options, job: Job) -> bool:
    """Whether a call that must wait pauses the run, rather than being held."""
    if not job.place.is_durable or options.pause == "wait":
        return False
    return options.pause == "interrupt" or job.is_alone


def raise_interrupt(value: Json, response_schema: Json = None) -> Json:
    """Pause the run here, or the answer that it was resumed with."""
    from langgraph.types import interrupt

    if response_schema and "response_schema" in inspect.signature(interrupt).parameters:  # since LangGraph 1.2
        return interrupt(value, response_schema=response_schema)
    return interrupt(value)
