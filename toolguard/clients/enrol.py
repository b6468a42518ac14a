"""Makes the person at this machine the first reviewer, once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolguard import config as configuration
from toolguard.guard import Guard


@dataclass(frozen=True, slots=True)
class FirstReviewer:
    """Who was enrolled and the code that signs them in; it works once and is shown once."""

    name: str
    link_code: str


def first_reviewer(guard: Guard) -> FirstReviewer | None:
    """Enrols the operating-system user unless somebody can review already; then None. Raises StoreError."""
    if guard.reviewers.list():
        return None
    person = configuration.person()
    # User names of directories (`DOMAIN\user`, `user$`) hold characters that a reviewer's name must not.
    name = re.sub(r"[^\w .@+-]", "-", person).strip(" .-+@")[:64] or "owner"
    enrolment = guard.reviewers.add(name, person=person)
    return FirstReviewer(enrolment.name, enrolment.link_code)
