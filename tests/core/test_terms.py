"""Terms of several rules: together never weaker than any of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.model import Obligations
from toolguard.core.policy.terms import Terms, strictest

BASE = Obligations()


@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        ([], BASE),
        ([Terms()], BASE),
        ([Terms(need=2), Terms(need=3)], Obligations(need=3)),
        ([Terms(strength=1), Terms(strength=4)], Obligations(strength=4)),
        ([Terms(separation="owner"), Terms(separation="agent")], Obligations(separation="owner")),
        ([Terms(decide_within=60), Terms(decide_within=7200)], Obligations(decide_within=60)),
        ([Terms(use_within=10)], Obligations(use_within=10)),
        ([Terms(hold=5.0), Terms(hold=2.0)], Obligations(hold=2.0)),
        ([Terms(justification=True), Terms()], Obligations(justification=True)),
        ([Terms(groups=("dba",)), Terms(need=2)], Obligations(need=2, groups=("dba",))),
        ([Terms(groups=("dba", "ops")), Terms(groups=("ops", "sec"))], Obligations(groups=("ops",))),
        # No group satisfies both rules, so both groups must approve.
        ([Terms(groups=("dba",)), Terms(groups=("sec",))], Obligations(need=2, each=(("dba", 1), ("sec", 1)))),
        ([Terms(each=(("dba", 1), ("sec", 2)))], Obligations(need=3, each=(("dba", 1), ("sec", 2)))),
        (
            [Terms(need=2, groups=("ops",)), Terms(each=(("dba", 1),))],
            Obligations(need=3, each=(("dba", 1), ("ops", 2))),
        ),
    ],
)
def test_terms_add_up(voices: list[Terms], expected: Obligations) -> None:
    assert strictest(BASE, voices) == expected


terms = st.builds(
    Terms,
    need=st.none() | st.integers(1, 5),
    groups=st.sampled_from([(), ("dba",), ("sec",), ("dba", "ops")]),
    strength=st.none() | st.integers(0, 4),
    separation=st.sampled_from([None, "agent", "owner"]),
    decide_within=st.none() | st.integers(1, 9999),
    use_within=st.none() | st.integers(1, 9999),
    justification=st.booleans(),
    in_client=st.none() | st.booleans(),
)


@given(st.lists(terms, max_size=4), terms)
def test_together_they_are_never_weaker_than_one_alone(others: list[Terms], one: Terms) -> None:
    together = strictest(BASE, [*others, one])

    assert together.need >= (one.need or 1)
    assert together.strength >= (one.strength or 0)
    assert together.separation == "owner" or one.separation != "owner"
    assert together.decide_within <= (one.decide_within or BASE.decide_within)
    assert together.use_within <= (one.use_within or BASE.use_within)
    assert together.justification or not one.justification
    assert one.in_client or not together.in_client
    if one.groups:  # either the voters are all of one's groups, or one's groups must each give their number
        whole = set(together.groups) <= set(one.groups) and together.groups
        assert whole or all(dict(together.each).get(g, 0) >= (one.need or 1) for g in one.groups)


@pytest.mark.parametrize(
    ("base", "voices", "is_open"),
    [
        (False, [], False),
        (True, [], False),
        (False, [None], False),
        (True, [None], True),
        (False, [True], True),
        (False, [True, True], True),
        (False, [True, None], False),
        (True, [True, None], True),
        (True, [None, False], False),
        (True, [True, False], False),
    ],
)
def test_the_client_is_asked_only_where_every_voice_agrees(
    base: bool, voices: list[bool | None], is_open: bool
) -> None:
    terms = [Terms(in_client=voice) for voice in voices]

    assert strictest(replace(BASE, in_client=base), terms).in_client == is_open
