"""The reviewers' side: what waits, what it would do, and the votes. Page, REST and command line all end here.

No method of this file is reachable with an agent's credential: a vote needs a Reviewer, and only guard/reviewers.py
makes one, from a reviewer's own secret. The one exception is guard/in_client.py, which a policy must open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from toolguard.core.model import Json, Principal
from toolguard.core.policy.breakers import Counted
from toolguard.core.quorum import reached
from toolguard.core.secrets.redact import Redactor
from toolguard.guard import breaking, callbacks, owner, passkeys, requests, standing, voting
from toolguard.guard.answers import ENDED_CODES
from toolguard.guard.redacting import redactor_of
from toolguard.guard.reviewers import Reviewer
from toolguard.guard.times import later
from toolguard.guard.views import STRENGTH, GrantChoice, RequestView, VoteResult, request_view
from toolguard.store import audit, outbox, records
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

Choice = Literal["approve", "deny"]
Channel = Literal["web", "rest", "cli", "webhook", "slack", "in_client", "elicitation"]

MOST_ALIKE: Final = 1_000
"""Pending requests among which a group is looked for."""
REASON_LENGTH: Final = 2_000
"""Characters of a reason; the agent reads it, and nobody explains longer."""


class Approvals:
    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._config = config
        self._checkpoints = Checkpoints(database)
        self._redactor: Redactor | None = None

    def _said(self, words: str) -> str:
        """What a reviewer wrote, without secrets; the log and the agent get this."""
        if self._redactor is None:
            self._redactor = redactor_of(self._config)
        return self._redactor.text(words[:REASON_LENGTH])

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
        inbound: tuple[str, str] | None = None,
    ) -> VoteResult:
        """Cast one vote, with `grant` also for calls like this one. A repeat answers as the first time.

        `inbound` names the endpoint and id of a signed message that carried it; a message counts once. Raises
        StoreError.
        """
        self._checkpoints.key  # noqa: B018 - loaded before the lock is taken, since the first time costs 30 ms
        with self._database.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, request_id)
            if row is None:
                return VoteResult(False, "unknown", "there is no such request", None)
            if inbound is not None and not outbox.is_new(tx, *inbound):
                return VoteResult(False, "replayed", "this message was received before", None)
            repeat = self._is_repeat(tx, row, reviewer, choice, request_digest, with_grant=grant is not None)
            refused = None if repeat else self._refused(tx, row, reviewer, choice, request_digest, strength)
            if refused is None and channel == "elicitation" and not voting.counts_in_client(row):
                refused = RefusalCode.WEAK_CHANNEL, "an answer in the client does not count for this call"
            terms = None
            if refused is None and not repeat and choice == "approve" and strength >= STRENGTH["signed"]:
                refused = _unproven(tx, row, reviewer, strength, evidence, self._config.policy.passkey_models)
            if refused is None and not repeat and grant is not None and choice == "approve":
                terms = standing.terms_of(tx, row, grant, self._config.policy.grants)
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
                self._cast(tx, row, reviewer, choice, channel, strength, self._said(reason), evidence, terms)
        view = self.show(request_id)
        if refused is not None:
            return VoteResult(False, refused[0], refused[1], view)
        return VoteResult(True, "accepted", "your vote counts", view)

    def alike(self, group: str) -> Sequence[RequestView]:
        """The pending requests of a group, oldest deadline first."""
        found = [view for view in self.list("pending", limit=MOST_ALIKE) if view.group == group]
        return sorted(found, key=lambda view: view.decide_by)

    def vote_together(
        self,
        group: str,
        digests: Mapping[str, str],
        reviewer: Reviewer,
        choice: Choice,
        *,
        channel: Channel,
        strength: int,
        reason: str = "",
    ) -> dict[str, VoteResult]:
        """One answer for several requests of a group, by id with the digest of what was shown.

        Each is a vote, a transaction and an event by itself; what changed meanwhile is left out, and says so. Raises
        StoreError.
        """
        results: dict[str, VoteResult] = {}
        for request_id, request_digest in digests.items():
            view = self.show(request_id)
            if view is not None and view.group != group:
                results[request_id] = VoteResult(False, "not_alike", "this call is not like the others", view)
                continue
            results[request_id] = self.vote(
                request_id,
                reviewer,
                choice,
                request_digest=request_digest,
                channel=channel,
                strength=strength,
                reason=reason,
            )
        return results

    def _is_repeat(
        self,
        tx: Transaction,
        row: Row,
        reviewer: Reviewer,
        choice: Choice,
        request_digest: str,
        *,
        with_grant: bool,
    ) -> bool:
        return any(
            (vote["reviewer_id"], vote["choice"], vote["request_digest"]) == (reviewer.id, choice, request_digest)
            # "Approve once" answers nobody who asked for a grant: they would take it for given.
            and (vote["grant_terms"] is not None or not with_grant)
            for vote in records.votes(tx, row["request_id"])
        ) and (choice == "deny" or row["state"] != RequestState.DENIED)

    def _refused(
        self, tx: Transaction, row: Row, reviewer: Reviewer, choice: Choice, request_digest: str, strength: int
    ) -> tuple[str, str] | None:
        """Why this vote does not count, as a code and a sentence; None when it does."""
        requirement = parse(row["requirement"])
        state = RequestState(row["state"])
        if state not in OPEN_REQUESTS:
            code = ENDED_CODES.get(state, RefusalCode.ENDED)
            return code, f"your click had no effect: the request has ended ({state})"
        if request_digest != row["request_digest"]:
            return RefusalCode.DIGEST_MISMATCH, "this is not the request that you were shown; look at it again"
        if choice == "deny":
            return None
        if state is not RequestState.PENDING:
            return RefusalCode.ENDED, "enough people have approved already"
        if requirement["separation"] == "owner" and _is_own(row, reviewer):
            return RefusalCode.SELF_VOTE, "nobody approves a call of their own agent here; another person must"
        if requirement["separation"] == "owner" and voting.is_author(row, reviewer.name):
            return RefusalCode.SELF_VOTE, "you changed these arguments, so another person must approve them"
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
        digest = voting.vote_digest(row["request_digest"], choice, terms)
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
                asker = Principal(row["agent"], row["person"], row["session"])
                breaking.count(tx, self._config.policy, Counted.DENIED, asker)
        elif reached(requirement, [frozenset(parse(v["groups"])) for v in cast if v["choice"] == "approve"]):
            self._approve(tx, row, reviewer, channel)
            if terms:
                standing.give(tx, row, reviewer, channel, terms)

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
            self._checkpoints.write(tx)

    def revoke(self, request_id: str, reviewer: Reviewer, reason: str, channel: Channel) -> VoteResult:
        """T8: take an approval back before it is used."""
        with self._database.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, request_id)
            done = (
                row is not None
                and row["state"] == RequestState.APPROVED
                and requests.end(
                    tx, row, RequestEvent.REVOKE, self._said(reason), reviewer=reviewer.name, channel=channel
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
            after = records.move_execution(tx, execution_id, event, error=self._said(note))
            audit.append(
                tx,
                "execution.settled",
                {"note": self._said(note)},
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

    def _view(self, row: Row) -> RequestView:
        return request_view(self._database, row)

    def _expire(self) -> None:
        if records.any_overdue(self._database, owner.boot_id(), owner.boot_clock(), self._database.now()):
            with self._database.write(full=True) as tx:
                requests.expire_overdue(tx)


def _is_own(row: Row, reviewer: Reviewer) -> bool:
    """The reviewer is the person whose agent asks. A reviewer of that very name counts as well: under `owner` a second
    enrolment without the operating-system user must not turn a person into two."""
    person = str(row["person"])
    return person in (reviewer.person, reviewer.name) or reviewer.name.casefold() == person.casefold()


def _unproven(
    tx: Transaction,
    row: Row,
    reviewer: Reviewer,
    strength: int,
    evidence: Mapping[str, Json] | None,
    models: tuple[str, ...],
) -> tuple[str, str] | None:
    """Why the evidence is not this reviewer's key saying yes to this request, once and without a grant."""
    if strength < STRENGTH["passkey"]:
        why = callbacks.refusal(tx, reviewer.id, row["request_id"], row["request_digest"], evidence)
        return (RefusalCode.WEAK_CHANNEL, f"the signed message does not count: {why}") if why else None
    why = passkeys.refusal(tx, reviewer.id, voting.vote_digest(row["request_digest"], "approve"), evidence)
    if not why and not passkeys.is_of(tx, evidence, models):
        why = "the policy does not take passkeys of this make"
    if not why and not passkeys.count(tx, reviewer, evidence):
        why = "it has signed more often before, so somebody may have a copy of it"
    return (RefusalCode.WEAK_CHANNEL, f"the passkey's answer does not count: {why}") if why else None
