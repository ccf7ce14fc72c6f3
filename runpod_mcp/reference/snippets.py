"""What to put into each client's settings by hand: what `runpod-mcp install` writes, with a place for the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from runpod_mcp.clients.edits import apply
from runpod_mcp.clients.entry import edits_to_install, entry_of
from runpod_mcp.clients.places import Client, client_named
from runpod_mcp.reference.project import ENTRY, KEY, START

YOURS = "YOUR_KEY"
VSCODE_KEY = {
    "type": "promptString",
    "id": "runpod-api-key",
    "description": "Runpod API key",
    "password": True,
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A file, the client it is for, how the key gets there (None: the client hands it on), and what else it holds."""

    file: str
    client: str
    key: str | None
    beside: dict[str, Any] = field(default_factory=dict)
    within: dict[str, Any] = field(default_factory=dict)


SNIPPETS = (
    Snippet("claude-code.mcp.json", "claude-code", f"${{{KEY}}}"),
    Snippet("claude-desktop.json", "claude-desktop", YOURS),
    Snippet("codex-config.toml", "codex", None),
    Snippet("cursor.json", "cursor", YOURS),
    Snippet("gemini-settings.json", "gemini", None),
    Snippet("goose-config.yaml", "goose", None, within={"env_keys": [KEY]}),
    Snippet("lm-studio.json", "cursor", YOURS),
    Snippet(
        "opencode.json", "opencode", f"{{env:{KEY}}}", beside={"$schema": "https://opencode.ai/config.json"}
    ),
    Snippet("vscode-mcp.json", "vscode", "${input:runpod-api-key}", beside={"inputs": [VSCODE_KEY]}),
    Snippet("windsurf.json", "windsurf", YOURS),
    Snippet("zed-settings.json", "zed", YOURS),
)
"""LM Studio reads what Cursor reads."""


def snippet_texts() -> dict[str, str]:
    """Every snippet by the name of its file."""
    return {one.file: _text(one) for one in SNIPPETS}


def snippet_entry(file: str) -> dict[str, Any]:
    """The entry that stands in one of the files."""
    (found,) = (one for one in SNIPPETS if one.file == file)
    return _entry(found)


def _text(snippet: Snippet) -> str:
    client, entry = _client(snippet), _entry(snippet)
    if client.format in ("toml", "yaml"):
        return apply("", edits_to_install(client, "", ENTRY, entry)).rstrip() + "\n"
    return json.dumps({**snippet.beside, client.parent: {ENTRY: entry}}, indent=2) + "\n"


def _entry(snippet: Snippet) -> dict[str, Any]:
    env = {} if snippet.key is None else {KEY: snippet.key}
    return {**entry_of(_client(snippet), ENTRY, START, env), **snippet.within}


def _client(snippet: Snippet) -> Client:
    client = client_named(snippet.client)
    assert client
    return client
