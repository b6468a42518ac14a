"""What reviewers see: requests, votes and grants as frozen values. All texts are redacted and foreign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from toolguard.core.approvals import OPEN_REQUESTS, RequestState
from toolguard.core.canonical import digest, parse
from toolguard.core.grants import DEFAULT_SECONDS, DEFAULT_USES, Loosened, Predicate
from toolguard.core.model import Json
from toolguard.store import checkpoints, records
from toolguard.store.database import Database
from toolguard.store.transaction import Row

IN_CLIENT_BELOW: Final = 70
"""The score from which nobody is asked in the client, whatever a rule says: one certain finding of HIGH."""
STRENGTH: Final[Mapping[str, int]] = {"in_client": 0, "local": 1, "account": 2, "signed": 3, "passkey": 4}


@dataclass(frozen=True, slots=True)
class Edited:
    """What reviewers made of a call."""

    asked: Json
    """The arguments that the agent sent, redacted."""
    by: tuple[str, ...]
    """Everybody who changed them."""
    code: str
    """The binding code in the agent's message."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """An approval request as reviewers see it. All texts are redacted and foreign: show them as text only."""

    id: str
    state: str
    request_digest: str
    code: str
    created: str
    decide_by: str
    use_by: str | None
    ended_at: str | None
    end_reason: str
    requirement: Mapping[str, Json]
    shown: Mapping[str, Json]
    """Everything that the digest covers beside ids and times."""
    offers: tuple[Loosened, ...]
    """Places that may be loosened in a grant; empty also where no grant is offered."""
    may_grant: bool
    votes: tuple[Mapping[str, Json], ...]
    execution: Mapping[str, Json] | None
    waiting: bool
    """A live client call waits for the answer at this moment."""
    edited_from: str | None = None
    """The request whose arguments a reviewer changed into these."""
    edited_to: str | None = None
    """The request that took this one's place when a reviewer changed the arguments."""
    audit: Mapping[str, Json] = field(default_factory=dict)
    """Size and root of the newest checkpoint: people who keep the page are witnesses of the log."""

    @property
    def server(self) -> str:
        return str(self.shown["server"])

    @property
    def tool(self) -> str:
        return str(self.shown["tool"])

    @property
    def arguments(self) -> Json:
        return self.shown["arguments"]

    @property
    def score(self) -> int:
        return int(self.shown["score"])

    @property
    def effect_class(self) -> str:
        return str(self.shown["class"])

    @property
    def headline(self) -> str:
        return str(self.shown["headline"])

    @property
    def target(self) -> str:
        return str(self.shown["target"])

    @property
    def findings(self) -> list[Mapping[str, Json]]:
        return list(self.shown["findings"])

    @property
    def principal(self) -> Mapping[str, str]:
        principal: Mapping[str, str] = self.shown["principal"]
        return principal

    @property
    def client(self) -> str:
        return str(self.shown["client"])

    @property
    def prompt(self) -> str | None:
        prompt: str | None = self.shown["prompt"]
        return prompt

    @property
    def justification(self) -> str | None:
        justification: str | None = self.shown["justification"]
        return justification

    @property
    def group(self) -> str:
        """The same for requests that are alike: who asks, for which tool, under which rules, needing what."""
        rules = sorted((rule["name"], rule["effect"]) for rule in self.shown["rules"])
        alike = [dict(self.principal), self.server, self.tool, self.effect_class, rules, dict(self.requirement)]
        return digest("toolguard/alike/v1", alike)[:16]

    @property
    def edited(self) -> Edited | None:
        """Whose arguments these are, when they are no longer the agent's."""
        edited = self.shown.get("edited")
        return Edited(edited["asked"], tuple(edited["by"]), edited["code"]) if edited else None

    def as_json(self) -> dict[str, Json]:
        """The shape that scripts rely on; more members may come to stand beside these."""
        return {
            "id": self.id,
            "state": self.state,
            "request_digest": self.request_digest,
            "code": self.code,
            "group": self.group,
            "server": self.server,
            "tool": self.tool,
            "arguments": self.arguments,
            "class": self.effect_class,
            "headline": self.headline,
            "target": self.target,
            "score": self.score,
            "findings": self.findings,
            "principal": dict(self.principal),
            "client": self.client,
            "prompt": self.prompt,
            "justification": self.justification,
            "facts": self.shown["facts"],
            "history": self.shown["history"],
            "created": self.created,
            "decide_by": self.decide_by,
            "use_by": self.use_by,
            "ended_at": self.ended_at,
            "end_reason": self.end_reason,
            "requirement": dict(self.requirement),
            "edited": self.shown.get("edited"),
            "edited_from": self.edited_from,
            "edited_to": self.edited_to,
            "offers": [{**place.as_json(), "sentence": place.sentence} for place in self.offers],
            "votes": [dict(vote) for vote in self.votes],
            "execution": dict(self.execution) if self.execution else None,
            "audit": dict(self.audit),
        }


@dataclass(frozen=True, slots=True)
class GrantChoice:
    """What a reviewer allows beside this one call: some of the offered places loosened, for so long, so often."""

    pointers: tuple[str, ...] = ()
    """Of the offers; what is not named must equal this call."""
    uses: int = DEFAULT_USES
    seconds: int = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class GrantView:
    """A standing approval as people see it."""

    id: str
    server: str
    tool: str
    sentence: str
    principal: Mapping[str, str]
    reviewer: str
    created: str
    not_after: str
    uses: int
    max_uses: int
    revoked_at: str | None
    from_request: str

    @property
    def left(self) -> int:
        """Uses that remain."""
        return self.max_uses - self.uses

    def as_json(self) -> dict[str, Json]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class VoteResult:
    """What became of a vote."""

    accepted: bool
    code: str
    """`accepted`, or a refusal code."""
    text: str
    """For the reviewer."""
    request: RequestView | None


def request_view(database: Database, row: Row) -> RequestView:
    """The request of this row, with its votes, its execution and the newest witness of the log."""
    cast = records.votes(database, row["request_id"])
    run = records.execution_of(database, row["request_id"])
    witness = checkpoints.newest(database)
    after = records.edit_of(database, row["request_id"]) if row["state"] == RequestState.CANCELLED else None
    return RequestView(
        id=row["request_id"],
        state=row["state"],
        request_digest=row["request_digest"],
        code=row["code"],
        created=row["created"],
        decide_by=row["decide_by"],
        use_by=row["use_by"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"] or "",
        requirement=parse(row["requirement"]),
        shown=parse(row["shown"]),
        offers=tuple(Loosened.from_json(place) for place in parse(row["offers"])),
        may_grant=may_grant(row),
        votes=tuple(
            {
                "reviewer": vote["name"],
                "choice": vote["choice"],
                "channel": vote["channel"],
                "strength": vote["strength"],
                "reason": vote["reason"],
                "self_attested": bool(vote["self_attested"]),
                "at": vote["at"],
                "grant": _given(vote),
            }
            for vote in cast
        ),
        execution=_execution(run) if run is not None else None,
        waiting=row["waiting"] > 0 and row["state"] in OPEN_REQUESTS,
        edited_from=row["edited_from"],
        edited_to=after["request_id"] if after is not None else None,
        audit={"size": witness["size"], "root": witness["root"], "seq": witness["size"]} if witness else {},
    )


def _given(vote: Row) -> dict[str, Json] | None:
    """What a vote allowed beside the one call."""
    if not vote["grant_terms"]:
        return None
    terms = parse(vote["grant_terms"])
    sentence = Predicate.from_json(terms["predicate"]).sentence
    return {"sentence": sentence, "uses": terms["uses"], "not_after": terms["expiry"]}


def may_grant(row: Row) -> bool:
    """Whether a grant may be given with the approval of this request."""
    requirement = parse(row["requirement"])
    critical = any(finding["severity"] == "critical" for finding in parse(row["shown"])["findings"])
    return (
        not critical
        and requirement["need"] == 1
        and not requirement["each"]
        and requirement["strength"] < STRENGTH["passkey"]
    )


def may_ask_in_client(requirement: Mapping[str, Json], shown: Mapping[str, Json]) -> bool:
    """Whether an answer in the client itself may count: the weakest there is, so never where more is asked for."""
    critical = any(finding["severity"] == "critical" for finding in shown["findings"])
    return (
        bool(requirement.get("in_client"))
        and requirement["strength"] == STRENGTH["in_client"]
        and requirement["need"] == 1
        and not requirement["groups"]
        and not requirement["each"]
        and requirement["separation"] == "agent"
        and int(shown["score"]) < IN_CLIENT_BELOW
        and not critical
    )


def grant_view(row: Row) -> GrantView:
    return GrantView(
        id=row["grant_id"],
        principal={name: row[name] for name in ("agent", "person", "session")},
        **{name: row[name] for name in _GRANT_COLUMNS},
    )


_GRANT_COLUMNS: Final = (
    "server", "tool", "sentence", "reviewer", "created", "not_after", "uses", "max_uses", "revoked_at", "from_request",
)  # fmt: skip


def _execution(row: Row) -> dict[str, Json]:
    return {
        "id": row["execution_id"],
        "state": row["state"],
        "claimed": row["claimed_at"],
        "dispatched": row["dispatched_at"],
        "ended": row["ended_at"],
        "error": row["error"],
        "duration_ms": row["duration_ms"],
        "result_size": row["result_size"],
    }
