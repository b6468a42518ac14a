"""Verbs and what they do: one lexicon for tool names, descriptions, requests of people and sentences in results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from toolguard.core.model import EffectClass

READ, WRITE, DELETE, EXECUTE = EffectClass.READ, EffectClass.WRITE, EffectClass.DELETE, EffectClass.EXECUTE
SEND, SPEND, GRANT, ADMINISTER = EffectClass.SEND, EffectClass.SPEND, EffectClass.GRANT, EffectClass.ADMINISTER

_STRONG: Final = {
    READ: """get list read fetch query search find show describe view lookup retrieve count calculate calc compute
        estimate predict forecast analyze analyse compare summarize summarise detect validate verify inspect browse
        recommend suggest explain display return enumerate identify locate determine evaluate measure convert solve
        simulate infer classify parse extract scan discover explore preview recognize detect observe monitor resolve
        encode decode translate tokenize ping diff grep ls cat head tail wc stat pwd cd du df whoami sort tree peek
        ask answer tell know see learn look visit navigate obtain access check review examine gather collect
        provide supply suggest derive deduce say print dump download generate authenticate login logout sign
        visualize plot draw render interpret rank score assess audit investigate understand research google crawl
        scrape screenshot track trace profile benchmark test lint typecheck hover ocr transcribe""",
    WRITE: """create update modify edit insert append upsert write put save store set add change rename replace
        move copy mv cp touch mkdir patch commit merge fork import upload overwrite increment decrement toggle mark
        tag untag label assign unassign attach detach link unlink connect subscribe unsubscribe follow unfollow
        bookmark star unstar pin unpin like unlike close reopen open cancel reschedule schedule register enroll
        exchange return dismiss resolve apply adjust convert_in_place sync reindex index resize crop compress extract_to
        unzip zip build compile generate_file make alter amend fill complete finish draft prepare submit rebase stash
        checkout push echo record log archive unarchive restore undelete trigger track_time rate vote upvote downvote
        clone duplicate join leave accept decline react acknowledge snooze mute unmute book reserve click type press
        drag select hover scroll organize organise post_process synthesize substitute swap redeem claim activate
        enable disable configure setup initialize initialise init launch spawn turn adjust play pause resume skip
        initiate guide direct raise lower increase decrease arm disarm release prescribe dispense ship route steer give
        enter input start stop begin end lock load unload ignore watch unwatch ack categorize categorise sanitize
        transform
        annotate customize customise rewrite refactor fix paste cut undo redo drive park fly go walk issue operate
        actuate discharge unseal""",
    DELETE: """delete remove drop purge erase destroy wipe clear truncate trash uninstall discard rm rmdir unlink
        prune flush flushall flushdb nuke obliterate expunge shred delist evict empty deprovision decommission
        withdraw_item kick
        ban void cull unpublish deaccession euthanize euthanise""",
    EXECUTE: """execute exec run eval invoke call spawn_process dispatch shell terminal script bash powershell
        interpret_code launch_process""",
    SEND: """send email mail message post publish tweet retweet reply forward notify broadcast announce text dm
        share_publicly transmit deliver text_message sms fax emit push_notification respond comment upload
        whisper crosspost mention export report""",
    SPEND: """pay buy purchase order withdraw deposit charge refund donate invest trade bid tip subscribe_paid
        wire remit transfer checkout_cart spend reimburse settle topup bet wager sell lend borrow rent hire fund
        refuel liquidate mint disburse payout stake swap_tokens renew""",
    GRANT: """grant authorize authorise approve permit allow share invite promote elevate escalate impersonate
        delegate unlock entitle whitelist unblock trust assume waive unmask""",
    ADMINISTER: """restart reboot shutdown deploy install provision scale rotate reset revoke suspend unsuspend
        deactivate terminate kill freeze unfreeze block quarantine migrate rollback upgrade downgrade unregister
        reconfigure failover bootstrap mount unmount format partition protect unprotect enforce onboard offboard
        silence inhibit override bypass immobilize immobilise shed detonate evict eject""",
}

WEAK: Final = frozenset(
    """order book report list record post file log set request share transfer state search test plan design check view
    query message comment schedule play run move copy address contact mail email call charge bill invoice note rate
    review vote watch access place change text tag label link index match order trade fund tip bid return exchange
    score rank sort store track drive park end start close open lock load head tail tree stat diff print push mark
    type press scroll select drag score sign script terminal shell format block trust claim draft make give go see know
    say look set use update_time reserve rent visit stake text export import like host tweet sms reply mention fax
        display profile test track
    monitor supply answer sound give direct guide route ship arm release raise lower input turn fly walk cut fix
        archive permit issue void discharge override bypass""".split()
)
"""Verbs that are as often nouns in the name of a tool: they count at its beginning or end only, after all others."""

PHRASES: Final[dict[tuple[str, str], EffectClass]] = {
    ("place", "order"): SPEND, ("make", "payment"): SPEND, ("make", "purchase"): SPEND, ("make", "reservation"): SPEND,
    ("place", "bid"): SPEND, ("place", "bet"): SPEND, ("top", "up"): SPEND, ("send", "money"): SPEND,
    ("send", "payment"): SPEND, ("send", "funds"): SPEND, ("book", "flight"): SPEND, ("book", "hotel"): SPEND,
    ("book", "reservation"): SPEND, ("transfer", "to"): WRITE, ("transfer", "call"): WRITE, ("transfer", "file"): WRITE,
    ("transfer", "chat"): WRITE, ("transfer", "ticket"): WRITE, ("add", "collaborator"): GRANT,
    ("add", "member"): GRANT,
    ("add", "user"): GRANT, ("add", "role"): GRANT, ("add", "permission"): GRANT, ("assign", "role"): GRANT,
    ("set", "permission"): GRANT, ("update", "permission"): GRANT, ("create", "token"): GRANT,
    ("create", "user"): GRANT,
    ("change", "password"): GRANT, ("update", "password"): GRANT, ("set", "password"): GRANT,
    ("reset", "password"): GRANT,
    ("sign", "up"): WRITE, ("log", "in"): READ, ("sign", "in"): READ, ("look", "up"): READ, ("check", "out"): WRITE,
    ("check", "in"): WRITE, ("set", "up"): WRITE, ("fill", "out"): WRITE, ("fill", "in"): WRITE, ("turn", "on"): WRITE,
    ("shut", "down"): ADMINISTER, ("get", "rid"): DELETE, ("throw", "away"): DELETE, ("give", "access"): GRANT,
    ("apply", "for"): WRITE, ("file", "dispute"): WRITE, ("submit", "form"): SEND, ("write", "to"): WRITE,
    ("write", "email"): SEND, ("drop", "off"): WRITE, ("return", "items"): WRITE, ("remove", "user"): GRANT,
    ("remove", "member"): GRANT, ("open", "account"): WRITE, ("follow", "up"): SEND, ("pick", "up"): WRITE,
    ("leave", "comment"): SEND, ("leave", "review"): SEND, ("write", "review"): SEND, ("fork", "bomb"): EXECUTE,
    ("search", "replace"): WRITE, ("find", "replace"): WRITE, ("send", "transaction"): SPEND,
    ("sign", "transaction"): SPEND, ("swap", "token"): SPEND, ("swap", "tokens"): SPEND,
    ("approve", "token"): SPEND, ("sell", "all"): SPEND, ("short", "sell"): SPEND, ("close", "position"): SPEND,
    ("disable", "two"): ADMINISTER, ("cash", "out"): SPEND, ("pay", "off"): SPEND,
    ("clean", "up"): DELETE, ("wipe", "out"): DELETE, ("mark", "read"): WRITE, ("mark", "as"): WRITE,
}  # fmt: skip
"""Two words that mean something else together, also with other words between in a tool's name."""


def _table() -> dict[str, EffectClass]:
    return {verb: effect for effect, text in _STRONG.items() for verb in text.split()}


VERBS: Final = _table()

_CAMEL: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Words of a tool's name: runs of capitals, capitalised or lower-case words, digits.

RISK: Final = (READ, EffectClass.UNKNOWN, WRITE, SEND, DELETE, ADMINISTER, GRANT, SPEND, EXECUTE)
"""From harmless to grave, for choosing among several verbs."""


@lru_cache(maxsize=4096)
def split_name(name: str) -> tuple[str, ...]:
    """The words of a tool's name, in lower case: `GmailSendEmail`, `send_email` and `mail.send-email` alike."""
    return tuple(word.lower() for word in _CAMEL.findall(name[:200]))


_SEGMENT: Final = re.compile(r"[./:]+|__")


@lru_cache(maxsize=4096)
def operation(name: str) -> tuple[str, ...]:
    """The words of a name that say what is done: of `pay.getSlip` and `mcp__pay__get_slip` those of the last part."""
    parts = _SEGMENT.split(name[:200])
    last = split_name(parts[-1])
    return last if len(parts) > 1 and any(word in VERBS for word in last) else split_name(name)


@lru_cache(maxsize=4096)
def lemma(word: str) -> str:
    """The verb that this word is a form of, or the word itself."""
    if word in VERBS:
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            stem = word[: -len(ending)] + instead
            if stem in VERBS:
                return stem
            if ending in ("ing", "ed") and len(stem) > 3 and stem[-1] == stem[-2] and stem[:-1] in VERBS:
                return stem[:-1]
    return word


_ENDINGS: Final = (
    ("ies", "y"), ("ied", "y"), ("ses", "s"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z"), ("es", "e"),
    ("s", ""), ("ing", "e"), ("ing", ""), ("ed", "e"), ("ed", ""),
)  # fmt: skip


def effect_of(word: str) -> EffectClass | None:
    """What this verb, in any of its forms, does; None for other words."""
    return VERBS.get(lemma(word))


def of_name(name: Sequence[str]) -> tuple[EffectClass, bool] | None:
    """The effect that the words of a tool's name tell, and whether they tell it plainly."""
    for i, word in enumerate(name):
        for other in name[i + 1 : i + 4]:
            together = PHRASES.get((word, other)) or PHRASES.get((word, other.removesuffix("s")))
            if together is not None and (i == 0 or word not in WEAK):
                return together, True
    strong = [(i, VERBS[word]) for i, word in enumerate(name) if word in VERBS and word not in WEAK]
    if strong:
        first, last = strong[0], strong[-1]
        if first[0] == 0:
            return first[1], True
        if last[0] == len(name) - 1:
            return last[1], True
        return max((effect for _, effect in strong), key=RISK.index), True
    if len(name) > 1 and name[-1] in _STATES and not is_deed(name[0]):
        return READ, False  # `order_status`, `leave_balance`
    weak = [i for i in (0, len(name) - 1) if 0 <= i < len(name) and name[i] in VERBS]
    return (VERBS[name[weak[0]]], False) if weak else None


_STATES: Final = frozenset(
    """status state balance balances details detail info information history summary totals total count overview stats
    statistics metrics availability price prices rate rates list""".split()
)
"""Last words of names that say what is told."""
_SENTENCE: Final = re.compile(r"[.!?\n]")
_WORD: Final = re.compile(r"[A-Za-z]+")
_FILLERS: Final = frozenset(
    """this that it the a an tool tools function functions api method command endpoint operation utility for to used use
    is are which allows allow you user users can will may enables lets helps help in applying performs perform start
    here always if your and or also please by""".split()
)
"""Words that stand before the verb in the first sentence of a description."""


def is_deed(word: str) -> bool:
    """At the beginning of a name, this is a verb: `set_rate`, `close`; not `order_status`, `report`."""
    return word in VERBS and word not in _THINGS


def of_description(description: str) -> EffectClass | None:
    """The effect of the first verb of a description; of several joined by slashes, commas or "or" the gravest."""
    sentence = _SENTENCE.split(description.strip()[:400], maxsplit=1)[0]
    gravest: EffectClass | None = None
    unknown = end = 0
    for found in list(_WORD.finditer(sentence))[:14]:
        small = found.group().lower()
        between, end = sentence[end : found.start()].strip(), found.end()
        if small in ("and", "or"):
            end -= len(small)
            continue
        if gravest is not None and not between:
            break
        effect = None if small in _FILLERS else _DESCRIBING.get(lemma(small)) or effect_of(small)
        is_thing = lemma(small) in _THINGS or small.endswith("ing")
        if effect is not READ and is_thing and not _TAKES.match(sentence, end):
            effect = None  # "Open work orders", "Claim with its documents": no deed, but what there is
        if effect is not None:
            gravest = effect if gravest is None else max(gravest, effect, key=RISK.index)
        elif gravest is not None or (small not in _FILLERS and (unknown := unknown + 1) > 2):
            break
    return gravest


_THINGS: Final = frozenset(
    """order book report post file log request share transfer message comment record contact address mail email charge
    bill invoice note rate review vote text tag label link index trade fund tip bid return exchange claim permit issue
    stake import export sms fax test draft block trust archive mention like host rent visit sign script format open
    schedule call track alert void""".split()
)
"""Verbs that begin a description as often as a noun, or as what is open."""
_TAKES: Final = re.compile(
    r"\s+(?:an?|the|all|every|each|any|one|some|this|that|these|those|your|my|our|their|its|his|her|new|given|specific"
    r"|specified|existing|current|multiple|several|two|up|out|in|on|off|to|from|for|or|and|\w+ly)\b|\s*[/,(]",
    re.IGNORECASE,
)
"""What follows a word that is meant as a verb."""
_DESCRIBING: Final = {"return": READ, "answer": READ, "report": READ, "order": SPEND, "file": WRITE, "request": SEND}
"""What these do at the beginning of a description, where it differs from what they do in a name."""


def verbs_in(text: str) -> Iterator[tuple[str, EffectClass, int]]:
    """Each verb of a text with its effect and place."""
    for found in _WORD.finditer(text):
        effect = effect_of(found.group().lower())
        if effect is not None:
            yield found.group().lower(), effect, found.start()
