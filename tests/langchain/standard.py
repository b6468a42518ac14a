"""LangChain's own tests of tools, over guarded ones.

    python -m pytest -c /dev/null --rootdir . -o asyncio_mode=auto tests/langchain/standard.py

Not part of the suite: `langchain-tests` brings plugins that change every other test. Install it in an environment of
its own, where this file is run before a release.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests  # type: ignore[import-not-found,unused-ignore]
from langchain_tests.unit_tests import ToolsUnitTests  # type: ignore[import-not-found,unused-ignore]

from tests.langchain.probes import Counter, plain
from toolguard.config import Config
from toolguard.guard import Guard

GUARD = Guard(Config(home=Path(tempfile.mkdtemp()) / "home"))


class TestAGuardedFunction(ToolsUnitTests):  # type: ignore[misc,unused-ignore]  # Any where langchain-tests is absent
    @property
    def tool_constructor(self) -> BaseTool:
        tool: BaseTool = GUARD.wrap(plain())
        return tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"x": 7}


class TestAGuardedFunctionThatRuns(ToolsIntegrationTests):  # type: ignore[misc,unused-ignore]  # Any where langchain-tests is absent
    @property
    def tool_constructor(self) -> BaseTool:
        tool: BaseTool = GUARD.wrap(plain())
        return tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"x": 7}


class TestAGuardedClass(ToolsUnitTests):  # type: ignore[misc,unused-ignore]  # Any where langchain-tests is absent
    @property
    def tool_constructor(self) -> BaseTool:
        tool: BaseTool = GUARD.wrap(Counter())
        return tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"x": 7}


class TestAGuardedClassThatRuns(ToolsIntegrationTests):  # type: ignore[misc,unused-ignore]  # Any where langchain-tests is absent
    @property
    def tool_constructor(self) -> BaseTool:
        tool: BaseTool = GUARD.wrap(Counter())
        return tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"x": 7}
