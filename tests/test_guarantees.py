"""Every promise has a test, every mark a promise, and the README says exactly these promises."""

from __future__ import annotations

from tests.guarantees import BEGIN, END, GUARANTEES, INVARIANTS, README, marks, rendered


def test_every_promise_has_a_test() -> None:
    held = {mark.guarantee for mark in marks()}

    assert sorted(set(GUARANTEES) - held) == []


def test_every_mark_names_a_promise() -> None:
    unknown = [f"{mark.file}:{mark.line}: {mark.guarantee}" for mark in marks() if mark.guarantee not in GUARANTEES]

    assert unknown == []


def test_each_of_the_ten_invariants_is_held_by_promises() -> None:
    assert list(INVARIANTS) == [str(number) for number in range(1, 11)]
    assert all(promises and set(promises) <= set(GUARANTEES) for _, promises in INVARIANTS.values())


def test_the_readme_says_these_promises_and_names_their_tests() -> None:
    text = README.read_text(encoding="utf-8")

    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    assert rendered(text) == text, "run `python -m tests.guarantees`"
