"""The story: seven calls of an agent, what is expected of each, and whether the world looks as it should afterwards.

It tells what happens as values, moment by moment; cli/demo.py prints them. INVARIANT: every claim at the end was
checked on what the tool server wrote down, on the files and in the log, never on what the proxy said alone
(tests/demo/test_story.py).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from toolguard.core.model import Effect, Json
from toolguard.demo.client import Agent, Reply, connected
from toolguard.demo.reviewer import Desk
from toolguard.demo.stage import WAIT_MINUTES, Stage
from toolguard.errors import UpstreamError

CALL_SECONDS: Final = 30
"""For a call that nobody has to answer."""
WAIT_SECONDS: Final = WAIT_MINUTES * 60 + 30
"""A little longer than people have, so that the end of their time is seen from here too."""
LOOK_EVERY: Final = 0.1
SETTLE_SECONDS: Final = 5
"""Between an answer's arrival and its event in the log."""
VERIFY_SECONDS: Final = 60
REASON: Final = "the exports were copied to the backup last week"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the script."""

    tool: str
    arguments: Mapping[str, Json]
    expected: Effect
    shown: str
    """The argument that matters, as people read it."""


@dataclass(slots=True)
class Scene:
    """One call as it went."""

    step: Step
    decided: Mapping[str, Json] = field(default_factory=dict)
    """The event `call.decided`."""
    reply: Reply | None = None
    """None when there was no answer."""
    request: Mapping[str, Json] | None = None
    """The approval request, if the call had to wait for one; at the end as it stands then."""
    waited: float = 0.0
    """Seconds."""
    ran_early: bool = False
    """It had reached the tool server before anybody answered."""

    @property
    def effect(self) -> str:
        return str(self.decided.get("effect", ""))


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation."""

    claim: str
    held: bool
    seen: str = ""
    """What was found instead."""


@dataclass(frozen=True, slots=True)
class Paused:
    """A call waits; told before anybody answers."""

    number: int
    scene: Scene


@dataclass(frozen=True, slots=True)
class Played:
    """A call has its answer."""

    number: int
    scene: Scene


@dataclass(frozen=True, slots=True)
class Closed:
    """The end: what was expected, and what `toolguard audit verify` says of the log."""

    checks: tuple[Check, ...]
    verified: Mapping[str, Json]

    @property
    def held(self) -> bool:
        return all(check.held for check in self.checks)


Tell = Callable[[Paused | Played], None]


def steps(stage: Stage) -> tuple[Step, ...]:
    """What the agent does: tidy up, sum up, snoop once, and delete something that is not its own."""
    count = "SELECT status, count(*), sum(amount) FROM orders GROUP BY status"
    summary = "# Orders\n\npaid 2 (200), open 1 (45), refunded 1 (30)\n"
    clean_up = "rm -rf ../archive"
    return (
        Step("list_files", {"path": "."}, Effect.ALLOW, "."),
        Step("read_file", {"path": "notes.md"}, Effect.ALLOW, "notes.md"),
        Step("query", {"sql": count}, Effect.ALLOW, count),
        Step("write_file", {"path": "summary.md", "content": summary}, Effect.ALLOW, "summary.md"),
        Step("run_shell", {"command": "wc -l summary.md"}, Effect.ALLOW, "wc -l summary.md"),
        Step("read_file", {"path": str(stage.key)}, Effect.DENY, f"$TOOLGUARD_HOME/keys/{stage.key.name}"),
        Step("run_shell", {"command": clean_up}, Effect.ASK, clean_up),
    )


async def play(stage: Stage, tell: Tell, *, auto: bool) -> Closed:
    """Play all steps; with `auto` the demo reviewer answers, else a person does. Raises UpstreamError."""
    desk = Desk(stage.url, stage.token)
    scenes: list[Scene] = []
    async with connected(stage.command, stage.workspace, stage.log) as agent:
        for number, step in enumerate(steps(stage), 1):
            before = int(scenes[-1].decided["seq"]) if scenes else stage.begins
            scenes.append(await _play(number, step, before, agent, desk, stage, tell, auto=auto))
            tell(Played(number, scenes[-1]))
    # Now the proxy has ended and all that it knew is written.
    verified = verify(stage)
    return Closed((*checks(stage, scenes), _log_holds(verified)), verified)


async def _play(
    number: int, step: Step, before: int, agent: Agent, desk: Desk, stage: Stage, tell: Tell, *, auto: bool
) -> Scene:
    """One call, from its decision to its end. `before`: number of the decision before it."""
    scene, start = Scene(step), time.monotonic()
    call = asyncio.ensure_future(agent.call(step.tool, step.arguments, WAIT_SECONDS))
    try:
        scene.request = await _request(call, step, desk)
        if scene.request is not None:
            scene.ran_early = bool(_arrivals(stage, step))
            scene.decided = await _decided(desk, before)
            tell(Paused(number, scene))
            if auto or step.expected is not Effect.ASK:
                await desk.vote(dict(scene.request), *_answer(step))
        scene.reply = await call
    except TimeoutError:
        if scene.request is None:
            raise UpstreamError(
                f"no answer to {step.tool} within {CALL_SECONDS} s", hint=f"`{stage.log}` holds what the proxy said"
            ) from None
    finally:
        call.cancel()
    scene.waited = time.monotonic() - start
    scene.decided = await _decided(desk, before)
    if scene.request is not None:
        scene.request = await _ended(desk, str(scene.request["id"]))
    return scene


def _answer(step: Step) -> tuple[str, str]:
    """What the demo reviewer says: a call that nobody expected to wait is not one that they would wave through."""
    return ("approve", REASON) if step.expected is Effect.ASK else ("deny", "not part of this demonstration")


async def _request(call: asyncio.Future[Reply], step: Step, desk: Desk) -> dict[str, Json] | None:
    """The approval request that the call waits for; None when the call has its answer without one."""
    deadline = time.monotonic() + CALL_SECONDS
    while True:
        done, _ = await asyncio.wait({call}, timeout=LOOK_EVERY)
        if done:
            return None
        for request in await desk.waiting():
            if (request["principal"]["agent"], request["tool"]) == ("demo-agent", step.tool):
                return request
        if time.monotonic() > deadline:
            raise TimeoutError


async def _decided(desk: Desk, after: int) -> dict[str, Json]:
    """The decision about the newest call. Raises UpstreamError when the log has none."""
    for event in reversed(await desk.events(after)):
        if event["kind"] == "call.decided" and event.get("agent") == "demo-agent":
            return event
    raise UpstreamError("a call was answered, and the audit log has no decision about it")


async def _ended(desk: Desk, request_id: str) -> dict[str, Json]:
    """The request once its execution has ended, or as it stands after a while."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        request = await desk.request(request_id)
        execution = request["execution"]
        is_open = request["state"] in ("pending", "approved") if execution is None else not execution["ended"]
        if not is_open or time.monotonic() > deadline:
            return request
        await asyncio.sleep(LOOK_EVERY)


def _arrivals(stage: Stage, step: Step) -> list[dict[str, object]]:
    """The times that exactly this call reached the tool server."""
    return [call for call in stage.reached() if call == {"tool": step.tool, "arguments": dict(step.arguments)}]


def checks(stage: Stage, scenes: Sequence[Scene]) -> tuple[Check, ...]:
    """What must be true of the world after these scenes."""
    by_effect = {effect: [s for s in scenes if s.step.expected is effect] for effect in Effect}
    return (
        _safe_calls_ran(stage, by_effect[Effect.ALLOW]),
        *(_denied(stage, scene) for scene in by_effect[Effect.DENY]),
        *(check for scene in by_effect[Effect.ASK] for check in _asked(stage, scene)),
    )


def _safe_calls_ran(stage: Stage, scenes: Sequence[Scene]) -> Check:
    wrong = [
        scene.step.tool
        for scene in scenes
        if scene.effect != "allow" or _failed(scene) or len(_arrivals(stage, scene.step)) != 1
    ]
    claim = f"{len(scenes)} safe calls ran once each, and nobody was asked"
    return Check(claim, not wrong, f"not so: {', '.join(wrong)}")


def _failed(scene: Scene) -> bool:
    return scene.reply is None or scene.reply.is_error


def _denied(stage: Stage, scene: Scene) -> Check:
    claim = "the denied call never reached the tool server"
    if scene.effect != "deny":
        return Check(claim, False, f"it was not denied: {scene.effect}")
    arrived = len(_arrivals(stage, scene.step))
    return Check(claim, not arrived and _failed(scene), f"it arrived {arrived} times")


def _asked(stage: Stage, scene: Scene) -> list[Check]:
    request, arrived, gone = scene.request, len(_arrivals(stage, scene.step)), not stage.archive.exists()
    if request is None:
        return [Check("the risky call waited for a person", False, f"it was not asked about: {scene.effect}")]
    waited = Check("nothing of the risky call ran before the answer", not scene.ran_early, "it ran at once")
    state, execution = request["state"], request["execution"]
    if state == "denied":
        untouched = not arrived and not gone
        return [waited, Check("after the denial it did not run at all", untouched, f"it ran {arrived} times")]
    if state != "consumed" or execution is None:
        return [waited, Check("a person answered it", False, f"the request is {state}")]
    ended = execution["state"]
    seen = f"it ran {arrived} times and ended {ended}; the folder is {'gone' if gone else 'still there'}"
    ran = arrived == 1 and gone and ended == "succeeded" and not _failed(scene)
    return [waited, Check("after the approval it ran exactly once, and its effect is there", ran, seen)]


def verify(stage: Stage) -> dict[str, Json]:
    """What `toolguard audit verify --json` says, run as its own process. Raises UpstreamError."""
    command = [sys.executable, "-P", "-m", "toolguard", "audit", "verify", str(stage.database), "--json"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS, check=False)  # noqa: S603 - our own command
    except subprocess.TimeoutExpired as error:
        raise UpstreamError(f"`toolguard audit verify` took more than {VERIFY_SECONDS} s") from error
    try:
        report: dict[str, Json] = json.loads(ended.stdout)
    except ValueError as error:
        raise UpstreamError("`toolguard audit verify` gave no report", hint=ended.stderr.strip()[:500]) from error
    return {**report, "ok": bool(report.get("ok")) and ended.returncode == 0}


def _log_holds(verified: Mapping[str, Json]) -> Check:
    problems = verified.get("problems") or []
    seen = "; ".join(str(problem["what"]) for problem in problems[:3]) or "`audit verify` failed"
    return Check("the audit log verifies", bool(verified["ok"]), seen)
