"""`server.json`: how the MCP registry describes a server (schema of 2025-12-11)."""

from __future__ import annotations

from typing import Any

from runpod_mcp.config import Setting
from runpod_mcp.reference.facts import Facts
from runpod_mcp.reference.project import KEY, START, TITLE, Project

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
ADDRESS = "127.0.0.1:8000"


def server_json(project: Project, facts: Facts) -> dict[str, Any]:
    """The manifest. `registryBaseUrl` is left out: without it the registry takes the usual index of each type."""
    repository = {"repository": {"url": project.repository, "source": "github"}} if project.repository else {}
    variables = [_variable(one) for one in facts.settings if one.name.startswith("RUNPOD_")]
    package = {
        "registryType": "pypi",
        "identifier": project.name,
        "version": project.version,
        "runtimeHint": START[0],
    }
    over_http = {
        "packageArguments": [
            {"type": "positional", "value": "serve"},
            {"type": "named", "name": "--http", "value": ADDRESS},
        ],
        "transport": {"type": "streamable-http", "url": f"http://{ADDRESS}/mcp"},
    }
    return {
        "$schema": SCHEMA,
        "name": project.registry_name,
        "title": TITLE,
        "description": project.description,
        **repository,
        "version": project.version,
        "packages": [
            {**package, "transport": {"type": "stdio"}, "environmentVariables": variables},
            {**package, **over_http, "environmentVariables": variables},
        ],
    }


def _variable(setting: Setting) -> dict[str, Any]:
    kinds = {"FILE": "filepath", "": "string" if not setting.flag else "boolean"}
    return {
        "name": setting.name,
        "description": f"{setting.meaning} Default: {setting.default}.",
        "format": kinds.get(setting.takes, "string"),
        "isRequired": setting.name == KEY,
        "isSecret": setting.secret,
    }
