"""The way of one call through the guard: judged, paused, dispatched, run, ended. The same for sync and async.

INVARIANT: whatever goes wrong before the dispatch is a refusal, and nothing runs after its caller was cancelled
(tests/langchain/test_waiting.py). A pause of LangGraph passes through here untouched.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from toolguard.core.model import Outcome, Principal
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal
from toolguard.langchain import pausing, refusing, results, telling, waiting
from toolguard.langchain.kept import Again, kept_of
from toolguard.langchain.options import Options
from toolguard.langchain.reading import Job, NotCopied, Reader

_log = logging.getLogger("toolguard.langchain")


@dataclass(slots=True)
class Frame:
    """A guarded tool that runs now, as the calls inside it see it."""

    principal: Principal
    key: str
    task: str
    """Of LangGraph: answers to pauses are counted within it."""
    seen: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def child(self, digest: str) -> str:
        """Which of the equal calls inside this tool this is: the same when the tool is run again from its start."""
        with self.lock:
            self.seen[digest] = self.seen.get(digest, 0) + 1
            return f"{self.key}>{self.seen[digest]}:"


_FRAME: ContextVar[Frame | None] = ContextVar("toolguard_frame", default=None)


class Gate:
    """Guards the calls of one tool."""

    def __init__(self, guard: Guard, options: Options, reader: Reader) -> None:
        self.guard = guard
        self.options = options
        self.reader = reader
        self._pauses = pausing.Pauses(guard, options)
        self._kept = kept_of(guard)

    def call(self, given: Any, tool_call_id: str | None, config: Any, run: Callable[[Any], Any]) -> Any:
        """Judge, and run with exactly what was judged. Raises ToolCallRefused where no message can answer."""
        job, answer = self._answer(given, tool_call_id, config)
        config = job.place.config if job is not None else config
        if isinstance(answer, Pending):
            notice = telling.waiting(answer, tool_call_id)
            answer = waiting.wait(self.guard, answer, self._pauses.seconds(answer), config, notice)
        if isinstance(answer, Again):
            return answer.result
        answer = self._dispatched(answer)
        if job is None or isinstance(answer, Refusal):
            refusal = answer if isinstance(answer, Refusal) else refusing.own_fault("no decision")
            telling.tell(telling.refused(refusal, self.reader.known.name, tool_call_id), config)
            return refusing.refuse(refusal, self.reader.known.name, tool_call_id, self.options.on_block)
        job = job.as_approved(answer)
        with self._running(job, answer) as ended:
            return ended(run(job.tool_input))

    async def acall(
        self, given: Any, tool_call_id: str | None, config: Any, run: Callable[[Any], Awaitable[Any]]
    ) -> Any:
        """`call`, without ever blocking the event loop while people decide."""
        job, answer = self._answer(given, tool_call_id, config)
        config = job.place.config if job is not None else config
        if isinstance(answer, Pending):
            notice = telling.waiting(answer, tool_call_id)
            answer = await waiting.await_answer(self.guard, answer, self._pauses.seconds(answer), config, notice)
        if isinstance(answer, Again):
            return answer.result
        answer = self._dispatched(answer)
        if job is None or isinstance(answer, Refusal):
            refusal = answer if isinstance(answer, Refusal) else refusing.own_fault("no decision")
            await telling.atell(telling.refused(refusal, self.reader.known.name, tool_call_id), config)
            return refusing.refuse(refusal, self.reader.known.name, tool_call_id, self.options.on_block)
        job = job.as_approved(answer)
        with self._running(job, answer) as ended:
            return ended(await run(job.tool_input))

    def _answer(
        self, given: Any, tool_call_id: str | None, config: Any
    ) -> tuple[Job | None, Permit | Refusal | Pending | Again]:
        """What becomes of the call; Pending only when it is to be waited for. A pause of LangGraph is raised."""
        try:
            job = self.reader.read(given, tool_call_id, config, frame=_FRAME.get())
            self.learn_prompt(job)
            return job, self._pauses.decide(job, self._kept)
        except NotCopied:
            return None, refusing.not_frozen(self.reader.known.name)
        except Exception as error:
            if pausing.is_bubble_up(error):
                raise
            _log.exception("a call could not be judged, so it does not run")
            return None, refusing.own_fault(f"{type(error).__name__}: {error}")

    def learn_prompt(self, job: Job) -> None:
        """Tell the session what the person asked, once for each request."""
        prompt, principal = job.call.prompt, job.call.principal
        if prompt is not None and self._kept.is_news(principal, prompt):
            self.guard.asked(principal, prompt)

    def _dispatched(self, answer: Permit | Refusal) -> Permit | Refusal:
        """The permit, once the log says that the call went out."""
        try:
            if isinstance(answer, Permit):
                self.guard.dispatch(answer)
        except StoreError as error:
            return refusing.own_fault(str(error))
        return answer

    @contextmanager
    def _running(self, job: Job, permit: Permit) -> Iterator[Callable[[Any], Any]]:
        """The execution: its end is recorded however the tool ends."""
        started = time.monotonic()
        frame = _FRAME.set(Frame(job.call.principal, job.call.transport_key or permit.execution_id, job.place.task))
        done: list[Any] = []

        def ended(result: Any) -> Any:
            done.append(results.with_notes(result, job.notes))
            return done[0]

        try:
            yield ended
        except BaseException as error:
            if pausing.is_bubble_up(error):
                self._pauses.paused_inside(job, permit, self._kept)
            else:
                self._finish(permit, results.failed(error, _since(started)))
            raise
        else:
            if job.call.transport_key:
                self._kept.keep(job.call.transport_key, done[0])
            self._finish(permit, results.ended(done[0], _since(started)))
        finally:
            _FRAME.reset(frame)

    def _finish(self, permit: Permit, outcome: Outcome) -> None:
        try:
            self.guard.finish(permit, outcome)
        except StoreError:
            # The tool has run; without its end in the log the execution counts as unknown until a person settles it.
            _log.exception("the end of a call was not recorded")


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
