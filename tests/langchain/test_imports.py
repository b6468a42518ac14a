"""Only langchain-core is needed, and nothing of it before a tool is wrapped."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.langchain import versions

ROOT = Path(__file__).parents[2]

BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("langchain", "langgraph", "langsmith_pyo3", "mcp", "mcp_types", "fastmcp"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""

LOOP = """
from pathlib import Path
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from toolguard import Guard
from toolguard.config import Config
from toolguard.core.policy.matching import Match
from toolguard.core.model import Effect
from toolguard.core.policy.policy import Policy, Preset, Rule
from toolguard.langchain import listen

@tool
def never_do(x: int) -> str:
    "Do."
    raise AssertionError

@tool
def add(x: int) -> str:
    "Add."
    return str(x + 1)

policy = Policy(Preset.BALANCED, (Rule("never", Effect.DENY, Match(tool=("never*",))),))
guard = Guard.open(Config(home=Path(sys.argv[1]), policy=policy))
tools = {one.name: one for one in guard.wrap([never_do, add])}
calls = [{"name": n, "args": {"x": 1}, "id": n, "type": "tool_call"} for n in ("never_do", "add")]
model = FakeMessagesListChatModel(responses=[AIMessage("both", tool_calls=calls)])
with listen():
    for call in model.invoke([HumanMessage("go")]).tool_calls:
        print(tools[call["name"]].invoke(call).content)
try:
    from toolguard.langchain import GuardMiddleware
except ModuleNotFoundError as error:
    print("absent:", error.name)
guard.close()
"""


def run(program: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_plain_loop_works_with_langchain_core_alone(tmp_path: Path) -> None:
    said = run(BLOCKED + LOOP, str(tmp_path / "home")).splitlines()

    assert said[0].startswith("NOT executed. toolguard does not permit this call here.")
    assert said[1:] == ["2", "absent: langchain"]


@pytest.mark.parametrize("program", ["import toolguard", "from toolguard import Guard", "import toolguard.proxy"])
def test_importing_toolguard_loads_nothing_of_langchain(program: str) -> None:
    loaded = run(f"import sys\n{program}\nprint(*{{name.split('.')[0] for name in sys.modules}})").split()

    assert not {"langchain", "langchain_core", "langgraph"} & set(loaded)


def test_wrapping_needs_no_mcp_and_no_langchain_package() -> None:
    loaded = run("import sys\nimport toolguard.langchain\nprint(*{name.split('.')[0] for name in sys.modules})").split()

    assert not {"langchain", "mcp", "fastmcp"} & set(loaded)


def test_the_oldest_release_that_is_tested_is_the_oldest_that_is_allowed() -> None:
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    assert allowed["langchain"] == [f"{versions.OLDEST[0].replace('==', '>=')},<2"]
