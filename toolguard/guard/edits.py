"""Arguments that a reviewer changes before anybody approves: the call is judged again, and people are asked anew.

The edited call is a request of its own in the place of the one that was edited: new digest, new code, no votes. What
the agent repeats leads to it. INVARIANT: what runs is what was approved, so the edited arguments, or nothing
(tests/guard/test_edits.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from toolguard.config import Config
from toolguard.core.approvals import RefusalCode, RequestEvent, RequestState
from toolguard.core.canonical import parse
from toolguard.core.model import Effect, Finding, Json, Obligations, Principal, ToolCall, ToolDefinition
from toolguard.core.policy.terms import Terms, strictest
from toolguard.core.secrets import edits
from toolguard.core.secrets.redact import Redactor, readable
from toolguard.core.session.facts import Facts
from toolguard.guard import requests, shown
from toolguard.guard.judge import Judge
from toolguard.guard.pins import Pins
from toolguard.guard.requests import Judged
from toolguard.guard.views import RequestView, request_view
from toolguard.store import audit, records
from toolguard.store.checkpoints import Checkpoints
from toolguard.store.database import Database
from toolguard.store.transaction import Row, Transaction

if TYPE_CHECKING:
    from toolguard.guard.approvals import Channel
    from toolguard.guard.reviewers import Reviewer

REASON: Final = "a reviewer changed the arguments"


@dataclass(frozen=True, slots=True)
class EditResult:
    """What became of an edit."""

    accepted: bool
    code: str
    """`accepted`, or a refusal code; `bad_edit` for arguments that cannot be taken at all."""
    text: str
    """For the reviewer."""
    request: RequestView | None
    """The request that now stands for the call; the old one when the edit was refused."""


class Edits:
    """Rewrites the arguments of pending requests."""

    def __init__(
        self,
        config: Config,
        store: Database,
        redactor: Redactor,
        judge: Judge,
        pins: Pins,
        checkpoints: Checkpoints,
    ) -> None:
        self._config = config
        self._store = store
        self._redactor = redactor
        self._judge = judge
        self._pins = pins
        self._checkpoints = checkpoints

    def edit(
        self, request_id: str, reviewer: Reviewer, arguments: Json, *, request_digest: str, channel: Channel
    ) -> EditResult:
        """Put edited arguments, in redacted form, in the place of those of a pending request. Raises StoreError."""
        row = records.request(self._store, request_id)
        if row is None:
            return EditResult(False, "unknown", "there is no such request", None)
        refused = self._unfit(row, arguments) or _over(row, request_digest)
        if refused is None:
            judged, facts = self._judged(row, arguments)
            if judged.decision.effect is Effect.DENY:
                denies = ", ".join(rule.name for rule in judged.decision.rules if rule.effect is Effect.DENY)
                refused = RefusalCode.POLICY, f"the policy denies the edited call ({denies}), so nothing was changed"
            else:
                return self._replace(request_id, judged, facts, reviewer, request_digest, channel)
        with self._store.write(full=True) as tx:
            audit.append(
                tx, "vote.refused", {"choice": "edit", "code": refused[0]}, reviewer=reviewer.name, channel=channel,
                **requests.request_columns(row),
            )  # fmt: skip
        return EditResult(False, refused[0], refused[1], request_view(self._store, row))

    def _unfit(self, row: Row, arguments: Json) -> tuple[str, str] | None:
        view = parse(row["shown"])
        why = edits.refusal(arguments, view["arguments"], self._redactor)
        if not why and view["definition"]:
            why = edits.misfit(view["definition"]["input_schema"], arguments)
        return ("bad_edit", why) if why else None

    def _replace(
        self,
        request_id: str,
        judged: Judged,
        facts: Facts,
        reviewer: Reviewer,
        request_digest: str,
        channel: Channel,
    ) -> EditResult:
        before = shown.replaced_text(judged.call, judged.decision, facts.surroundings.roots)
        self._checkpoints.key  # noqa: B018 - loaded before the lock is taken, since the first time costs 30 ms
        with self._store.write(full=True) as tx:
            requests.expire_overdue(tx)
            row = records.request(tx, request_id)
            refused = _over(row, request_digest)
            if row is not None and refused is None:
                requests.end(tx, row, RequestEvent.CANCEL, REASON, reviewer=reviewer.name, channel=channel)
                row = self._create(tx, row, judged, facts, before, reviewer, channel)
                self._checkpoints.write(tx)
        view = request_view(self._store, row) if row is not None else None
        if refused is not None:
            return EditResult(False, refused[0], refused[1], view)
        return EditResult(True, "accepted", "the call is changed, and waits for approval as it is now", view)

    def _create(
        self,
        tx: Transaction,
        row: Row,
        judged: Judged,
        facts: Facts,
        before: Mapping[str, str],
        reviewer: Reviewer,
        channel: Channel,
    ) -> Row:
        old = parse(row["shown"])
        first = old["edited"] or {"asked": old["arguments"], "by": [], "code": row["code"]}
        edited = {**first, "by": sorted({*first["by"], reviewer.name})}
        judged = replace(judged, call_id=records.call_of(tx, row["request_id"]))
        view = shown.view(
            judged.call,
            judged.decision,
            facts,
            self._redactor,
            arguments=judged.arguments,
            params=judged.params,
            history=old["history"],
            before=before,
            prompts="full",  # what stands here was cut and redacted when the call came
            earlier=old["earlier"],
            edited=edited,
        )
        view["differences"] = old["differences"]
        made = requests.create(tx, judged, view, edited=row)
        contents = {"from": row["request_id"], "before": old["arguments"], "after": judged.arguments}
        audit.append(
            tx, "approval.edited", contents, reviewer=reviewer.name, channel=channel, **requests.request_columns(made)
        )
        return made

    def _judged(self, row: Row, arguments: Json) -> tuple[Judged, Facts]:
        """The edited call with its decision; it demands at least what the request that it replaces demanded."""
        view = parse(row["shown"])
        call = ToolCall(
            row["server"],
            row["tool"],
            readable(arguments),
            Principal(row["agent"], row["person"], row["session"]),
            self._definition(row, view),
            row["def_fp"],
            server_trusted=self._is_trusted(row["server"]),
            prompt=view["prompt"],
            justification=view["justification"],
            client=view["client"],
            other_params=readable(view["params"]),
        )
        place = view["place"]
        judged, facts = self._judge.judged_edit(
            call,
            arguments,
            view["params"],
            cwd=place["cwd"],
            roots=tuple(place["roots"]),
            carried=_about_secrets(view["findings"], arguments),
        )
        demands = strictest(judged.decision.obligations, [_terms(parse(row["requirement"]))])
        return replace(judged, decision=replace(judged.decision, obligations=demands)), facts

    def _definition(self, row: Row, view: Mapping[str, Json]) -> ToolDefinition | None:
        pin = self._pins.of(row["server"]).get(row["tool"])
        if pin is not None and pin.fingerprint == row["def_fp"]:
            return pin.definition
        told = view["definition"]
        return ToolDefinition(row["tool"], told["description"], told["input_schema"]) if told else None

    def _is_trusted(self, server: str) -> bool:
        declared = self._config.servers.get(server)
        return declared is not None and declared.trusted


def _over(row: Row | None, request_digest: str) -> tuple[str, str] | None:
    """Why this request can no longer be edited."""
    if row is None or row["state"] != RequestState.PENDING:
        state = row["state"] if row is not None else "gone"
        return RefusalCode.ENDED, f"your change had no effect: the request waits no longer ({state})"
    if row["request_digest"] != request_digest:
        return RefusalCode.DIGEST_MISMATCH, "this is not the request that you were shown; look at it again"
    return None


def _terms(requirement: Mapping[str, Json]) -> Terms:
    plain = Obligations()
    return Terms(
        need=requirement["need"],
        groups=tuple(requirement["groups"]),
        each=tuple(sorted(requirement["each"].items())),
        strength=requirement["strength"],
        separation=requirement["separation"],
        hold=requirement["hold"],
        decide_within=requirement["decide_within"] or plain.decide_within,
        use_within=requirement["use_within"] or plain.use_within,
        justification=requirement["justification"],
    )


def _about_secrets(findings: list[Mapping[str, Json]], arguments: Json) -> tuple[Finding, ...]:
    """What was found in values that are hidden here and stay in the call: judging the edited form cannot see them."""
    found = (shown.finding_from_json(finding) for finding in findings)
    return tuple(finding for finding in found if edits.holds_secret(arguments, finding.pointer))
