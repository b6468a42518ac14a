"""Claude Code's hook events (code.claude.com/docs/en/hooks) as calls, and the guard's answers as hook output.

- UserPromptSubmit: the person's prompt, recorded with the calls that follow.
- PreToolUse: judged. Denied and settled calls get `deny` with the reason; a call that people approved gets `allow`, so
  that nobody is asked twice; for a call that nobody was asked about nothing is said, so the client's own permission
  rules still hold. `ask` is never answered: what a person says in the client's dialog would reach the log only after
  the tool ran.
- PostToolUse and PostToolUseFailure: the outcome, and what the session learns from the result.

Calls of servers that are behind `toolguard proxy` are judged there, once; the proxy is told what was asked and said.
"""

from __future__ import annotations

import json
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from toolguard.core import strict_json
from toolguard.core.canonical import compact_text
from toolguard.core.model import Json, Outcome, OutcomeKind, Principal, ToolCall, strings
from toolguard.guard import Guard, Pending, Permit, Refusal
from toolguard.guard.foretold import Foretold
from toolguard.hooks.send import MOST_BYTES, OK, WITHIN_SECONDS

AGENT: Final = "claude-code"
POLL_SECONDS: Final = 0.05
_MCP: Final = re.compile(r"mcp__(?P<server>.+?)__(?P<tool>.+)", re.DOTALL)
_RUNNING: Final = 10_000
"""Calls whose end has not come; interrupted ones never end, so the oldest is forgotten first."""
_TAIL_BYTES: Final = 65_536
"""Of the transcript, for what the model said before the call."""
_ENDS: Final = {"PostToolUse": OutcomeKind.SUCCEEDED, "PostToolUseFailure": OutcomeKind.FAILED}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hook's process prints and how it ends."""

    status: int = OK
    out: str = ""
    err: str = ""
    is_last: bool = False
    """The session is over."""


class ClaudeCode:
    """One session."""

    def __init__(
        self, guard: Guard, proxied: frozenset[str] = frozenset(), within: float = WITHIN_SECONDS, person: str = ""
    ) -> None:
        """`person` is whose client it is, where that is another user than ours."""
        self.guard = guard
        self._person = person or guard.principal("").person
        self._proxied = proxied
        self._within = within
        self._foretold = Foretold(guard.store, guard.redactor, guard.config.prompts)
        self._prompt: str | None = None
        self._running: OrderedDict[str, Permit] = OrderedDict()

    def adopt(self, before: ClaudeCode) -> None:
        """Go on where a session under an older configuration was."""
        self._prompt, self._running = before._prompt, before._running

    def answer(self, encoded: bytes) -> Answer:
        """What to tell the client. Raises ValueError for what is no event, and StoreError; then the call is blocked."""
        event = strict_json.parse(encoded, max_bytes=MOST_BYTES)
        if not isinstance(event, dict):
            raise ValueError("the event is not an object")  # noqa: TRY004 - one kind of error for what is no event
        kind = event.get("hook_event_name")
        if isinstance(event.get("cwd"), str) and event["cwd"].startswith("/"):
            self.guard.at(event["cwd"])
        if kind == "UserPromptSubmit":
            self._prompt = _text(event, "prompt")
            self.guard.asked(self._principal(event), self._prompt)
        elif kind == "PreToolUse":
            return self._judged(event)
        elif kind in _ENDS:
            self._finish(event, _ENDS[kind])
        return Answer(is_last=kind == "SessionEnd")

    def _principal(self, event: Mapping[str, Json]) -> Principal:
        session = _text(event, "session_id") or AGENT
        return Principal(AGENT, self._person, session[:128])

    def _judged(self, event: Mapping[str, Json]) -> Answer:
        call = self._call(event)
        if call.server in self._proxied:
            self._foretold.note(call)
            return Answer()
        answer = self.guard.begin(call)
        if isinstance(answer, Pending):
            answer = self._waited(answer)
        if isinstance(answer, Pending):
            self.guard.detach(answer)
            return _denied(answer.settle_text)
        if isinstance(answer, Refusal):
            return _denied(answer.text)
        self.guard.dispatch(answer)
        self._running[_key(event)] = answer
        if len(self._running) > _RUNNING:
            self._running.popitem(last=False)
        asked = answer.request_id is not None or answer.grant_id is not None
        return _decision("allow", "approved in toolguard") if asked else Answer()

    def _waited(self, pending: Pending) -> Permit | Refusal | Pending:
        """Until people decide, or `hold` is over. INVARIANT: never longer than `within`, since a client that gives up
        on its hook runs the call (tests/hooks)."""
        hold = pending.decision.obligations.hold
        hold = self.guard.config.approvals.hold if hold is None else hold
        deadline = time.monotonic() + min(hold, self._within)
        seen, looked = self.guard.version(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            version = self.guard.version()
            if version != seen or time.monotonic() - looked >= 1.0:
                seen, looked = version, time.monotonic()
                answer = self.guard.resume(pending)
                if not isinstance(answer, Pending):
                    return answer
        return pending

    def _call(self, event: Mapping[str, Json]) -> ToolCall:
        name, arguments = _text(event, "tool_name"), event.get("tool_input")
        if not name or not isinstance(arguments, dict):
            raise ValueError("the event names no tool or no arguments")
        found = _MCP.fullmatch(name)
        said = said_before(event.get("transcript_path")) or arguments.get("description")
        return ToolCall(
            server=found["server"] if found else AGENT,
            tool=found["tool"] if found else name,
            arguments=arguments,
            principal=self._principal(event),
            prompt=self._prompt,
            justification=said if isinstance(said, str) else None,
            client="Claude Code",
            transport_key=f"{_text(event, 'session_id')}/{_key(event)}/{time.monotonic_ns()}",
        )

    def _finish(self, event: Mapping[str, Json], kind: OutcomeKind) -> None:
        permit = self._running.pop(_key(event), None)
        if permit is None:
            return  # behind a proxy, or begun before this session was guarded
        result = event.get("tool_response", event.get("error"))
        text = "\n".join(leaf for _, leaf in strings(result))
        error = text[:2_000] if kind is OutcomeKind.FAILED else ""
        duration = event.get("duration_ms")
        outcome = Outcome(
            kind, text, len(compact_text(result)), error, float(duration) if isinstance(duration, int | float) else 0.0
        )
        self.guard.finish(permit, outcome)


def said_before(transcript: Json) -> str | None:
    """The model's last words in the transcript (JSON lines of the client); None when they cannot be read."""
    if not isinstance(transcript, str) or not transcript.endswith(".jsonl"):
        return None
    try:
        with Path(transcript).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            if entry["type"] == "user":
                return None
            said = [part["text"] for part in entry["message"]["content"] if part["type"] == "text"]
        except (ValueError, KeyError, TypeError):
            continue
        if entry["type"] == "assistant" and said:
            return "\n".join(said)
    return None


def _denied(reason: str) -> Answer:
    return _decision("deny", reason)


def _decision(decision: str, reason: str) -> Answer:
    output = {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": reason,
    }
    return Answer(OK, compact_text({"hookSpecificOutput": output}))


def _key(event: Mapping[str, Json]) -> str:
    """What a call and its end have in common; older clients give no id."""
    return _text(event, "tool_use_id") or compact_text([event.get("tool_name"), event.get("tool_input")])


def _text(event: Mapping[str, Json], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""
