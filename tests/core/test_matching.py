"""Every question that a rule can ask, as tables; and that a question without an answer is never a no."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.situations import call, finding, situation
from toolguard.core.model import Classification, EffectClass, Json, Reach
from toolguard.core.policy.matching import (
    TEXT,
    VALUES,
    Answer,
    ArgumentTest,
    Match,
    Window,
    is_under,
    matches,
    names_finding,
    select,
)

YES, UNSURE, NO = Answer.YES, Answer.UNSURE, Answer.NO


@pytest.mark.parametrize(
    ("pattern", "text", "path", "expected"),
    [
        ("read", "read", False, YES),
        ("read", "read_file", False, NO),
        ("read*", "read_file", False, YES),
        ("*file", "read_file", False, YES),
        ("re?d", "read", False, YES),
        ("re?d", "red", False, NO),
        ("a.c", "abc", False, NO),
        ("[ab]", "a", False, NO),
        ("*", "", False, YES),
        ("*", "a/b", False, YES),
        ("/srv/*", "/srv/a", True, YES),
        ("/srv/*", "/srv/a/b", True, NO),
        ("/srv/**", "/srv/a/b", True, YES),
        ("/srv/*.txt", "/srv/a.txt\n/etc/passwd", True, NO),
        ("/srv/*", "/srv/line\nbreak", True, YES),
        ("/srv/**", "/srvother/a", True, NO),
        ("*ö*", "schön", False, YES),
        ("*", "half a character \ud800", False, UNSURE),
        ("*", "x" * (TEXT + 1), False, UNSURE),
    ],
)
def test_a_glob_covers_the_whole_text(pattern: str, text: str, path: bool, expected: Answer) -> None:
    assert matches(pattern, text, path=path) is expected


@given(st.text(alphabet="a*?./[\\^$(é", max_size=12), st.text(alphabet="a./[\\^$(é", max_size=12))
def test_a_glob_is_always_an_expression_and_its_letters_mean_themselves(glob: str, text: str) -> None:
    assert matches(glob, text) in (YES, NO)
    assert matches(text, text) is YES


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/srv/data", "/srv/data", True),
        ("/srv/data/a/b", "/srv/data", True),
        ("/srv/data/a", "/srv/data/", True),
        ("/srv/database", "/srv/data", False),
        ("/srv/data/../../etc/passwd", "/srv/data", False),
        ("srv/data/a", "/srv/data", False),
        ("/etc", "/", True),
        ("", "/srv", False),
    ],
)
def test_a_path_is_under_a_folder_only_lexically(path: str, folder: str, expected: bool) -> None:
    assert is_under(path, folder) is expected


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/a", [1]),
        ("/b/c", [[10, 20]]),
        ("/b/c/1", [20]),
        ("/b/c/*", [10, 20]),
        ("/*/c", [[10, 20]]),
        ("/d~1e", ["slash"]),
        ("/f~0g", ["tilde"]),
        ("/b/c/9", []),
        ("/b/c/x", []),
        ("/b/c/-1", []),
        ("/a/b", []),
        ("/none", []),
    ],
)
def test_a_pointer_selects(pointer: str, expected: list[Json]) -> None:
    value = {"a": 1, "b": {"c": [10, 20]}, "d/e": "slash", "f~g": "tilde"}

    assert select(value, pointer) == expected


def test_a_pointer_that_selects_too_much_has_no_answer() -> None:
    assert select({"a": list(range(VALUES + 1))}, "/a/*") is None
    assert ArgumentTest("/a/*", one_of=(1,)).answer({"a": list(range(VALUES + 1))}, every=False) is UNSURE


ARGUMENTS = {
    "path": "/srv/data/a.txt",
    "climb": "/srv/data/../../etc/passwd",
    "paths": ["/srv/a", "/etc/b"],
    "none": [],
    "amount": 50,
    "price": 9.5,
    "words": "50",
    "yes": True,
    "nil": None,
}


@pytest.mark.parametrize(
    ("test", "some", "all_"),
    [
        (ArgumentTest("/path", glob=("/srv/**",)), YES, YES),
        (ArgumentTest("/path", glob=("/etc/**", "/srv/**")), YES, YES),
        (ArgumentTest("/path", glob=("/etc/**",)), NO, NO),
        # As written it matches, resolved it does not: enough to ask, not enough to allow.
        (ArgumentTest("/climb", glob=("/srv/**",)), YES, NO),
        (ArgumentTest("/climb", glob=("/etc/**",)), YES, NO),
        (ArgumentTest("/climb", under=("/srv/data",)), NO, NO),
        (ArgumentTest("/climb", under=("/etc",)), YES, NO),
        (ArgumentTest("/path", under=("/srv/data",)), YES, YES),
        (ArgumentTest("/paths/*", under=("/srv",)), YES, NO),
        (ArgumentTest("/none/*", under=("/srv",)), NO, NO),
        (ArgumentTest("/missing", under=("/srv",)), NO, NO),
        (ArgumentTest("/paths", glob=("/srv/**",)), UNSURE, UNSURE),
        (ArgumentTest("/path", re2=r"\.txt$"), YES, YES),
        (ArgumentTest("/path", re2=r"^a"), NO, NO),
        (ArgumentTest("/amount", re2="5"), UNSURE, UNSURE),
        (ArgumentTest("/amount", most=100), YES, YES),
        (ArgumentTest("/amount", most=49.9), NO, NO),
        (ArgumentTest("/amount", least=50, most=50), YES, YES),
        (ArgumentTest("/price", least=9), YES, YES),
        (ArgumentTest("/words", most=100), UNSURE, UNSURE),
        (ArgumentTest("/yes", most=100), UNSURE, UNSURE),
        (ArgumentTest("/nil", most=100), UNSURE, UNSURE),
        (ArgumentTest("/amount", one_of=(50.0,)), YES, YES),
        (ArgumentTest("/yes", one_of=(1,)), NO, NO),
        (ArgumentTest("/yes", one_of=(True,)), YES, YES),
        (ArgumentTest("/nil", one_of=(None,)), YES, YES),
        (ArgumentTest("/words", one_of=(50,)), NO, NO),
        (ArgumentTest("/path", present=True), YES, YES),
        (ArgumentTest("/missing", present=True), NO, NO),
        (ArgumentTest("/missing", present=False), YES, YES),
        (ArgumentTest("/path", glob=("/srv/**",), re2="b"), NO, NO),
    ],
)
def test_an_argument_is_tested_by_some_value_or_by_every_value(test: ArgumentTest, some: Answer, all_: Answer) -> None:
    assert test.answer(ARGUMENTS, every=False) is some
    assert test.answer(ARGUMENTS, every=True) is all_


NIGHT = Window(time(22), time(6), days=(4,))  # from Friday evening
OFFICE = Window(time(9), time(17), days=(0, 1, 2, 3, 4), zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        (NIGHT, datetime(2026, 11, 20, 22, 0, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 21, 5, 59, tzinfo=UTC), True),  # Saturday morning belongs to Friday's window
        (NIGHT, datetime(2026, 11, 21, 6, 0, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 11, 20, 5, 0, tzinfo=UTC), False),  # Friday morning belongs to Thursday's
        (NIGHT, datetime(2026, 11, 21, 23, 0, tzinfo=UTC), False),
        (OFFICE, datetime(2026, 11, 20, 8, 0, tzinfo=UTC), True),  # 9:00 in Berlin in winter
        (OFFICE, datetime(2026, 7, 17, 7, 0, tzinfo=UTC), True),  # and in summer
        (OFFICE, datetime(2026, 7, 17, 15, 0, tzinfo=UTC), False),
        (OFFICE, datetime(2026, 11, 22, 10, 0, tzinfo=UTC), False),
        (Window(time(0), time(0)), datetime(2026, 11, 22, 10, 0, tzinfo=UTC), True),  # all day
    ],
)
def test_a_window_knows_midnight_zones_and_days(window: Window, moment: datetime, expected: bool) -> None:
    assert window.covers(moment) is expected


HIGH = finding()


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match(), YES),
        (Match(server=("files",)), YES),
        (Match(server=("db*",)), NO),
        (Match(tool=("read_*", "write_*")), YES),
        (Match(classes=(EffectClass.DELETE, EffectClass.WRITE)), YES),
        (Match(classes=(EffectClass.DELETE,)), NO),
        (Match(findings=("path.*",)), YES),
        (Match(findings=("shell.*",)), NO),
        (Match(least_score=70), YES),
        (Match(least_score=71), NO),
        (Match(most_score=69), NO),
        (Match(agent=("claude",), person=("al*",), session=("files",)), YES),
        (Match(person=("bob",)), NO),
        (Match(target=("/etc/**",)), YES),
        (Match(target=("/etc",)), NO),
        (Match(reach=(Reach.MANY,)), YES),
        (Match(reach=(Reach.ONE,)), NO),
        (Match(environment=("production",)), YES),
        (Match(environment=("staging",)), NO),
        (Match(facts=(("definition", "changed"),)), YES),
        (Match(facts=(("definition", "pinned"),)), NO),
        (Match(facts=(("tainted", False),)), YES),
        (Match(facts=(("tainted", True),)), NO),
        (Match(windows=(NIGHT, OFFICE)), NO),
        (Match(windows=(NIGHT, Window(time(11), time(13)))), YES),
        (Match(arguments=(ArgumentTest("/amount", most=5),)), UNSURE),
        # A rule errs only on a call that it is about.
        (Match(tool=("other",), arguments=(ArgumentTest("/amount", most=5),)), NO),
    ],
)
def test_a_match_needs_all_of_its_members(match: Match, expected: Answer) -> None:
    kind = Classification(EffectClass.WRITE, "/etc/passwd", Reach.MANY, environment="production")
    s = situation(call(path="/etc/passwd", amount="many"), (HIGH,), kind, definition_change="changed")

    assert match.answer(s, every=False) is expected


@pytest.mark.parametrize(
    ("pattern", "id", "expected"),
    [
        ("*", "shell.recursive-delete", True),
        ("shell.*", "shell.recursive-delete", True),
        ("shell.recursive-delete", "shell.recursive-delete", True),
        ("*", "guard.detector-failed", False),
        ("gu*", "guard.detector-failed", False),
        ("guard.detector-failed", "guard.detector-failed", True),
    ],
)
def test_a_wildcard_never_covers_what_nobody_could_inspect(pattern: str, id: str, expected: bool) -> None:
    assert names_finding(pattern, id) is expected
