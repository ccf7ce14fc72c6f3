"""The doctor's look at clients: where this server is installed, and what goes round it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runpod_mcp.cli.checkup_keys import look_at_key_setters
from runpod_mcp.cli.findings import Finding, bad, ok, warn
from runpod_mcp.clients.edits import CannotEdit
from runpod_mcp.clients.entry import (
    KEY,
    KEY_FILE,
    env_of_entry,
    is_off,
    line_of_entry,
    projects_in,
    servers_in,
)
from runpod_mcp.clients.files import read_file
from runpod_mcp.clients.launch import is_official, is_ours
from runpod_mcp.clients.machine import Machine
from runpod_mcp.clients.places import CLIENTS, Client, settings_files
from runpod_mcp.config import read_settings
from runpod_mcp.errors import Failure
from runpod_mcp.pods.words import clean

_LEDGER = "RUNPOD_MCP_LEDGER"


@dataclass(frozen=True, slots=True)
class Installed:
    """A server that a client knows."""

    client: Client
    path: Path
    name: str
    entry: dict[str, Any]

    @property
    def line(self) -> list[str]:
        """The command line, or a URL."""
        return line_of_entry(self.entry)

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"{self.client.title} ({self.path}, {clean(self.name, 200)})"


def look_at_clients(machine: Machine) -> list[Finding]:
    """Every client that has settings here: whether this server is in them, and whether its command is there."""
    findings: list[Finding] = []
    ours: list[Installed] = []
    for client, path in _places(machine):
        try:
            servers = _servers(client, path)
        except (Failure, CannotEdit) as error:
            said = error.message if isinstance(error, Failure) else f"{path} {error}."
            findings.append(warn("client", f"{client.title}: {said}"))
            continue
        mine = [one for one in servers if is_ours(one.line)]
        ours += mine
        findings += [_installed(one, machine) for one in mine]
        if not mine:
            findings.append(
                ok("client", f"{client.title} ({path}): not installed; runpod-mcp install {client.name}")
            )
    if not findings:
        findings.append(ok("client", "No client's settings are found; see runpod-mcp install --help."))
    ledgers = {ledger for one in ours if (ledger := _ledger(one)) is not None}
    if len(ledgers) > 1:
        line = f"The clients name {len(ledgers)} different ledgers, and each keeps budgets of its own."
        findings.append(warn("client", line, "Install with the same --ledger everywhere."))
    return findings


def look_at_bypasses(machine: Machine) -> list[Finding]:
    """What would let an agent rent without asking this server."""
    findings = [*_keys_about(machine), *look_at_key_setters(machine)]
    for client, path in _places(machine):
        try:
            servers = _servers(client, path)
        except (Failure, CannotEdit):
            line = f"{client.title}'s settings ({path}) cannot be read here, so what is in them is not known."
            findings.append(warn("bypass", line, "Look for Runpod's own server in them yourself."))
            continue
        for one in servers:
            findings += _around(one)
    return findings or [ok("bypass", "Nothing is seen that goes round the limits.")]


def key_told(machine: Machine) -> tuple[str, dict[str, str]] | None:
    """Which of the user's own client settings give this server a key, and by which variable.

    Settings in a project are not asked: an agent may have written them.
    """
    for client, path in _places(machine):
        try:
            servers = _servers(client, path)
        except (Failure, CannotEdit):
            continue
        for one in servers:
            if not is_ours(one.line) or is_off(one.entry) or not _is_users(one, machine):
                continue
            env = env_of_entry(one.entry)
            for name in (KEY, KEY_FILE):
                if _is_meant(env.get(name, "")) and not _unreadable({name: env[name]}):
                    return one.place, {name: env[name]}
    return None


def _is_users(one: Installed, machine: Machine) -> bool:
    """Whether it stands in the user's own settings and not in those of a project."""
    return one.path in settings_files(one.client, machine)


def _is_meant(value: str) -> bool:
    """Whether this is a value, and no placeholder for one."""
    return bool(value.strip()) and not value.startswith(("$", "{", "YOUR_"))


def _unreadable(env: dict[str, str]) -> str:
    """What keeps a key from being read by these variables."""
    try:
        read_settings(env)
    except Failure as failure:
        return failure.message
    return ""


def _places(machine: Machine) -> Iterator[tuple[Client, Path]]:
    for client in CLIENTS:
        own = settings_files(client, machine)
        for path in dict.fromkeys((*own, *settings_files(client, machine, project=True))):
            if path.exists():
                yield client, path


def _servers(client: Client, path: Path) -> list[Installed]:
    text = read_file(path).text
    found = [*servers_in(client, text).items(), *projects_in(client, text).items()]
    return [Installed(client, path, name, entry) for name, entry in found]


def _installed(one: Installed, machine: Machine) -> Finding:
    command = one.line[0]
    started = clean(" ".join(one.line), 200)
    again = f"runpod-mcp install {one.client.name}"
    if is_off(one.entry):
        return warn("client", f"{one.place}: installed but switched off there.")
    if shutil.which(command, path=machine.env.get("PATH")) is None:
        line = f"{one.place}: installed, but its command {clean(command, 200)} is not found."
        return warn("client", line, again)
    file = env_of_entry(one.entry).get(KEY_FILE, "")
    if _is_users(one, machine) and _is_meant(file) and (trouble := _unreadable({KEY_FILE: file})):
        return warn("client", f"{one.place}: installed, but its {trouble}", f"{again} --key-file FILE")
    return ok("client", f"{one.place}: {started}")


def _ledger(one: Installed) -> str | None:
    """The ledger an installed server is told to use, empty for the usual one; None on a simulator."""
    if "--simulator" in one.line:
        return None
    if "--ledger" in one.line[:-1]:
        return one.line[one.line.index("--ledger") + 1]
    return env_of_entry(one.entry).get(_LEDGER, "")


def _keys_about(machine: Machine) -> Iterator[Finding]:
    if machine.env.get(KEY, "").strip():
        yield warn(
            "bypass",
            f"{KEY} is in the environment here; an agent started from here has it too and can call Runpod itself.",
            "Put the key into a file that only you can read, unset it here, and install with --key-file FILE.",
        )
    settings = machine.home / ".runpod" / "config.toml"
    tool = shutil.which("runpodctl", path=machine.env.get("PATH"))
    if tool or settings.is_file():
        yield warn(
            "bypass",
            f"runpodctl is set up here ({tool or settings}); an agent that may run commands can rent with it.",
            "Run agents as another user, or take runpodctl's key away.",
        )


def _around(one: Installed) -> Iterator[Finding]:
    if is_official(one.line) and not is_off(one.entry):
        yield bad(
            "bypass",
            f"{one.place} is Runpod's own server, which knows no limits.",
            "Take it out of the client, or the policy can be gone round.",
        )
    elif any("runpodctl" in word for word in one.line):
        yield warn(
            "bypass", f"{one.place} runs runpodctl, which knows no limits.", "Take it out of the client."
        )
    key = env_of_entry(one.entry).get(KEY, "")
    if _is_meant(key):
        yield warn(
            "bypass",
            f"The API key itself stands in the settings of {one.place}; an agent that reads the file has it.",
            f"runpod-mcp uninstall {one.client.name}, then install with --key-file FILE."
            if is_ours(one.line)
            else "",
        )
