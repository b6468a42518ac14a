"""The use case: what adapters and reviewers' channels call."""

from toolguard.guard.answers import Pending, Permit, Refusal
from toolguard.guard.approvals import Approvals
from toolguard.guard.guard import Guard
from toolguard.guard.pins import Pin, PinReport
from toolguard.guard.reviewers import Enrolment, Reviewer, Reviewers
from toolguard.guard.views import GrantChoice, GrantView, RequestView, VoteResult

__all__ = [
    "Approvals",
    "Enrolment",
    "GrantChoice",
    "GrantView",
    "Guard",
    "Pending",
    "Permit",
    "Pin",
    "PinReport",
    "Refusal",
    "RequestView",
    "Reviewer",
    "Reviewers",
    "VoteResult",
]
