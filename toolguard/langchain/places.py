"""Where a call runs, read from its configuration: in which conversation, in a graph or not, resumable or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config


@dataclass(frozen=True, slots=True)
class Place:
    """What LangGraph says about the task that a call runs in; empty outside of it."""

    configurable: Mapping[str, Any]
    config: Mapping[str, Any]
    thread: str = ""
    task: str = ""
    """The checkpoint namespace ends in the task's id: equal when it is run again, another one in the next turn."""
    is_durable: bool = False
    """A pause survives: there is a checkpointer and a thread."""
    is_per_call: bool = False
    """The task was made for one tool call, so that its answers cannot be taken by another call."""


def place(config: Mapping[str, Any] | None) -> Place:
    """The place of a call made with `config`, or with the configuration of the run around it."""
    around: Mapping[str, Any] = var_child_runnable_config.get() or {}
    config = config or around
    configurable = config.get("configurable") or around.get("configurable") or {}
    if "__pregel_scratchpad" not in configurable:
        # A tool called without its configuration inside a node is still in that node's task.
        inherited = around.get("configurable") or {}
        if "__pregel_scratchpad" in inherited:
            config, configurable = around, inherited
    thread = str(configurable.get("thread_id") or "")
    if "__pregel_scratchpad" not in configurable:
        return Place(configurable, config, thread)
    path = (config.get("metadata") or {}).get("langgraph_path") or ("",)
    keeps = configurable.get("__pregel_checkpointer") not in (None, False)
    return Place(
        configurable,
        config,
        thread,
        str(configurable.get("checkpoint_ns") or configurable.get("langgraph_checkpoint_ns") or ""),
        keeps and bool(thread),
        path[0] == "__pregel_push",
    )
