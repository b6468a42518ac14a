"""What toolguard promises: an id and a sentence each. Tests that hold a promise carry `@pytest.mark.guarantee(id)`.

tests/test_guarantees.py fails for a promise without a test and for a mark without a promise. The table of README.md is
made from this file and the marks: `python -m tests.guarantees` writes it anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- guarantees: made by `python -m tests.guarantees` -->"
END: Final = "<!-- /guarantees -->"
NAMED: Final = 2
"""Tests of one promise that README.md names; it counts the rest."""

INVARIANTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    # The ten invariants of ARCHITECTURE.md, in its words, and the promises that hold each of them.
    "1": (
        "What was approved is what runs.",
        ("binding:approved-is-what-runs", "binding:drift-ends-it", "binding:secrets-count", "binding:sent-as-judged"),
    ),
    "2": (
        "One approval, one execution.",
        ("execution:once", "execution:no-second-after-a-crash", "execution:unknown-is-settled-by-people"),
    ),
    "3": (
        "The agent's credential never decides.",
        ("vote:no-agent-credential", "vote:not-by-the-owner", "vote:one-person-once"),
    ),
    "4": (
        "A deny beats an approve until the claim; nothing leaves a terminal state.",
        ("vote:deny-wins", "request:ends-for-good", "request:ends-in-time"),
    ),
    "5": (
        "No decision without its audit event, in the same transaction.",
        (
            "audit:no-decision-without-event",
            "audit:no-log-no-call",
            "audit:survives-power-loss",
            "audit:tampering-shows",
        ),
    ),
    "6": (
        "Silence is a refusal, and what fails makes things stricter.",
        ("decide:crash-asks", "decide:strictest-wins", "proxy:ambiguous-is-refused", "proxy:fault-ends-the-call"),
    ),
    "7": ("Secrets are redacted before anything is written or shown.", ("redact:nothing-stored", "redact:any-place")),
    "8": ("What is not judged passes through unchanged.", ("proxy:unknown-passes",)),
    "9": (
        "Reviewers see what will run.",
        ("review:nothing-left-out", "review:hidden-is-drawn", "review:text-stays-text", "review:get-decides-nothing"),
    ),
    "10": ("Nothing is fetched from outside at run time; no telemetry.", ("offline:loopback-only",)),
}

GUARANTEES: Final[dict[str, str]] = {
    "binding:approved-is-what-runs": "An approval covers one call: change its server, tool, tool definition, any "
    "argument or the principal, and it does not run.",
    "binding:drift-ends-it": "A policy or a tool definition that changes between approval and use ends the approval.",
    "binding:secrets-count": "Two calls that differ only in a secret are different calls, although the secret is "
    "stored nowhere.",
    "binding:sent-as-judged": "The bytes sent to the tool server are written from the object that was judged.",
    "edit:judged-and-voted-anew": "Arguments that a reviewer changed are judged and voted on anew; they alone can run, "
    "once, and the agent is told.",
    "group:each-by-itself": "Requests that are answered together are still bound, voted on and recorded one by one.",
    "execution:once": "An approved call runs exactly once, however many processes and retries race for it.",
    "execution:no-second-after-a-crash": "A process that is killed at any point never leads to a second execution.",
    "execution:unknown-is-settled-by-people": "A call whose end is not known is not repeated until a person says what "
    "happened.",
    "vote:no-agent-credential": "No credential that an agent or a proxy holds can vote; a policy may open a form in "
    "the client, which is then the weakest voice.",
    "vote:in-client-is-weakest": "A form in the client is shown only where a policy opens it, never for a high score "
    "or where a rule asks for more than its word, and the vote says what it is.",
    "vote:not-by-the-owner": "Under `separation: owner` nobody approves a call of their own agent; under `agent` such "
    "a vote is marked self-attested.",
    "vote:one-person-once": "One person counts once towards a quorum.",
    "vote:passkey-proves": "Where a rule demands a passkey, only a signature of the reviewer's own over exactly this "
    "call approves it, and the log alone proves that.",
    "vote:signature-proves": "Where a rule demands a signed vote, only a message under the reviewer's own key that "
    "names exactly this call approves it, and the log alone proves that.",
    "vote:deny-wins": "A deny counts until the very moment that the call is claimed.",
    "request:ends-for-good": "A request that has ended never becomes open again.",
    "request:ends-in-time": "A request that nobody answers in time expires, and so does an approval that is not used.",
    "audit:no-decision-without-event": "A decision, a vote or an execution without its event in the log does not "
    "happen.",
    "audit:no-log-no-call": "When the log cannot be written, no call runs.",
    "audit:synced-within-200-ms": "A call that nobody was asked about is on the disk within 200 ms of its commit, "
    "without waiting for it; under `durability: full` before it runs, at the price of one sync.",
    "audit:survives-power-loss": "A power loss takes nothing that a person or a refusal decided; of other calls at "
    "most the last 200 ms, and nothing under `durability: full`.",
    "audit:tampering-shows": "`toolguard audit verify` finds each changed, removed, added or reordered event, and "
    "executions without a permission.",
    "audit:witnesses-outside": "What a file, a webhook or a time-stamping authority outside was told shows a cut or a "
    "rewrite of the whole log, also one that is signed with the log's own key.",
    "decide:crash-asks": "A detector that crashes is a finding that asks.",
    "decide:strictest-wins": "One more finding or restriction never makes a decision milder; no rule lifts a built-in "
    "denial.",
    "decide:own-files-denied": "Calls that touch toolguard's own files or the clients' configuration are denied.",
    "decide:protects-without-a-file": "Without any configuration the defaults protect, and no configuration is read "
    "from where the agent writes.",
    "proxy:ambiguous-is-refused": "A message that two parsers could read differently is never forwarded.",
    "proxy:fault-ends-the-call": "A defect of toolguard's own ends the call, it never lets it through.",
    "proxy:unknown-passes": "What is not judged reaches the other side byte for byte, unknown methods included.",
    "redact:nothing-stored": "Known secret formats never reach the database, its folder or a reviewer.",
    "redact:any-place": "A secret is found wherever it stands in a call: nested, in a key, encoded.",
    "review:nothing-left-out": "The page shows every argument, and says how much it folded or left out.",
    "review:hidden-is-drawn": "Invisible, reordering and look-alike characters are drawn and warned of.",
    "review:text-stays-text": "Nothing from a call becomes markup, a link or a script on the page.",
    "review:get-decides-nothing": "Opening a page or a link changes nothing; only a reviewer's own form or token "
    "votes.",
    "hook:unreadable-is-blocked": "An event of a client's hooks that cannot be read or judged is blocked, with a "
    "reason.",
    "hook:what-fails-is-blocked": "Where a hook cannot reach the guard, write the log or give its answer, the call is "
    "blocked, with a reason.",
    "separate-user:out-of-reach": "Under a user of its own, toolguard's database, keys, policy, credentials and "
    "processes are out of reach of the agent's user, who cannot vote, while its calls pass and pause.",
    "install:undone-to-the-byte": "`uninstall` gives the client's configuration back as it was, to the byte.",
    "offline:loopback-only": "While the whole demo runs, nothing of it connects to anything but this machine.",
    "demo:proves-itself": "`toolguard demo` ends with status 0 only if the files, the tool server's journal and the "
    "log agree with what it says.",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One test that says it holds a promise."""

    guarantee: str
    file: Path
    test: str
    line: int


def marks(folder: Path = ROOT / "tests") -> Iterator[Mark]:
    """Every mark in the test files, read without importing them."""
    for file in sorted(folder.rglob("test_*.py")):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for promise in _marked(node):
                    yield Mark(promise, file.relative_to(ROOT), node.name, node.lineno)


def _marked(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.guarantee":
            yield from (a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def table() -> str:
    """The promises and their tests as README.md shows them."""
    held: dict[str, list[Mark]] = {promise: [] for promise in GUARANTEES}
    for mark in marks():
        held.setdefault(mark.guarantee, []).append(mark)
    rows = ["| promise | held by |", "|---|---|"]
    for promise, sentence in GUARANTEES.items():
        names = [f"[`{mark.test}`]({mark.file.as_posix()})" for mark in held[promise][:NAMED]]
        if len(held[promise]) > NAMED:
            names.append(f"{len(held[promise]) - NAMED} more")
        rows.append(f"| {sentence} | {', '.join(names)} |")
    return "\n".join(rows)


def rendered(readme: str) -> str:
    """The README with its table written anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
