"""The page of figures: how often people are asked, what they answer, how long it takes, what could be a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from toolguard.core.canonical import text
from toolguard.core.policy.learning import Proposal, as_source
from toolguard.guard import figures as numbers
from toolguard.review import charts
from toolguard.review.answers import page
from toolguard.review.frame import everywhere, signed_in
from toolguard.review.visitor import Visitor, guard_of

SPANS: Final = (("1h", "Last hour"), ("24h", "Last day"), ("7d", "Last 7 days"), ("30d", "Last 30 days"))
SHOWN_RULES: Final = 12


@signed_in
async def figures(request: Request, visitor: Visitor) -> Response:
    """The figures of a span, of one agent or of all."""
    span = request.query_params.get("span") or "7d"
    if span not in numbers.SPANS:
        raise HTTPException(404, "There is no such span.")
    agent = request.query_params.get("agent") or None
    guard = guard_of(request)
    found = await run_in_threadpool(lambda: numbers.figures(guard.store, span, agent, guard.now()))
    learned = await run_in_threadpool(lambda: numbers.proposals(guard.store, guard.config.policy, found.since))
    decided = charts.counted("times", "Time to a decision", "decisions", found.times)
    return page(
        "figures.html",
        found=found,
        drawings=(
            charts.over_time("calls", "Calls", found.calls, numbers.EFFECTS),
            charts.over_time("pauses", "Pauses, and what came of them", found.pauses, numbers.OUTCOMES),
            decided,
        ),
        share=round(100 * found.approved / found.decided) if found.decided else None,
        median=charts.length(found.median_seconds),
        rules=found.rules[:SHOWN_RULES],
        most_asked=max((rule.asked for rule in found.rules), default=1),
        proposals=[_written(one) for one in learned.proposals],
        span=span,
        spans=SPANS,
        agent=agent or "",
        agents=[rate.agent for rate in found.rates],
        **await everywhere(request, visitor, "figures"),
    )


def _written(one: Proposal) -> tuple[str, Sequence[str]]:
    """A proposed rule as it stands in toolguard.yaml, and the approvals behind it."""
    source = as_source(one.rule)
    match = "\n".join(f"    {key}: {text(value)}" for key, value in source["match"].items())
    return f"- name: {source['name']}\n  match:\n{match}\n  effect: {source['effect']}", one.approved


ROUTES: Final = [Route("/figures", figures)]
