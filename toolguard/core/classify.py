"""What a call does to the world: from its arguments where they hold a language, else from the tool's definition.

A server's annotations can make the class graver; they make it milder only for a server that the operator trusts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from toolguard.core import verbs
from toolguard.core.acts import FileOp, FileUse
from toolguard.core.layout import headline
from toolguard.core.model import Classification, EffectClass, Reach, ToolCall, ToolDefinition
from toolguard.core.reading import Language, Reading
from toolguard.core.targets import Aim, Target, first, targets
from toolguard.core.verbs import split_name

READ = EffectClass.READ

RISK: Final = verbs.RISK

_PROGRAM: Final = frozenset({Language.SHELL, Language.POWERSHELL, Language.CMD, Language.PYTHON, Language.CODE})

_SPOKEN: Final = _PROGRAM | {Language.SQL}

_OF_FILE: Final = {
    FileOp.READ: READ,
    FileOp.LIST: READ,
    FileOp.WRITE: EffectClass.WRITE,
    FileOp.DELETE: EffectClass.DELETE,
    FileOp.MODE: EffectClass.ADMINISTER,
    FileOp.OWNER: EffectClass.ADMINISTER,
    FileOp.EXECUTE: EffectClass.EXECUTE,
}
_OF_METHOD: Final = {"GET": READ, "HEAD": READ, "OPTIONS": READ, "DELETE": EffectClass.DELETE}

_SELECTORS: Final = frozenset({"method", "action", "operation", "op", "mode", "command", "subcommand", "verb", "act"})
"""Parameters that choose among the operations of one tool."""

_IRREVERSIBLE: Final = frozenset({EffectClass.SEND, EffectClass.SPEND, EffectClass.DELETE})


def of_definition(definition: ToolDefinition) -> EffectClass:
    """The effect that name and description tell. The description may make it graver, never milder."""
    return _of_words(definition.name, definition.description[:400])


@lru_cache(maxsize=1024)
def _of_words(name: str, description: str) -> EffectClass:
    told = verbs.of_name(verbs.operation(name))
    described = verbs.of_description(description)
    if told is None:
        return described or EffectClass.UNKNOWN
    effect, plainly = told
    if described is None:
        return effect
    # "Executes a query": what a query does, its arguments tell.
    if effect is READ and described is EffectClass.EXECUTE:
        return READ
    if not plainly:
        return described
    if effect is not READ:
        return effect
    return max(effect, described, key=RISK.index)


def classify(reading: Reading) -> Classification:
    """The effect class, target, reach and headline of a call. Total."""
    call = reading.call
    found = targets(call.arguments)
    effect = _from_arguments(reading)
    if effect is None:
        effect = _by_targets(_annotated(call, _selected(call, _from_definition(call))), found)
    target = _target(reading, found)
    return Classification(
        effect,
        target,
        _reach(reading, found),
        False if effect in _IRREVERSIBLE else (True if effect is READ else None),
        "production" if _is_production(reading, found) else "",
        headline.of(reading, effect, found),
    )


def holds_language(reading: Reading) -> bool:
    """The call runs commands, code or SQL: then other detectors know better than the name of the tool."""
    return bool(reading.fragments) and not _SPOKEN.isdisjoint([fragment.language for fragment in reading.fragments])


def _from_definition(call: ToolCall) -> EffectClass:
    description = call.definition.description[:400] if call.definition else ""
    return _of_words(call.tool, description)


def tells_plainly(call: ToolCall) -> bool:
    """The name says by a verb that is no noun, the description, or an argument like `action`, that more is done than
    reading."""
    words = verbs.operation(call.tool)
    told = verbs.of_name(words)
    if told is not None and (told[1] or verbs.is_deed(words[0]) or (told[0] is not READ and verbs.is_deed(words[-1]))):
        return told[0] is not READ
    described = verbs.of_description(call.definition.description[:400]) if call.definition else None
    chosen = _selected(call, EffectClass.UNKNOWN)
    return not {described, chosen} <= {None, READ, EffectClass.UNKNOWN}


_MAY_PAY: Final = frozenset({EffectClass.WRITE, EffectClass.SEND, EffectClass.GRANT})
_HANDS_OUT: Final = frozenset("send deliver forward share notify upload mail".split())


def _by_targets(effect: EffectClass, found: tuple[Target, ...]) -> EffectClass:
    """A sum and an account are a payment, whatever it is called; a report that is delivered to somebody is sent."""
    aims = {target.aim for target in found}
    if effect in _MAY_PAY and Aim.AMOUNT in aims and Aim.ACCOUNT in aims:
        return EffectClass.SPEND
    handed_out = any(
        "@" in one.value and _HANDS_OUT.intersection(split_name(one.key)[:1])
        for one in found
        if one.aim is Aim.RECIPIENT
    )
    return EffectClass.SEND if effect is READ and handed_out else effect


def _selected(call: ToolCall, effect: EffectClass) -> EffectClass:
    """`{"action": "delete"}`: one tool, many operations. What was chosen counts when it is a verb that we know."""
    for key, value in call.arguments.items():
        if isinstance(value, str) and len(value) < 60 and key.lower() in _SELECTORS:
            told = verbs.of_name(split_name(value))
            if value.upper() in _OF_METHOD or value.upper() in ("POST", "PUT", "PATCH"):
                return _OF_METHOD.get(value.upper(), EffectClass.SEND)
            if told is not None:
                # A plainly writing tool does not become a reader by a word in its arguments.
                return (
                    told[0]
                    if effect in (READ, EffectClass.UNKNOWN, EffectClass.WRITE)
                    else max(told[0], effect, key=RISK.index)
                )
    return effect


def _annotated(call: ToolCall, effect: EffectClass) -> EffectClass:
    hints = call.definition.annotations if call.definition else {}
    if effect in (READ, EffectClass.UNKNOWN):
        if hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True:
            return EffectClass.DELETE if hints.get("readOnlyHint") is False else EffectClass.WRITE
        if hints.get("readOnlyHint") is False:
            return EffectClass.WRITE
    if call.server_trusted and hints.get("readOnlyHint") is True:
        return READ
    return effect


def _from_arguments(reading: Reading) -> EffectClass | None:
    """The gravest thing that the languages in the arguments would do; None when they hold none."""
    if not (reading.fragments or reading.acts or reading.files or reading.contacts):
        return None
    classes = [act.effect_class for act in reading.acts]
    classes += [_OF_FILE[use.op] for use in reading.files]
    classes += [_of_contact(contact.method, bool(contact.sends or contact.body)) for contact in reading.contacts]
    classes += [sql.effect_class for _, sql in reading.sql]
    languages = {fragment.language for fragment in reading.fragments}
    if languages & _PROGRAM:
        return max(classes, key=RISK.index, default=EffectClass.EXECUTE)
    if Language.SQL in languages and reading.sql:
        return max(classes, key=RISK.index)
    if reading.contacts or reading.files:
        # A tool that takes a path or a URL: its name says what it does with it, what was read makes it graver.
        named = _annotated(reading.call, _selected(reading.call, _from_definition(reading.call)))
        return max([named, *classes], key=RISK.index)
    return None


def _of_contact(method: str, carries: bool) -> EffectClass:
    return EffectClass.SEND if carries else _OF_METHOD.get(method.upper(), EffectClass.SEND)


def _target(reading: Reading, found: tuple[Target, ...]) -> str:
    statements = [s for _, sql in reading.sql for s in sql.statements if s.tables]
    if statements:
        # The one that the headline speaks of.
        return max(statements, key=lambda statement: RISK.index(statement.effect_class)).tables[0]
    if reading.files:
        return max(reading.files, key=lambda use: RISK.index(_OF_FILE[use.op])).path
    if reading.contacts:
        return reading.contacts[0].address
    for act in reading.acts:
        if act.target:
            return act.target
    named = first(found, Aim.ACCOUNT, Aim.RECIPIENT, Aim.PLACE, Aim.THING)
    return named.value if named else ""


def _reach(reading: Reading, found: tuple[Target, ...]) -> Reach:
    for _, sql in reading.sql:
        if any(statement.everything for statement in sql.statements):
            return Reach.ALL
    for use in reading.files:
        if _covers_all(use):
            return Reach.ALL
    if reading.acts:
        reaches = {act.reach for act in reading.acts}
        for reach in (Reach.ALL, Reach.MANY):
            if reach in reaches:
                return reach
    if len(reading.files) > 1 or (reading.files and reading.files[0].recursive):
        return Reach.MANY
    aimed = _reach_of_targets(found)
    if aimed is not Reach.UNKNOWN:
        return aimed
    return Reach.ONE if found or reading.files or reading.contacts else Reach.UNKNOWN


def _reach_of_targets(found: tuple[Target, ...]) -> Reach:
    """More than one, by what the arguments name; else unknown."""
    aimed = 0
    for target in found:
        if target.value.lower() in _EVERYONE:
            return Reach.ALL
        aimed += target.aim in _AIMED
    if aimed > 1:
        return Reach.MANY
    return Reach.UNKNOWN


_EVERYONE: Final = frozenset({"*", "all", "everyone", "everybody", "@all", "@everyone"})
_AIMED: Final = frozenset({Aim.RECIPIENT, Aim.PLACE, Aim.ACCOUNT})


def _covers_all(use: FileUse) -> bool:
    return use.op is FileOp.DELETE and use.path in ("/", "~", "*", "/*", "~/*", ".")


_PRODUCTION: Final = re.compile(r"(?<![a-z])(?:prod|production|live|prd)(?![a-z])")
# One of these as a word, or a part of a name between marks or digits: `db1.prod.example.org`, `deploy-live`.


def _is_production(reading: Reading, found: tuple[Target, ...]) -> bool:
    texts = [target.value for target in found if target.aim is not Aim.TEXT]
    texts += [fragment.text[:2000] for fragment in reading.fragments if fragment.language is not Language.TEXT]
    low = "\n".join(texts).lower()
    # Cheap test first: most arguments hold none of these letters.
    return ("prod" in low or "prd" in low or "live" in low) and _PRODUCTION.search(low) is not None
