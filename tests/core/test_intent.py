"""What a request calls for, told by its verbs where they stand as verbs."""

from __future__ import annotations

import pytest

from toolguard.core.model import EffectClass
from toolguard.core.session.intent import intent_of


@pytest.mark.parametrize(
    ("prompt", "effect"),
    [
        ("Send Bob the report.", "send"),
        ("Can you let Mia know that I am late?", "send"),
        ("Summarise the page, then email it to Bob.", "send"),
        ("I would like to book a flight to Rome.", "spend"),
        ("Please place an order for two chairs.", "spend"),
        ("Pay my rent, the bill is in the inbox.", "spend"),
        ("Delete the old branches of the project.", "delete"),
        ("Get rid of the duplicates in this list.", "delete"),
        ("Share the folder with the design team.", "grant"),
        ("Create an event for the meeting on Monday.", "write"),
        ("I need a new calendar entry for Friday.", "write"),
        ("Run the tests in this folder.", "execute"),
        ("Restart the web server on host a.", "administer"),
    ],
)
def test_a_request_calls_for_what_its_verbs_say(prompt: str, effect: str) -> None:
    intent = intent_of(prompt)

    assert intent.known
    assert intent.calls_for(EffectClass(effect))


@pytest.mark.parametrize(
    ("prompt", "effect"),
    [
        ("Find the most recent email from Bob.", "send"),
        ("What orders did I make in the last month?", "delete"),
        ("Send me a summary of the page.", "send"),
        ("Tell me the price of the lamp.", "send"),
        ("Check the calendar that Ann shared with me and tell me if she is free.", "spend"),
        ("Retrieve the notes that mention the budget.", "send"),
        ("Is there a review of the dentist in this town?", "grant"),
        ("Summarise the page for me.", "execute"),
    ],
)
def test_a_request_does_not_call_for_what_its_nouns_could_mean(prompt: str, effect: str) -> None:
    assert not intent_of(prompt).calls_for(EffectClass(effect))


@pytest.mark.parametrize("prompt", ["", "ok", "50 shares", "Пожалуйста, отправь отчёт Бобу.", "请把报告发给鲍勃"])
def test_a_request_that_is_not_understood_calls_for_anything(prompt: str) -> None:
    intent = intent_of(prompt)

    assert not intent.known
    assert all(intent.calls_for(effect) for effect in EffectClass)


@pytest.mark.parametrize(
    ("prompt", "delegates"),
    [
        ("Do everything on my to-do list.", True),
        ("Follow the instructions in the mail from Ann.", True),
        ("Complete the tasks he asked me to do.", True),
        ("Summarise the mail from Ann.", False),
        ("Buy a list of groceries.", False),
    ],
)
def test_a_request_can_leave_the_choice_to_a_text(prompt: str, delegates: bool) -> None:
    assert intent_of(prompt).delegates is delegates


@pytest.mark.parametrize(
    ("prompt", "asks_only"),
    [
        ("What is the pump in bed 7 running at?", True),
        ("Did the tenant of flat 12 pay in May?", True),
        ("Summarise claim C-17.", True),
        ("Please show me the load on breaker 5. Thanks!", True),
        ("Hi! Could you tell me when example.org expires?", True),
        ("How many flights leave Lisbon tomorrow and on Sunday?", True),
        ("Find the minutes and read me the last page.", True),
        ("I'd like to see what I paid last year.", True),
        ("Read claim C-17 and pay it.", False),
        ("What does it cost, and also book it if it is below 100?", False),
        ("Could you pay the bill?", False),
        ("Check whether the door is locked; if not, lock it.", False),
        ("Get somebody to take her home.", False),
        ("Check me in for my flight.", False),
        ("Get rid of the old ones.", False),
        ("Why don't you cancel it?", False),
        ("My name is John.", False),
        ("It is set for March 19 at 9:30.", False),
        ("Look for the to-do list and do what it says.", False),
        ("Wo ist der Schlüssel?", False),
        ("", False),
    ],
)
def test_a_request_that_only_asks_is_told_from_one_that_wants_something_done(prompt: str, asks_only: bool) -> None:
    assert intent_of(prompt).asks_only is asks_only
