"""A call from its judgement to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.guard.conftest import PRINCIPAL, RULES, Clock, asked, call, enrolled
from toolguard.core.approvals import RefusalCode
from toolguard.core.model import Effect, Outcome, OutcomeKind, ToolDefinition
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Rule
from toolguard.errors import StoreError
from toolguard.guard import Guard, Pending, Permit, Refusal, Reviewer, VoteResult
from toolguard.store import audit, records
from toolguard.store.verify import verify

DONE = Outcome(OutcomeKind.SUCCEEDED, "done", 4, "", 1.5)


def vote(guard: Guard, pending: Pending, reviewer: Reviewer, choice: str = "approve", reason: str = "") -> VoteResult:
    view = guard.approvals.show(pending.request_id)
    assert view is not None
    return guard.approvals.vote(
        pending.request_id,
        reviewer,
        choice,  # type: ignore[arg-type]  # the tests name both choices
        request_digest=view.request_digest,
        channel="web",
        strength=2,
        reason=reason,
    )


def kinds(guard: Guard) -> list[str]:
    guard.store.flush()
    return [str(event["kind"]) for event in audit.read(guard.store)]


def refusal(answer: object) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def permit(answer: object) -> Permit:
    assert isinstance(answer, Permit), answer
    return answer


def consistent(guard: Guard) -> bool:
    guard.store.flush()
    report = verify(audit.stream(guard.store), state=records.states(guard.store))
    assert not report.problems, report.problems
    return report.ok


def test_a_safe_call_is_permitted_and_its_decision_is_in_the_log_before_it_runs(guard: Guard) -> None:
    answer = permit(guard.begin(call("read_file")))

    assert answer.dispatched
    assert kinds(guard)[-2:] == ["call.decided", "execution.dispatched"]
    guard.finish(answer, DONE)
    assert kinds(guard)[-1] == "execution.ended"
    assert consistent(guard)


def test_a_call_that_policy_denies_is_refused_without_naming_the_rule_to_the_agent(guard: Guard) -> None:
    answer = refusal(guard.begin(call("never_this")))

    assert answer.code is RefusalCode.POLICY
    assert "NOT executed" in answer.text
    assert "never" not in answer.text
    assert "never" in answer.reasons[0]
    assert kinds(guard)[-1] == "call.decided"


@pytest.mark.guarantee("execution:once")
def test_an_approved_call_runs_exactly_once(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    assert guard.resume(pending) is pending

    assert vote(guard, pending, reviewer).accepted
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)
    guard.finish(answer, DONE)

    again = refusal(guard.resume(pending))
    assert again.code is RefusalCode.ALREADY_CONSUMED
    assert consistent(guard)
    view = guard.approvals.show(pending.request_id)
    assert view is not None
    assert (view.state, view.execution and view.execution["state"]) == ("consumed", "succeeded")


def test_a_denied_call_tells_the_agent_the_reason_and_a_repeat_pages_nobody(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)

    vote(guard, pending, reviewer, "deny", "that is the archive")

    answer = refusal(guard.resume(pending))
    assert answer.code is RefusalCode.DENIED
    assert "that is the archive" in answer.text
    assert refusal(guard.begin(call())).code is RefusalCode.DENIED_RECENTLY
    assert guard.approvals.list() == []


def test_after_ten_minutes_a_denied_call_may_be_asked_about_again(
    guard: Guard, reviewer: Reviewer, clock: Clock
) -> None:
    vote(guard, asked(guard), reviewer, "deny")

    clock.forward(minutes=10, seconds=1)

    assert isinstance(guard.begin(call()), Pending)


@pytest.mark.guarantee("request:ends-in-time")
def test_a_request_that_nobody_answers_expires(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    pending = asked(guard)
    view = guard.approvals.show(pending.request_id)
    assert view is not None

    clock.forward(hours=1)

    late = guard.approvals.vote(
        pending.request_id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2
    )
    assert (late.accepted, late.code) == (False, "expired")
    assert refusal(guard.resume(pending)).code is RefusalCode.EXPIRED
    assert consistent(guard)


@pytest.mark.guarantee("request:ends-in-time")
def test_an_approval_that_is_not_used_in_time_expires(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    clock.forward(minutes=15)

    assert refusal(guard.resume(pending)).code is RefusalCode.EXPIRED


def test_an_identical_call_attaches_to_the_open_request(guard: Guard) -> None:
    first = asked(guard, what="cellar", how="all")
    second = asked(guard, how="all", what="cellar")

    assert (second.request_id, second.code, second.attached) == (first.request_id, first.code, True)
    assert len(guard.approvals.list()) == 1


def test_another_call_makes_another_request(guard: Guard) -> None:
    assert asked(guard, what="cellar").request_id != asked(guard, what="attic").request_id


def test_a_retry_after_the_approval_claims_it_at_once(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    guard.detach(pending)
    vote(guard, pending, reviewer)

    assert permit(guard.begin(call())).request_id == pending.request_id


def test_two_waiters_race_for_one_approval_and_one_wins(guard: Guard, reviewer: Reviewer) -> None:
    first, second = asked(guard), asked(guard)
    vote(guard, first, reviewer)

    answers = [guard.resume(first), guard.resume(second)]

    assert [type(answer) for answer in answers] == [Permit, Refusal]


def test_an_approval_survives_a_restart_of_the_process(
    guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer
) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    guard.close()

    assert permit(guard_with().begin(call())).request_id == pending.request_id


@pytest.mark.guarantee("binding:drift-ends-it")
def test_a_rule_that_changes_after_the_approval_ends_it(
    guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer
) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    stricter = guard_with(*RULES, Rule("now", Effect.DENY, Match(tool=("risky*",))))

    assert refusal(stricter.begin(call())).code is RefusalCode.POLICY
    answer = refusal(stricter.resume(pending))
    assert (answer.code, answer.retry) == (RefusalCode.STALE_POLICY, True)
    assert consistent(stricter)


def test_an_unrelated_rule_ends_nothing(guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    other = guard_with(*RULES, Rule("other", Effect.DENY, Match(tool=("elsewhere",))))

    assert permit(other.begin(call())).request_id == pending.request_id


@pytest.mark.guarantee("binding:drift-ends-it")
def test_a_definition_that_changes_between_approval_and_claim_ends_the_approval(
    guard: Guard, reviewer: Reviewer
) -> None:
    launch = ["server"]
    guard.pin("files", launch, [ToolDefinition("risky_delete", "deletes one thing")], complete=True)
    pin = guard.pinned("files", "risky_delete")
    assert pin is not None
    pinned = replace(call(), definition=pin.definition, definition_fp=pin.fingerprint)
    pending = guard.begin(pinned)
    assert isinstance(pending, Pending)
    vote(guard, pending, reviewer)

    report = guard.pin("files", launch, [ToolDefinition("risky_delete", "deletes everything")], complete=True)

    assert report.changed == ("risky_delete",)
    assert refusal(guard.resume(pending)).code is RefusalCode.STALE_POLICY


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"what": "attic"}},
        {"tool": "risky_other"},
        {"server": "elsewhere"},
        {"principal": replace(PRINCIPAL, session="another")},
        {"principal": replace(PRINCIPAL, person="mallory")},
        {"principal": replace(PRINCIPAL, agent="other")},
        {"other_params": {"task": {"ttl": 1}}},
        {"arguments": {"what": "cellar", "token": "x" * 20}},
    ],
)
@pytest.mark.guarantee("binding:approved-is-what-runs")
def test_each_bound_field_alone_is_enough_to_lose_the_approval(
    guard: Guard, reviewer: Reviewer, change: dict[str, object]
) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)

    swapped = replace(pending, call=replace(pending.call, **change))  # type: ignore[arg-type]  # one field each

    assert refusal(guard.resume(swapped)).code is RefusalCode.DIGEST_MISMATCH


@pytest.mark.guarantee("binding:secrets-count")
def test_two_secrets_cannot_be_swapped_after_the_approval(guard: Guard, reviewer: Reviewer) -> None:
    first = {"what": "cellar", "password": "correct horse battery"}
    pending = asked(guard, **first)
    vote(guard, pending, reviewer)

    swapped = replace(pending, call=replace(pending.call, arguments={**first, "password": "another horse battery"}))

    assert refusal(guard.resume(swapped)).code is RefusalCode.DIGEST_MISMATCH


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE approval_request SET state = 'approved', ver = ver + 1, use_by = '2099-01-01T00:00:00.000Z'",
        "UPDATE approval_request SET shown = replace(shown, 'cellar', 'attic!')",
        "UPDATE approval_request SET requirement = replace(requirement, '\"need\":1', '\"need\":0')",
        "DELETE FROM vote",
        "UPDATE vote SET choice = 'deny'",
        "UPDATE vote SET vote_digest = request_digest",
        "UPDATE reviewer SET enabled = 0",
    ],
)
@pytest.mark.guarantee("binding:approved-is-what-runs")
def test_an_approval_that_was_written_into_the_database_does_not_run(
    guard: Guard, reviewer: Reviewer, tampering: str
) -> None:
    pending = asked(guard)
    if not tampering.startswith("UPDATE approval_request SET state"):
        vote(guard, pending, reviewer)
    with guard.store.write(full=True) as tx:
        tx.execute(tampering)

    assert refusal(guard.resume(pending)).code is RefusalCode.DIGEST_MISMATCH


@pytest.mark.guarantee("execution:unknown-is-settled-by-people")
def test_a_call_whose_process_died_after_dispatch_may_have_happened_until_a_person_settles_it(
    guard: Guard, reviewer: Reviewer
) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE execution SET owner = json_set(owner, '$[3]', 'before')")  # nobody's

    guard.tend()

    again = refusal(guard.begin(call()))
    assert again.code is RefusalCode.MAY_HAVE_HAPPENED
    assert not guard.approvals.settle(answer.execution_id, reviewer, done=False, note=" ", channel="web").accepted
    assert guard.approvals.settle(answer.execution_id, reviewer, done=False, note="looked", channel="web").accepted
    assert isinstance(guard.begin(call()), Pending)
    assert consistent(guard)


def test_a_call_whose_process_died_before_dispatch_has_not_run(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    permit(guard.resume(pending))
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE execution SET owner = json_set(owner, '$[3]', 'before')")

    guard.tend()

    view = guard.approvals.show(pending.request_id)
    assert view is not None
    assert view.execution
    assert view.execution["state"] == "not_run"
    assert isinstance(guard.begin(call()), Pending)


def test_the_twenty_first_open_request_of_one_principal_is_refused(guard: Guard) -> None:
    for number in range(20):
        asked(guard, number=number)

    assert refusal(guard.begin(call(number=20))).code is RefusalCode.TOO_MANY_PENDING


@pytest.mark.guarantee("audit:no-log-no-call")
def test_when_the_log_cannot_be_written_no_call_runs(guard: Guard) -> None:
    with guard.store.write(full=True) as tx:
        tx.execute("DROP TABLE audit_body")

    answer = refusal(guard.begin(call("read_file")))

    assert answer.code is RefusalCode.LOG_UNAVAILABLE
    assert "doctor" in answer.text


@pytest.mark.parametrize("tool", ["read_file", "risky_delete", "never_this"])
@pytest.mark.guarantee("audit:no-decision-without-event")
def test_no_decision_without_its_event(guard: Guard, tool: str) -> None:
    with guard.store.write(full=True) as tx:
        tx.execute("CREATE TRIGGER fault BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'disk full'); END")

    assert refusal(guard.begin(call(tool))).code is RefusalCode.LOG_UNAVAILABLE
    for table in ("call", "approval_request", "execution"):
        assert guard.store.read(f'SELECT * FROM "{table}"') == []


@pytest.mark.guarantee("audit:no-decision-without-event")
def test_a_vote_whose_event_cannot_be_written_does_not_count(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    with guard.store.write(full=True) as tx:
        tx.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON audit_event WHEN NEW.kind = 'approval.approved' "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )

    with pytest.raises(StoreError):
        vote(guard, pending, reviewer)

    assert guard.store.read("SELECT * FROM vote") == []
    assert guard.resume(pending) is pending


def test_a_permit_that_cannot_be_recorded_as_dispatched_must_not_be_sent(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)

    with pytest.raises(StoreError):
        guard.dispatch(answer)


@pytest.mark.guarantee("redact:nothing-stored")
def test_secrets_never_reach_the_folder_of_the_database(guard: Guard, reviewer: Reviewer) -> None:
    secret = "ghp_" + "Zx81Qm" * 6
    pending = asked(guard, what="cellar", command=f"curl -H 'Authorization: Bearer {secret}' https://example.com")
    vote(guard, pending, reviewer)
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)
    guard.finish(answer, Outcome(OutcomeKind.FAILED, f"token {secret} refused", 40, f"bad {secret}", 2.0))
    guard.asked(PRINCIPAL, f"use {secret}")
    address = f"https://user:{secret}@example.com/x"
    second = guard.begin(call("risky_fetch", url=address, path=f"/srv/{secret}"))
    assert isinstance(second, Pending)
    vote(guard, second, reviewer)
    allowed = permit(guard.resume(second))
    guard.dispatch(allowed)
    guard.finish(allowed, Outcome(OutcomeKind.SUCCEEDED, f"see {address}", 40, "", 2.0))
    guard.close()

    for file in guard.config.home.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_the_first_listing_of_a_server_is_trusted_over_all_its_pages(guard: Guard) -> None:
    first = guard.pin("files", ["s"], [ToolDefinition("one")], complete=False)
    second = guard.pin("files", ["s"], [ToolDefinition("two")], complete=True)
    later = guard.pin(
        "files", ["s"], [ToolDefinition("one"), ToolDefinition("two"), ToolDefinition("three")], complete=True
    )

    assert (first.added, second.added, later.added) == ((), (), ("three",))
    pin = guard.pinned("files", "three")
    assert pin is not None
    assert pin.change == "added"


def test_a_tool_that_policy_denies_whatever_its_arguments_is_withheld_from_listings(guard: Guard) -> None:
    report = guard.pin("files", ["s"], [ToolDefinition("never_this"), ToolDefinition("risky_delete")], complete=True)

    assert report.withheld == ("never_this",)


def test_a_tool_that_another_server_offers_under_the_same_name_is_a_finding(guard: Guard) -> None:
    guard.pin("files", ["s"], [ToolDefinition("risky_delete")], complete=True)
    alone = asked(guard, what="cellar").decision.findings
    guard.pin("evil", ["e"], [ToolDefinition("risky_delete")], complete=True)

    shadowed = asked(guard, what="attic").decision.findings

    assert "definition.shadows" not in [finding.id for finding in alone]
    assert "definition.shadows" in [finding.id for finding in shadowed]


def test_the_page_says_when_an_identical_call_was_approved_before(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    vote(guard, pending, reviewer)
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)
    guard.finish(answer, DONE)

    again = guard.approvals.show(asked(guard).request_id)

    assert again is not None
    assert "approved before: succeeded" in again.shown["earlier"]


@pytest.mark.guarantee("vote:not-by-the-owner")
def test_under_owner_separation_nobody_approves_a_call_of_their_own_agent(
    guard_with: Callable[..., Guard],
) -> None:
    from toolguard.core.policy.terms import Terms

    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(separation="owner")))
    owner, second_name = enrolled(guard, "ops", person="alice"), enrolled(guard, "Alice")
    pending = asked(guard)

    for reviewer in (owner, second_name):
        result = vote(guard, pending, reviewer)
        assert (result.accepted, result.code) == (False, "self_vote")
    assert vote(guard, pending, enrolled(guard, "bob")).accepted
    assert kinds(guard).count("vote.refused") == 2


@pytest.mark.guarantee("vote:not-by-the-owner")
def test_under_agent_separation_such_a_vote_is_marked_self_attested(guard: Guard) -> None:
    pending = asked(guard)

    result = vote(guard, pending, enrolled(guard, "alice", person="alice"))

    assert result.accepted
    assert result.request is not None
    assert result.request.votes[0]["self_attested"] is True
