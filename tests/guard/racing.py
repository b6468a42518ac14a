"""A process of the race and crash tests: `python -m tests.guard.racing HOME ROLE ...`; it reports in lines of JSON.

An effect is a line in a file of its own, appended with O_APPEND: it stands for what a tool does to the world.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from toolguard.config import Config
from toolguard.core.model import Effect, Outcome, OutcomeKind, Principal, ToolCall
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.guard import Guard, Pending, Permit, Refusal

PRINCIPAL = Principal("claude", "alice", "files")
POLICY = Policy(Preset.BALANCED, (Rule("risky", Effect.ASK, Match(tool=("risky*",))),))


def opened(home: Path) -> Guard:
    return Guard(Config(home=home, agent="claude", policy=POLICY))


def call(number: int) -> ToolCall:
    return ToolCall("files", "risky_delete", {"number": number}, PRINCIPAL)


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def run(guard: Guard, permit: Permit, effects: Path) -> None:
    """What an adapter does with a permit."""
    guard.dispatch(permit)
    with effects.open("a", encoding="ascii") as file:
        file.write(f"{permit.request_id}\n")
    guard.finish(permit, Outcome(OutcomeKind.SUCCEEDED, "done", 4, "", 1.0))


def claim(guard: Guard, effects: Path, numbers: range) -> None:
    """Claim approved calls that other processes claim too; an identical retry is the only way in."""
    for number in numbers:
        answer = guard.begin(call(number))
        if isinstance(answer, Permit):
            run(guard, answer, effects)
        say(number=number, answer=type(answer).__name__, code=answer.code if isinstance(answer, Refusal) else "")


def vote(guard: Guard, token: str, choice: str) -> None:
    """Answer every open request, again and again, until standard input says stop."""
    reviewer = guard.reviewers.by_token(token)
    assert reviewer is not None
    for view in guard.approvals.list(None, limit=1000):
        if view.state in ("pending", "approved"):
            result = guard.approvals.vote(
                view.id,
                reviewer,
                choice,  # type: ignore[arg-type]  # the test names both choices
                request_digest=view.request_digest,
                channel="rest",
                strength=2,
            )
            say(id=view.id, choice=choice, accepted=result.accepted, code=result.code)


def live(guard: Guard, effects: Path) -> None:
    """The whole life of one call after another, until somebody kills this process."""
    enrolment = guard.reviewers.add(f"reviewer-{os.getpid()}")
    reviewer = guard.reviewers.by_token(enrolment.token)
    assert reviewer is not None
    number = 0
    while True:
        number += 1
        pending = guard.begin(ToolCall("files", "risky_delete", {"number": number, "pid": os.getpid()}, PRINCIPAL))
        if not isinstance(pending, Pending):
            say(refused=str(getattr(pending, "code", "")))
            continue
        view = guard.approvals.show(pending.request_id)
        assert view is not None
        guard.approvals.vote(
            view.id, reviewer, "approve", request_digest=view.request_digest, channel="rest", strength=2
        )
        answer = guard.resume(pending)
        assert isinstance(answer, Permit)
        say(claimed=answer.request_id)
        run(guard, answer, effects)
        say(ended=answer.request_id)


def main() -> None:
    home, role, *rest = sys.argv[1:]
    guard = opened(Path(home))
    say(ready=True)
    sys.stdin.readline()
    if role == "claim":
        claim(guard, Path(rest[0]), range(int(rest[1])))
    elif role == "vote":
        vote(guard, rest[0], rest[1])
    elif role == "live":
        live(guard, Path(rest[0]))
    guard.close()


if __name__ == "__main__":
    main()
