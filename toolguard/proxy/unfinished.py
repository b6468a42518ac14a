"""Executions that go on after the answer to their call: those that wait for the client's input, and tasks.

An answer `input_required` ends a dispatch, not the execution: the client repeats the call with the answers and the
server's state (MCP basic/patterns/mrtr). A task runs on and tells its end later (MCP 2025-11-25 tasks, SEP-2663).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolguard.core.canonical import digest
from toolguard.core.model import Json, Outcome, OutcomeKind
from toolguard.guard import Permit
from toolguard.proxy.messages import Request
from toolguard.proxy.results import outcome_of_result

INPUT_SECONDS: Final = 3600.0
"""How long an answer is expected after the server asked for input."""
TASK_SECONDS: Final = 24 * 3600.0
"""For a task whose server names no time to live."""

Ended = tuple[Permit, Outcome]


@dataclass(slots=True)
class Open:
    permit: Permit
    began: float
    until: float
    end: Outcome | None = None
    """Known already, but its text is still to be fetched."""


class Unfinished:
    """The executions of one connection that outlive the answer to their call."""

    def __init__(self) -> None:
        self._legs: dict[str, Open] = {}
        self._tasks: dict[str, Open] = {}

    def keep(self, request: Request, permit: Permit, result: Json, began: float, now: float) -> bool:
        """Whether this result leaves its execution open; if so it is remembered."""
        if not isinstance(result, dict):
            return False
        if result.get("resultType") == "input_required":
            self._legs[_leg(request, result.get("requestState"))] = Open(permit, began, now + INPUT_SECONDS)
            return True
        task = result if result.get("resultType") == "task" else result.get("task")
        if isinstance(task, dict) and isinstance(task.get("taskId"), str):
            ttl = task.get("ttlMs", task.get("ttl"))
            seconds = ttl / 1000 if isinstance(ttl, int) and ttl > 0 else TASK_SECONDS
            self._tasks[task["taskId"]] = Open(permit, began, now + seconds)
            return True
        return False

    def continued(self, request: Request) -> Permit | None:
        """The permit of the execution that this call's answers belong to, given out once.

        None when the state was never issued here, was used already, or the call differs in tool or arguments.
        """
        found = self._legs.pop(_leg(request, request.params.get("requestState")), None)
        return found.permit if found else None

    def task(self, task_id: Json) -> Permit | None:
        """The permit of a running task."""
        found = self._tasks.get(task_id) if isinstance(task_id, str) else None
        return found.permit if found else None

    def task_status(self, task: Json, now: float) -> Ended | None:
        """What a task object says, from `tasks/get` or a notification; the end of its execution if it tells one."""
        found = self._tasks.get(task["taskId"]) if isinstance(task, dict) and _is_text(task.get("taskId")) else None
        if found is None:
            return None
        status, duration = task.get("status"), (now - found.began) * 1000
        if status in ("failed", "cancelled"):
            why = task.get("statusMessage")
            return self._end(task["taskId"], Outcome(OutcomeKind.FAILED, "", 0, str(why or f"task {status}"), duration))
        if status == "completed" and "result" in task:
            return self._end(task["taskId"], outcome_of_result(task["result"], 0, duration))
        if status == "completed":
            found.end = Outcome(OutcomeKind.SUCCEEDED, duration_ms=duration)
        return None

    def task_result(self, task_id: Json, result: Json, size: int, now: float) -> Ended | None:
        """The tool result of a task, from `tasks/result`."""
        if not _is_text(task_id) or task_id not in self._tasks:
            return None
        duration = (now - self._tasks[task_id].began) * 1000
        return self._end(task_id, outcome_of_result(result, size, duration))

    def overdue(self, now: float) -> list[Ended]:
        """Executions whose end nobody will tell any more."""
        legs = [key for key, each in self._legs.items() if each.until <= now]
        tasks = [key for key, each in self._tasks.items() if each.until <= now]
        return [_lost(self._legs.pop(key)) for key in legs] + [_lost(self._tasks.pop(key)) for key in tasks]

    def all(self) -> list[Ended]:
        """Every execution that is still open, given up."""
        return self.overdue(float("inf"))

    def _end(self, task_id: str, outcome: Outcome) -> Ended:
        return self._tasks.pop(task_id).permit, outcome


def _lost(unfinished: Open) -> Ended:
    unknown = Outcome(OutcomeKind.UNKNOWN, error="the server was asked no more before it told the end")
    return unfinished.permit, unfinished.end or unknown


def _leg(request: Request, state: Json) -> str:
    """A call and the server's state: what must be equal for the next leg to belong to the same execution."""
    params = {key: value for key, value in request.params.items() if key not in ("_meta", "inputResponses")}
    return digest("toolguard/leg/v1", {**params, "requestState": state if isinstance(state, str) else None})


def _is_text(value: Json) -> bool:
    return isinstance(value, str)
