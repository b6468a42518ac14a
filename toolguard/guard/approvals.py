"""The reviewers' side: what waits, what it would do, and the votes. Page, REST and command line all end here.

No method of this file is reachable with an agent's credential: a vote needs a Reviewer, and only guard/reviewers.py
makes one, from a reviewer's own secret.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from toolguard.config import Config
from toolguard.core.approvals import (
    OPEN_REQUESTS,
    ExecutionEvent,
    ExecutionState,
    RefusalCode,
    RequestEvent,
    RequestState,
)
from toolguard.core.canonical import parse, text
from toolguard.core.grants import DEFAULT_SECONDS, DEFAULT_USES, MOST_SECONDS, MOST_USES, Loosened, Predicate
from toolguard.core.model import Json
from toolguard.core.quorum import reached
from toolguard.guard import owner, requests
from toolguard.guard.reviewers import Reviewer
from toolguard.guard.times import later
from toolguard.store import audit, checkpoints, grants, records
from toolguard.store.database import Database, Row, Transaction

Choice = Literal["approve", "deny"]
Channel = Literal["web", "rest", "cli"]
STRENGTH: Final[Mapping[str, int]] = {"in_client": 0, "local": 1, "account": 2, "signed": 3, "passkey": 4}
STRONGEST: Final = STRENGTH["passkey"]
REASON_LENGTH: Final = 2_000
"""Characters of a reason; the agent reads it, and nobody explains longer."""


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

    def as_json(self) -> dict[str, Json]:
        """The shape that scripts rely on; more members may come to stand beside these."""
        return {
            "id": self.id,
            "state": self.state,
            "request_digest": self.request_digest,
            "code": self.code,
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


class Approvals:
    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._config = config

    def link(self, request_id: str) -> str:
        """The page of a request: it shows, it never decides."""
        return f"{self._config.review.url}/approvals/{request_id}"

    def list(self, state: str | None = "pending", *, after: str | None = None, limit: int = 100) -> list[RequestView]:
        """Requests in a state, or all with None; `after` is the last id of the page before."""
        self._expire()
        return [self._view(row) for row in records.requests(self._database, state, after, limit)]

    def show(self, request_id: str) -> RequestView | None:
        self._expire()
        row = records.request(self._database, request_id)
        return self._view(row) if row is not None else None

    def vote(
        self,
        request_id: str,
        reviewer: Reviewer,
        choice: Choice,
        *,
        request_digest: str,
        channel: Channel,
        strength: int,
        reason: str = "",
        evidence: Mapping[str, Json] | None = None,
        grant: GrantChoice | None = None,
    ) -> VoteResult:
        """Cast one vote, with `grant` also for calls like this one. A repeat answers as the first time.

        Raises StoreError.
        """
        with self._database.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, request_id)
            if row is None:
                return VoteResult(False, "unknown", "there is no such request", None)
            repeat = self._is_repeat(tx, row, reviewer, choice, request_digest)
            refused = None if repeat else self._refused(tx, row, reviewer, choice, request_digest, strength)
            terms = None
            if refused is None and not repeat and grant is not None and choice == "approve":
                terms = _terms(tx, row, grant)
                refused = None if terms else (RefusalCode.NOT_ELIGIBLE, "this grant was not offered for this call")
            if refused is not None:
                audit.append(
                    tx,
                    "vote.refused",
                    {"choice": choice, "code": refused[0]},
                    reviewer=reviewer.name,
                    channel=channel,
                    **requests.request_columns(row),
                )
            elif not repeat:
                self._cast(tx, row, reviewer, choice, channel, strength, reason[:REASON_LENGTH], evidence, terms)
        view = self.show(request_id)
        if refused is not None:
            return VoteResult(False, refused[0], refused[1], view)
        return VoteResult(True, "accepted", "your vote counts", view)

    def _is_repeat(self, tx: Transaction, row: Row, reviewer: Reviewer, choice: Choice, request_digest: str) -> bool:
        return any(
            (vote["reviewer_id"], vote["choice"], vote["request_digest"]) == (reviewer.id, choice, request_digest)
            for vote in records.votes(tx, row["request_id"])
        ) and (choice == "deny" or row["state"] != RequestState.DENIED)

    def _refused(
        self, tx: Transaction, row: Row, reviewer: Reviewer, choice: Choice, request_digest: str, strength: int
    ) -> tuple[str, str] | None:
        """Why this vote does not count, as a code and a sentence; None when it does."""
        requirement = parse(row["requirement"])
        state = RequestState(row["state"])
        if state not in OPEN_REQUESTS:
            return _ended_code(state), f"your click had no effect: the request has ended ({state})"
        if request_digest != row["request_digest"]:
            return RefusalCode.DIGEST_MISMATCH, "this is not the request that you were shown; look at it again"
        if choice == "deny":
            return None
        if state is not RequestState.PENDING:
            return RefusalCode.ENDED, "enough people have approved already"
        if requirement["separation"] == "owner" and _is_own(row, reviewer):
            return RefusalCode.SELF_VOTE, "nobody approves a call of their own agent here; another person must"
        groups = set(requirement["groups"]) | set(requirement["each"])
        if groups and not groups & set(reviewer.groups):
            return RefusalCode.NOT_ELIGIBLE, f"only members of {', '.join(sorted(groups))} approve this call"
        if strength < requirement["strength"]:
            return RefusalCode.WEAK_CHANNEL, "this call needs a stronger proof of who you are than this channel gives"
        cast = records.votes(tx, row["request_id"])
        denied = any(vote["reviewer_id"] == reviewer.id and vote["choice"] == "deny" for vote in cast)
        return (RefusalCode.DENIED, "you denied this call before") if denied else None

    def _cast(
        self,
        tx: Transaction,
        row: Row,
        reviewer: Reviewer,
        choice: Choice,
        channel: Channel,
        strength: int,
        reason: str,
        evidence: Mapping[str, Json] | None,
        terms: Mapping[str, Json] | None,
    ) -> None:
        """T3, and T4 or T5 in the same transaction when this vote completes them."""
        own = _is_own(row, reviewer)
        digest = requests.vote_digest(row["request_digest"], choice, terms)
        records.insert_vote(
            tx,
            {
                "request_id": row["request_id"],
                "reviewer_id": reviewer.id,
                "choice": choice,
                "channel": channel,
                "strength": strength,
                "request_digest": row["request_digest"],
                "vote_digest": digest,
                "reason": reason,
                "self_attested": int(own),
                "evidence": text(dict(evidence)) if evidence else None,
                "grant_terms": text(dict(terms)) if terms else None,
                "at": tx.now,
            },
        )
        audit.append(
            tx,
            "vote.cast",
            {
                "choice": choice,
                "strength": strength,
                "reason": reason,
                "self_attested": own,
                "request_digest": row["request_digest"],
                "vote_digest": digest,
                "evidence": dict(evidence) if evidence else None,
                "grant": dict(terms) if terms else None,
            },
            reviewer=reviewer.name,
            channel=channel,
            **requests.request_columns(row),
        )
        requirement = parse(row["requirement"])
        cast = [vote for vote in records.votes(tx, row["request_id"]) if vote["enabled"]]
        if choice == "deny":
            if sum(vote["choice"] == "deny" for vote in cast) >= requirement["deny_need"]:
                requests.end(tx, row, RequestEvent.DENY, reason, reviewer=reviewer.name, channel=channel)
        elif reached(requirement, [frozenset(parse(v["groups"])) for v in cast if v["choice"] == "approve"]):
            self._approve(tx, row, reviewer, channel)
            if terms:
                self._grant(tx, row, reviewer, channel, terms)

    def _approve(self, tx: Transaction, row: Row, reviewer: Reviewer, channel: Channel) -> None:
        use_by = later(tx.now, row["use_within"])
        moved = records.move_request(
            tx, row, RequestEvent.APPROVE, use_by=use_by, use_by_boot=owner.boot_clock() + row["use_within"]
        )
        if moved is not None:
            audit.append(
                tx,
                "approval.approved",
                {"use_by": use_by, "request_digest": row["request_digest"]},
                reviewer=reviewer.name,
                channel=channel,
                outcome=moved,
                **requests.request_columns(row),
            )

    def _grant(
        self, tx: Transaction, row: Row, reviewer: Reviewer, channel: Channel, terms: Mapping[str, Json]
    ) -> None:
        """T15, in the transaction of the vote that asked for it."""
        grant_id = "gr_" + secrets.token_hex(8)
        sentence = Predicate.from_json(terms["predicate"]).sentence
        columns = requests.request_columns(row)
        grants.insert(
            tx,
            {
                **{name: row[name] for name in ("server", "tool", "agent", "person", "session")},
                "grant_id": grant_id,
                "predicate": text(terms["predicate"]),
                "sentence": sentence,
                "def_fp": row["def_fp"],
                "decision_key": row["decision_key"],
                "created": tx.now,
                "reviewer": reviewer.name,
                "not_before": tx.now,
                "not_after": terms["expiry"],
                "max_uses": terms["uses"],
                "max_score": row["score"],
                "from_request": row["request_id"],
            },
        )
        contents = {**terms, "sentence": sentence, "max_score": row["score"]}
        audit.append(
            tx, "grant.created", contents, grant_id=grant_id, reviewer=reviewer.name, channel=channel, **columns
        )

    def grants(self, *, live_only: bool = True) -> Sequence[GrantView]:
        """Standing approvals, the newest first."""
        return [_grant_view(row) for row in grants.every(self._database, live_only=live_only)]

    def revoke_grant(self, grant_id: str, reviewer: Reviewer, channel: Channel) -> GrantView | None:
        """End a grant at once; None when it has ended, or never was. Raises StoreError."""
        with self._database.write(full=True) as tx:
            row = grants.revoke(tx, grant_id)
            if row is None:
                return None
            columns = requests.grant_columns(row)
            audit.append(tx, "grant.revoked", {"reason": ""}, reviewer=reviewer.name, channel=channel, **columns)
        return _grant_view(row)

    def revoke(self, request_id: str, reviewer: Reviewer, reason: str, channel: Channel) -> VoteResult:
        """T8: take an approval back before it is used."""
        with self._database.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, request_id)
            done = (
                row is not None
                and row["state"] == RequestState.APPROVED
                and requests.end(
                    tx, row, RequestEvent.REVOKE, reason[:REASON_LENGTH], reviewer=reviewer.name, channel=channel
                )
            )
        view = self.show(request_id)
        if done:
            return VoteResult(True, "accepted", "the approval is taken back", view)
        return VoteResult(False, RefusalCode.ENDED, "there is no unused approval to take back", view)

    def settle(self, execution_id: str, reviewer: Reviewer, *, done: bool, note: str, channel: Channel) -> VoteResult:
        """T14: a person says whether an execution of unknown end took place. Needs a note."""
        if not note.strip():
            return VoteResult(False, "note_required", "say how you know", None)
        event = ExecutionEvent.SETTLE_DONE if done else ExecutionEvent.SETTLE_NOT_DONE
        with self._database.write(full=True) as tx:
            row = records.execution(tx, execution_id)
            if row is None or row["state"] != ExecutionState.UNKNOWN:
                return VoteResult(False, RefusalCode.ENDED, "there is no execution of unknown end with this id", None)
            if self._config.approvals.separation == "owner" and reviewer.person == row["person"]:
                return VoteResult(False, RefusalCode.SELF_VOTE, "another person must settle this", None)
            after = records.move_execution(tx, execution_id, event, error=note[:REASON_LENGTH])
            audit.append(
                tx,
                "execution.settled",
                {"note": note[:REASON_LENGTH]},
                execution_id=execution_id,
                request_id=row["request_id"],
                call_id=row["call_id"],
                call_fp=row["call_fp"],
                agent=row["agent"],
                person=row["person"],
                session=row["session"],
                reviewer=reviewer.name,
                channel=channel,
                outcome=after,
            )
        view = self.show(row["request_id"]) if row["request_id"] else None
        return VoteResult(True, "accepted", "settled", view)

    def feed(self, after: int) -> Sequence[tuple[int, str, RequestView]]:
        """Changes of requests since an event of the log: (seq, `approval.created` or `approval.changed`, request)."""
        found = []
        for seq, kind, row in records.request_events(self._database, after):
            told = "approval.created" if kind == "approval.requested" else "approval.changed"
            found.append((seq, told, self._view(row)))
        return found

    def _expire(self) -> None:
        if records.any_overdue(self._database, owner.boot_id(), owner.boot_clock(), self._database.now()):
            with self._database.write(full=True) as tx:
                requests.expire_overdue(tx)

    def _view(self, row: Row) -> RequestView:
        cast = records.votes(self._database, row["request_id"])
        run = records.execution_of(self._database, row["request_id"])
        witness = checkpoints.newest(self._database)
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
            may_grant=_may_grant(row),
            votes=tuple(
                {
                    "reviewer": vote["name"],
                    "choice": vote["choice"],
                    "channel": vote["channel"],
                    "strength": vote["strength"],
                    "reason": vote["reason"],
                    "self_attested": bool(vote["self_attested"]),
                    "at": vote["at"],
                }
                for vote in cast
            ),
            execution=_execution(run) if run is not None else None,
            waiting=row["waiting"] > 0 and row["state"] in OPEN_REQUESTS,
            audit={"size": witness["size"], "root": witness["root"], "seq": witness["size"]} if witness else {},
        )


def _may_grant(row: Row) -> bool:
    requirement = parse(row["requirement"])
    critical = any(finding["severity"] == "critical" for finding in parse(row["shown"])["findings"])
    return not critical and requirement["need"] == 1 and not requirement["each"] and requirement["strength"] < STRONGEST


def _terms(tx: Transaction, row: Row, choice: GrantChoice) -> dict[str, Json] | None:
    """The terms of a grant as the vote binds them; None when they are not among what was offered."""
    offered = {place["pointer"]: Loosened.from_json(place) for place in parse(row["offers"])}
    if not _may_grant(row) or not set(choice.pointers) <= offered.keys():
        return None
    if not (1 <= choice.uses <= MOST_USES and 1 <= choice.seconds <= MOST_SECONDS):
        return None
    loosened = tuple(place for pointer, place in offered.items() if pointer in choice.pointers)
    predicate = Predicate(row["server"], row["tool"], parse(row["shown"])["arguments"], loosened)
    return {"predicate": predicate.as_json(), "uses": choice.uses, "expiry": later(tx.now, choice.seconds)}


def _grant_view(row: Row) -> GrantView:
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


def _is_own(row: Row, reviewer: Reviewer) -> bool:
    """The reviewer is the person whose agent asks. A reviewer of that very name counts as well: under `owner` a second
    enrolment without the operating-system user must not turn a person into two."""
    person = str(row["person"])
    return person in (reviewer.person, reviewer.name) or reviewer.name.casefold() == person.casefold()


def _ended_code(state: RequestState) -> str:
    codes = {
        RequestState.EXPIRED: RefusalCode.EXPIRED,
        RequestState.DENIED: RefusalCode.DENIED,
        RequestState.CANCELLED: RefusalCode.CANCELLED,
        RequestState.REVOKED: RefusalCode.REVOKED,
        RequestState.STALE: RefusalCode.STALE_POLICY,
        RequestState.CONSUMED: RefusalCode.ALREADY_CONSUMED,
    }
    return codes.get(state, RefusalCode.ENDED)
