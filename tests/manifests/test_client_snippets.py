"""Every client snippet parses, starts our command, and names only settings we have."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from runpod_mcp.config import SETTINGS
from runpod_mcp.reference.snippets import snippet_texts

CLIENTS = Path(__file__).parents[2] / "manifests" / "clients"
NAMES = {one.name for one in SETTINGS if one.name}


def read(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    readers = {".json": json.loads, ".toml": tomllib.loads, ".yaml": yaml.safe_load}
    return readers[path.suffix](text)


def entry(config: dict[str, Any]) -> dict[str, Any]:
    for key in ("mcpServers", "servers", "mcp", "context_servers", "mcp_servers", "extensions"):
        if key in config:
            return config[key]["runpod"]
    raise AssertionError(f"no server entry in {sorted(config)}")


@pytest.mark.parametrize("path", sorted(CLIENTS.iterdir()), ids=lambda path: path.name)
def test_a_client_snippet_starts_our_command_with_settings_we_know(path: Path) -> None:
    server = entry(read(path))
    command = server.get("command", server.get("cmd"))
    line = [*command] if isinstance(command, list) else [command, *server["args"]]
    named = {
        *server.get("env", {}),
        *server.get("environment", {}),
        *server.get("env_vars", ()),
        *server.get("env_keys", ()),
    }
    assert line == ["uvx", "runpod-mcp"]
    assert named
    assert named <= NAMES


def test_no_snippet_holds_something_shaped_like_a_key() -> None:
    for path in CLIENTS.iterdir():
        assert "rpa_" not in path.read_text("utf-8")


def test_every_snippet_is_a_generated_one() -> None:
    assert {path.name for path in CLIENTS.iterdir()} == set(snippet_texts())
