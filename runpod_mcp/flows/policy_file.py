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
    """A policy at a path. Where none was named and none has ever been there, the default applies."""

    path: Path
    named: bool = False
    _was_there: bool = field(default=False, init=False)
    _text: str = field(default="", init=False)
    _held: Policy | None = field(default=None, init=False)

    def current(self) -> Policy:
        """The policy as the file has it now.

        Raises:
            Failure: `policy_broken`: the file is gone, cannot be read, can be changed by anybody, or is not a policy.
        """
        if not (self.named or self._was_there) and _nothing_at(self.path):
            return default_policy()
        self._was_there = True
        text = _text_of(self.path)
        if self._held is None or text != self._text:
            self._held = None
            self._text, self._held = text, read_policy(text, str(self.path))
        return self._held


def _nothing_at(path: Path) -> bool:
    """Whether there is neither a file nor a link that leads nowhere; what cannot be looked at counts as something."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _text_of(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _broken(path, "is not a file")
        _refuse_open_doors(path)
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise _broken(path, "is larger than a policy can be")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(path, "cannot be read (not UTF-8 text)") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise _broken(path, f"cannot be read ({reason})") from error


def _refuse_open_doors(path: Path) -> None:
    """A file that anybody may write, or replace with its folder, is not a person's word."""
    real = path.resolve()
    places = dict.fromkeys((real, *real.parents, *path.absolute().parents)) if os.name == "posix" else ()
    for place in places:
        mode = place.stat().st_mode
        shared = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
        if mode & stat.S_IWOTH and not shared:
            raise _broken(
                path, f"can be changed by anybody ({place} is world-writable); `chmod o-w {place}` mends that"
            )


def _broken(path: Path, problem: str) -> Failure:
    return Failure(Code.POLICY_BROKEN, f"Policy {path}: {problem}.", Retry.NEVER)
