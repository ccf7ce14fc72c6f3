"""What `install` writes is read back by the clients themselves; run with -m clients where npx and its registry are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(shutil.which("npx") is None, reason="there is no npx"),
]
PACKAGES = {
    "claude-code": ("@anthropic-ai/claude-code", "claude", ("mcp", "list"), "Connected"),
    "gemini": ("@google/gemini-cli", "gemini", ("mcp", "list"), "Connected"),
    "opencode": ("opencode-ai", "opencode", ("mcp", "list"), "connected"),
    "codex": ("@openai/codex", "codex", ("mcp", "get", "runpod", "--json"), '"enabled": true'),
}
SETTINGS = {
    "claude-code": (".claude.json", '{\n  "mcpServers": {}\n}\n'),
    "gemini": (".gemini/settings.json", '{\n  // mine\n  "mcpServers": {}\n}\n'),
    "opencode": (".config/opencode/opencode.jsonc", '{\n  "$schema": "https://opencode.ai/config.json",\n  // mine\n  "mcp": {},\n}\n'),
    "codex": (".codex/config.toml", '# mine\n[mcp_servers.other]\ncommand = "true"\n'),
}  # fmt: skip


@pytest.mark.parametrize("client", PACKAGES)
def test_a_real_client_reads_the_entry_and_starts_this_server(
    client: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    package, script, arguments, expected = PACKAGES[client]
    place, text = SETTINGS[client]
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "npm_config_cache": str(tmp_path_factory.getbasetemp() / "npm"),
    }

    def run(*line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL
        )

    ours = (sys.executable, "-m", "runpod_mcp")
    assert run(*ours, "install", client, "--simulator", "--yes").returncode == 0
    read = run("npx", "-y", "-p", package, script, *arguments)
    assert expected in read.stdout + read.stderr
    if client == "codex":
        assert json.loads(read.stdout)["transport"]["args"] == ["-P", "-m", "runpod_mcp", "--simulator"]
    assert run(*ours, "uninstall", client, "--yes").returncode == 0
    if client != "claude-code":  # which writes facts of its own into its settings
        assert path.read_text() == text
