"""`manifest.json` of the bundle for Claude Desktop (MCPB 0.4, run by uv)."""

from __future__ import annotations

from typing import Any

from runpod_mcp.config import SETTINGS
from runpod_mcp.reference.facts import Facts
from runpod_mcp.reference.project import AUTHORS, KEY, PRIVACY, TITLE, Project

ASKED = {
    "api_key": (KEY, "Runpod API key", {"type": "string", "required": True, "sensitive": True}),
    "policy": ("RUNPOD_MCP_POLICY", "Policy file", {"type": "file", "required": False, "default": ""}),
    "toolsets": ("RUNPOD_MCP_TOOLSETS", "Toolsets", {"type": "string", "required": False, "default": "core"}),
    "read_only": (
        "RUNPOD_MCP_READ_ONLY",
        "Read-only",
        {"type": "boolean", "required": False, "default": False},
    ),
}
"""What a person is asked: by its name there, the setting, a title and the kind.

Each but the key has a default, because a variable that nobody filled in would reach the server as `${…}`; an empty one
counts as not set.
"""
IGNORED = "__pycache__\n*.pyc\nicon.svg\n"


def bundle_manifest(project: Project, facts: Facts) -> dict[str, Any]:
    """The manifest; the bundle holds the package, its project file and the icon beside it."""
    repository = {"repository": {"type": "git", "url": project.repository}} if project.repository else {}
    return {
        "manifest_version": "0.4",
        "name": project.name,
        "display_name": TITLE,
        "version": project.version,
        "description": project.description,
        "author": {"name": AUTHORS},
        **repository,
        "icon": "icon.png",
        "server": {
            "type": "uv",
            "entry_point": "runpod_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--no-dev", "--directory", "${__dirname}", project.name],
                "env": {name: f"${{user_config.{key}}}" for key, (name, _, _) in ASKED.items()},
            },
        },
        "tools": [
            {"name": tool.name, "description": tool.description}
            for tool in facts.tools
            if tool.toolset == "core"
        ],
        "tools_generated": True,
        "prompts_generated": True,
        "keywords": list(project.keywords),
        "license": project.license,
        "privacy_policies": [PRIVACY],
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": project.python},
        },
        "user_config": {key: _asked(*one) for key, one in ASKED.items()},
    }


def _asked(name: str, title: str, kind: dict[str, Any]) -> dict[str, Any]:
    (setting,) = (one for one in SETTINGS if one.name == name)
    return {"type": kind["type"], "title": title, "description": setting.meaning, **kind}
