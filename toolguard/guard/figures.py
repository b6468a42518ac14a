"""How people's attention is spent: how often they are asked, how long they take, and what they always say yes to."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from toolguard.core.canonical import parse
from toolguard.core.policy.learning import Learned, learn
from toolguard.core.policy.policy import Policy
from toolguard.guard.history import recent
from toolguard.guard.times import iso, moment
from toolguard.store import overview
from toolguard.store.database import Database
from toolguard.store.transaction import Row

_MINUTE, _HOUR, _DAY = len("2026-11-22T12:00"), len("2026-11-22T12"), len("2026-11-22")
SPANS: Final[Mapping[str, tuple[int, int, int]]] = {
    "1h": (12, 300, _MINUTE),
    "24h": (24, 3_600, _HOUR),
    "7d": (28, 21_600, _HOUR),
    "30d": (30, 86_400, _DAY),
}
"""By name of a span: how many parts it is drawn in, the seconds of each, and the letters of a time that tell them."""
EFFECTS: Final = ("allow", "ask", "deny")
OUTCOMES: Final = ("approved", "denied", "expired", "other")
_OUTCOME: Final = {"approved": "approved", "consumed": "approved", "denied": "denied", "expired": "expired"}
TIMES: Final = ((10, "10 s"), (60, "1 min"), (300, "5 min"), (900, "15 min"), (3_600, "1 h"))
"""Bounds of the time to a decision, each with its words; beyond the last is one more part."""
ENOUGH: Final = 3
"""Approvals without a denial from which a rule counts as always approved, and `learn` proposes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the span."""

    start: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RuleFigure:
    """What became of what a rule asked about."""

    name: str
    """Of the rule; a preset's with its heaviest finding."""
    asked: int
    approved: int
    denied: int

    @property
    def is_always_approved(self) -> bool:
        return self.approved >= ENOUGH and not self.denied


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls of one agent."""

    agent: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """A span of time in numbers."""

    since: datetime
    calls: tuple[Part, ...]
    pauses: tuple[Part, ...]
    times: tuple[tuple[str, int], ...]
    """How many decisions took how long."""
    median_seconds: float | None
    """Half of the decisions took no longer; None without any."""
    approved: int
    denied: int
    rules: tuple[RuleFigure, ...]
    """Those that asked most often first."""
    rates: tuple[Rate, ...]
    is_cut: bool
    """There were more requests than are counted here; the newest are."""

    @property
    def decided(self) -> int:
        return self.approved + self.denied

    @property
    def asked(self) -> int:
        return sum(sum(part.counts.values()) for part in self.pauses)


def figures(database: Database, span: str, agent: str | None, now: datetime) -> Figures:
    """The figures of the span that ends now, of one agent or of all. Raises KeyError for a span that is none."""
    parts, seconds, letters = SPANS[span]
    last = int(now.timestamp()) // seconds
    first = last - parts + 1
    since = now - timedelta(seconds=now.timestamp() - first * seconds)
    found = overview.requests(database, iso(since), agent)
    called = overview.calls(database, iso(since), letters)
    took = sorted(_seconds(row) for row in found if row["decided"])
    outcomes = Counter(_OUTCOME.get(row["state"], "other") for row in found)
    return Figures(
        since,
        _parts(first, parts, seconds, _slots(called, seconds, agent), EFFECTS),
        _parts(first, parts, seconds, _paused(found, seconds), OUTCOMES),
        _times(took),
        statistics.median(took) if took else None,
        outcomes["approved"],
        outcomes["denied"],
        tuple(_rules(found)),
        tuple(_rates(called)),
        len(found) == overview.MOST_REQUESTS,
    )


def proposals(database: Database, policy: Policy, since: datetime) -> Learned:
    """What `toolguard policy learn` proposes from the answers of this span; more denials than these may contradict."""
    return learn(recent(database, iso(since)), policy, at_least=ENOUGH)


def _seconds(row: Row) -> float:
    return max(0.0, (moment(row["decided"]) - moment(row["created"])).total_seconds())


def _slots(rows: Iterable[Row], seconds: int, agent: str | None) -> Counter[tuple[int, str]]:
    counts: Counter[tuple[int, str]] = Counter()
    for row in rows:
        if agent in (None, row["agent"]):
            start = row["moment"] + "2026-01-01T00:00"[len(row["moment"]) :]
            counts[int(moment(start + "Z").timestamp()) // seconds, row["effect"]] += row["n"]
    return counts


def _paused(rows: Iterable[Row], seconds: int) -> Counter[tuple[int, str]]:
    return Counter(
        (int(moment(row["created"]).timestamp()) // seconds, _OUTCOME.get(row["state"], "other")) for row in rows
    )


def _parts(
    first: int, parts: int, seconds: int, counted: Mapping[tuple[int, str], int], names: Sequence[str]
) -> tuple[Part, ...]:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return tuple(
        Part(epoch + timedelta(seconds=slot * seconds), {name: counted.get((slot, name), 0) for name in names})
        for slot in range(first, first + parts)
    )


def _times(took: Sequence[float]) -> tuple[tuple[str, int], ...]:
    found, below = [], 0
    for bound, words in TIMES:
        count = sum(seconds < bound for seconds in took)
        found.append((f"under {words}", count - below))
        below = count
    return (*found, (f"over {TIMES[-1][1]}", len(took) - below))


def _rules(rows: Iterable[Row]) -> list[RuleFigure]:
    asked: Counter[str] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for name in _asking(row):
            asked[name] += 1
            outcomes[name, _OUTCOME.get(row["state"], "other")] += 1
    return [
        RuleFigure(name, count, outcomes[name, "approved"], outcomes[name, "denied"])
        for name, count in asked.most_common()
    ]


def _asking(row: Row) -> set[str]:
    findings = parse(row["findings"]) if row["findings"] else []
    worst = max(findings, key=lambda finding: int(finding["points"]), default=None)
    names = {rule["name"] for rule in parse(row["rules"] or "[]") if rule["effect"] == "ask"}
    return {f"{name}: {worst['id']}" if name.startswith("preset.") and worst else name for name in names}


def _rates(rows: Iterable[Row]) -> list[Rate]:
    by_agent: dict[str, dict[str, int]] = {}
    for row in rows:
        by_agent.setdefault(row["agent"], dict.fromkeys(EFFECTS, 0))[row["effect"]] += row["n"]
    return [Rate(agent, counts) for agent, counts in by_agent.items()]
