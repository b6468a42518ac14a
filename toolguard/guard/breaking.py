"""The circuit breakers of a policy: calls that were asked about or denied are counted, and too many stop everything.

Every function takes the open transaction of its caller, so that what is counted and what it leads to are one commit.
"""

from __future__ import annotations

from toolguard.core.model import Principal
from toolguard.core.policy.breakers import Counted
from toolguard.core.policy.policy import Policy
from toolguard.guard.times import moment
from toolguard.store import audit, meta, spending
from toolguard.store.transaction import Transaction


def count(tx: Transaction, policy: Policy, counted: Counted, principal: Principal) -> None:
    """One call more; the breakers that have enough of it turn the stop switch on, and begin anew."""
    if not policy.breakers or meta.held(tx, meta.STOPPED) is not None:
        return
    for breaker in policy.breakers:
        if counted not in breaker.counts:
            continue
        draw = breaker.draw(principal, moment(tx.now).timestamp())
        spending.add(tx, [draw])
        if spending.drawn(tx, draw) >= breaker.limit:
            spending.forget(tx, draw.counter)
            meta.keep(tx, meta.STOPPED, tx.now)
            audit.append(
                tx,
                "guard.stopped",
                {"reason": breaker.sentence(principal.agent), "breaker": breaker.name},
                agent=principal.agent,
                person=principal.person,
                session=principal.session,
            )
            return
