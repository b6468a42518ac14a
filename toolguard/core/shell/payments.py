"""Requests that move money: the interfaces of payment providers and exchanges, and the paths at which they pay out."""

from __future__ import annotations

import re
from typing import Final

from toolguard.core.acts import Contact
from toolguard.core.urls import parse

_PROVIDERS: Final = re.compile(
    r"(?:^|\.)(?:stripe|paypal|braintreegateway|adyen|squareup|wise|transferwise|gocardless|mollie|razorpay|checkout|dwolla"
    r"|modern-?treasury|moderntreasury|mercury|revolut|plaid|klarna|paystack|flutterwave|payoneer|coinbase|binance|kraken"
    r"|bitstamp|bitfinex|okx|circle|fireblocks|bitgo)\.(?:com|co|io|net|us|eu)$"
)
_MOVES: Final = re.compile(
    r"/(?:payouts?|transfers?|charges?|payments?|payment_intents|topups|refunds?|withdraw(?:als?|info)?|sendcash|orders?/[^/]+/capture"
    r"|disbursements?|transactions?|batch-payouts|send)(?=[/?:]|$)",
    re.IGNORECASE,
)
_TEST_KEY: Final = re.compile(r"(?:authorization:\s*(?:bearer|basic)\s+)?(?:[sr]k|rzp)_test_\w+:?\S*", re.IGNORECASE)
"""A key of a provider's own test system, where no money moves, given as the key: alone or in the header for it."""


def pays(contact: Contact, told: tuple[str, ...]) -> bool:
    """A request that orders a payment; `told` are the words of the command, among which a test key may stand."""
    if contact.method not in ("POST", "PUT"):
        return False
    link = parse(contact.address)
    if link is None or not _PROVIDERS.search(link.host) or not _MOVES.search(link.path):
        return False
    return "sandbox" not in link.host.split(".") and not any(_TEST_KEY.fullmatch(word) for word in told)
