"""Which names say that a secret stands under them: keys of objects, variables, flags, headers.

A name is compared in its normal form: lower case, without separators, so `API_KEY`, `apiKey` and `api-key` meet. Names
that only speak *about* a secret (its length, its file, whether to ask for it) are left alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LONGEST_NAME: Final = 80

_WHOLE: Final = frozenset(
    """
    password passwd pwd passphrase passcode userpass secret token apikey authorization proxyauthorization cookie
    setcookie credential credentials bearer jwt otp totp cvv cvc cvv2 privatekey accesskey secretkey signingkey
    encryptionkey masterkey sharedkey accountkey sharedaccesskey hmackey authkey sshkey webhookkey licensekey servicekey
    secretkeybase xapikey xauthtoken clientkey requirepass bindpw ldappw mysqlpwd pgpassword sshpass psk
    presharedkey wpapsk
    """.split()
)
"""Normal forms that are secrets' names as a whole."""

_ENDINGS: Final = (
    "password", "passwd", "passphrase", "passcode", "secret", "apikey", "apisecret", "accesskey", "secretkey",
    "secretaccesskey", "privatekey", "signingkey", "encryptionkey", "masterkey", "accountkey", "sharedaccesskey",
    "authkey", "token", "credential", "pwd", "apitoken", "webhookurlsecret", "licensekey", "subscriptionkey",
    "functionkey", "functionskey", "storagekey", "hmackey", "sessionkey", "appkey", "integrationkey", "servicekey",
    "bearer", "userpass", "dbpass", "mailpass", "smtppass", "rootpass", "adminpass",
    "secretkeybase", "sharedkey", "psk",
)  # fmt: skip
"""Endings of normal forms; what stands before them says whose secret it is."""

_NOT_ENDINGS: Final = (
    "pagetoken", "nexttoken", "continuationtoken", "synctoken", "canceltoken", "cancellationtoken", "csrftoken",
    "xsrftoken", "authenticitytoken", "progresstoken", "maxtoken", "stoptoken", "eostoken", "bostoken", "padtoken",
    "unktoken", "masktoken", "septoken", "clstoken", "publictoken", "syntaxtoken", "nonsecret",
    "cursortoken", "resumetoken", "pertoken", "giftcard", "lasttoken", "firsttoken", "starttoken", "endtoken",
    "consistencytoken", "idempotencytoken", "requesttoken", "clienttoken", "designtoken", "erctoken",
)  # fmt: skip
"""Endings that look like the ones above and name no secret: page marks, tokens of a language, public halves."""

_ABOUT: Final = (
    "has", "is", "num", "max", "min", "show", "hide", "reset", "forgot", "change", "require", "generate", "enable",
    "disable", "validate", "verify", "confirmreset", "set", "get", "no", "with", "check", "count",
)  # fmt: skip
"""First words of names that speak about a secret."""

_QUALIFIERS: Final = frozenset(
    "prod production dev development test testing staging stage live value val b64 base64 old new main default".split()
)
"""Last words that do not change what a name names: TOKEN_PROD, password_base64."""

_VENDORS: Final = frozenset(
    """
    heroku hubspot sumo sumologic snyk sonar datadog dd twilio stripe openai anthropic cohere mistral groq
    gemini google maps azure aws gcp cloudflare digitalocean linode vultr hetzner github gitlab bitbucket
    sendgrid mailgun mailchimp postmark mandrill algolia elastic grafana newrelic pagerduty opsgenie sentry
    rollbar bugsnag segment mixpanel amplitude slack discord telegram messagebird nexmo vonage plivo pusher
    ably okta auth0 jira atlassian confluence zendesk intercom freshdesk shopify paypal square braintree adyen
    coinbase binance kraken etherscan infura alchemy meraki facebook twitter linkedin dropbox asana trello
    airtable notion figma fastly netlify vercel codecov travis circleci artifactory jfrog nuget pypi npm
    docker quay terraform vault consul nomad pulumi doppler pinecone weaviate deepgram assemblyai serpapi
    tavily exa jina voyage replicate huggingface hf wandb comet langchain langsmith softlayer cloudant ibm
    yandex alibaba tencent finnhub polygon alphavantage openweather weather newsapi mapbox here rapidapi
    supabase firebase mongodb redis postgres mysql mssql oracle snowflake databricks contentful sanity
    """.split()
)
"""Words before a bare `key` that make it a secret's name: HEROKU_KEY is one, primary_key is not."""

_KINDS_OF_PASSWORD: Final = ("password", "passwd", "passphrase", "passcode", "pwd", "pass", "pw")


TELLING: Final = (*sorted(_WHOLE), *_ENDINGS, *_NOT_ENDINGS, *_ABOUT, *sorted(_QUALIFIERS), *sorted(_VENDORS))
"""Everything above, for the digest of the rules."""


@lru_cache(maxsize=4096)
def normal(name: str) -> str:
    """Lower case and without separators, which is how names of different styles are compared."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is a secret by its name alone."""
    if not 2 < len(name) <= LONGEST_NAME:
        return False
    plain = normal(name)
    if plain in _WHOLE:
        return True
    return plain.endswith(_ENDINGS) and not plain.endswith(_NOT_ENDINGS) and _words(name)[:1] not in _ABOUT_LISTS


@lru_cache(maxsize=4096)
def is_secret_variable(name: str) -> bool:
    """The same in a text, where a name may carry an index or a stage, and vendors call their secret just "key"."""
    words = _words(name)
    while words and (words[-1].isdigit() or words[-1] in _QUALIFIERS):
        words.pop()
    if not words:
        return False
    stem = "".join(words)
    if is_secret_name(stem) and (stem in _WHOLE or words[0] not in _ABOUT):
        return True
    return (words[-1] in ("key", "login", "accessid") or words[-2:] == ["access", "id"]) and any(
        word in _VENDORS for word in words[:-1]
    )


def is_password_name(name: str) -> bool:
    """Whether the secret is one that a person chose: such values need not look random."""
    return "".join(_words(name)).rstrip("0123456789").endswith(_KINDS_OF_PASSWORD)


def _words(name: str) -> list[str]:
    """`apiKey2`, `API_KEY_2` and `api-key-2` are the words api, key, 2."""
    words: list[str] = []
    word = ""
    before = ""
    for letter in name:
        if not letter.isalnum():
            words, word = ([*words, word] if word else words), ""
        elif (letter.isupper() and before.islower()) or letter.isdigit() != before.isdigit():
            words, word = ([*words, word] if word else words), letter
        else:
            word += letter
        before = letter
    return [part.lower() for part in ([*words, word] if word else words)]


_ABOUT_LISTS: Final = [[word] for word in _ABOUT]
