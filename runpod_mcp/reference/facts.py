"""The facts: tools, settings, commands, codes and policy keys, read from the code that has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from runpod_mcp import __version__
from runpod_mcp.config import SETTINGS, TOOLSETS, Setting
from runpod_mcp.errors import MEANINGS
from runpod_mcp.policy.schema import policy_schema
from runpod_mcp.server.toolsets import tools_of


@dataclass(frozen=True, slots=True)
class ToolFact:
    """A tool and the toolset it is in."""

    name: str
    title: str
    description: str
    toolset: str
    reads_only: bool


@dataclass(frozen=True, slots=True)
class CommandFact:
    """A command with what must follow its name, and one line of help."""

    usage: str
    help: str


@dataclass(frozen=True, slots=True)
class CodeFact:
    """A code, what it means, what to do, and the keys of the policy that cause it."""

    code: str
    means: str
    do: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyKeyFact:
    """A key of the policy; `default` is TOML, empty where a key that is left out is no limit (or must be there)."""

    key: str
    description: str
    default: str
    values: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is written down from here."""

    version: str
    tools: tuple[ToolFact, ...]
    settings: tuple[Setting, ...]
    commands: tuple[CommandFact, ...]
    codes: tuple[CodeFact, ...]
    policy: tuple[PolicyKeyFact, ...]

    def as_structure(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return asdict(self)


def facts_of(commands: click.Group) -> Facts:
    """The facts of this version; `commands` is the command line."""
    return Facts(
        version=__version__,
        tools=tuple(_tools()),
        settings=SETTINGS,
        commands=tuple(_commands(commands, "runpod-mcp")),
        codes=tuple(CodeFact(code.value, one.means, one.do, one.keys) for code, one in MEANINGS.items()),
        policy=tuple(_policy_keys()),
    )


def _tools() -> Iterator[ToolFact]:
    core = [spec.name for spec in tools_of(())]
    for toolset in TOOLSETS:
        for spec in tools_of((toolset,)):
            if toolset == "core" or spec.name not in core:
                yield ToolFact(spec.name, spec.title, spec.description, toolset, spec.reads_only)


def _commands(command: click.Command, usage: str) -> Iterator[CommandFact]:
    if command.hidden:
        return
    if not isinstance(command, click.Group):
        yield CommandFact(" ".join([usage, *_must_follow(command)]), command.get_short_help_str(200))
        return
    if command.invoke_without_command:
        yield CommandFact(usage, _alone(command))
    for name, one in command.commands.items():
        yield from _commands(one, f"{usage} {name}")


def _alone(group: click.Group) -> str:
    """What a group does without a command, where its help says so in these words."""
    said = re.search(r"Without a command: ([^.]+\.)", " ".join((group.help or "").split()))
    return said[1][0].upper() + said[1][1:] if said else group.get_short_help_str(200)


def _must_follow(command: click.Command) -> Iterator[str]:
    """Required options, then the arguments, as the usage line writes them."""
    for option in command.params:
        if isinstance(option, click.Option) and option.required:
            yield f"{option.opts[0]} {(option.metavar or option.name or '').upper()}"
    yield from command.collect_usage_pieces(click.Context(command))[1:]


def _policy_keys() -> Iterator[PolicyKeyFact]:
    whole = policy_schema()
    for name, part in whole["properties"].items():
        if "properties" in part:
            for key, one in part["properties"].items():
                yield _policy_key(f"{name}.{key}", one, key in part.get("required", ()))
        else:
            yield _policy_key(name, part, name in whole.get("required", ()))


def _policy_key(key: str, schema: dict[str, Any], required: bool) -> PolicyKeyFact:
    default = json.dumps(schema["default"]) if "default" in schema else ""
    values = tuple(map(str, schema.get("enum", ())))
    return PolicyKeyFact(key, schema["description"], default, values, required)
