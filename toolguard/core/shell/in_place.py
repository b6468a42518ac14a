"""Programs that rewrite a file where it is: `perl -pi -e TEXT FILE`, and which others can do the same."""

from __future__ import annotations

import re
from typing import Final

from toolguard.core.shell.words import Command, Word

PROGRAMS: Final = frozenset({"sed", "gsed", "awk", "gawk", "perl", "ruby", "ed", "ex", "vi", "vim"})
"""Programs that can rewrite a file where it is; a write of theirs without content changes lines of it."""
_REWRITES: Final = re.compile(r"-[a-df-zA-Z0-9]*i(?:\.\w+)?e?$")  # -i, -pi, -i.bak, -pie


def rewritten(command: Command) -> list[Word]:
    """The files that `perl -pi -e TEXT FILE` changes; none without -i."""
    if not any(_REWRITES.match(arg) for arg in command.args):
        return []
    files, skip, given = [], False, False
    for word in command.words[1:]:
        if skip:
            skip = False
        elif word.text.startswith("-") and len(word.text) > 1:
            skip = word.text[-1] in "eE" and not word.text.startswith("--")
            given = given or skip
        else:
            files.append(word)
    return files if given else files[1:]
