"""The command by which a client starts this server: one that works in any folder and goes on working."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from runpod_mcp.errors import Code, Failure, Retry

SCRIPT = "runpod-mcp"
_PASSING = ("archive-v0", "environments-v2", "builds-v0")
_HARMLESS = ("docs.runpod.io",)
"""Answers questions about the documentation; rents nothing."""
_BEFORE_VERSION = re.compile("[@:=]")
_TOOL_MARKS = ("uv-receipt.toml", "pipx_metadata.json")


def command(env: Mapping[str, str], python: str, prefix: Path, source: str | None = None) -> list[str]:
    """What to start, without arguments of ours.

    A tool's own script where uv or pipx keeps one; `uvx` where this runs in uv's cache, which comes and goes; else
    this interpreter. `-P` keeps the folder the client was started in, where an agent may write, from being imported.

    Raises:
        Failure: settings_broken when the interpreter is not known.
    """
    path = env.get("PATH")
    if set(_PASSING) & set(prefix.parts):
        return [shutil.which("uvx", path=path) or "uvx", *(("--from", source) if source else ()), SCRIPT]
    if any((prefix / mark).is_file() for mark in _TOOL_MARKS) and (script := _script(prefix, path)):
        return [script]
    if not python:
        raise Failure(Code.SETTINGS_BROKEN, "The interpreter that runs this is not known.", Retry.NEVER)
    return [python, "-P", "-m", "runpod_mcp"]


def this_command(env: Mapping[str, str]) -> list[str]:
    """What to start from here."""
    return command(env, sys.executable, Path(sys.prefix), _source())


def is_ours(line: list[str]) -> bool:
    """Whether a command starts this server; the official one installs a script of the same name, by npm."""
    names = [_BEFORE_VERSION.split(re.split(r"[/\\]", word)[-1])[0].removesuffix(".exe") for word in line]
    return (SCRIPT in names or "runpod_mcp" in names) and not is_official(line)


def is_official(line: list[str]) -> bool:
    """Whether a command or a URL leads to Runpod's own server, which knows no limits."""
    return any("@runpod/mcp" in word or _is_runpods_mcp(word) for word in line)


def _is_runpods_mcp(word: str) -> bool:
    try:
        url = urlsplit(word)
        host = url.hostname or ""
    except ValueError:
        return False
    if "runpod" not in host or host in _HARMLESS or host.endswith(".proxy.runpod.net"):
        return False
    return "mcp" in host or url.path.startswith("/mcp")


def _script(prefix: Path, path: str | None) -> str | None:
    found = shutil.which(SCRIPT, path=path)
    if found and Path(found).resolve().is_relative_to(prefix.resolve()):
        return found
    return shutil.which(SCRIPT, path=str(prefix / "bin"))


def _source() -> str | None:
    """The folder this was installed from; None when it came from a registry."""
    try:
        written = distribution(SCRIPT).read_text("direct_url.json")
        url = str(json.loads(written)["url"]) if written else ""
    except (PackageNotFoundError, ValueError, KeyError, TypeError):
        return None
    return url2pathname(urlsplit(url).path) if url.startswith("file:") else url or None
