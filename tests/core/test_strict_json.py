"""One reading for every parser: what others read differently is refused, all else parses to what was written."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core.canonical import compact
from toolguard.core.strict_json import MAX_DEPTH, NotStrict, folded, parse

REFUSED = {
    "a key twice": b'{"a":1,"a":2}',
    "a key twice, deep": b'{"x":[{"y":{"a":1,"b":2,"a":1}}]}',
    "a key twice, once escaped": rb'{"a":1,"\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "a number beyond a double": b'{"a":1e400}',
    "a negative number beyond a double": b"[-1e400]",
    "half a surrogate pair": rb'{"a":"\ud800"}',
    "the other half": rb'{"a":"\udfff"}',
    "halves in the wrong order": rb'["\udc00\ud800"]',
    "half a pair as a key": rb'{"\ud800":1}',
    "an encoded surrogate": b'"\xed\xa0\x80"',
    "not UTF-8": b'{"a":"\xff"}',
    "an overlong encoding": b'{"a":"\xc0\xaf"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "5000 digits": b"1" * 5000,
    "depth 65": b"[" * 65 + b"]" * 65,
    "depth 65 of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "depth 100000": b"[" * 100_000 + b"]" * 100_000,
    "depth 100000, unclosed": b'{"a":' * 100_000,
    "a raw control character": b'{"a":"\n"}',
    "a NUL after the end": b'{"a":1}\x00',
    "two values": b'{"a":1}{"a":2}',
    "a trailing comma": b'{"a":1,}',
    "a comment": b'{"a":1}//',
    "single quotes": b"{'a':1}",
    "a leading zero": b"[01]",
    "a hexadecimal number": b"[0x1]",
    "a bare decimal point": b"[1.]",
    "nothing": b"",
    "blanks": b"  ",
}
LEFT_ALONE = {
    "an escaped pair": (rb'["\ud83d\ude00"]', ["😀"]),
    "a pair as it is": ('["😀"]'.encode(), ["😀"]),
    "an escaped NUL": (rb'["\u0000"]', ["\0"]),
    "an integer beyond 64 bits": (b"[18446744073709551616]", [18446744073709551616]),
    "an integer of 4300 digits": (b"[" + b"9" * 4300 + b"]", [int("9" * 4300)]),
    "a number at the end of the doubles": (b"[1.7976931348623157e308]", [1.7976931348623157e308]),
    "a number too small for a double": (b"[1e-400]", [0.0]),
    "depth 64": (b"[" * 64 + b"]" * 64, None),
    "many brackets side by side": (b"[" + b"[]," * 500 + b"[]]", None),
    "many brackets in a text": (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
    "the same key at two places": (b'{"a":{"a":1},"b":[{"a":2}]}', {"a": {"a": 1}, "b": [{"a": 2}]}),
    "keys that differ in case": (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
    "line separators in a text": ('["a\u2028b\u2029c\x85"]'.encode(), ["a\u2028b\u2029c\x85"]),
    "white space around": (b' \t{"a" : 1}\r', {"a": 1}),
    "words that look like constants": (b'["NaN","Infinity"]', ["NaN", "Infinity"]),
    "true, false, null": (b"[true,false,null]", [True, False, None]),
}


@pytest.mark.guarantee("proxy:ambiguous-is-refused")
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_parsers_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrict):
        parse(text)


@pytest.mark.parametrize(("text", "value"), LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_every_parser_reads_alike_is_left_alone(text: bytes, value: object) -> None:
    parsed = parse(text)

    assert value is None or parsed == value


def test_a_text_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(NotStrict, match="larger than 10 bytes"):
        parse(b"[" + b" " * 10 + b"]", max_bytes=10)


@pytest.mark.parametrize(
    ("key", "taken_for"),
    [
        ("Method", "method"),
        ("METHOD", "method"),
        ("method\0", "method"),
        ("\x7fmethod", "method"),
        ("me\u200bthod", "method"),
        ("ｍethod", "method"),
        ("paramſ", "params"),
        ("taſKId", "taskid"),
        (" id", "id"),
        ("methods", "methods"),
        ("mèthod", "mèthod"),
        ("", ""),
    ],
)
def test_a_key_folds_to_what_a_lenient_reader_may_take_it_for(key: str, taken_for: str) -> None:
    assert folded(key) == taken_for


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_sent_on_parses_to_the_same_value_again(value: object) -> None:
    assert parse(compact(parse(json.dumps(value)))) == value


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_crash(line: bytes) -> None:
    with contextlib.suppress(NotStrict):
        parse(line)


@given(st.text(alphabet='{}[]":,\\u0dD8aA1eE+-.NI \u2028', max_size=60))
def test_no_text_is_accepted_that_the_plain_parser_refuses(text: str) -> None:
    try:
        value = parse(text)
    except NotStrict:
        return
    assert json.loads(text) == value


@given(st.integers(min_value=1, max_value=MAX_DEPTH * 2))
def test_depth_is_counted_exactly(depth: int) -> None:
    text = b'[{"a":' * (depth // 2) + b"[" * (depth % 2) + b"]" * (depth % 2) + b"}]" * (depth // 2)
    if depth % 2 == 0:
        text = text.replace(b'{"a":}', b"{}")

    if depth <= MAX_DEPTH:
        parse(text)
    else:
        with pytest.raises(NotStrict):
            parse(text)
