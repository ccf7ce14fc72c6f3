"""Flags that stand for settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from runpod_mcp.config import TOOLSETS, Settings, read_settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """The flags a server was started with; each overrules the setting of the same meaning."""

    policy: str | None
    ledger: str | None
    api_url: str | None
    simulator: bool
    read_only: bool
    toolsets: str | None

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> Options:
        """From click's keyword arguments; a flag before the command's name counts as one after it."""
        before: Mapping[str, Any] = click.get_current_context().find_root().obj or {}
        names = ("policy", "ledger", "api_url", "simulator", "read_only", "toolsets")
        return cls(*(flags[name] or before.get(name) or flags[name] for name in names))

    def settings(self) -> Settings:
        """Settings from the environment and these flags."""
        return read_settings(
            policy=self.policy,
            ledger=self.ledger,
            api_url=self.api_url,
            simulator=self.simulator,
            read_only=self.read_only,
            toolsets=self.toolsets,
        )


def server_options(command: F) -> F:
    """The flags every server takes."""
    for option in reversed(
        (
            click.option("--policy", metavar="FILE", help="Policy file (RUNPOD_MCP_POLICY)."),
            click.option("--ledger", metavar="FILE", help="Ledger file (RUNPOD_MCP_LEDGER)."),
            click.option(
                "--api-url", metavar="URL", help="Runpod's API, ending in /v2 or /v1 (RUNPOD_API_URL)."
            ),
            click.option(
                "--read-only", is_flag=True, help="Only tools that change nothing (RUNPOD_MCP_READ_ONLY)."
            ),
            click.option(
                "--toolsets",
                metavar="NAMES",
                help=f"More tools: {', '.join(TOOLSETS[1:])}, or all (RUNPOD_MCP_TOOLSETS).",
            ),
            click.option(
                "--simulator",
                is_flag=True,
                help="A Runpod inside this process: no key, no money, no network.",
            ),
        )
    ):
        command = option(command)
    return command
