"""Every client this server can be installed into: where its settings are, in which format, and under which key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runpod_mcp.clients.machine import Machine

Format = Literal["json", "jsonc", "toml", "yaml"]
Hands = Literal["all", "named", "none"]
"""What a client hands a server of its own environment: all of it, what the entry names, or next to nothing."""


@dataclass(frozen=True, slots=True)
class Client:
    """`files` and `project_files` list candidates: the first that exists is used, else the last.

    `trailing` tells that a comma after the last member is read where comments are.
    `desktop` tells that it is mostly started from a desktop, where a shell's variables are not known.
    """

    name: str
    title: str
    format: Format
    parent: str
    files: Callable[[Machine], tuple[Path, ...]]
    project_files: tuple[str, ...] = ()
    hands: Hands = "all"
    desktop: bool = False
    trailing: bool = True


def _claude_code(machine: Machine) -> tuple[Path, ...]:
    return ((machine.named("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json",)


def _claude_desktop(machine: Machine) -> tuple[Path, ...]:
    return (machine.desktop_config / "Claude" / "claude_desktop_config.json",)


def _cursor(machine: Machine) -> tuple[Path, ...]:
    return (machine.home / ".cursor" / "mcp.json",)


def _vscode(machine: Machine) -> tuple[Path, ...]:
    return (machine.desktop_config / "Code" / "User" / "mcp.json",)


def _codex(machine: Machine) -> tuple[Path, ...]:
    return ((machine.named("CODEX_HOME") or machine.home / ".codex") / "config.toml",)


def _gemini(machine: Machine) -> tuple[Path, ...]:
    return ((machine.named("GEMINI_CLI_HOME") or machine.home) / ".gemini" / "settings.json",)


def _windsurf(machine: Machine) -> tuple[Path, ...]:
    return (machine.home / ".codeium" / "windsurf" / "mcp_config.json",)


def _goose(machine: Machine) -> tuple[Path, ...]:
    if root := machine.named("GOOSE_PATH_ROOT"):
        return (root / "config" / "config.yaml",)
    if machine.platform == "win32":
        return (machine.desktop_config / "Block" / "goose" / "config" / "config.yaml",)
    return (machine.config / "goose" / "config.yaml",)


def _opencode(machine: Machine) -> tuple[Path, ...]:
    folder = machine.config / "opencode"
    return folder / "opencode.jsonc", folder / "opencode.json"


def _zed(machine: Machine) -> tuple[Path, ...]:
    if machine.platform == "win32":
        return (machine.desktop_config / "Zed" / "settings.json",)
    folder = machine.config if machine.platform != "darwin" else machine.home / ".config"
    return (folder / "zed" / "settings.json",)


CLIENTS = (
    Client("claude-code", "Claude Code", "json", "mcpServers", _claude_code, (".mcp.json",)),
    Client(
        "claude-desktop", "Claude Desktop", "json", "mcpServers", _claude_desktop, hands="none", desktop=True
    ),
    Client("cursor", "Cursor", "jsonc", "mcpServers", _cursor, (".cursor/mcp.json",), desktop=True),
    Client("vscode", "VS Code", "jsonc", "servers", _vscode, (".vscode/mcp.json",), desktop=True),
    Client("codex", "Codex", "toml", "mcp_servers", _codex, (".codex/config.toml",), hands="named"),
    Client(
        "gemini",
        "Gemini CLI",
        "jsonc",
        "mcpServers",
        _gemini,
        (".gemini/settings.json",),
        hands="named",
        trailing=False,
    ),
    Client("windsurf", "Windsurf", "jsonc", "mcpServers", _windsurf, desktop=True),
    Client("goose", "goose", "yaml", "extensions", _goose),
    Client("opencode", "opencode", "jsonc", "mcp", _opencode, ("opencode.jsonc", "opencode.json")),
    Client("zed", "Zed", "jsonc", "context_servers", _zed, (".zed/settings.json",), desktop=True),
)
ALIASES = {"gemini-cli": "gemini", "vs-code": "vscode", "code": "vscode", "claude-cli": "claude-code"}


def client_named(name: str) -> Client | None:
    """The client a person means."""
    plain = name.strip().lower().replace(" ", "-").replace("_", "-")
    plain = ALIASES.get(plain, plain)
    return next((client for client in CLIENTS if client.name == plain), None)


def settings_files(client: Client, machine: Machine, *, project: bool = False) -> tuple[Path, ...]:
    """Where a client may keep its settings: for this user, or for the project in the folder worked in."""
    if project:
        return tuple(machine.folder / name for name in client.project_files)
    return client.files(machine)


def settings_file(client: Client, machine: Machine, *, project: bool = False) -> Path:
    """Where a client keeps its settings; the place for new ones when there are none."""
    files = settings_files(client, machine, project=project)
    return next((path for path in files if path.exists()), files[-1])
