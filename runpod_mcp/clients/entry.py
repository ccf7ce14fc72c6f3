"""What stands in a client's settings for this server, in the words of each client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, Edit
from runpod_mcp.clients.json_edits import drop, put
from runpod_mcp.clients.jsonc import read_json
from runpod_mcp.clients.places import Client
from runpod_mcp.clients.toml_edits import drop_table, put_table, read_toml
from runpod_mcp.clients.yaml_edits import drop_entry, put_entry
from runpod_mcp.clients.yaml_lines import read_yaml

KEY, KEY_FILE = "RUNPOD_API_KEY", "RUNPOD_API_KEY_FILE"
ONCE = ("enabled", "timeout", "source", "name", "description")
"""A person may have changed these since; they are written into a new entry only."""

_GOOSE_SECONDS = 300


def entry_of(
    client: Client, name: str, line: Sequence[str], env: Mapping[str, str], hand_on: Sequence[str] = (KEY,)
) -> dict[str, Any]:
    """The entry of a server under this name, started by this command line, with these variables.

    `hand_on` names variables of the client's own environment that the server needs. Codex hands on what `env_vars`
    names (its documentation); Gemini CLI takes away variables whose names look like keys unless the entry has them,
    and reads `${NAME:-}` as nothing where there is none (its source, 0.61). The other clients hand on all or nothing.
    """
    command, arguments = line[0], list(line[1:])
    if client.name == "opencode":
        environment = {"environment": dict(env)} if env else {}
        return {"type": "local", "command": list(line), "enabled": True, **environment}
    if client.name == "goose":
        facts = {"enabled": True, "type": "stdio", "name": name, "cmd": command, "args": arguments}
        return {**facts, "timeout": _GOOSE_SECONDS, **({"envs": dict(env)} if env else {})}
    if client.name == "gemini":
        env = {**{one: f"${{{one}:-}}" for one in hand_on}, **env}
    started: dict[str, Any] = {"command": command, "args": arguments}
    if client.name == "codex" and hand_on:
        started["env_vars"] = list(hand_on)
    if env or client.name == "zed":
        started["env"] = dict(env)
    if client.name in ("claude-code", "vscode"):
        return {"type": "stdio", **started}
    return {"source": "custom", **started} if client.name == "zed" else started


def edits_to_install(client: Client, text: str, name: str, entry: Mapping[str, Any]) -> list[Edit]:
    """What to change in a client's settings so that they hold the entry; nothing when they do.

    Raises:
        CannotEdit: the settings are not valid or cannot be edited safely, or the name stands for something else.
    """
    if client.format == "toml":
        return put_table(text, (client.parent, name), entry)
    if client.format == "yaml":
        return put_entry(text, client.parent, name, entry, once=ONCE)
    return put(text, (client.parent, name), entry, strict=client.format == "json", once=ONCE)


def edits_to_uninstall(client: Client, text: str, name: str) -> list[Edit]:
    """What to change so that the entry is gone; nothing when there is none.

    Raises:
        CannotEdit: as `edits_to_install` does.
    """
    if client.format == "toml":
        return drop_table(text, (client.parent, name))
    if client.format == "yaml":
        return drop_entry(text, client.parent, name)
    return drop(text, (client.parent, name), strict=client.format == "json")


def servers_in(client: Client, text: str) -> dict[str, dict[str, Any]]:
    """Every server in a client's settings, by its name.

    Raises:
        CannotEdit: the settings are not valid.
    """
    document = _document(client, text)
    found = document.get(client.parent)
    return (
        {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}
    )


def projects_in(client: Client, text: str) -> dict[str, dict[str, Any]]:
    """The servers that Claude Code keeps for single folders among its own settings, each by its name and folder.

    Other clients have none there.

    Raises:
        CannotEdit: the settings are not valid.
    """
    projects = _document(client, text).get("projects") if client.name == "claude-code" else None
    found = {}
    for folder, project in projects.items() if isinstance(projects, dict) else ():
        servers = project.get(client.parent) if isinstance(project, dict) else None
        for name, entry in servers.items() if isinstance(servers, dict) else ():
            if isinstance(entry, dict):
                found[f"{name} in {folder}"] = entry
    return found


def line_of_entry(entry: Mapping[str, Any]) -> list[str]:
    """The command line of an entry, or the URL it leads to; empty when it has neither."""
    command = entry.get("command", entry.get("cmd"))
    if isinstance(command, dict):  # an older Zed
        return line_of_entry({"command": command.get("path"), "args": command.get("args")})
    if isinstance(command, list):
        return [str(word) for word in command]
    if isinstance(command, str):
        arguments = entry.get("args")
        return [command, *(map(str, arguments) if isinstance(arguments, list) else ())]
    addresses = (entry.get(key) for key in ("url", "serverUrl", "httpUrl", "uri"))
    return [address for address in addresses if isinstance(address, str)]


def env_of_entry(entry: Mapping[str, Any]) -> dict[str, str]:
    """The variables an entry sets."""
    found = [entry[key] for key in ("env", "environment", "envs") if isinstance(entry.get(key), dict)]
    return {name: value for one in found for name, value in one.items() if isinstance(value, str)}


def is_off(entry: Mapping[str, Any]) -> bool:
    """Whether the client leaves this server alone."""
    return entry.get("enabled") is False or entry.get("disabled") is True


def _document(client: Client, text: str) -> dict[str, Any]:
    if client.format == "toml":
        return read_toml(text)
    if client.format == "yaml":
        return {key: block.value for key, block in read_yaml(text).items()}
    root = read_json(text, strict=client.format == "json", trailing=client.trailing)
    if root is not None and not isinstance(root.value, dict):
        raise CannotEdit("holds something else than an object")
    return root.value if root else {}
