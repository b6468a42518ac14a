"""The tests of LangChain on other releases of it: python -m tests.langchain.versions oldest | newest | alone | adapters

Each set in a virtual environment of its own, by the package index that pip is set to; about three minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = "tests/langchain"

OLDEST: Final = (
    "langchain-core==1.2.0",  # the floor: tools have `extras` from here on, and all 22 probes hold
    "langchain==1.0.0",
    "langchain-tests==1.1.0",
    # Written down, since the ranges of LangGraph's own parts allow sets that cannot be imported together.
    "langgraph==1.0.5",
    "langgraph-prebuilt==1.0.5",
    "langgraph-checkpoint==3.0.1",
    "langgraph-checkpoint-sqlite==3.0.3",
)
NEWEST: Final = ("langchain-core", "langchain[mcp]", "langchain-tests", "langgraph", "langgraph-checkpoint-sqlite")
ALONE: Final = ("langchain-core",)
ADAPTERS: Final = ("langchain-core", "langgraph", "langchain-mcp-adapters", "mcp<2")

# `langchain.mcp`, which one example shows, came with langchain 1.4.7.
SETS: Final = {
    "oldest": (
        OLDEST,
        [TESTS, "--deselect", f"{TESTS}/test_examples.py::test_an_example_runs[langchain_mcp_tools.py]"],
    ),
    "newest": (NEWEST, [TESTS]),
    "alone": (ALONE, [f"{TESTS}/test_{name}.py" for name in ("waiting", "replies", "imports")]),
    "adapters": (ADAPTERS, [f"{TESTS}/adapters.py", f"{TESTS}/test_battery.py"]),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=SETS)
    packages, tests = SETS[parser.parse_args().set]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--upgrade", "-e", str(ROOT)]
        subprocess.run([*install, "pytest", "pytest-xdist", "hypothesis", *packages], check=True)
        shown = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, encoding="utf-8").stdout
        sys.stdout.writelines(line + "\n" for line in shown.splitlines() if line.startswith("lang"))
        sys.stdout.flush()
        return subprocess.run([python, "-m", "pytest", "-q", *tests], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
