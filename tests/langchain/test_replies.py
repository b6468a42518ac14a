"""Replies of people in every accepted shape, and what is none of them."""

from __future__ import annotations

from typing import Any

import pytest

from toolguard.langchain.replies import read

ONE = [("ap_1", "pay")]
TWO = [("ap_1", "pay"), ("ap_2", "send")]
EDIT = {"type": "edit", "edited_action": {"name": "pay", "args": {"to": "bea"}}}

READ: list[tuple[Any, list[tuple[str, str]], list[tuple[str, str]] | None]] = [
    ({"decisions": [{"type": "approve"}]}, ONE, [("approve", "")]),
    ({"decisions": [{"type": "reject", "message": "no"}]}, ONE, [("reject", "no")]),
    ({"decisions": [{"type": "reject"}, {"type": "approve"}]}, TWO, [("reject", ""), ("approve", "")]),
    ({"decisions": [{"type": "respond", "message": "42"}]}, ONE, [("respond", "42")]),
    ({"decisions": [EDIT]}, ONE, [("edit", "")]),
    ({"type": "approve"}, ONE, [("approve", "")]),
    ([{"type": "accept", "args": None}], ONE, [("approve", "")]),
    ([{"type": "ignore"}], ONE, [("reject", "")]),
    ([{"type": "response", "args": "use cash"}], ONE, [("respond", "use cash")]),
    ([{"type": "edit", "args": {"action": "pay", "args": {"to": "bea"}}}], ONE, [("edit", "")]),
    ({"approval_id": "ap_2", "decision": "approve"}, TWO, [("look", ""), ("approve", "")]),
    ({"ap_1": "deny", "ap_2": {"type": "approve"}}, TWO, [("reject", ""), ("approve", "")]),
    ([{"approval_id": "ap_2", "decision": {"type": "reject", "message": "no"}}], TWO, [("look", ""), ("reject", "no")]),
    (None, TWO, [("look", ""), ("look", "")]),
    (True, ONE, [("look", "")]),
    ({}, ONE, [("look", "")]),
    # --- none of them ---
    ({"type": "approve"}, TWO, None),
    ({"decisions": [{"type": "approve"}]}, TWO, None),
    ({"decisions": [{"type": "approve"}] * 3}, TWO, None),
    ({"decisions": {"type": "approve"}}, ONE, None),
    ({"decisions": ["approve"]}, ONE, None),
    ({"decisions": [{"type": "APPROVE"}]}, ONE, None),
    ({"decisions": [{"type": "approved"}]}, ONE, None),
    ({"decisions": [{"type": ["approve"]}]}, ONE, None),
    ({"decisions": [{"type": "respond"}]}, ONE, None),
    ({"decisions": [{"type": "edit"}]}, ONE, None),
    ({"decisions": [{"type": "edit", "edited_action": {"name": "send", "args": {}}}]}, ONE, None),
    ({"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": "bea"}}]}, ONE, None),
    (
        {"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": {"to": "[redacted token]"}}}]},
        ONE,
        None,
    ),
    ({"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": {"to": {"$redacted": {}}}}}]}, ONE, None),
    ({"approval_id": "ap_1", "decision": "yes"}, ONE, None),
    ("approve", ONE, None),
    (1, ONE, None),
    ([], ONE, None),
    ({"yes": True}, ONE, None),
]


@pytest.mark.parametrize(("reply", "asked", "expected"), READ, ids=[str(case[0])[:60] for case in READ])
def test_a_reply_is_read_by_its_shape(reply: Any, asked: Any, expected: Any) -> None:
    found = read(reply, asked)

    assert (None if found is None else [(one.choice, one.message) for one in found]) == expected


def test_only_a_reply_by_id_names_its_approval() -> None:
    by_id, by_position = read({"ap_1": "approve"}, ONE), read({"type": "approve"}, ONE)

    assert by_id is not None
    assert by_position is not None
    assert (by_id[0].is_named, by_position[0].is_named) == (True, False)
