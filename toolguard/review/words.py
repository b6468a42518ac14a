"""What the page says about an approval request: states, times and reasons in words. Pure.

The sentences about a call come from its classification and its findings; here stand only those about the request
itself, one for each state, so that no state is ever shown as another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from toolguard.core.grants import GrantLimits
from toolguard.core.layout.present import Presentation, Spot, present
from toolguard.core.model import Confidence, Severity, ToolCall
from toolguard.core.model import Principal as CallPrincipal

if TYPE_CHECKING:
    from toolguard.guard import RequestView, Reviewer

HIGH: Final = 60
"""From this score on, Approve counts only after the whole call was on the screen."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands."""

    sign: str
    """Drawn before the words, so that colour is never the only sign."""
    words: str
    tone: str
    """`waiting`, `going`, `done`, `stopped` or `unsure`: the name of a colour."""
    sentence: str
    """What that means for the call."""

    @property
    def heading(self) -> str:
        """Over the call itself."""
        if self.tone == "waiting":
            return "What will run"
        return {"going": "What runs", "done": "What ran", "stopped": "What did not run"}.get(self.tone, "What was sent")


_REQUEST: Final[Mapping[str, Standing]] = {
    "pending": Standing("●", "Waiting", "waiting", "The call waits for an answer; nothing has run."),
    "approved": Standing(
        "◐",
        "Approved, waiting for the agent",
        "going",
        "The call has not run yet: it runs when the agent comes for it.",
    ),
    "consumed": Standing("◐", "Approved, starting", "going", "The agent came for its call."),
    "denied": Standing("✕", "Denied", "stopped", "The call did not run, and the agent was told so."),
    "expired": Standing("✕", "Expired", "stopped", "Nobody answered in time, so the call did not run."),
    "cancelled": Standing("✕", "Cancelled", "stopped", "The call was taken back, so it did not run."),
    "revoked": Standing("✕", "Revoked", "stopped", "The approval was taken back before the call ran."),
    "stale": Standing(
        "✕", "Out of date", "stopped", "Policy or tool changed after the request was made, so the call did not run."
    ),
}
_EXECUTION: Final[Mapping[str, Standing]] = {
    "claimed": Standing("◐", "Starting", "going", "The agent came for its call; nothing has been sent yet."),
    "dispatched": Standing("◐", "Running", "going", "The call was sent to the tool, which has not answered yet."),
    "succeeded": Standing("✓", "Ran", "done", "The call ran once, and the tool answered."),
    "failed": Standing(
        "✓", "Ran, the tool reported an error", "done", "The call ran once; the tool's answer is an error."
    ),
    "not_run": Standing(
        "✕", "Not run", "stopped", "It was approved, but whoever wanted to run it stopped before anything was sent."
    ),
    "unknown": Standing(
        "?",
        "End unknown",
        "unsure",
        "The call was sent, and no answer came back. It may have happened: look, then say which below.",
    ),
    "settled_done": Standing("✓", "Settled: it happened", "done", "The answer was lost; a person found that it ran."),
    "settled_not_done": Standing(
        "✕", "Settled: it did not happen", "stopped", "The answer was lost; a person found that it did not run."
    ),
}
GRANT_MINUTES: Final = (
    (5, "5 minutes"),
    (15, "15 minutes"),
    (30, "30 minutes"),
    (60, "1 hour"),
    (120, "2 hours"),
    (240, "4 hours"),
    (480, "8 hours"),
)
GRANT_USES: Final = (1, 3, 5, 10, 25, 50, 100)


def grant_minutes(limits: GrantLimits) -> tuple[tuple[int, str], ...]:
    """How long a reviewer may choose; what the policy sets as the longest is among it."""
    longest = limits.seconds // 60
    fitting = tuple((minutes, length) for minutes, length in GRANT_MINUTES if minutes <= longest)
    if longest in [minutes for minutes, _ in fitting]:
        return fitting
    return (*fitting, (longest, f"{longest} minute{'' if longest == 1 else 's'}"))


def grant_uses(limits: GrantLimits) -> tuple[int, ...]:
    """How often; empty where the policy wants no grants."""
    fitting = tuple(uses for uses in GRANT_USES if uses <= limits.uses)
    return fitting if limits.uses in (0, *fitting) else (*fitting, limits.uses)


ENDED_GRANTS: Final = 50
"""Ended grants that the page lists; the log has all."""
STATES: Final = tuple(_REQUEST)
ENDED: Final = (
    ("", "All"),
    ("approved", "Approved"),
    ("consumed", "Used"),
    ("denied", "Denied"),
    ("expired", "Expired"),
    ("cancelled", "Cancelled"),
    ("revoked", "Revoked"),
    ("stale", "Out of date"),
)
"""States of requests that wait for no reviewer, for choosing among them."""


_EDITED: Final = Standing(
    "✕", "Changed", "stopped", "A reviewer changed its arguments; the call as it is now waits as a request of its own."
)


def standing(state: str, execution: Mapping[str, Any] | None, *, is_edited: bool = False) -> Standing:
    """A request's standing; once something was executed, the execution's; `is_edited`: another took its place."""
    if is_edited:
        return _EDITED
    if execution is not None and execution.get("state") in _EXECUTION:
        return _EXECUTION[execution["state"]]
    return _REQUEST.get(state, Standing("?", state, "unsure", "This state has no description."))


def level(score: int) -> str:
    return "critical" if score >= 85 else "high" if score >= HIGH else "medium" if score >= 40 else "low"


def moment(text: str | None) -> datetime | None:
    """A time of the store, or None for what is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def left(until: str | None, now: datetime) -> str:
    """`4:12 left`; the minutes alone from an hour on."""
    end = moment(until)
    if end is None:
        return ""
    seconds = int((end - now).total_seconds())
    if seconds <= 0:
        return "time is up"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} min left"
    return f"{seconds // 60}:{seconds % 60:02} left"


def ago(then: str | None, now: datetime) -> str:
    at = moment(then)
    if at is None:
        return ""
    seconds = max(0, int((now - at).total_seconds()))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name} ago"
    return "just now" if seconds < 10 else f"{seconds} s ago"


def clock(then: str | None) -> str:
    """The time of day in the server's zone, for lists."""
    at = moment(then)
    return at.astimezone().strftime("%H:%M") if at else ""


def exact(then: str | None) -> str:
    """The whole time with its zone, for title attributes."""
    at = moment(then)
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if at else ""


CHANNELS: Final[Mapping[str, str]] = {
    "web": "on this page",
    "rest": "through the REST API",
    "cli": "on the command line",
    "in_client": "in the application",
    "elicitation": "in the client itself, where nothing proves who answered",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding as the page lists it."""

    number: int
    id: str
    points: int
    severity: Severity
    confidence: Confidence
    message: str
    where: str
    """The argument it points into, empty for the call as a whole."""

    @property
    def short(self) -> str:
        """A few words, for beside the place itself: `shell.recursive-delete` is a recursive delete."""
        return self.id.partition(".")[2].replace("-", " ").replace(".", " ")


def reasons(findings: Sequence[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """The findings, heaviest first; their numbers are those of the spots in the arguments."""
    heaviest = sorted(findings, key=lambda f: -int(f.get("points", 0)))
    return tuple(
        Reason(
            number,
            str(f["id"]),
            int(f.get("points", 0)),
            Severity(f.get("severity", Severity.INFO)),
            Confidence(f.get("confidence", Confidence.LOW)),
            str(f.get("message", "")),
            str(f.get("pointer") or "").lstrip("/").replace("/", " › "),
        )
        for number, f in enumerate(heaviest, 1)
    )


def spots(findings: Sequence[Mapping[str, Any]]) -> tuple[Spot, ...]:
    heaviest = sorted(findings, key=lambda f: -int(f.get("points", 0)))
    return tuple(
        Spot(number, f["pointer"], f.get("start"), f.get("end"))
        for number, f in enumerate(heaviest, 1)
        if f.get("pointer")
    )


def combination(found: Sequence[Reason], score: int) -> str:
    """How the points come to the score, in one line."""
    weights = [reason.points for reason in found if reason.points]
    if not weights:
        return f"No finding carries points; a rule of the policy asks. Score {score}."
    if len(weights) == 1:
        return f"One finding with points: the score is {score}."
    factors = " × ".join(f"{1 - weight / 100:.2f}".lstrip("0") for weight in weights)
    return f"Points combine, they do not add up: 1 − {factors} = {score / 100:.2f}, so {score} of 100."


def obstacle(view: RequestView, reviewer: Reviewer, strength: int) -> str:
    """Why this person's Approve would not count here, so that nobody finds out by trying; empty when it would."""
    requirement = view.requirement
    groups = {*requirement["groups"], *(requirement.get("each") or ())}
    person = view.principal.get("person", "")
    if requirement["separation"] == "owner" and person in (reviewer.person, reviewer.name):
        return "This is a call of your own agent: another person must approve it. You can deny it."
    if requirement["separation"] == "owner" and view.edited and reviewer.name in view.edited.by:
        return "You changed these arguments: another person must approve them. You can deny the call."
    if groups and not groups & set(reviewer.groups):
        return f"Only members of {', '.join(sorted(groups))} approve this call. You can deny it."
    if requirement["strength"] > strength:
        return "Approving this call needs a stronger proof of who you are than this page gives. You can deny it."
    return ""


def headline(view: RequestView) -> tuple[str, str]:
    """What would happen and to what, each on a line of its own; no target when the headline names it anyway."""
    effect, target = view.headline, view.target
    if target and effect.endswith(f": {target}"):
        return effect.removesuffix(f": {target}"), target
    return effect, "" if target in effect else target


def presentation(view: RequestView, *, with_findings: bool = True) -> Presentation:
    """The call of a request, laid out."""
    principal = view.principal
    call = ToolCall(
        view.server,
        view.tool,
        view.arguments,
        CallPrincipal(principal.get("agent", ""), principal.get("person", ""), principal.get("session", "")),
    )
    return present(call, spots(view.findings) if with_findings else (), view.shown.get("before") or {})


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one agent that ask for the same kind of thing."""

    agent: str
    person: str
    kinds: tuple[tuple[str, str, tuple[RequestView, ...]], ...]
    """Of those that are alike: the group's id, what they have in common, and the requests, oldest deadline first."""

    @property
    def count(self) -> int:
        return sum(len(views) for *_, views in self.kinds)


def groups(views: Sequence[RequestView]) -> tuple[Group, ...]:
    """By agent and person, then by what can be answered together; whoever has least time left comes first."""
    by_agent: dict[tuple[str, str], dict[tuple[str, str], list[RequestView]]] = {}
    for view in sorted(views, key=lambda v: v.decide_by or ""):
        whose = (view.principal.get("agent", ""), view.principal.get("person", ""))
        alike = (view.group, f"{view.tool} on {view.server}")
        by_agent.setdefault(whose, {}).setdefault(alike, []).append(view)
    return tuple(
        Group(agent, person, tuple((group, alike, tuple(v)) for (group, alike), v in kinds.items()))
        for (agent, person), kinds in by_agent.items()
    )
