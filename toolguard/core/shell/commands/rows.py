"""One line of a table of commands: how it is written, and when a command fits it.

A line reads `[instead] [severity] pattern = sentence` under a heading `@finding-id effect-class`. In a pattern the first
word is the program, bare words are its operands in order, `-f|--force` must be among the options, `!--dry-run` must not
be, `x*` is a prefix, `*` any operand, `~word` an operand at any place, `!~word` one that must stand nowhere, `$` the end
of the operands.

    -o|--output:json|yaml    an option that is given, always with one of these values
    !-i|--interface:lo       an option that is not given, or also with another value
    <test>  <test>+          an operand of a class (core/shell/commands/names.py); with `+` all that follow, at least one
    instead                  where the line fits, no later line of the same finding counts
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from toolguard.core.model import EffectClass, Severity
from toolguard.core.shell.commands import names


@dataclass(frozen=True, slots=True)
class Choice:
    """Options of which one is meant, and the values that count; without values it counts by standing there."""

    options: tuple[str, ...]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    finding: str
    effect_class: EffectClass
    severity: Severity | None
    sentence: str
    operands: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    needed: tuple[Choice, ...] = ()
    forbidden: tuple[Choice, ...] = ()
    instead: bool = False


SEVERITIES: Final = {s.value: s for s in Severity}


def rows(text: str) -> Iterable[tuple[str, Row]]:
    """The lines of a table, each under every program that it names."""
    finding, effect_class = "", EffectClass.UNKNOWN
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            finding, word = line[1:].split()
            effect_class = EffectClass(word)
            continue
        pattern, _, sentence = line.partition(" = ")
        parts = pattern.split()
        instead = parts[0] == "instead"
        parts = parts[instead:]
        severity = SEVERITIES.get(parts[0])
        if severity is not None:
            parts = parts[1:]
        row = Row(
            finding,
            effect_class,
            severity,
            sentence.strip(),
            tuple(p for p in parts[1:] if p[0] not in "-!~" or p == "-"),
            tuple(p[1:] for p in parts[1:] if p[0] == "~"),
            tuple(p[2:] for p in parts[1:] if p.startswith("!~")),
            tuple(_choice(p) for p in parts[1:] if p[0] == "-" and p != "-"),
            tuple(_choice(p[1:]) for p in parts[1:] if p.startswith("!-")),
            instead,
        )
        for program in parts[0].split("|"):
            yield program, row


def _choice(part: str) -> Choice:
    options, _, values = part.partition(":")
    return Choice(tuple(options.split("|")), tuple(value for value in values.split("|") if value))


def fits(row: Row, operands: list[str], options: list[str], args: tuple[str, ...]) -> bool:
    """Whether a command with these operands, options and words is what the line describes."""
    if not _in_order(row.operands, operands):
        return False
    if any(not any(_same(word, operand) for operand in args) for word in row.anywhere):
        return False
    if any(_same(word, operand) for word in row.nowhere for operand in args):
        return False
    if any(_stands(choice, options, args) for choice in row.forbidden):
        return False
    return all(_stands(choice, options, args) for choice in row.needed)


def _in_order(patterns: tuple[str, ...], operands: list[str]) -> bool:
    ends = patterns[-1:] == ("$",)
    patterns = patterns[:-1] if ends else patterns
    if len(operands) < len(patterns) or (ends and len(operands) > len(patterns)):
        return False
    for index, pattern in enumerate(patterns):
        if pattern[0] == "<" and pattern[-1] == "+":
            return all(names.is_in(pattern[1:-2], operand) for operand in operands[index:])
        if not _same(pattern, operands[index]):
            return False
    return True


def _stands(choice: Choice, options: list[str], args: tuple[str, ...]) -> bool:
    """One of the options is given; where values are named, with these and no other."""
    if not choice.values:
        return any(_has(option, options) for option in choice.options)
    values = _values(choice.options, args)
    return bool(values) and all(any(_alike(pattern, value.lower()) for pattern in choice.values) for value in values)


def _values(options: tuple[str, ...], args: tuple[str, ...]) -> list[str]:
    """What stands behind an option: `-o json`, `-ojson`, `-o=json`, `--output json`, `--output=json`."""
    found: list[str] = []
    for index, arg in enumerate(args):
        head, eq, value = arg.partition("=")
        if arg in options:
            found += args[index + 1 : index + 2]
        elif eq and head in options:
            found.append(value)
        elif len(arg) > 2 and arg[1] != "-" and arg[:2] in options:
            found.append(arg[2:].removeprefix("="))
    return found


def _same(pattern: str, word: str) -> bool:
    lowered = word.lower()
    return any(_alike(part.lstrip("~"), lowered) for part in pattern.split("|"))


def _alike(pattern: str, word: str) -> bool:
    if pattern[:1] == "<" and pattern[-1:] == ">":
        return names.is_in(pattern[1:-1], word)
    if "*" not in pattern:
        return word == pattern
    first, *parts = pattern.split("*")
    if not word.startswith(first) or (not first and not word.endswith(parts[-1])):
        return False
    at = len(first)
    for part in parts:
        found = word.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _has(option: str, options: list[str]) -> bool:
    """An option is given, long (`--force`, `--force=x`) or inside a cluster of letters (`-xf`)."""
    if option.endswith("*"):
        return any(o.startswith(option[:-1]) for o in options)
    if option.startswith("--") or len(option) > 2:
        return any(o == option or o.startswith(option + "=") for o in options)
    return any(
        not o.startswith("--") and option[1] in o[1:].partition("=")[0] and (len(o) == 2 or o[1:].isalpha())
        for o in options
    )
