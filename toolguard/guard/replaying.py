"""Recorded sessions, judged step by step as the guard would have judged them; nothing is run or written.

`RecordedSession` is what `toolguard replay` reads and what schemas/session.schema.json describes. It is lenient where
recordings differ: unknown keys are ignored, and a member that is null counts as absent.
"""

from __future__ import annotations

import gzip
import io
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolguard.core.model import Decision, Effect, Json, Principal, ToolCall, ToolDefinition
from toolguard.core.policy.budgets import Ledger
from toolguard.core.policy.policy import Policy
from toolguard.core.session.facts import Facts, Surroundings
from toolguard.core.session.memory import Session
from toolguard.errors import ConfigError
from toolguard.guard.judging import draws_of, judge

GZIP: Final = b"\x1f\x8b"
LINE: Final = 256 * 1024 * 1024
"""Bytes of one recorded session; a longer line is an error and not a full memory."""


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RecordedTool(_Recorded):
    """A tool's definition as it was offered."""

    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None


class RecordedStep(_Recorded):
    """A call that was made, and what came back."""

    tool: str
    arguments: dict[str, Any] | None = None
    output: Any = None
    server: str | None = None
    answer: Literal["approve", "deny"] | None = None
    """What a person said when the call was asked about; `policy learn` learns from it."""


class RecordedPrincipal(_Recorded):
    """On whose behalf the calls were made."""

    agent: str | None = None
    person: str | None = None
    session: str | None = None


class RecordedSession(_Recorded):
    """One conversation: one line of the file."""

    model_config = ConfigDict(title="A recorded session, one line of the file")

    id: str | int
    principal: RecordedPrincipal | str | None = None
    prompt: str | None = None
    tools: list[RecordedTool] | None = None
    steps: list[RecordedStep] = Field(default_factory=list)

    def whose(self) -> Principal:
        known = self.principal
        if isinstance(known, str):
            return Principal(known, "", str(self.id))
        if known is None:
            return Principal("", "", str(self.id))
        return Principal(known.agent or "", known.person or "", known.session or str(self.id))


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One step with the decision it meets."""

    call: ToolCall
    decision: Decision
    milliseconds: float
    facts: Facts
    answer: str | None = None


def replay(session: RecordedSession, policy: Policy, around: Surroundings, now: datetime) -> Iterator[ReplayedStep]:
    """The decisions in order. An asked step counts as approved for the steps after it, a denied one as not run."""
    memory, ledger = Session(), Ledger()
    definitions = {tool.name: _definition(tool) for tool in session.tools or () if tool.name}
    if session.prompt:
        memory.asked(session.prompt)
    for step in session.steps:
        call = ToolCall(
            step.server or "",
            step.tool,
            step.arguments or {},
            session.whose(),
            definitions.get(step.tool),
            prompt=session.prompt,
        )
        started = time.perf_counter()
        spent = ledger.spent(policy.budgets, call, now)
        facts = memory.facts(call, around)
        decision = judge(call, facts, policy, now, spent)
        milliseconds = (time.perf_counter() - started) * 1000
        # Before the session goes on: the view of the facts is only true now.
        yield ReplayedStep(call, decision, milliseconds, facts, step.answer)
        memory.called(call, decision)
        if decision.effect is not Effect.DENY:
            ledger.add(draws_of(call, decision, facts, policy, now))
            if step.output is not None:
                memory.returned(call, step.output if isinstance(step.output, str) else json.dumps(step.output))
        memory.catch_up()  # in a guard that happens in the pause before the next call, when the memory is written down


def _definition(tool: RecordedTool) -> ToolDefinition:
    return _of_text(tool.model_dump_json())


@lru_cache(maxsize=1024)
def _of_text(recorded: str) -> ToolDefinition:
    """One object for equal definitions of many sessions, as for a pinned one: what it tells is worked out once."""
    tool = RecordedTool.model_validate_json(recorded)
    return ToolDefinition(tool.name or "", tool.description or "", tool.input_schema or {}, tool.annotations or {})


def as_json(session: RecordedSession, steps: list[ReplayedStep]) -> dict[str, Json]:
    """The line that `toolguard replay` writes for a session."""
    return {
        "id": session.id,
        "steps": [
            {
                "effect": step.decision.effect.word,
                "class": step.decision.effect_class.value,
                "score": step.decision.score,
                "findings": list(dict.fromkeys(finding.id for finding in step.decision.findings)),
                "ms": round(step.milliseconds, 3),
            }
            for step in steps
        ],
    }


def read_sessions(stream: BinaryIO, name: str) -> Iterator[RecordedSession | ConfigError]:
    """The sessions of a stream, compressed or plain, one at a time, so that it may exceed the memory.

    A line that cannot be read yields a ConfigError with its place. Raises ConfigError when the stream itself cannot be.
    """
    try:
        buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
        packed = buffered.peek(2)[:2] == GZIP
        lines = gzip.GzipFile(fileobj=buffered) if packed else buffered
        number = 0
        while line := lines.readline(LINE + 1):
            number += 1
            if line.strip():
                yield _session(line, name, number)
            if len(line) > LINE:
                return
    except (OSError, EOFError, zlib.error) as error:  # EOFError: a .gz that was cut off
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=name) from error


def _session(line: bytes, name: str, number: int) -> RecordedSession | ConfigError:
    if len(line) > LINE:
        return ConfigError(f"a session longer than {LINE:,} bytes; the rest is not read", file=name, line=number)
    try:
        return RecordedSession.model_validate(json.loads(line.decode("utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"]) or None
        return ConfigError(first["msg"][:1].lower() + first["msg"][1:], file=name, line=number, field=field)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply, or not UTF-8"
        column = error.colno if isinstance(error, json.JSONDecodeError) else None
        return ConfigError(f"not JSON: {reason}", file=name, line=number, column=column)
