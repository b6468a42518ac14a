"""What the demo claims at its end is checked on the world: each way in which a claim can be false is seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolguard.core.model import Effect
from toolguard.demo import telling
from toolguard.demo.client import Reply
from toolguard.demo.stage import Stage
from toolguard.demo.story import Check, Closed, Paused, Played, Scene, Step, checks, steps

Change = Callable[[Stage, list[Scene]], None]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, tmp_path / "home", tmp_path / "toolguard.yaml", "http://127.0.0.1:9", "token", "link")


def a_good_story(stage: Stage) -> list[Scene]:
    """Every call as it should go, and a world that agrees."""
    answered = {"state": "consumed", "execution": {"state": "succeeded", "duration_ms": 4.0}, "votes": []}
    scenes = []
    for step in steps(stage):
        scene = Scene(step, {"effect": step.expected.word, "score": 50}, Reply("fine", False))
        if step.expected.word == "deny":
            scene.reply = Reply("NOT executed.", True)
        else:
            arrives(stage, step)
        if step.expected.word == "ask":
            scene.request = answered
        scenes.append(scene)
    return scenes


def arrives(stage: Stage, step: Step) -> None:
    with stage.journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"tool": step.tool, "arguments": dict(step.arguments)}) + "\n")


def risky(scenes: list[Scene]) -> Scene:
    return scenes[-1]


def forbidden(scenes: list[Scene]) -> Scene:
    return scenes[-2]


def failed(found: tuple[Check, ...]) -> list[str]:
    return [check.claim for check in found if not check.held]


def test_a_good_story_holds(stage: Stage) -> None:
    assert failed(checks(stage, a_good_story(stage))) == []


def _decide(index: int, effect: str) -> Change:
    def change(stage: Stage, scenes: list[Scene]) -> None:
        scenes[index].decided = {"effect": effect}

    return change


def _answer(index: int, reply: Reply | None) -> Change:
    def change(stage: Stage, scenes: list[Scene]) -> None:
        scenes[index].reply = reply

    return change


def _arrive(index: int) -> Change:
    return lambda stage, scenes: arrives(stage, scenes[index].step)


def _request(**members: Any) -> Change:
    def change(stage: Stage, scenes: list[Scene]) -> None:
        risky(scenes).request = {**(risky(scenes).request or {}), **members}

    return change


def _nobody_was_asked(stage: Stage, scenes: list[Scene]) -> None:
    risky(scenes).request = None


def _ran_early(stage: Stage, scenes: list[Scene]) -> None:
    risky(scenes).ran_early = True


def _the_folder_is_there(stage: Stage, scenes: list[Scene]) -> None:
    stage.archive.mkdir()


SAFE = "5 safe calls ran once each, and nobody was asked"
DENIED = "the denied call never reached the tool server"
WAITED = "nothing of the risky call ran before the answer"
ONCE = "after the approval it ran exactly once, and its effect is there"
NOT_AT_ALL = "after the denial it did not run at all"


@pytest.mark.guarantee("demo:proves-itself")
@pytest.mark.parametrize(
    ("change", "claim"),
    [
        pytest.param(_decide(0, "ask"), SAFE, id="a safe call was asked about"),
        pytest.param(_answer(1, Reply("no", True)), SAFE, id="a safe call failed"),
        pytest.param(_answer(1, None), SAFE, id="a safe call got no answer"),
        pytest.param(_arrive(2), SAFE, id="a safe call ran twice"),
        pytest.param(_decide(-2, "allow"), DENIED, id="it was allowed"),
        pytest.param(_arrive(-2), DENIED, id="it was denied and ran all the same"),
        pytest.param(_answer(-2, Reply("the key", False)), DENIED, id="it got a result"),
        pytest.param(_nobody_was_asked, "the risky call waited for a person", id="nobody was asked"),
        pytest.param(_ran_early, WAITED, id="it ran before the answer"),
        pytest.param(_arrive(-1), ONCE, id="it ran twice"),
        pytest.param(_the_folder_is_there, ONCE, id="it ran without effect"),
        pytest.param(_answer(-1, Reply("failed", True)), ONCE, id="the agent was told that it failed"),
        pytest.param(_request(execution={"state": "unknown"}), ONCE, id="its end is not known"),
        pytest.param(_request(state="pending", execution=None), "a person answered it", id="nobody answered"),
        pytest.param(_request(state="expired", execution=None), "a person answered it", id="the answer came too late"),
        pytest.param(_request(state="denied", execution=None), NOT_AT_ALL, id="it ran after a denial"),
    ],
)
def test_each_way_to_fail_is_seen(stage: Stage, change: Change, claim: str) -> None:
    scenes = a_good_story(stage)

    change(stage, scenes)

    assert failed(checks(stage, scenes)) == [claim]


def test_a_denial_that_was_kept_is_a_good_end_too(stage: Stage) -> None:
    scenes = a_good_story(stage)
    calls = [call for call in stage.reached() if call["arguments"] != dict(risky(scenes).step.arguments)]
    stage.journal.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    stage.archive.mkdir()
    _request(state="denied", execution=None)(stage, scenes)

    assert failed(checks(stage, scenes)) == []


# -- what is printed ----------------------------------------------------------------------------------------------

HOSTILE = "x\x1b[2J\u202e\x07" + "w" * 500 + " and\r\nmore"


def printed(stage: Stage, scene: Scene) -> list[str]:
    closed = Closed((Check("it held", True), Check("it did not", False, HOSTILE)), {"ok": False, "head": HOSTILE})
    return [
        line.text
        for lines in (
            telling.opening(stage, auto=True),
            telling.told(Paused(7, scene), stage, auto=True),
            telling.told(Played(7, scene), stage, auto=True),
            telling.closing(closed, stage),
        )
        for line in lines
    ]


def a_hostile_scene() -> Scene:
    finding = {"id": "some.finding", "points": 40, "message": HOSTILE}
    body = {"headline": HOSTILE, "findings": [finding] * 9, "rules": [{"name": "r", "effect": "ask", "why": HOSTILE}]}
    vote = {"choice": "approve", "reviewer": "r", "channel": "rest", "self_attested": True, "reason": HOSTILE}
    execution: Mapping[str, Any] = {"state": "succeeded", "duration_ms": None}
    request = {"id": "ap_1", "code": "K7Q-2MX", "state": "consumed", "votes": [vote], "execution": execution}
    step = Step("run_shell", {}, Effect.ASK, HOSTILE)
    return Scene(step, {"effect": "ask", "score": 66, "body": body}, Reply(HOSTILE, False), request)


def test_what_is_foreign_cannot_steer_the_terminal_or_outgrow_it(stage: Stage) -> None:
    lines = printed(stage, a_hostile_scene())

    assert not any(character in line for line in lines for character in "\x1b\u202e\x07\r\n")
    assert max(len(line) for line in lines if str(stage.folder) not in line) <= 80


def test_a_call_shows_its_worst_findings_and_says_how_many_more_there_are(stage: Stage) -> None:
    lines = printed(stage, a_hostile_scene())

    assert any(line.strip() == "and 5 more" for line in lines)
