"""YAML 1.2 as data: values, places, and everything that must not happen."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.model import Json
from toolguard.core.yaml import SIZE, Mark, parse
from toolguard.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("{a: [1, 2.5, true, null, ~, 'x']}", {"a": [1, 2.5, True, None, None, "x"]}),
        ("a: 0o17\nb: 0x1F\nc: 1_000\nd: -3\ne: 1e3", {"a": 15, "b": 31, "c": 1000, "d": -3, "e": 1000.0}),
        # Words that YAML 1.1 took for something else.
        (
            "a: yes\nb: off\nc: 22:00\nd: 012\ne: 2026-11-22",
            {"a": "yes", "b": "off", "c": "22:00", "d": 12, "e": "2026-11-22"},
        ),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("1: a\ntrue: b", {"1": "a", "true": "b"}),
        ("# only a comment\n", None),
    ],
)
def test_yaml_is_read_as_json_values(text: str, expected: Json) -> None:
    assert parse(text, "f.yaml").value == expected


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\na: 2", "f.yaml:2:1", "`a` stands here twice"),
        ("a: {b: 1, 'b': 2}", "f.yaml:1:11", "twice"),
        ("a: !!python/object:os.system {}", "f.yaml:1:4", "tags build objects"),
        ("a: !mine b", "f.yaml:1:4", "tags build objects"),
        ("a: !!set {x}", "f.yaml:1:4", "tags build objects"),
        ("a: !!binary aGk=", "f.yaml:1:4", "tags build objects"),
        ("a: &x [*x]", "f.yaml:1", "inside itself"),
        ("a: *none", "f.yaml:1:4", "alias"),
        ("<<: {a: 1}", "f.yaml:1:1", "a key must be a word"),
        ("? [a]\n: b", "f.yaml:1:3", "a key must be a word"),
        ("a: .inf", "f.yaml:1:4", "cannot be read"),
        ("a: .nan", "f.yaml:1:4", "cannot be read"),
        ('a: "\\ud800"', "f.yaml:1:4", "cannot be read"),
        ("a: [1, 2", "f.yaml:1", "expected"),
        ("a: b: c", "f.yaml:1", "mapping values"),
        ("\ta: 1", "f.yaml:1", "cannot start any token"),
        ("--- a\n--- b", "f.yaml:2:1", "single document"),
        ("%YAML 3.0\n--- a", "f.yaml:1:1", "incompatible"),
        ("a: \x00", "f.yaml", "unacceptable"),
        ("[" * 3000, "f.yaml", "nested deeper"),
        ("a: " + "{a: " * 70 + "1" + "}" * 70, "f.yaml:1", "nested deeper"),
        ("x" * (SIZE + 1), "f.yaml", "larger than"),
    ],
)
def test_what_is_no_plain_yaml_is_an_error_with_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml")

    assert str(caught.value).startswith(place + ":")
    assert words in str(caught.value)


def test_copies_by_aliases_are_counted() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    with pytest.raises(ConfigError, match="copies by aliases counted"):
        parse("\n".join(lines), "bomb.yaml")


def test_keys_and_values_know_where_they_stood() -> None:
    document = parse("a:\n  - b: 1\n    c/d: {e: 2}\n", "f.yaml")

    assert document.keys["/a"] == Mark(1, 1)
    assert document.values["/a"] == Mark(2, 3)
    assert document.keys["/a/0/c~1d"] == Mark(3, 5)
    assert document.values["/a/0/c~1d/e"] == Mark(3, 14)


pieces = st.sampled_from(
    [*"a1:-[]{},#&*!|>'\"%@`? \n\t~<=\\", "é", "\ud800", "\x07", "\u2028", "!!int ", "- ", ": ", "--- "]
)


@given(st.lists(pieces, max_size=25).map("".join) | st.text(max_size=30))
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    with suppress(ConfigError):
        parse(text, "fuzz.yaml")
