"""The machine as far as clients care: whose home, which environment, which system."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runpod_mcp.errors import Code, Failure, Retry


@dataclass(frozen=True, slots=True)
class Machine:
    """`platform` is as `sys.platform` says it; `folder` is the one worked in."""

    home: Path
    env: Mapping[str, str]
    platform: str
    folder: Path

    @property
    def config(self) -> Path:
        """Where programs of the XDG kind keep their settings."""
        return self.named("XDG_CONFIG_HOME") or self.home / ".config"

    @property
    def desktop_config(self) -> Path:
        """Where desktop programs keep their settings."""
        if self.platform == "win32":
            return self.named("APPDATA") or self.home / "AppData" / "Roaming"
        return self.home / "Library" / "Application Support" if self.platform == "darwin" else self.config

    def works_in(self, path: Path) -> bool:
        """Whether a file, or what a link by this name leads to, lies in the folder worked in, where an agent may write.

        A person who is at home works in no project.
        """
        if self.folder == self.home:
            return False
        named = Path(os.path.normpath(self.folder / path))
        return named.is_relative_to(self.folder) or named.resolve().is_relative_to(self.folder.resolve())

    def named(self, variable: str) -> Path | None:
        """The folder that a variable names."""
        value = self.env.get(variable, "").strip()
        return Path(value) if value else None


def this_machine(env: Mapping[str, str], platform: str, find_home: Callable[[], Path] = Path.home) -> Machine:
    """This machine, for this user.

    Raises:
        Failure: settings_broken when there is no home, or the folder worked in is gone.
    """
    named = env.get("USERPROFILE" if platform == "win32" else "HOME", "").strip()
    try:
        home = Path(named) if named else find_home()
    except RuntimeError as error:
        raise Failure(
            Code.SETTINGS_BROKEN,
            "No home folder is known for this user; set HOME.",
            Retry.NEVER,
            field="HOME",
        ) from error
    try:
        return Machine(home, env, platform, Path(os.getcwd()))
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, "The folder this was started in is gone; change to another.", Retry.NEVER
        ) from error
