"""Every detector against its cases, and every piece of every detector in its place.

A case is one entry of tests/cases/<detector>.yaml: `shell`, `powershell` or `python` with a text, or `call` with a
tool and its arguments; `finds` is what that detector reports (and nothing else), `asks` whether the call is asked
about under the default policy (as `finds` says where it is left out). Detectors that need more than a call have a
test of their own in tests/detectors/, and cases of another form in a file of theirs or in one that names its
`detector` in each case.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from toolguard import detectors
from toolguard.core import yaml
from toolguard.core.classify import classify
from toolguard.core.model import Effect, Principal, ToolCall
from toolguard.core.policy.policy import Policy
from toolguard.core.reading import read
from toolguard.core.session.facts import Surroundings
from toolguard.core.session.memory import Session
from toolguard.detectors.kinds import DETECTOR_FAILED
from toolguard.guard.judging import judge

ROOT: Final = Path(__file__).parent
FOLDER: Final = ROOT / "cases"
PAGES: Final = ROOT.parent / "docs" / "findings"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
AROUND: Final = Surroundings(
    roots=("/home/ana/project",),
    cwd="/home/ana/project",
    home="/home/ana",
    protected=("/home/ana/.local/share/toolguard", "/home/ana/.cursor/mcp.json"),
    protected_ports=(8787,),
)
LANGUAGES: Final = {
    "shell": ("bash", "command"),
    "powershell": ("powershell", "command"),
    "python": ("execute_python", "code"),
}


def name_of(detector: ModuleType) -> str:
    return detector.__name__.rpartition(".")[2]


def cases_of(name: str) -> list[dict[str, Any]]:
    file = FOLDER / f"{name}.yaml"
    value = yaml.parse(file.read_text(encoding="utf-8"), str(file)).value if file.exists() else []
    return (
        value
        if isinstance(value, list)
        else [case for part in value.values() if isinstance(part, list) for case in part]
    )


def call_of(case: dict[str, Any]) -> ToolCall | None:
    """The call of a case in the form described above; None for cases of another form."""
    principal = Principal("agent", "ana", "session")
    for language, (tool, argument) in LANGUAGES.items():
        if isinstance(case.get(language), str):
            return ToolCall("tools", tool, {argument: case[language]}, principal)
    if "repeat" in case:
        repeat = case["repeat"]
        return ToolCall("tools", repeat["tool"], {repeat["argument"]: repeat["text"] * repeat["times"]}, principal)
    if set(case) <= {"name", "call", "finds", "asks"} and isinstance(case.get("call"), dict):
        return ToolCall("tools", case["call"]["tool"], case["call"]["arguments"], principal)
    return None


BY_NAME: Final = {name_of(detector): detector for detector in detectors.ALL}
ALL_CASES: Final = {path.stem: cases_of(path.stem) for path in sorted(FOLDER.glob("*.yaml"))}
PLAIN: Final = [name for name in BY_NAME if name in ALL_CASES and all(call_of(case) for case in ALL_CASES[name])]
"""Detectors whose cases all have the form above."""
CASES: Final = [
    pytest.param(BY_NAME[name], case, id=f"{name}: {case.get('name') or next(iter(case.values()))!s:.90}")
    for name in PLAIN
    for case in ALL_CASES[name]
]


@pytest.mark.parametrize(("detector", "case"), CASES)
def test_a_detector_finds_what_its_case_says(detector: ModuleType, case: dict[str, Any]) -> None:
    call = call_of(case)
    assert call is not None, "a case of a form that nobody tests"
    facts = Session().facts(call, AROUND)

    found = {finding.id for finding in detector.inspect(read(call), facts)}
    decision = judge(call, facts, Policy(), NOW)

    assert sorted(found) == sorted(case["finds"])
    assert (decision.effect is not Effect.ALLOW) is case.get("asks", bool(case["finds"]))


def test_a_detector_is_passed_over_only_where_it_finds_nothing() -> None:
    calls = [call for cases in ALL_CASES.values() for case in cases if (call := call_of(case)) is not None]
    assert len(calls) > 500
    for call in calls:
        reading = read(call)
        facts = Session().facts(call, AROUND).classified(classify(reading))
        everything = tuple(finding for detector in detectors.ALL for finding in detector.inspect(reading, facts))
        assert detectors.inspect(reading, facts) == everything


@pytest.mark.parametrize(("detector", "case"), CASES)
def test_a_finding_points_into_the_arguments(detector: ModuleType, case: dict[str, Any]) -> None:
    call = call_of(case)
    assert call is not None
    texts = {f"/{name}": value for name, value in call.arguments.items() if isinstance(value, str)}

    for finding in detector.inspect(read(call), Session().facts(call, AROUND)):
        if finding.start is not None and finding.end is not None and finding.pointer in texts:
            assert 0 <= finding.start <= finding.end <= len(texts[finding.pointer])
            assert texts[finding.pointer][finding.start : finding.end].strip()
        assert finding.message[0] == finding.message[0].lower()
        assert not finding.message.endswith(".")


# --- nothing is forgotten
# -----------------------------------------------------------------------------------------------


def expected_ids() -> set[str]:
    """Ids that any case expects; a short form stands for that id in the family of its detector or file."""
    found: set[str] = set()
    for file, cases in ALL_CASES.items():
        for case in cases:
            family = BY_NAME.get(case.get("detector", file))
            prefixes = {kind.id.partition(".")[0] for kind in family.FINDINGS} if family else {file.replace("_", "-")}
            for key in ("finds", "only"):
                value = case.get(key, [])
                for one in [value] if isinstance(value, str) else value:
                    found |= {one} if "." in one else {f"{prefix}.{one}" for prefix in prefixes}
    return found


def test_every_file_with_findings_is_in_the_registry() -> None:
    files = {path.stem for path in Path(detectors.__file__).parent.glob("*.py")} - {"__init__", "kinds"}

    missing = {
        name for name in files if "FINDINGS" in (Path(detectors.__file__).parent / f"{name}.py").read_text("utf-8")
    } - set(BY_NAME)

    assert not missing, f"not in ALL of toolguard/detectors/__init__.py: {sorted(missing)}"


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_detector_has_cases_of_both_kinds(name: str) -> None:
    cases = [case for file, cases in ALL_CASES.items() for case in cases if case.get("detector", file) == name]

    assert cases, f"tests/cases/{name}.yaml is missing or empty"
    assert any(case.get("finds") for case in cases), f"tests/cases/{name}.yaml has no case to report"
    assert any(case.get("finds") == [] for case in cases), f"tests/cases/{name}.yaml has no case to leave alone"


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_declared_finding_is_expected_by_a_case(name: str) -> None:
    declared = {kind.id for kind in BY_NAME[name].FINDINGS}

    assert not declared - expected_ids(), f"no case in tests/cases/{name}.yaml expects them"


def test_no_case_expects_what_nobody_declares() -> None:
    expected = {one for name in PLAIN for case in ALL_CASES[name] for one in case["finds"]}

    assert not expected - set(detectors.kinds())


@pytest.mark.parametrize("name", PLAIN)
def test_about_half_of_the_cases_are_to_be_left_alone(name: str) -> None:
    cases = ALL_CASES[name]

    assert sum(not case.get("asks", bool(case["finds"])) for case in cases) >= 0.35 * len(cases)


def test_a_finding_is_declared_once() -> None:
    ids = [kind.id for detector in detectors.ALL for kind in detector.FINDINGS]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("detector", detectors.ALL, ids=name_of)
def test_every_finding_has_a_sentence_and_a_reference_for_its_reader(detector: ModuleType) -> None:
    for kind in detector.FINDINGS:
        assert kind.sentence[0].islower(), kind.id
        assert not kind.sentence.endswith("."), kind.id
        assert all(tag.startswith(("CWE-", "OWASP", "LLM", "ASI", "MCP")) for tag in kind.tags), kind.id


def index() -> str:
    """docs/findings/README.md, generated: one line a finding."""
    lines = [
        "# Findings",
        "",
        "What a detector can report. Each id leads to its page; `toolguard check --json` prints them.",
        "",
    ]
    for detector in [*detectors.ALL, None]:
        kinds = detector.FINDINGS if detector else (DETECTOR_FAILED,)
        lines += [
            f"## {name_of(detector) if detector else 'guard'}",
            "",
            "| finding | severity | confidence | what was seen |",
            "|---|---|---|---|",
        ]
        lines += [f"| [{k.id}]({k.id}.md) | {k.severity.value} | {k.confidence.value} | {k.sentence} |" for k in kinds]
        lines.append("")
    return "\n".join(lines)


def test_the_index_of_findings_is_up_to_date() -> None:
    page = PAGES / "README.md"

    assert page.exists()
    assert page.read_text("utf-8") == index(), "run `python -m tests.test_detectors` to write it anew"


@pytest.mark.parametrize("kind", list(detectors.kinds().values()), ids=lambda kind: kind.id)
def test_every_finding_has_a_page(kind: detectors.FindingKind) -> None:
    page = PAGES / f"{kind.id}.md"

    assert page.exists(), f"docs/findings/{kind.id}.md is missing"
    text = page.read_text("utf-8")
    assert text.startswith(f"# {kind.id}\n")
    for heading in ("## What it means", "## Why it matters", "## Example", "## Allowing it safely"):
        assert heading in text, heading


def test_every_page_is_of_a_finding_that_exists() -> None:
    known = {f"{one}.md" for one in detectors.kinds()} | {"README.md"}

    assert {page.name for page in PAGES.glob("*.md")} <= known


if __name__ == "__main__":
    (PAGES / "README.md").write_text(index(), encoding="utf-8")
