"""Standing approvals: what they cover and what they do not, how they are counted and how they end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.guard.conftest import PRINCIPAL, RULES, Clock, call, enrolled
from tests.guard.test_guard import DONE, consistent, permit, refusal
from toolguard.core.grants import Kind, Loosened, Predicate, offers
from toolguard.core.model import Effect, ToolCall, ToolDefinition
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import GrantChoice, Guard, Pending, Permit, Reviewer, VoteResult

NOTE = {"path": "/srv/data/notes/a.txt", "content": "hello"}


def note(**changes: object) -> ToolCall:
    return ToolCall("files", "risky_write", {**NOTE, **changes}, PRINCIPAL)


def allow(guard: Guard, reviewer: Reviewer, choice: GrantChoice, first: ToolCall | None = None) -> VoteResult:
    """Ask for a call, approve it with a grant, and let it run."""
    pending = guard.begin(first or note())
    assert isinstance(pending, Pending)
    view = guard.approvals.show(pending.request_id)
    assert view is not None
    result = guard.approvals.vote(
        view.id,
        reviewer,
        "approve",
        request_digest=view.request_digest,
        channel="web",
        strength=2,
        grant=choice,
    )
    if result.accepted:
        run(guard, guard.resume(pending))
    return result


def run(guard: Guard, answer: object) -> None:
    permitted = permit(answer)
    guard.dispatch(permitted)
    guard.finish(permitted, DONE)


WIDE = GrantChoice(("/path", "/content"), uses=3)


def test_a_granted_call_runs_without_asking_and_says_under_which_grant(guard: Guard, reviewer: Reviewer) -> None:
    assert allow(guard, reviewer, WIDE).accepted

    answer = permit(guard.begin(note(path="/srv/data/notes/b.txt", content="other")))

    assert answer.grant_id == guard.grants.list()[0].id
    guard.finish(answer, DONE)
    assert consistent(guard)


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({"path": "/srv/data/notes/b.txt"}, True),
        ({"path": "/srv/data/notes/deeper/b.txt"}, True),
        ({"content": "anything at all"}, True),
        ({"path": "/srv/data/notes2/b.txt"}, False),
        ({"path": "/srv/data/notes/../secret"}, False),
        ({"path": "/srv/data/b.txt"}, False),
        ({"path": "notes/b.txt"}, False),
        ({"path": ["/srv/data/notes/b.txt"]}, False),
        ({"content": 7}, False),
        ({"mode": "0777"}, False),
    ],
)
def test_a_grant_covers_what_its_sentence_says_and_nothing_else(
    guard: Guard, reviewer: Reviewer, changes: dict[str, object], covered: bool
) -> None:
    allow(guard, reviewer, WIDE)

    assert isinstance(guard.begin(note(**changes)), Permit) is covered


def test_a_narrower_choice_keeps_the_rest_exactly_as_approved(guard: Guard, reviewer: Reviewer) -> None:
    allow(guard, reviewer, GrantChoice(("/content",)))

    assert isinstance(guard.begin(note(content="other")), Permit)
    assert isinstance(guard.begin(note(path="/srv/data/notes/b.txt")), Pending)


def test_uses_are_counted_and_the_next_call_asks_again(guard: Guard, reviewer: Reviewer) -> None:
    allow(guard, reviewer, WIDE)
    for number in range(3):
        guard.finish(permit(guard.begin(note(content=str(number)))), DONE)

    assert isinstance(guard.begin(note(content="one more")), Pending)
    assert guard.grants.list() == []
    assert consistent(guard)


def test_a_grant_expires(guard: Guard, reviewer: Reviewer, clock: Clock) -> None:
    allow(guard, reviewer, GrantChoice(("/content",), uses=10, seconds=600))

    clock.forward(seconds=600)

    assert isinstance(guard.begin(note(content="late")), Pending)


def test_a_revoked_grant_ends_at_once(guard: Guard, reviewer: Reviewer) -> None:
    allow(guard, reviewer, WIDE)
    granted = guard.grants.list()[0]

    assert guard.grants.revoke(granted.id, reviewer, "cli") is not None
    assert guard.grants.revoke(granted.id, reviewer, "cli") is None

    assert isinstance(guard.begin(note(content="late")), Pending)
    assert consistent(guard)


def test_a_changed_definition_ends_the_grants_of_its_tool(guard: Guard, reviewer: Reviewer) -> None:
    guard.pin("files", ["s"], [ToolDefinition("risky_write", "writes")], complete=True)
    allow(guard, reviewer, WIDE)

    guard.pin("files", ["s"], [ToolDefinition("risky_write", "writes elsewhere")], complete=True)

    assert guard.grants.list() == []


def test_a_grant_never_lifts_a_denial(guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer) -> None:
    allow(guard, reviewer, WIDE)

    stricter = guard_with(*RULES, Rule("not now", Effect.DENY, Match(tool=("risky_write",))))

    refusal(stricter.begin(note(content="x")))


def test_another_rule_than_the_one_that_was_answered_asks_again(
    guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer
) -> None:
    allow(guard, reviewer, WIDE)

    other = guard_with(*RULES, Rule("also", Effect.ASK, Match(tool=("risky_write",))))

    assert isinstance(other.begin(note(content="x")), Pending)


@pytest.mark.parametrize(
    "choice",
    [
        GrantChoice(("/nowhere",)),
        GrantChoice(("/path", "/nowhere")),
        GrantChoice(("/content",), uses=0),
        GrantChoice(("/content",), uses=101),
        GrantChoice(("/content",), seconds=0),
        GrantChoice(("/content",), seconds=8 * 3600 + 1),
    ],
)
def test_a_grant_that_was_not_offered_is_refused_and_the_call_stays_pending(
    guard: Guard, reviewer: Reviewer, choice: GrantChoice
) -> None:
    result = allow(guard, reviewer, choice)

    assert not result.accepted
    assert result.request is not None
    assert result.request.state == "pending"


def test_what_needs_two_people_is_never_granted(guard_with: Callable[..., Guard]) -> None:
    guard = guard_with(Rule("two", Effect.ASK, Match(tool=("risky*",)), terms=Terms(need=2)))

    assert not allow(guard, enrolled(guard, "bob"), WIDE).accepted


def test_a_vote_without_a_grant_cannot_be_turned_into_one_with_it(guard: Guard, reviewer: Reviewer) -> None:
    pending = guard.begin(note())
    assert isinstance(pending, Pending)
    view = guard.approvals.show(pending.request_id)
    assert view is not None
    guard.approvals.vote(
        view.id, reviewer, "approve", request_digest=view.request_digest, channel="web", strength=2, grant=WIDE
    )
    with guard.store.write(full=True) as tx:
        tx.execute("UPDATE vote SET grant_terms = NULL")

    refusal(guard.resume(pending))


def test_parallel_uses_never_exceed_the_count(
    guard: Guard, guard_with: Callable[..., Guard], reviewer: Reviewer
) -> None:
    allow(guard, reviewer, WIDE)
    guards = [guard, guard_with(), guard_with(), guard_with()]

    answers = [one.begin(note(content=str(number))) for number, one in enumerate(guards)]

    assert sum(isinstance(answer, Permit) for answer in answers) == 3


@pytest.mark.parametrize(
    ("kind", "bound", "inside", "outside"),
    [
        (Kind.UNDER, "/srv/a", ["/srv/a", "/srv/a/b", "/srv/a/./b"], ["/srv/ab", "/srv/a/../b", "srv/a", "", None]),
        (
            Kind.HOST,
            "https://api.example.com",
            ["https://api.example.com/x", "https://API.example.com"],
            [
                "http://api.example.com/",
                "https://api.example.com.evil.org",
                "https://api.example.com@evil.org",
                "https://api.example.com:8443/",
                "api.example.com",
            ],
        ),
        (Kind.ANY, "", ["", "x"], [None, 3, ["x"]]),
    ],
)
def test_each_test_holds_inside_and_nowhere_else(
    kind: Kind, bound: str, inside: list[object], outside: list[object]
) -> None:
    place = Loosened("/x", kind, bound)

    assert all(place.holds(value) for value in inside)
    assert not any(place.holds(value) for value in outside)


def test_commands_and_queries_are_never_offered_for_loosening() -> None:
    found = offers({"command": "ls /srv", "sql": "select 1", "url": "https://example.com/a", "path": "/srv/data/x"})

    assert {place.pointer for place in found} == {"/url", "/path"}


def test_the_sentence_names_every_loosened_place() -> None:
    predicate = Predicate("files", "write", NOTE, (Loosened("/path", Kind.UNDER, "/srv/data/notes"),))

    assert predicate.sentence == (
        "write on files, with `path` anywhere below /srv/data/notes; everything else exactly as here"
    )
    assert Predicate.from_json(predicate.as_json()) == predicate


def test_another_principal_has_no_part_in_a_grant(guard: Guard, reviewer: Reviewer) -> None:
    allow(guard, reviewer, WIDE)
    from dataclasses import replace

    other = replace(note(content="x"), principal=replace(PRINCIPAL, session="other"))

    assert isinstance(guard.begin(other), Pending)
    assert isinstance(guard.begin(call("risky_write")), Pending)
