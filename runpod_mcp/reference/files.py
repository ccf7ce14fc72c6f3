"""Every generated file: what it should hold, which ones do not, and writing those."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.policy.document import PRESETS, preset
from runpod_mcp.policy.schema import policy_schema
from runpod_mcp.reference import plugins
from runpod_mcp.reference.bundle import IGNORED, bundle_manifest
from runpod_mcp.reference.facts import Facts
from runpod_mcp.reference.project import Project, read_project
from runpod_mcp.reference.registry import server_json
from runpod_mcp.reference.sections import filled, install_links, sections_of
from runpod_mcp.reference.snippets import snippet_texts

README = "README.md"


def stale(root: Path, facts: Facts) -> list[str]:
    """The generated files of a repository that do not hold what they should, by their paths.

    Raises:
        Failure: `settings_broken`, when `root` is not the root of the repository or its README lacks a marker.
    """
    return sorted(name for name, text in _files(root, facts).items() if _read(root / name) != text)


def write(root: Path, facts: Facts) -> list[str]:
    """Write those that are stale; their paths.

    Raises:
        Failure: as `stale` does, or when a file cannot be written.
    """
    files, written = _files(root, facts), []
    try:
        for name, text in sorted(files.items()):
            if _read(root / name) != text:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(text.encode())
                written.append(name)
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{error.filename} cannot be written ({error.strerror}).", Retry.NEVER
        ) from error
    return written


def _files(root: Path, facts: Facts) -> dict[str, str]:
    project = read_project(root)
    return {
        README: filled(_read(root / README), sections_of(project, facts)),
        **{f"manifests/{name}": text for name, text in _manifests(project, facts).items()},
        **{f"manifests/clients/{name}": text for name, text in snippet_texts().items()},
        **{f"manifests/policies/{name}.toml": preset(name) for name in PRESETS},
    }


def _manifests(project: Project, facts: Facts) -> dict[str, str]:
    return {
        "server.json": _json(server_json(project, facts)),
        "policy.schema.json": _json(policy_schema()),
        "install-links.md": install_links(project),
        "mcpb/manifest.json": _json(bundle_manifest(project, facts)),
        "mcpb/.mcpbignore": IGNORED,
        "claude-plugin/.claude-plugin/plugin.json": _json(plugins.claude_plugin(project)),
        "claude-plugin/.claude-plugin/marketplace.json": _json(plugins.claude_marketplace(project)),
        "claude-plugin/.mcp.json": _json(plugins.claude_servers()),
        "gemini-extension/gemini-extension.json": _json(plugins.gemini_extension(project)),
        "gemini-extension/GEMINI.md": plugins.gemini_context(),
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str:
    """The text of a file; nothing for one that is not there."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
