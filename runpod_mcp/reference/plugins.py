"""The plugin of Claude Code and the extension of Gemini CLI."""

from __future__ import annotations

from typing import Any

from runpod_mcp.config import SETTINGS
from runpod_mcp.reference.project import AUTHORS, ENTRY, KEY, START, Project
from runpod_mcp.server.app import INSTRUCTIONS


def claude_plugin(project: Project) -> dict[str, Any]:
    """`plugin.json`: the key is asked for and kept by the client, so that it need not be in the agent's environment."""
    repository = {"repository": project.repository} if project.repository else {}
    return {
        "name": project.name,
        "version": project.version,
        "description": project.description,
        "author": {"name": AUTHORS},
        **repository,
        "license": project.license,
        "keywords": list(project.keywords),
        "userConfig": {
            "api_key": {
                "type": "string",
                "title": "Runpod API key",
                "description": _meaning(KEY),
                "sensitive": True,
                "required": True,
            }
        },
    }


def claude_servers() -> dict[str, Any]:
    """`.mcp.json` beside it."""
    return {"mcpServers": {ENTRY: {**_started(), "env": {KEY: "${user_config.api_key}"}}}}


def claude_marketplace(project: Project) -> dict[str, Any]:
    """`marketplace.json`: a marketplace of this one plugin, so that it can be installed from a clone."""
    plugin = {"name": project.name, "source": "./", "description": project.description}
    return {
        "name": project.name,
        "description": project.description,
        "owner": {"name": AUTHORS},
        "plugins": [plugin],
    }


def gemini_extension(project: Project) -> dict[str, Any]:
    """`gemini-extension.json`: the settings are asked for at installation; other variables are not handed on."""
    return {
        "name": project.name,
        "version": project.version,
        "description": project.description,
        "contextFileName": "GEMINI.md",
        "mcpServers": {ENTRY: _started()},
        "settings": [
            {
                "name": "Runpod API key",
                "description": _meaning(KEY),
                "envVar": KEY,
                "sensitive": True,
            },
            {
                "name": "Policy file",
                "description": _meaning("RUNPOD_MCP_POLICY"),
                "envVar": "RUNPOD_MCP_POLICY",
                "sensitive": False,
            },
        ],
    }


def gemini_context() -> str:
    """`GEMINI.md`: what the server tells every client anyway."""
    return f"# Runpod\n\n{INSTRUCTIONS}\n"


def _started() -> dict[str, Any]:
    return {"command": START[0], "args": list(START[1:])}


def _meaning(name: str) -> str:
    (setting,) = (one for one in SETTINGS if one.name == name)
    return setting.meaning
