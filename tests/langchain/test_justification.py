"""Where a rule wants to know what a call is for: the model's words before the call are the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain.agents import create_agent

from tests.langchain.agents import answers, asks, model, says
from tests.langchain.test_agents import Shop
from toolguard.config import ApprovalSettings, Config
from toolguard.core.model import Effect
from toolguard.core.policy.matching import Match
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.core.policy.terms import Terms
from toolguard.guard import Guard

RULES = (Rule("risky", Effect.ASK, Match(tool=("risky*",)), terms=Terms(justification=True)),)


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    settings = ApprovalSettings(hold=0.0)
    config = Config(home=tmp_path / "home", policy=Policy(Preset.BALANCED, RULES), approvals=settings)
    with Guard(config) as opened:
        yield opened


def test_without_words_the_model_is_asked_for_them_and_with_words_people_are(guard: Guard) -> None:
    shop = Shop()
    script = [
        says("", ("risky_pay", {"to": "bob"})),
        says("Bob's invoice is due today.", ("risky_pay", {"to": "bob"}), first=2),
    ]
    built = create_agent(model(*script), guard.wrap(shop.tools()))

    first, second = answers(built.invoke(asks("pay what is due")))

    assert "what it is for" in first[2]
    assert "PENDING APPROVAL" in second[2]
    (view,) = guard.approvals.list()
    assert view.justification == "Bob's invoice is due today."
    assert shop.done == []
