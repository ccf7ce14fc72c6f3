"""The clients that are driven, each at one version, and how each is put into an environment of its own.

Environments live in `$RUNPOD_MCP_CLIENTS_CACHE`, else in `~/.cache/runpod-mcp-clients`, and are made once. Packages come
from wherever this machine's uv and npm fetch them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

INSTALL_SECONDS = 420


@dataclass(frozen=True)
class Pinned:
    """A client: `packages` as uv or npm name them, the first being the client itself."""

    name: str
    version: str
    packages: tuple[str, ...]
    kind: str = "python"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def _npm(name: str, package: str, version: str, *more: str) -> Pinned:
    return Pinned(name, version, (f"{package}@{version}", *more), "node")


NODE_22 = "node@22.23.3"

FASTMCP = Pinned("fastmcp", "4.2.3", ("fastmcp==4.2.3", "mcp==2.3.0"))
PYDANTIC_AI = Pinned(
    "pydantic-ai", "2.68.0", ("pydantic-ai-slim[mcp]==2.68.0", "fastmcp-slim==4.2.3", "mcp==2.3.0")
)
OPENAI_AGENTS = Pinned("openai-agents", "0.24.0", ("openai-agents==0.24.0", "mcp==2.3.0"))
HOUSE = ("mcp==2.3.0", "click", "platformdirs", "starlette", "uvicorn")
"""What this package needs where a program embeds it."""
EMBEDDED_PYDANTIC_AI = Pinned(
    "embedded in pydantic-ai", "2.68.0", ("pydantic-ai-slim[mcp]==2.68.0", "fastmcp-slim==4.2.3", *HOUSE)
)
EMBEDDED_LANGCHAIN = Pinned("embedded in langchain", "1.5.2", ("langchain==1.5.2", *HOUSE))
LANGCHAIN = Pinned("langchain-mcp-adapters", "0.3.2", ("langchain-mcp-adapters==0.3.2", "mcp==1.30.0"))
MCP_USE = Pinned("mcp-use", "1.7.1", ("mcp-use==1.7.1", "mcp==1.30.0"))
SDK_1 = Pinned("mcp", "1.30.0", ("mcp==1.30.0",))
SDK_2 = Pinned("mcp", "2.3.0", ("mcp==2.3.0",))

INSPECTOR_0 = _npm("inspector", "@modelcontextprotocol/inspector", "0.15.0")
INSPECTOR_2 = _npm("inspector", "@modelcontextprotocol/inspector", "2.12.0", NODE_22)
TYPESCRIPT = _npm("typescript-client", "@modelcontextprotocol/client", "2.4.0")
CLAUDE = _npm("claude", "@anthropic-ai/claude-code", "2.1.332")
GEMINI = _npm("gemini", "@google/gemini-cli", "0.61.0")
OPENCODE = _npm("opencode", "opencode-ai", "1.18.33")
CODEX = _npm("codex", "@openai/codex", "0.171.0")
OFFICIAL = _npm("runpod's own server", "@runpod/mcp-server", "4.0.0")
PRISM = _npm("prism", "@stoplight/prism-cli", "5.16.0")


def cache_folder() -> Path:
    """Where environments are kept."""
    return Path(os.environ.get("RUNPOD_MCP_CLIENTS_CACHE") or Path.home() / ".cache" / "runpod-mcp-clients")


def installed(client: Pinned) -> Path:
    """The environment of a client, made if need be; a client that cannot be had is skipped with the reason."""
    found = _installed(client)
    if isinstance(found, str):
        pytest.skip(f"{client} cannot be installed here: {found}")
    return found


@cache
def _installed(client: Pinned) -> Path | str:
    """The environment, or why there is none. It gets its name when it is whole, so that two who make it do no harm."""
    recipe = " ".join((client.kind, sys.version if client.kind == "python" else "", *client.packages))
    folder = cache_folder() / f"{client.name}-{client.version}-{sha256(recipe.encode()).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix="making-", ignore_cleanup_errors=True) as name:
        making = Path(name) / "made"
        making.mkdir()
        for line in _python_lines(client, making) if client.kind == "python" else _node_lines(client, making):
            if why := _why_not(line):
                return why
        with suppress(OSError):  # somebody else was first
            making.rename(folder)
    return folder


def _python_lines(client: Pinned, folder: Path) -> list[list[str]]:
    return [
        [
            "uv",
            "venv",
            "--quiet",
            "--allow-existing",
            "--relocatable",
            "--python",
            sys.executable,
            str(folder),
        ],
        ["uv", "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *client.packages],
    ]


def _node_lines(client: Pinned, folder: Path) -> list[list[str]]:
    return [
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *client.packages]
    ]


def _why_not(line: list[str]) -> str | None:
    """What went wrong with a command, in its own last words."""
    program = shutil.which(line[0])
    if program is None:
        return f"there is no {line[0]}"
    try:
        done = subprocess.run([program, *line[1:]], capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"{line[0]} took more than {INSTALL_SECONDS} seconds"
    if done.returncode == 0:
        return None
    words = (done.stderr or done.stdout).strip().splitlines()
    return f"{line[0]} ended with {done.returncode}: {words[-1] if words else 'nothing said'}"[:300]


def programs(client: Pinned) -> Path:
    """The folder with the client's programs."""
    return installed(client) / ("bin" if client.kind == "python" else "node_modules/.bin")
