"""One value, one byte string: RFC 8785, with exact large integers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolguard.core import canonical as module
from toolguard.core.canonical import binding_code, canonical, compact_text, digest, parse

# Numbers of RFC 8785, appendix B.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_rfc_8785_writes_them(bits: str, text: str) -> None:
    import struct

    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}

    order = [json.loads(f"[{part}]")[0] for part in ('"\\r"', '"1"', '"\\u0080"', '"ö"', '"€"', '"😀"', '"\\ufb33"')]
    assert list(json.loads(canonical(value))) == order


def test_integers_beyond_doubles_keep_their_digits() -> None:
    assert canonical([2**53 + 1, 2**64, -(2**200)]) == f"[{2**53 + 1},{2**64},{-(2**200)}]".encode()


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}, {1: 2}, object(), b"bytes", {"a": {1, 2}}]
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_nesting_without_end_is_refused_and_not_a_crash() -> None:
    value: object = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(ValueError):
        canonical(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_fast_path_and_the_exact_path_agree(value: object) -> None:
    parts: list[str] = []
    module._write(value, parts)

    assert canonical(value) == "".join(parts).encode()


@given(JSON)
def test_what_waits_as_compact_text_has_the_same_bytes_when_it_is_read_again(value: object) -> None:
    try:
        waiting = compact_text(value)
    except TypeError:
        return  # said to the caller, who keeps such a value another way

    assert canonical(parse(waiting)) == canonical(value)


@given(JSON, JSON)
def test_different_values_have_different_bytes(one: object, other: object) -> None:
    def normal(value: object) -> object:
        return json.loads(json.dumps(value), parse_int=float, parse_float=float)

    if canonical(one) == canonical(other):
        assert normal(one) == normal(other)


def test_a_tag_keeps_digests_of_different_kinds_apart() -> None:
    assert digest("toolguard/call/v1", {}) != digest("toolguard/definition/v1", {})


def test_a_binding_code_is_short_and_has_no_letters_that_look_alike() -> None:
    codes = {binding_code(digest("t", number)) for number in range(2_000)}

    assert len(codes) == 2_000
    for code in codes:
        assert len(code) == 7
        assert code[3] == "-"
        assert not set(code) & set("ILOU")
