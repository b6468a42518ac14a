"""The story as lines for a terminal of 80 columns. Pure: values in, lines out; cli/demo.py prints and colours them.

Everything that came from the call or the log is foreign: it is escaped, so that it cannot steer the terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from toolguard.core.layout.visible import escape
from toolguard.core.model import Json
from toolguard.demo.stage import WAIT_MINUTES, Stage
from toolguard.demo.story import Closed, Paused, Played, Scene

WIDTH: Final = 78
INDENT: Final = "       "
FINDINGS: Final = 4
"""Of one call; the page shows all."""

Tone = Literal["plain", "strong", "quiet", "good", "bad", "wait"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line with the tone that a colour may underline; the words say it too."""

    text: str = ""
    tone: Tone = "plain"
    start: int = 0
    """First character that has the tone."""
    end: int | None = None


def opening(stage: Stage, *, auto: bool) -> Iterator[Line]:
    who = "The demo reviewer answers over the REST API." if auto else "You will be asked once."
    yield Line("toolguard demo", "strong")
    yield Line()
    yield from _wrapped(
        f"An agent works with a real MCP server: files, SQL, a shell. Every call passes toolguard first. {who}", "  "
    )
    yield Line()
    yield Line(f"  scratch folder  {_clean(str(stage.folder))}", "quiet")
    yield Line(f"  TOOLGUARD_HOME  {_clean(str(stage.home))}", "quiet")
    yield Line(f"  review page     {stage.url}", "quiet")
    yield Line()


def told(moment: Paused | Played, stage: Stage, *, auto: bool) -> Iterator[Line]:
    """The lines of one moment."""
    scene = moment.scene
    if isinstance(moment, Paused):
        yield _headline(moment.number, scene, "PAUSED", "wait")
        yield from _why(scene, stage)
        yield from _question(scene, stage, auto=auto)
    elif scene.request is not None:
        yield from _end(scene)
    elif scene.effect == "allow":
        yield _headline(moment.number, scene, "allowed", "good")
    else:
        yield _headline(moment.number, scene, "DENIED", "bad")
        yield from _why(scene, stage)
        yield from _read_by_agent(scene)


def _headline(number: int, scene: Scene, effect: str, tone: Tone) -> Line:
    right = f"{effect}  score {scene.decided.get('score', 0):>3}"
    room = WIDTH - len(right) - 2
    left = _clean(f"  {number}  {scene.step.tool}  {scene.step.shown}")
    left = left if len(left) <= room else left[: room - 1] + "…"
    return Line(f"{left.ljust(room)}  {right}", tone, room + 2, room + 2 + len(effect))


def _why(scene: Scene, stage: Stage) -> Iterator[Line]:
    body: Mapping[str, Json] = scene.decided.get("body") or {}
    if body.get("headline"):
        yield from _wrapped(_named(str(body["headline"]), stage), INDENT)
    heaviest = sorted(body.get("findings") or (), key=lambda finding: -int(finding["points"]))
    for finding in heaviest[:FINDINGS]:
        text = _named(f"{finding['points']:>3}  {finding['id']}: {finding['message']}", stage)
        yield from _wrapped(text, INDENT, hanging="     ")
    if len(heaviest) > FINDINGS:
        yield Line(f"{INDENT}     and {len(heaviest) - FINDINGS} more", "quiet")
    for rule in body.get("rules") or ():
        if rule["effect"] == scene.effect:
            yield from _wrapped(_named(f"rule {rule['name']}: {rule['why']}", stage), INDENT, hanging="  ")


def _question(scene: Scene, stage: Stage, *, auto: bool) -> Iterator[Line]:
    request = scene.request or {}
    page = f"/approvals/{request.get('id', '')}"
    yield Line()
    yield Line(f"{INDENT}Nothing has run. Binding code {_clean(str(request.get('code', '')))}", "strong")
    if auto:
        yield Line(f"{INDENT}{stage.url}{page}", "plain")
    else:
        yield Line(f"{INDENT}Answer within {WAIT_MINUTES} minutes; this link signs you in, once:")
        yield Line(f"{stage.link}&next={page}", "strong")
    yield Line()


def _end(scene: Scene) -> Iterator[Line]:
    request = scene.request or {}
    for vote in request.get("votes") or ():
        word = {"approve": "approved", "deny": "denied"}[vote["choice"]]
        said = f"{word} by {vote['reviewer']} over {vote['channel']}, after {scene.waited:.1f} s"
        own = " (self-attested)" if vote["self_attested"] else ""
        reason = f": {vote['reason']}" if vote["reason"] else ""
        yield from _wrapped(_clean(said + own + reason), INDENT, "good" if word == "approved" else "bad")
    execution = request.get("execution")
    if execution:
        how = f"the call ran and {_clean(str(execution['state']))}"
        took = f" in {execution['duration_ms']:.0f} ms" if execution["duration_ms"] is not None else ""
        yield Line(f"{INDENT}{how}{took}")
    else:
        yield Line(f"{INDENT}the call did not run: {_clean(str(request.get('state', '')))}")
    yield from _read_by_agent(scene)


def _read_by_agent(scene: Scene) -> Iterator[Line]:
    if scene.reply is not None and scene.reply.text:
        text = _clean(f"The agent reads: {scene.reply.text}".replace("\n", " "))
        yield from _wrapped(text, INDENT, "quiet", hanging="  ")


def closing(closed: Closed, stage: Stage) -> Iterator[Line]:
    yield Line()
    yield Line("  What was checked", "strong")
    for check in closed.checks:
        yield Line(f"    {'ok  ' if check.held else 'NO  '} {check.claim}", "good" if check.held else "bad", 4, 6)
        if not check.held:
            yield from _wrapped(_clean(check.seen), "         ", "bad")
    yield Line()
    yield Line("  $ toolguard audit verify", "strong")
    yield from _log(closed.verified)
    yield Line()
    yield from _wrapped("Look around; the log and the folder stay:", "  ")
    yield Line(f"    TOOLGUARD_HOME={_clean(str(stage.home))} toolguard audit list", "quiet")
    yield Line()
    failed = sum(not check.held for check in closed.checks)
    end = f"All {len(closed.checks)} held." if closed.held else f"{failed} of {len(closed.checks)} did not hold."
    yield Line(f"  {end}", "good" if closed.held else "bad")


def _log(verified: Mapping[str, Json]) -> Iterator[Line]:
    word = "consistent" if verified["ok"] else "CHANGED"
    head = _clean(str(verified.get("head", "")))[:16]
    yield Line(f"    {word}: {verified.get('events', 0)} events, head {head}…", "good" if verified["ok"] else "bad")
    if verified["ok"] and not verified.get("anchored"):
        yield Line("    not anchored: nothing outside this database confirms it yet", "quiet")


def _wrapped(text: str, indent: str, tone: Tone = "plain", *, hanging: str = "") -> Iterator[Line]:
    for line in textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_on_hyphens=False
    ):
        yield Line(line, tone)


def _named(text: str, stage: Stage) -> str:
    """With the home by its name: its path is long and says nothing."""
    return _clean(text.replace(str(stage.home), "$TOOLGUARD_HOME"))


def _clean(text: str) -> str:
    return escape(text.replace("\n", " ").replace("\t", " "))
