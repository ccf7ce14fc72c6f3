"""Reading a client's settings and replacing them whole, with a backup beside them."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runpod_mcp.errors import Code, Failure, Retry

LARGEST = 50_000_000
_NEW_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was read: `path` as it is named, `real` behind all links; `data` is None where there is none."""

    path: Path
    real: Path
    data: bytes | None
    mode: int

    @property
    def text(self) -> str:
        """What it says; nothing where there is no file.

        Raises:
            Failure: settings_broken when it is not UTF-8 text.
        """
        try:
            return (self.data or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise trouble(self.path, "is not UTF-8 text; nothing was changed") from error


def read_file(path: Path) -> Found:
    """A file, or the place for one.

    Raises:
        Failure: settings_broken when there is something else, or it cannot be read.
    """
    try:
        real = Path(os.path.realpath(path))
        try:
            mode = real.stat().st_mode
        except FileNotFoundError:
            return Found(path, real, None, _NEW_FILE)
        if not stat.S_ISREG(mode):
            raise trouble(path, "is not a file")
        with real.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise trouble(path, f"cannot be read ({_reason(error)})") from error
    if len(data) > LARGEST:
        raise trouble(path, "is larger than settings can be")
    return Found(path, real, data, stat.S_IMODE(mode))


def replace_file(found: Found, text: str, now: datetime) -> Path | None:
    """Write new text in the place of a file, all of it or nothing, and give the backup's path.

    The file's permissions and the links to it stay as they are.

    Raises:
        Failure: settings_broken when it cannot be written, or was changed since it was read.
    """
    try:
        data = text.encode("utf-8")
        found.real.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{found.real.name}-", dir=found.real.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _like(found, name)
            if read_file(found.path).data != found.data:
                raise trouble(
                    found.path, "was changed by another program meanwhile; run this again", Retry.LATER
                )
            backup = _backup(found, now)
            os.replace(name, found.real)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except (OSError, UnicodeEncodeError) as error:
        raise trouble(found.path, f"cannot be written ({_reason(error)}); nothing was changed") from error
    return backup


def _like(found: Found, name: str) -> None:
    os.chmod(name, found.mode)
    if found.data is not None and os.name == "posix":
        status = found.real.stat()
        with suppress(OSError):
            os.chown(name, status.st_uid, status.st_gid)
            os.chmod(name, found.mode)


def _backup(found: Found, now: datetime) -> Path | None:
    """A copy beside the file that nobody else may read more of than the file itself."""
    if found.data is None:
        return None
    stem = f"{found.path.name}.bak-{now.astimezone(UTC):%Y%m%d%H%M%S}"
    for count in range(100):
        path = found.path.with_name(f"{stem}-{count}" if count else stem)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(found.data)
        os.chmod(path, found.mode)
        return path
    raise trouble(found.path, "has too many backups of this second; nothing was changed")


def trouble(path: Path, problem: str, retry: Retry = Retry.CHANGED) -> Failure:
    """A file that is in the way, in one sentence."""
    return Failure(Code.SETTINGS_BROKEN, f"{path} {problem}.", retry)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
