from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.layout.diffing import COMPARED, diff
from toolguard.core.layout.drawing import Canvas, Fold, Line, folded, inline
from toolguard.core.layout.highlight import tokens
from toolguard.core.layout.present import Part, Presentation, Spot, present
from toolguard.core.model import EMPTY, Principal, ToolCall


def laid_out(
    arguments: Mapping[str, Any], *spots: Spot, tool: str = "tool", before: Mapping[str, str] = EMPTY
) -> Presentation:
    return present(ToolCall("server", tool, arguments, Principal("agent", "person", "session")), spots, before)


def lines(part: Part) -> Iterable[Line]:
    for each in part.body:
        if isinstance(each, Fold):
            yield from each.lines
        else:
            yield each


def text(part: Part) -> str:
    return "\n".join("".join(piece.text for piece in line.pieces) for line in lines(part))


def labels(shown: Presentation) -> list[str]:
    return [part.label for part in shown.parts]


KINDS = [
    ("write", {"path": "notes.txt", "content": "hello\n"}),
    ("message", {"to": ["a@example.com"], "subject": "Hello", "body": "text"}),
    ("message", {"channel": "general", "text": "hello"}),
    ("money", {"amount": 12.5, "currency": "EUR", "recipient": "DE00 1234"}),
    ("http", {"url": "https://example.com/x", "method": "POST", "body": "x"}),
    ("table", {"count": 3, "flag": True, "nothing": None}),
    ("table", {"to": "nowhere in particular"}),
    ("table", {"amount": 12}),
    ("table", {}),
]


@pytest.mark.parametrize(("kind", "arguments"), KINDS)
def test_a_call_is_laid_out_by_what_its_arguments_are(kind: str, arguments: dict[str, Any]) -> None:
    assert laid_out(arguments).kind == kind


def test_what_matters_most_comes_first_whatever_the_order_of_the_arguments() -> None:
    shown = laid_out({"body": "hi", "cc": "c@example.com", "subject": "S", "to": "b@example.com", "x": 1})

    assert labels(shown) == ["To", "Copy to", "Subject", "Message", "x"]


@pytest.mark.guarantee("review:nothing-left-out")
def test_no_argument_is_left_out() -> None:
    shown = laid_out({"url": "https://example.com", "deep": {"list": [1, {"x": "y"}], "empty": {}, "none": []}})

    drawn = "\n".join(text(part) for part in shown.parts)
    for value in ("https://example.com", "1", "y", "{}", "[]"):
        assert value in drawn.split("\n")


def test_short_entries_of_one_list_stand_in_one_row() -> None:
    shown = laid_out({"to": ["a@example.com", "b@example.com"], "body": "hi"})

    assert text(shown.parts[0]) == "a@example.com\nb@example.com"
    assert shown.parts[0].label == "To"


def test_a_finding_lights_its_span_and_nothing_else() -> None:
    shown = laid_out({"note": "delete everything now"}, Spot(1, "/note", 7, 17))

    lit = [piece.text for line in lines(shown.parts[0]) for piece in line.pieces if piece.numbers == (1,)]
    assert lit == ["everything"]


def test_overlapping_findings_are_both_kept() -> None:
    shown = laid_out({"note": "abcdef"}, Spot(1, "/note", 0, 4), Spot(2, "/note", 2, 6))

    pieces = [(piece.text, piece.numbers) for piece in next(iter(lines(shown.parts[0]))).pieces]
    assert pieces == [("ab", (1,)), ("cd", (1, 2)), ("ef", (2,))]


@pytest.mark.parametrize("pointer", ["/deep", "/deep/list", "/deep/list/0"])
def test_a_finding_about_a_container_lights_everything_in_it(pointer: str) -> None:
    shown = laid_out({"deep": {"list": ["inside"]}, "other": "outside"}, Spot(1, pointer))

    lit = [piece.text for part in shown.parts for line in lines(part) for piece in line.pieces if piece.numbers]
    assert lit == ["inside"]


@pytest.mark.parametrize(
    "spot", [Spot(1, "/note", -5, 2), Spot(1, "/note", 90, 95), Spot(1, "/note", 3, 1), Spot(1, "/no/such/place", 0, 4)]
)
def test_a_span_that_does_not_fit_never_breaks_the_page(spot: Spot) -> None:
    assert text(laid_out({"note": "short"}, spot).parts[0]) == "short"


def test_a_secret_is_named_and_not_shown_and_spans_around_it_still_fit() -> None:
    marker = {"$redacted": {"rule": "github-token", "len": 40, "mac": "k1:00"}}
    arguments = {"header": {"$parts": ["Bearer ", marker, " and more"]}}

    shown = laid_out(arguments, Spot(1, "/header", 48, 51))

    pieces = next(iter(lines(shown.parts[0]))).pieces
    assert [(piece.text, piece.kind, piece.numbers) for piece in pieces] == [
        ("Bearer ", "", ()),
        ("redacted github-token", "redacted", ()),
        (" ", "", ()),
        ("and", "", (1,)),
        (" more", "", ()),
    ]


def test_a_key_that_only_looks_like_a_marker_is_shown_as_it_came() -> None:
    shown = laid_out({"x": {"$$redacted": {"rule": "made up"}}})

    assert labels(shown) == ["x › $redacted › rule"]


def test_a_write_is_shown_as_the_difference_to_what_is_there() -> None:
    shown = laid_out({"path": "a.txt", "content": "one\ntwo\nfour"}, before={"/content": "one\ntwo\nthree\nfour"})

    content = shown.parts[1]
    assert content.language == "diff"
    assert [(line.sign, "".join(p.text for p in line.pieces)) for line in lines(content)] == [
        (" ", "one"),
        (" ", "two"),
        ("-", "three"),
        (" ", "four"),
    ]


def test_a_write_without_a_known_file_says_so() -> None:
    shown = laid_out({"path": "a.txt", "content": "one"})

    assert "nothing to compare" in shown.parts[1].note


def test_an_edit_is_shown_as_the_difference_that_it_names() -> None:
    shown = laid_out({"path": "a.py", "edits": [{"oldText": "x = 1", "newText": "x = 2"}]})

    assert labels(shown) == ["path", "edits › 0 › newText"]
    assert [line.sign for line in lines(shown.parts[1])] == ["-", "+"]


@pytest.mark.parametrize("marked_line", [0, 3, 50, 500, 998])
def test_a_fold_holds_nothing_that_a_finding_points_at(marked_line: int) -> None:
    rows = [f"row {number}" for number in range(1000)]
    start = len("\n".join(rows[:marked_line])) + (marked_line > 0)

    shown = laid_out({"content": "\n".join(rows)}, Spot(1, "/content", start, start + 3))

    part = shown.parts[0]
    folds = [each for each in part.body if isinstance(each, Fold)]
    assert folds
    assert not any(piece.numbers for fold in folds for line in fold.lines for piece in line.pieces)
    assert any(piece.numbers for each in part.body if isinstance(each, Line) for piece in each.pieces)


@pytest.mark.guarantee("review:nothing-left-out")
def test_a_fold_says_how_much_it_holds() -> None:
    shown = laid_out({"content": "\n".join("x" * 9 for _ in range(100))})

    fold = next(each for each in shown.parts[0].body if isinstance(each, Fold))
    assert (fold.count, fold.size) == (len(fold.lines), 9 * len(fold.lines))


@pytest.mark.guarantee("review:nothing-left-out")
def test_a_huge_value_is_drawn_in_part_and_says_how_much_is_missing() -> None:
    shown = laid_out({"content": "y" * 3_000_000}, Spot(1, "/content", 1_500_000, 1_500_004))

    part = shown.parts[0]
    drawn = sum(line.size for line in lines(part))
    missing = sum(each.size for each in part.body if isinstance(each, Fold) and not each.lines)
    assert drawn < 150_000
    assert drawn + missing == 3_000_000
    assert "3,000,000 characters" in part.note
    assert any(piece.numbers for line in lines(part) for piece in line.pieces)


@pytest.mark.guarantee("review:hidden-is-drawn")
def test_hidden_characters_of_any_argument_are_counted_in_the_warning() -> None:
    shown = laid_out({"a": "x\u200by", "b": {"c": "p\u202eq"}})

    assert len(shown.warnings) == 2


def test_a_foreign_text_on_one_line_keeps_its_line_breaks_visible() -> None:
    assert "".join(piece.text for piece in inline("first\nsecond")) == "first↵second"


COLOURS = [
    (
        "shell",
        "sudo rm -rf /srv # gone",
        [("sudo", "command"), ("rm", "command"), ("-rf", "option"), ("# gone", "comment")],
    ),
    ("shell", "echo '$HOME # no'", [("echo", "command"), ("'$HOME # no'", "string")]),
    ("shell", "A=1 make", [("A=1", "variable"), ("make", "command")]),
    ("sql", "DROP TABLE t; -- x", [("DROP", "danger"), ("TABLE", "keyword"), (";", "operator"), ("-- x", "comment")]),
    ("sql", "select 'it''s'", [("select", "keyword"), ("'it''s'", "string")]),
    ("text", "rm -rf /", []),
]


@pytest.mark.parametrize(("language", "source", "expected"), COLOURS)
def test_colours_follow_the_language(language: str, source: str, expected: list[tuple[str, str]]) -> None:
    assert [(source[t.start : t.end], t.kind) for t in tokens(source, language)] == expected


@given(st.text(), st.sampled_from(["shell", "sql"]))
def test_colours_never_overlap(source: str, language: str) -> None:
    ends = 0
    for token in tokens(source, language):
        assert ends <= token.start < token.end <= len(source)
        ends = token.end


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n")))
def test_every_character_is_drawn_exactly_once(source: str) -> None:
    drawn = Canvas(source, colours=tokens(source, "shell"), spots=[(0, 3, 1), (2, 9, 2)]).lines()

    assert "\n".join("".join(piece.text for piece in line.pieces) for line in drawn) == source


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_folding_keeps_every_line_in_order(sizes: list[int]) -> None:
    source = "\n".join("z" * size for size in sizes)

    body = folded(Canvas(source).rows())
    kept = [line for each in body for line in (each.lines if isinstance(each, Fold) else (each,))]

    missing = sum(each.size for each in body if isinstance(each, Fold) and not each.lines)
    assert sum(line.size for line in kept) + missing == sum(sizes)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_a_diff_holds_both_texts_completely(old: list[str], new: list[str]) -> None:
    rows = list(diff(old, new))

    assert [new[row.index] for row in rows if row.sign != "-"] == new
    old_back = [old[row.index] if row.sign == "-" else new[row.index] for row in rows if row.sign != "+"]
    assert old_back == old


def test_a_diff_of_long_texts_costs_bounded_work_and_is_still_complete() -> None:
    old, new = ["same"] * (COMPARED * 3), ["other"] * (COMPARED * 3)

    rows = list(diff(old, new))

    assert sum(row.sign == "-" for row in rows) == len(old)
    assert sum(row.sign == "+" for row in rows) == len(new)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=12), json_values, max_size=5), st.text(max_size=20), st.integers(-5, 50))
def test_no_call_makes_the_layout_fail(arguments: dict[str, Any], pointer: str, at: int) -> None:
    laid_out(arguments, Spot(1, "/" + pointer, at, at + 4), Spot(2, pointer))


def test_a_call_with_more_values_than_anyone_reads_says_how_many_are_not_drawn() -> None:
    shown = laid_out({"rows": [{"n": number} for number in range(5_000)]}, Spot(1, "/rows/4990/n"))

    assert len(shown.parts) < 500
    assert any(text(part) == "4990" for part in shown.parts)
    assert shown.parts[-1].label == "and 4,599 more values"


def test_a_file_written_anew_does_not_flood_the_page() -> None:
    shown = laid_out({"path": "a.txt", "content": "new\n" * 100_000}, before={"/content": "old\n" * 100_000})

    assert sum(line.size for line in lines(shown.parts[1])) < 150_000
    assert shown.parts[1].note == "100,000 lines added, 100,000 removed"


def test_arguments_that_a_secret_in_a_key_hides_are_shown_as_hidden() -> None:
    hidden = {"$redacted": {"rule": "key-of-object", "mac": "k1:" + "0" * 64}}

    shown = laid_out(hidden)

    assert shown.parts
