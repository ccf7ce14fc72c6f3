"""The policy in force: read from its file, and read again when the file changes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.policy.document import Policy, default_policy, read_policy

LARGEST_FILE = 1_000_000


@dataclass(slots=True)
class PolicyFile:
    """A policy at a path. A named file must exist; where none was named and none is there, the default applies."""

    path: Path
    named: bool = False
    _seen: tuple[int, ...] | None = field(default=None, init=False)
    _held: Policy | Failure | None = field(default=None, init=False)

    def current(self) -> Policy:
        """The policy as the file has it now.

        Raises:
            Failure: `policy_broken`: the file cannot be read, can be written by anybody, or is not a policy.
        """
        seen = self._signature()
        if self._held is None or seen != self._seen:
            self._seen, self._held = seen, self._read(seen is not None)
        if isinstance(self._held, Failure):
            raise self._held
        return self._held

    def _signature(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)

    def _read(self, exists: bool) -> Policy | Failure:
        if not exists and not self.named:
            return default_policy()
        try:
            self._refuse_open_doors()
            return read_policy(self._text(), str(self.path))
        except Failure as failure:
            return failure

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
            if len(data) > LARGEST_FILE:
                raise _broken(self.path, "is larger than a policy can be")
            return data.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise _broken(self.path, f"cannot be read ({_reason(error)})") from error

    def _refuse_open_doors(self) -> None:
        """A file that anybody may write, or replace, is not a person's word."""
        if os.name != "posix":
            return
        for place in (self.path, self.path.resolve().parent):
            try:
                mode = place.stat().st_mode
            except OSError:
                continue
            if mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
                raise _broken(
                    self.path, f"can be changed by anybody ({place} is world-writable); chmod o-w {place}"
                )


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return "not UTF-8 text"


def _broken(path: Path, problem: str) -> Failure:
    return Failure(Code.POLICY_BROKEN, f"Policy {path}: {problem}", Retry.NEVER)
