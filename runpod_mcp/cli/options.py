"""Flags that stand for settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from runpod_mcp.config import SETTINGS, Setting, Settings, read_settings

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
        given = {**before, **{name: value for name, value in flags.items() if value}}
        return cls(
            policy=given.get("policy"),
            ledger=given.get("ledger"),
            api_url=given.get("api_url"),
            simulator=bool(given.get("simulator")),
            read_only=bool(given.get("read_only")),
            toolsets=given.get("toolsets"),
        )

    def settings(self, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment, or another one, and these flags.

        Raises:
            Failure: `settings_broken`.
        """
        return read_settings(
            env,
            policy=self.policy,
            ledger=self.ledger,
            api_url=self.api_url,
            simulator=self.simulator,
            read_only=self.read_only,
            toolsets=self.toolsets,
        )


def server_options(command: F) -> F:
    """The flags every server takes."""
    for setting in reversed([one for one in SETTINGS if one.flag]):
        command = _option(setting)(command)
    return command


def ledger_options(command: F) -> F:
    """The one flag of commands that only read and write the ledger."""
    (setting,) = [one for one in SETTINGS if one.flag == "--ledger"]
    return _option(setting)(command)


def _option(setting: Setting) -> Callable[[F], F]:
    words = f"{setting.meaning.removesuffix('.')} ({setting.name})." if setting.name else setting.meaning
    if setting.takes:
        return click.option(setting.flag, metavar=setting.takes, help=words)
    return click.option(setting.flag, is_flag=True, help=words)
