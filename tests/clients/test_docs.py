"""docs/clients.md names every client with its files, and shows what install really writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolguard.clients.install import plan_install, this_toolguard
from toolguard.clients.where import CLIENTS, Client, client

PAGE = (Path(__file__).parents[2] / "docs/clients.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("documented", CLIENTS, ids=lambda one: one.name)
def test_each_client_is_documented_with_its_files(documented: Client) -> None:
    row = next(line for line in PAGE.splitlines() if f"`{documented.name}`" in line)
    usual = [templates[0].rpartition("/")[2] for templates in documented.files.values()]

    assert row.startswith(f"| {documented.title} |")
    assert all(name in row for name in usual)
    assert (documented.project_file or "none") in row


def test_the_entry_in_the_documentation_is_what_install_writes(tmp_path: Path) -> None:
    before, after = (json.loads(block.split("```")[0]) for block in PAGE.split("```json\n")[1:])
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"time": before}}), encoding="utf-8")
    launcher = this_toolguard(Path("/path/to/home"))

    plan = plan_install(client("cursor"), path, launcher)

    written = json.loads(plan.after)["mcpServers"]["time"]
    assert {**written, "command": "/path/to/python"} == after
