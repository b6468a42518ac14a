"""A command is judged by what it does, however it is spelled; and a harmless one stays harmless in every spelling."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.bench.respell import SPELLINGS, respellings
from tests.test_detectors import ALL_CASES, AROUND, PLAIN
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.policy import Policy
from toolguard.core.session.memory import Session
from toolguard.guard.judging import judge

LOST: Final = 0.03
"""The part of the commands that may slip through by a spelling."""
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def asks(command: str) -> bool:
    call = ToolCall("tools", "bash", {"command": command}, Principal("agent", "ana", "session"))
    return judge(call, Session().facts(call, AROUND), Policy(), NOW).effect is not Effect.ALLOW


SHELL: Final = [case["shell"] for name in PLAIN for case in ALL_CASES[name] if "shell" in case]
ASKED: Final = [text for text in SHELL if asks(text)]
QUIET: Final = [text for text in SHELL if not asks(text)]


def test_there_are_enough_commands_of_both_kinds() -> None:
    assert len(ASKED) > 120
    assert len(QUIET) > 120


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_hides_nothing(spelling: str) -> None:
    respelt = [(text, new) for text in ASKED for name, new in respellings(text) if name == spelling]

    slipped = [text for text, new in respelt if not asks(new)]

    assert len(slipped) <= LOST * len(respelt), f"{len(slipped)} of {len(respelt)}: {slipped[:10]}"


def test_a_spelling_alone_is_no_reason_to_ask() -> None:
    # What is decoded, escaped or substituted is read all the same, so it needs no suspicion of its own.
    respelt = [(name, text, new) for text in QUIET for name, new in respellings(text)]

    wrong = Counter(name for name, _, new in respelt if asks(new))

    assert wrong.total() <= LOST * len(respelt), wrong.most_common(8)
