"""The doctor's look at files that put the key into the environment of whatever an agent runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runpod_mcp.cli.findings import Finding, warn
from runpod_mcp.clients.files import read_file
from runpod_mcp.clients.machine import Machine
from runpod_mcp.errors import Failure

_OF_SHELLS = (
    *(".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin"),
    ".config/fish/config.fish",
)
_OF_AGENTS = (".claude/settings.json", ".claude/settings.local.json", ".gemini/.env", ".env", ".envrc")
_SETS = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?RUNPOD_API_KEY[ \t]*=[ \t]*["']?[^\s"'#;]"""
    r"""|^[ \t]*set[ \t]+-\w*x\w*[ \t]+RUNPOD_API_KEY[ \t]+["']?[^\s"'#;]"""
    r"""|"RUNPOD_API_KEY"\s*:\s*"[^"]""",
    re.MULTILINE,
)


def look_at_key_setters(machine: Machine) -> list[Finding]:
    """Every start file of a shell, and every file that agents read variables from, that sets the key."""
    return [
        warn(
            "bypass",
            f"{path} sets RUNPOD_API_KEY; an agent that gets it from there can call Runpod itself.",
            "Put the key into a file that only you can read, take it out there, and install with --key-file FILE.",
        )
        for path in _files(machine)
        if _sets_key(path)
    ]


def _files(machine: Machine) -> Iterator[Path]:
    names = [machine.home / name for name in (*_OF_SHELLS, *_OF_AGENTS)]
    yield from dict.fromkeys([*names, *(machine.folder / name for name in _OF_AGENTS)])


def _sets_key(path: Path) -> bool:
    try:
        data = read_file(path).data or b""
    except Failure:
        return False
    return bool(_SETS.search(data.decode("utf-8", "replace")))
