"""Every way a SQLite file can fail us, in our own words; what SQLite said goes to the log."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runpod_mcp.errors import Code, Failure, Retry

_log = logging.getLogger(__name__)

LOCKED = "Another program keeps the ledger locked; nothing was written."
FULL = "The disk that holds the ledger is full; nothing was written. Make room on it."
READ_ONLY = (
    "The ledger can be read but not written. Give this program the right to write the file and its folder."
)
CANNOT_OPEN = (
    "The ledger cannot be opened. Check that the file and its folder exist and may be read and written."
)
NOT_A_LEDGER = "The file named as the ledger is not a ledger of this program. Name another file."
DAMAGED = (
    "The ledger is damaged. Stop every server and restore the file from a backup; do not start an empty one."
)
EMPTY = "The ledger file is empty: it was cut off. Restore it from a backup, or delete it if it never held anything."
NEWER = "The ledger was written by a newer version of this program. Upgrade this one."
REPLACED = (
    "The ledger file was moved, deleted or replaced while in use. Put it back; "
    "if it was restored on purpose, restart every server."
)
DISK_FAILED = "The disk that holds the ledger failed; nothing was written. Check the disk."
OTHER = "The ledger cannot be used; the log says why."

_BY_CODE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: CANNOT_OPEN,
    sqlite3.SQLITE_ERROR: NOT_A_LEDGER,
    sqlite3.SQLITE_NOTADB: NOT_A_LEDGER,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_IOERR: DISK_FAILED,
}


def unavailable(message: str) -> Failure:
    """The ledger cannot be used now; only a lock passes by itself."""
    return Failure(Code.LEDGER_UNAVAILABLE, message, Retry.LATER if message is LOCKED else Retry.NEVER)


@contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into `Failure(LEDGER_UNAVAILABLE)`."""
    try:
        yield
    except sqlite3.Error as error:
        primary = getattr(error, "sqlite_errorcode", -1) & 0xFF
        _log.error("ledger %s: %s", path, error)
        raise unavailable(_BY_CODE.get(primary, OTHER)) from error


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn what the file system raises while the ledger is opened into `Failure(LEDGER_UNAVAILABLE)`."""
    try:
        yield
    except OSError as error:
        _log.error("ledger %s: %s", path, error)
        raise unavailable(CANNOT_OPEN) from error
