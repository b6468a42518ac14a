"""One step into a command that runs another: what stands inside it, and the words that options and operands take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from toolguard.core.shell.words import Command, Word


@dataclass(frozen=True, slots=True)
class Inside:
    """A program text that a command hands to an interpreter."""

    language: str
    """`shell`, `python`, `sql`, `powershell`, `cmd`, or the name of another language."""
    text: str
    known: bool = True
    source: tuple[Command, ...] = ()
    """Commands that produce the text, where it is not known."""


_VERSIONED: Final = re.compile(r"(python|pypy|perl|ruby|php|lua|node|tclsh|pip)\d*(?:\.\d+)*$")  # python3.11 is python


@lru_cache(maxsize=2048)
def program(name: str) -> str:
    """The name of a program without version or `.exe`, for looking it up."""
    lowered = name.lower()
    if lowered.endswith(".exe"):
        return lowered.removesuffix(".exe")
    match = _VERSIONED.fullmatch(name)
    if match:
        return match[1]
    return "ld.so" if name.startswith(("ld-linux", "ld-musl", "ld.so")) else name


ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")  # NAME=value before a command


def operand_at(words: tuple[Word, ...], valued: frozenset[str], skip: int = 0, start: int = 1) -> int:
    """Index of the operand number `skip` (from 0), options and their values passed over; len(words) if there is
    none.
    """
    index = start
    while index < len(words):
        text = words[index].text
        if text == "--":
            index += 1
            if skip == 0:
                return index
            skip, valued, index = skip - 1, frozenset(), index + 1
            continue
        if text.startswith("-") and text != "-":
            index += 2 if text in valued else 1
            continue
        if skip == 0:
            return index
        skip -= 1
        index += 1
    return index


Finder = Callable[[Command], Iterator[Command | Inside]]
"""What finds the commands and texts that one kind of program runs."""


def behind(command: Command, words: tuple[Word, ...], name: str) -> Command:
    """A command that another one runs, at the same place and with the same streams."""
    env = command.env
    if name == "env":
        set_here = [word for word in command.words[: len(command.words) - len(words)] if ASSIGNMENT.match(word.text)]
        env = tuple((w.text.partition("=")[0], replace(w, text=w.text.partition("=")[2])) for w in set_here)
    return replace(command, words=words, via=(*command.via, name), env=env)


_CLUSTER: Final = re.compile(r"-[A-Za-z]{2,5}")


def option_words(command: Command, options: frozenset[str]) -> Iterator[Word]:
    """Values of an option: `-c text`, `-ctext` (one letter), `--command=text`."""
    words = command.words
    for index, word in enumerate(words[1:], 1):
        head, eq, value = word.text.partition("=")
        if word.text in options:
            if index + 1 < len(words):
                yield words[index + 1]
        elif eq and head in options:
            yield replace(word, text=value)
        elif len(word.text) > 2 and word.text[:2] in options and not word.text.startswith("--"):
            yield replace(word, text=word.text[2:])
        elif _CLUSTER.fullmatch(word.text) and f"-{word.text[-1]}" in options and index + 1 < len(words):
            yield words[index + 1]  # `psql -tAc TEXT`, `script -qc TEXT`
