"""Each manifest in the hands of the tool it is written for: validated, packed, installed, and its server started."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from runpod_mcp import __version__
from runpod_mcp.server.toolsets import tools_of

pytestmark = pytest.mark.clients

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
MCPB = "@anthropic-ai/mcpb@2.1.2"
CLAUDE = "@anthropic-ai/claude-code@2.1.332"
GEMINI = "@google/gemini-cli@0.61.0"
NOWHERE = "http://127.0.0.1:9/v2"
UVX = '#!/bin/sh\nshift\nexec "{python}" -m runpod_mcp "$@"\n'
"""In the place of `uvx`, so that `uvx runpod-mcp` starts this code and not a published package."""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program of the node package registry in a home of its own; what it printed, when it ended well."""
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("there is no npx")
    home, programs = tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    (programs / "uvx").write_text(UVX.format(python=sys.executable))
    (programs / "uvx").chmod(0o755)
    env = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "npm_config_cache": str(Path.home() / ".npm"),
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "PYTHONPATH": str(ROOT),
        "RUNPOD_API_URL": NOWHERE,
    }

    def program(package: str, *arguments: str, said: str = "", folder: Path = tmp_path) -> str:
        done = subprocess.run(
            [npx, "-y", package, *arguments],
            env=env,
            cwd=folder,
            input=said,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{package} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return program


def test_the_bundles_manifest_is_valid(run: Run) -> None:
    assert "validation passes" in run(MCPB, "validate", str(MANIFESTS / "mcpb" / "manifest.json"))


def commands_of(heading: str) -> list[str]:
    """The shell lines below a heading of `install-links.md`."""
    text = (MANIFESTS / "install-links.md").read_text("utf-8")
    found = re.search(rf"(?s)## {heading}\n.*?```sh\n(.*?)```", text)
    assert found, heading
    return found[1].strip().splitlines()


@pytest.fixture
def bundle(run: Run, tmp_path: Path) -> Path:
    """The bundle, packed as `install-links.md` says and unpacked as a client does."""
    clone = tmp_path / "clone"
    for name in ("manifests", "runpod_mcp"):
        shutil.copytree(ROOT / name, clone / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    *before, pack = commands_of("Claude Desktop")
    for line in before:
        subprocess.run(["sh", "-euc", line], cwd=clone, check=True, timeout=60)
    npx, _, *arguments = pack.split()
    assert (npx, arguments[0]) == ("npx", MCPB)
    run(*arguments, folder=clone)
    with zipfile.ZipFile(clone / "dist" / "runpod-mcp.mcpb") as packed:
        packed.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_the_bundle_holds_what_it_needs_and_its_server_starts(bundle: Path, tmp_path: Path) -> None:
    assert {path.name for path in bundle.iterdir()} == {
        "LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "runpod_mcp",
    }  # fmt: skip
    assert not list(bundle.rglob("__pycache__"))
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    names = anyio.run(tools_of_the_bundle, manifest, bundle, tmp_path)
    assert names == [spec.name for spec in tools_of(())]
    assert not list(bundle.glob(".venv/**/mypy")), "nobody needs what only developers need"


async def tools_of_the_bundle(manifest: dict[str, Any], bundle: Path, home: Path) -> list[str]:
    """The tools of the server that the manifest starts, with the variables filled in as a client does."""

    def filled(text: str) -> str:
        for name, one in manifest["user_config"].items():
            text = text.replace(f"${{user_config.{name}}}", str(one.get("default", "rpa_TEST")).lower())
        return text.replace("${__dirname}", str(bundle))

    config = manifest["server"]["mcp_config"]
    folders = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data")}
    server = StdioServerParameters(
        command=shutil.which(config["command"]) or config["command"],
        args=[filled(one) for one in config["args"]],
        env={
            **os.environ,
            **folders,
            **{name: filled(value) for name, value in config["env"].items()},
            "RUNPOD_API_URL": NOWHERE,
        },
    )
    async with Client(server) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


def test_the_plugin_of_claude_code_is_valid_and_its_server_connects(run: Run) -> None:
    plugin = MANIFESTS / "claude-plugin"
    for path in (plugin, plugin / ".claude-plugin" / "plugin.json"):
        assert "Validation passed" in run(CLAUDE, "plugin", "validate", "--strict", str(path))
    add, install = (line.split()[1:] for line in commands_of("Claude Code"))
    run(CLAUDE, *add, folder=ROOT)
    run(CLAUDE, *install, "--config", "api_key=rpa_TEST")
    assert re.search(r"runpod: uvx runpod-mcp - . Connected", run(CLAUDE, "mcp", "list"))


def test_the_extension_of_gemini_is_valid_and_its_server_connects(run: Run, tmp_path: Path) -> None:
    assert "successfully validated" in run(
        GEMINI, "extensions", "validate", str(MANIFESTS / "gemini-extension")
    )
    (install,) = (line.split()[1:] for line in commands_of("Gemini CLI"))
    run(GEMINI, *install, "--consent", "--skip-settings", said="y\n" * 3, folder=ROOT)
    assert f"runpod-mcp ({__version__})" in run(GEMINI, "extensions", "list")
    assert re.search(r"runpod .*uvx runpod-mcp \(stdio\) - Connected", run(GEMINI, "mcp", "list"))
