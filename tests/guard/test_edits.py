"""A reviewer changes arguments before anybody approves: judged again, bound anew, and only that may run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.guard.conftest import Clock, asked, call, enrolled
from tests.guard.test_guard import DONE, consistent, permit, refusal, vote
from tests.made_up import example
from toolguard.config import ApprovalSettings
from toolguard.core.approvals import RefusalCode
from toolguard.core.model import Effect, Outcome, OutcomeKind
from toolguard.core.policy.matching import ArgumentTest, Match
from toolguard.core.policy.policy import Rule
from toolguard.core.policy.terms import Terms
from toolguard.core.secrets.formats import FORMATS
from toolguard.guard import Guard, Pending, RequestView, Reviewer
from toolguard.guard.edits import EditResult
from toolguard.store import audit

SECRET = example(next(one for one in FORMATS if one.id == "github-token"))


def edit(guard: Guard, pending: Pending | RequestView, reviewer: Reviewer, **changes: Any) -> EditResult:
    view = guard.approvals.show(pending.request_id if isinstance(pending, Pending) else pending.id)
    assert view is not None
    arguments = {name: value for name, value in {**view.arguments, **changes}.items() if value != "gone"}
    return guard.edits.edit(view.id, reviewer, arguments, request_digest=view.request_digest, channel="web")


def edited(guard: Guard, pending: Pending | RequestView, reviewer: Reviewer, **changes: Any) -> RequestView:
    result = edit(guard, pending, reviewer, **changes)
    assert result.accepted, result.text
    assert result.request is not None
    return result.request


def approve(guard: Guard, view: RequestView, reviewer: Reviewer) -> bool:
    digest = view.request_digest
    return guard.approvals.vote(view.id, reviewer, "approve", request_digest=digest, channel="web", strength=2).accepted


@pytest.mark.guarantee("binding:approved-is-what-runs")
@pytest.mark.guarantee("edit:judged-and-voted-anew")
def test_what_a_reviewer_made_of_the_call_is_what_runs_once_and_the_agent_is_told(
    guard: Guard, reviewer: Reviewer
) -> None:
    pending = asked(guard, what="cellar", how="all")

    view = edited(guard, pending, reviewer, what="attic")
    assert guard.resume(pending) is pending
    assert approve(guard, view, reviewer)
    answer = permit(guard.resume(pending))

    assert answer.call.arguments == {"what": "attic", "how": "all"}
    assert answer.asked is not None
    assert answer.asked.arguments == {"what": "cellar", "how": "all"}
    assert '"what":"attic"' in answer.note
    guard.dispatch(answer)
    guard.finish(answer, DONE)
    assert refusal(guard.resume(pending)).code is RefusalCode.ALREADY_CONSUMED
    assert consistent(guard)


def test_an_edit_is_a_request_of_its_own_with_the_old_one_ended(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    old = guard.approvals.show(pending.request_id)
    assert old is not None

    view = edited(guard, pending, reviewer, what="attic")

    assert (view.state, view.votes) == ("pending", ())
    assert view.request_digest != old.request_digest
    assert view.code != old.code
    assert view.edited is not None
    assert (view.edited.asked, view.edited.by) == ({"what": "cellar"}, ("bob",))
    ended = guard.approvals.show(pending.request_id)
    assert ended is not None
    assert (ended.state, ended.edited_to) == ("cancelled", view.id)
    assert not vote(guard, pending, reviewer).accepted
    assert [request.id for request in guard.approvals.list()] == [view.id]


@pytest.mark.guarantee("edit:judged-and-voted-anew")
def test_votes_for_the_call_as_it_was_do_not_count_for_the_call_as_it_is(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(need=2)))
    bob, carol = enrolled(guard, "bob"), enrolled(guard, "carol")
    pending = asked(guard)
    vote(guard, pending, bob)

    view = edited(guard, pending, carol, what="attic")
    assert approve(guard, view, carol)
    assert guard.resume(pending) is pending

    assert approve(guard, view, bob)
    assert permit(guard.resume(pending)).call.arguments == {"what": "attic"}


def test_a_retry_of_the_agents_own_call_runs_the_edited_one(guard: Guard, reviewer: Reviewer) -> None:
    guard.detach(pending := asked(guard))
    view = edited(guard, pending, reviewer, what="attic")
    approve(guard, view, reviewer)

    answer = permit(guard.begin(call()))

    assert answer.call.arguments == {"what": "attic"}
    assert answer.request_id == view.id
    guard.dispatch(answer)
    guard.finish(answer, DONE)
    assert isinstance(guard.begin(call()), Pending)  # asked anew: an approval runs once
    assert consistent(guard)


def test_the_edited_call_asked_for_by_the_agent_itself_is_another_request(guard: Guard, reviewer: Reviewer) -> None:
    view = edited(guard, asked(guard), reviewer, what="attic")
    own = asked(guard, what="attic")

    approve(guard, view, reviewer)

    assert own.request_id != view.id
    assert guard.resume(own) is own


@pytest.mark.guarantee("edit:judged-and-voted-anew")
def test_an_edit_that_the_policy_denies_changes_nothing(guard_with: Callable[..., Guard]) -> None:
    deny = Rule("not-the-attic", Effect.DENY, Match(arguments=(ArgumentTest("/what", one_of=("attic",)),)))
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",))), deny)
    bob = enrolled(guard, "bob")
    pending = asked(guard)

    result = edit(guard, pending, bob, what="attic")

    assert (result.accepted, result.code) == (False, "denied_by_policy")
    assert "not-the-attic" in result.text
    assert vote(guard, pending, bob).accepted
    refused = audit.read(guard.store, kind="vote.refused")[0]["body"]
    assert (refused["choice"], refused["code"]) == ("edit", "denied_by_policy")


def test_an_edit_demands_what_its_own_rules_and_the_old_request_demand(guard_with: Callable[..., Guard]) -> None:
    strict = Rule(
        "attic", Effect.ASK, Match(arguments=(ArgumentTest("/what", one_of=("attic",)),)), terms=Terms(strength=3)
    )
    guard = guard_with(Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(need=2)), strict)
    bob = enrolled(guard, "bob")

    view = edited(guard, asked(guard), bob, what="attic")

    assert (view.requirement["need"], view.requirement["strength"]) == (2, 3)
    back = edited(guard, view, bob, what="cellar too")
    assert (back.requirement["need"], back.requirement["strength"]) == (2, 3)


def test_an_edit_that_would_be_allowed_still_waits_for_the_person_who_was_asked(
    guard_with: Callable[..., Guard],
) -> None:
    guard = guard_with(Rule("cellar", Effect.ASK, Match(arguments=(ArgumentTest("/what", one_of=("cellar",)),))))
    bob = enrolled(guard, "bob")
    pending = asked(guard)

    view = edited(guard, pending, bob, what="attic")

    assert guard.resume(pending) is pending
    approve(guard, view, bob)
    assert permit(guard.resume(pending)).call.arguments == {"what": "attic"}


def test_a_worse_edit_shows_its_own_score(guard: Guard, reviewer: Reviewer) -> None:
    pending = guard.begin(replace(call("risky_shell"), arguments={"command": "rm notes.txt"}))
    assert isinstance(pending, Pending)
    before = guard.approvals.show(pending.request_id)

    view = edited(guard, pending, reviewer, command="rm -rf /srv/data")

    assert before is not None
    assert view.score > before.score
    approve(guard, view, reviewer)
    assert permit(guard.resume(pending)).call.arguments == {"command": "rm -rf /srv/data"}


@pytest.mark.guarantee("redact:nothing-stored")
def test_a_secret_of_the_call_goes_out_with_the_edit_and_stands_nowhere_else(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard, what="cellar", token=SECRET, header=f"Bearer {SECRET} as given")

    view = edited(guard, pending, reviewer, what="attic")
    approve(guard, view, reviewer)
    answer = permit(guard.resume(pending))

    assert answer.call.arguments == {"what": "attic", "token": SECRET, "header": f"Bearer {SECRET} as given"}
    assert SECRET not in answer.note
    guard.store.flush()
    assert all(SECRET not in str(row) for table in ("audit_body", "approval_request", "vote") for row in
               map(tuple, guard.store.read(f"SELECT * FROM {table}")))  # fmt: skip


def test_another_secret_in_the_same_place_is_another_call(guard: Guard, reviewer: Reviewer) -> None:
    other = example(next(one for one in FORMATS if one.id == "github-token"), 1)
    pending = asked(guard, what="cellar", token=SECRET)
    approve(guard, edited(guard, pending, reviewer, what="attic"), reviewer)

    answer = guard.resume(replace(pending, call=replace(pending.call, arguments={"what": "cellar", "token": other})))

    assert refusal(answer).code is RefusalCode.DIGEST_MISMATCH


def test_an_edit_of_an_edit_remembers_what_the_agent_asked_for(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    carol = enrolled(guard, "carol")

    last = edited(guard, edited(guard, pending, reviewer, what="attic"), carol, what="roof")

    assert last.edited is not None
    assert (last.edited.asked, last.edited.by) == ({"what": "cellar"}, ("bob", "carol"))
    approve(guard, last, reviewer)
    assert permit(guard.resume(pending)).call.arguments == {"what": "roof"}
    assert consistent(guard)


def test_the_log_shows_the_arguments_before_and_after(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    view = edited(guard, pending, reviewer, what="attic")

    event = audit.read(guard.store, kind="approval.edited")[0]

    assert (event["reviewer"], event["request_id"]) == ("bob", view.id)
    assert event["body"]["from"] == pending.request_id
    assert (event["body"]["before"], event["body"]["after"]) == ({"what": "cellar"}, {"what": "attic"})
    assert consistent(guard)


LATE: dict[str, Callable[[Guard, Pending, Reviewer], object]] = {
    "approved": vote,
    "denied": lambda guard, pending, reviewer: vote(guard, pending, reviewer, "deny"),
    "cancelled": lambda guard, pending, reviewer: guard.cancel(pending),
    "edited": lambda guard, pending, reviewer: edit(guard, pending, reviewer, what="attic"),
}


@pytest.mark.parametrize("happened", LATE)
def test_what_no_longer_waits_cannot_be_edited(guard: Guard, reviewer: Reviewer, happened: str) -> None:
    pending = asked(guard)
    LATE[happened](guard, pending, reviewer)

    result = edit(guard, pending, reviewer, what="roof")

    assert (result.accepted, result.code) == (False, "ended")


def test_an_edit_answers_the_request_that_was_shown(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)

    result = guard.edits.edit(pending.request_id, reviewer, {"what": "x"}, request_digest="0" * 64, channel="web")

    assert result.code == "digest_mismatch"


def test_under_owner_separation_who_changed_the_arguments_does_not_approve_them(
    guard_with: Callable[..., Guard],
) -> None:
    rule = Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(separation="owner"))
    guard = guard_with(rule, approvals=ApprovalSettings(separation="owner"))
    bob, carol = enrolled(guard, "bob"), enrolled(guard, "carol")
    view = edited(guard, asked(guard), bob, what="attic")

    assert not approve(guard, view, bob)
    assert approve(guard, view, carol)


def test_after_a_denied_edit_a_repeat_of_the_agents_call_pages_nobody(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    view = edited(guard, pending, reviewer, what="attic")
    guard.approvals.vote(view.id, reviewer, "deny", request_digest=view.request_digest, channel="web", strength=2)

    assert refusal(guard.resume(pending)).code is RefusalCode.DENIED
    assert refusal(guard.begin(call())).code is RefusalCode.DENIED_RECENTLY


def test_after_an_edited_call_of_unknown_end_a_repeat_waits_for_a_person(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    approve(guard, edited(guard, pending, reviewer, what="attic"), reviewer)
    answer = permit(guard.resume(pending))
    guard.dispatch(answer)
    guard.finish(answer, Outcome(OutcomeKind.UNKNOWN))

    assert refusal(guard.begin(call())).code is RefusalCode.MAY_HAVE_HAPPENED


def test_the_agent_can_take_an_edited_call_back(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    view = edited(guard, pending, reviewer, what="attic")

    guard.cancel(pending, "not needed")

    assert not approve(guard, view, reviewer)
    assert refusal(guard.resume(pending)).code is RefusalCode.CANCELLED


def test_an_edited_request_expires_like_any_other(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    pending = asked(guard)
    edited(guard, pending, reviewer, what="attic")
    clock.forward(hours=2)

    assert refusal(guard.resume(pending)).code is RefusalCode.EXPIRED


def test_edited_arguments_that_somebody_changed_in_the_database_do_not_run(guard: Guard, reviewer: Reviewer) -> None:
    pending = asked(guard)
    view = edited(guard, pending, reviewer, what="attic")
    approve(guard, view, reviewer)
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE approval_request SET shown = replace(shown, 'attic', 'roof!')")

    assert refusal(guard.resume(pending)).code is RefusalCode.DIGEST_MISMATCH


@pytest.mark.guarantee("execution:once")
def test_an_edit_and_an_approval_that_race_never_both_count(guard_with: Callable[..., Guard]) -> None:
    editing, voting = guard_with(), guard_with()
    bob = enrolled(editing, "bob")
    won: list[str] = []

    for number in range(12):
        pending = asked(voting, what=f"room {number}")
        view = voting.approvals.show(pending.request_id)
        assert view is not None
        start, results = threading.Barrier(2), dict[str, bool]()

        def edits(view: RequestView = view, start: threading.Barrier = start, into: dict[str, bool] = results) -> None:
            start.wait()
            into["edit"] = edit(editing, view, bob, how="gently").accepted

        def votes(view: RequestView = view, start: threading.Barrier = start, into: dict[str, bool] = results) -> None:
            start.wait()
            into["vote"] = approve(voting, view, bob)

        threads = [threading.Thread(target=one) for one in (edits, votes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert results["edit"] != results["vote"]
        answer = voting.resume(pending)
        assert isinstance(answer, Pending) == results["edit"]
        won += [name for name, counted in results.items() if counted]
        voting.cancel(pending)

    assert len(won) == 12
    assert consistent(voting)
