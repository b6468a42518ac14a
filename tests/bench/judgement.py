"""Labelled sessions judged by toolguard and by two simple rules: `python -m tests.bench.judgement SESSIONS SCORER`.

SESSIONS is a file as `toolguard replay` reads it, with labels; SCORER a Python file with `read(path)` and
`score(sessions, decisions)`, which returns for each figure its macro average with an interval. Neither is part of this
project. The rules show where two common ways of guarding stand on the same sessions: a list of forbidden patterns, and
asking about every tool whose name does not say that it reads.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from toolguard.core import verbs
from toolguard.core.model import EffectClass

Session = Mapping[str, Any]
Decisions = dict[str, Any]

FORBIDDEN: Final = re.compile(
    r"rm\s+-\w*[rf]\w*\s+(?:/|~|\*)|\bmkfs|\bdd\s+if=|>\s*/dev/sd|:\(\)\s*\{|\bshutdown\b|\breboot\b|chmod\s+-?R?\s*777"
    r"|(?:curl|wget)\b[^|\n]*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b|/etc/(?:passwd|shadow|sudoers)|\.ssh/id_rsa"
    r"|\bdrop\s+(?:table|database)\b|\btruncate\s+table\b|\bdelete\s+from\s+\w+\s*;?\s*$|\bnc\s+-e\b|/dev/tcp/",
    re.IGNORECASE,
)
"""What a usual list of forbidden patterns holds."""


def denylist(session: Session, step: Mapping[str, Any]) -> str:
    return "deny" if FORBIDDEN.search(json.dumps(step.get("arguments") or {})) else "allow"


def unless_it_reads(session: Session, step: Mapping[str, Any]) -> str:
    told = verbs.of_name(verbs.split_name(step["tool"]))
    return "allow" if told is not None and told[0] is EffectClass.READ else "ask"


RULES: Final[dict[str, Callable[[Session, Mapping[str, Any]], str]]] = {
    "denylist": denylist,
    "unless it reads": unless_it_reads,
}


def by_rule(sessions: list[Session], rule: Callable[[Session, Mapping[str, Any]], str]) -> Decisions:
    return {s["id"]: {"steps": [{"effect": rule(s, step)} for step in s["steps"]]} for s in sessions}


def by_toolguard(path: str, folder: Path) -> Path:
    """The decisions of `toolguard replay`, in a file."""
    found = folder / "decisions.jsonl"
    with found.open("wb") as out:
        subprocess.run([sys.executable, "-m", "toolguard", "replay", path], stdout=out, check=True)
    return found


def scorer_at(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scorer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(value: Any) -> str:
    """A figure of the scorer: macro average and interval, a share, or a number."""
    if isinstance(value, Mapping) and "macro" in value:
        return f"{value['macro']:.1f} [{value['low']:.1f}, {value['high']:.1f}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number}" for name, number in value.items() if name != "n")
    return str(value)


def main(sessions_path: str, scorer_path: str) -> None:
    scorer = scorer_at(scorer_path)
    sessions = scorer.read(sessions_path)
    with tempfile.TemporaryDirectory() as folder:
        decided = {one["id"]: one for one in scorer.read(str(by_toolguard(sessions_path, Path(folder))))}
    columns = {"toolguard": scorer.score(sessions, decided)}
    columns |= {name: scorer.score(sessions, by_rule(sessions, rule)) for name, rule in RULES.items()}
    lines = ["| figure | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for figure in columns["toolguard"]:
        cells = [shown(report[figure]) if figure in report else "" for report in columns.values()]
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
