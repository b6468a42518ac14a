"""Lines end at 0x0A and nowhere else, and an over-long line leaves nothing behind."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.proxy.framing import Lines


@pytest.mark.guarantee("proxy:ambiguous-is-refused")
def test_a_call_in_the_tail_of_an_over_long_line_is_not_a_message() -> None:
    lines = Lines(limit=20)

    found = list(lines.feed(b"x" * 30)) + list(lines.feed(b'{"method":"tools/call"}\n{"a":1}\n'))

    assert found == [None, b'{"a":1}']


def test_only_a_newline_ends_a_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\rg".encode()

    assert list(Lines(100).feed(text + b"\n")) == [text]


def test_an_unfinished_line_is_no_message() -> None:
    lines = Lines(100)

    assert list(lines.feed(b'{"a":1}\n{"b":')) == [b'{"a":1}']
    assert lines.unfinished() == 5


def test_an_endless_line_takes_no_memory_beyond_the_limit() -> None:
    lines = Lines(limit=1000)

    for _ in range(100):
        assert list(lines.feed(b"x" * 1000)) == []

    assert sum(map(len, lines._parts)) <= 1000


@given(st.lists(st.binary(max_size=12)), st.lists(st.integers(min_value=0, max_value=60)), st.integers(1, 10))
def test_how_the_bytes_arrive_changes_no_line(parts: list[bytes], cuts: list[int], limit: int) -> None:
    stream = b"\n".join(parts) + b"\n"
    whole = [None if len(line) > limit else line for line in stream.split(b"\n")[:-1]]
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    lines = Lines(limit)
    found = [line for start, end in pairwise(places) for line in lines.feed(stream[start:end])]

    assert found == whole
