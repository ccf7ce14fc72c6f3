"""One SQLite file: made if missing, opened when first needed, and checked before every transaction.

A file is made under another name and then linked into place, whole: of several processes at once one wins, and a
file that is empty was cut off and is never taken for a new one.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from threading import Lock

from runpod_mcp.ledger.sqlite_trouble import (
    EMPTY,
    NEWER,
    NOT_A_LEDGER,
    REPLACED,
    in_our_words,
    opening,
    unavailable,
)

SCHEMA_VERSION = 1

# Seldom and much (SQLite's 1,000) makes one call in fifty wait for the others, the longer the larger the file.
_PAGES_BETWEEN_CHECKPOINTS = 64
_POSIX = os.name == "posix"

Identity = tuple[int, int]


class SqliteFile:
    """A SQLite file that any number of threads and processes use at once, one transaction a process at a time.

    `busy_seconds` is how long a transaction waits for another process.
    """

    def __init__(self, path: Path, busy_seconds: float = 10.0) -> None:
        self._path = path.absolute()
        self._busy_seconds = busy_seconds
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: Identity | None = None
        self._wal: Identity | None = None
        with _forking:
            _open_files.add(self)

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """All or nothing: committed when the block ends, rolled back when it raises.

        Raises:
            Failure: LEDGER_UNAVAILABLE, in which case nothing was written.
        """
        with self._lock, in_our_words(self._path):
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                self._check_in_place()
                check_version(connection)
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file once no transaction is under way; the next one opens it again."""
        self.pause()
        self.resume()

    def pause(self) -> None:
        """Close the file and let no transaction begin: a process must not fork with an open SQLite file."""
        self._lock.acquire()
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def resume(self) -> None:
        """Let transactions begin again."""
        self._lock.release()

    def _open(self) -> sqlite3.Connection:
        with opening(self._path):
            if self._file is None and not self._path.exists():
                _make(self._path)
            self._check_in_place()
            if self._path.stat().st_size == 0:
                raise unavailable(EMPTY)
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
        check_version(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        self._file, self._wal = _identity(self._path), _identity(self._wal_path)

    @property
    def _wal_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}-wal")

    def _check_in_place(self) -> None:
        """What is written into a deleted file is lost with it, so the open files must still be the ones at the path."""
        if not _POSIX or self._file is None:
            return
        there = [(self._path, self._file)]
        if self._connection is not None and self._wal is not None:
            there.append((self._wal_path, self._wal))
        with suppress(OSError):
            if all(_identity(path) == known for path, known in there):
                return
        raise unavailable(REPLACED)


def _identity(path: Path) -> Identity:
    status = path.stat()
    return status.st_dev, status.st_ino


def check_version(connection: sqlite3.Connection) -> None:
    """Refuse a file that is no ledger, or one of a newer version.

    Raises:
        Failure: LEDGER_UNAVAILABLE.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    version = row["value"] if row else 0
    if version != SCHEMA_VERSION:
        raise unavailable(NEWER if version > SCHEMA_VERSION else NOT_A_LEDGER)


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".ledger-", dir=path.parent)
    os.close(handle)
    try:
        _fill(name)
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    _keep_name(path.parent)


def _fill(name: str) -> None:
    schema = files("runpod_mcp.ledger").joinpath("schema.sql").read_text("utf-8")
    with closing(sqlite3.connect(name, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {schema} COMMIT;")


def _sync_folder(folder: Path) -> None:
    """Without this a power cut can take the new file's name away, and all that was written to it since."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_keep_name = _sync_folder if _POSIX else Path.exists

_open_files: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_forking = Lock()
_paused: list[SqliteFile] = []


def _before_fork() -> None:
    """A child must not inherit an open SQLite file: its locks would be a fiction, and the file could be damaged."""
    _forking.acquire()
    _paused.extend(_open_files)
    for file in _paused:
        file.pause()


def _after_fork() -> None:
    while _paused:
        _paused.pop().resume()
    _forking.release()


getattr(os, "register_at_fork", dict)(
    before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
)
