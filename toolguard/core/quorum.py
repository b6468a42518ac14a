"""When enough distinct people have said yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any


def reached(requirement: Mapping[str, Any], approvers: Sequence[Set[str]]) -> bool:
    """Whether these approvers (each one person, given as the set of their groups) fill the requirement.

    `each: {dba: 1, security: 1}` is filled by bipartite matching: filling greedily fails when Alice is in both
    groups and Bob in one, and counting a person in two groups twice is how peers let one person be a quorum.
    """
    each: Mapping[str, int] = requirement.get("each") or {}
    groups = set(requirement.get("groups") or ())
    eligible = [person for person in approvers if not groups or person & groups or (each and person & each.keys())]
    if len(eligible) < int(requirement.get("need", 1)):
        return False
    seats = [group for group, count in each.items() for _ in range(count)]
    return _matching(seats, eligible) == len(seats)


def _matching(seats: Sequence[str], people: Sequence[Set[str]]) -> int:
    """Size of a maximum matching (Kuhn's algorithm)."""
    holder: dict[int, int] = {}

    def seat_found(seat: int, tried: set[int]) -> bool:
        for person, groups in enumerate(people):
            if seats[seat] in groups and person not in tried:
                tried.add(person)
                if person not in holder or seat_found(holder[person], tried):
                    holder[person] = seat
                    return True
        return False

    return sum(seat_found(seat, set()) for seat in range(len(seats)))
