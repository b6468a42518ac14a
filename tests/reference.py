"""The tables of docs/reference.md that are made from the code: `python -m tests.reference` writes them anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tests import generated
from toolguard.cli.app import COMMANDS, toolguard
from toolguard.cli.proxy import USAGE
from toolguard.core.events import KINDS
from toolguard.core.model import Confidence
from toolguard.core.score import POINTS
from toolguard.review.rest import OPERATIONS

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference.md"


def commands() -> Iterator[str]:
    yield "| command | what it does |"
    yield "|---|---|"
    context = click.Context(toolguard)
    for name, (_, line) in COMMANDS.items():
        command = toolguard.get_command(context, name)
        if isinstance(command, click.Group):
            for sub, child in sorted(command.commands.items()):
                yield f"| `{_usage(f'toolguard {name} {sub}', child)}` | {_sentence(child)} |"
        elif name == "proxy":
            yield f"| `{_cell(USAGE.removeprefix('usage: '))}` | {line} |"
        elif command is not None:
            yield f"| `{_usage(f'toolguard {name}', command)}` | {line} |"


def _usage(path: str, command: click.Command) -> str:
    parts = [path]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            flag = parameter.opts[-1]
            value = "" if parameter.is_flag else f" {_value(parameter, command)}"
            parts.append(f"{flag}{value}" if parameter.required else f"[{flag}{value}]")
        else:
            parts.append(parameter.make_metavar(click.Context(command)))
    return _cell(" ".join(parts))


def _value(option: click.Option, command: click.Command) -> str:
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        return "N"
    return option.make_metavar(click.Context(command)).strip("<>[]")


def _sentence(command: click.Command) -> str:
    # Only from Python 3.13 on are the lines of a docstring without their indentation.
    return _cell(" ".join((command.help or "").split("\n\n")[0].replace("\b", "").split()))


def points() -> Iterator[str]:
    yield f"| severity | {' | '.join(f'{confidence} confidence' for confidence in Confidence)} |"
    yield "|---" * (len(Confidence) + 1) + "|"
    for severity, row in POINTS.items():
        yield f"| {severity} | {' | '.join(str(row[confidence]) for confidence in Confidence)} |"


def rest() -> Iterator[str]:
    yield "| method | path | what it does |"
    yield "|---|---|---|"
    for operation in OPERATIONS:
        line = (operation.endpoint.__doc__ or "").split("\n")[0]
        yield f"| {operation.method} | `{operation.path}` | {_cell(line)} |"


def events() -> Iterator[str]:
    yield "| kind | what happened |"
    yield "|---|---|"
    for kind, sentence in KINDS.items():
        yield f"| `{kind}` | {_cell(sentence)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


TABLES: Final[dict[str, generated.Part]] = {
    "commands": commands,
    "points": points,
    "rest": rest,
    "events": events,
}


if __name__ == "__main__":
    generated.write(PAGE, TABLES)
