"""A ledger in a SQLite file that is only looked at: it is never made, and nothing is written into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from runpod_mcp.ledger import sqlite_rows as rows
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.sqlite_file import check_version
from runpod_mcp.ledger.sqlite_trouble import READ_ONLY, in_our_words, unavailable
from runpod_mcp.policy.spending import Spending, Window

T = TypeVar("T")


class SqliteLook(SqliteLedger):
    """The reading half of a `SqliteLedger`; what would write fails with `ledger_unavailable`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path.absolute()

    async def spending(self, now: int, windows: Sequence[Window]) -> Spending:
        """The sums at this moment, or at the latest one known where that is later; that it was seen is not noted."""
        return await self._read(lambda db: rows.spending(db, max(now, rows.latest(db)), windows))

    def _transaction(self, work: Callable[[sqlite3.Connection], T], *, write: bool) -> T:
        if write:
            raise unavailable(READ_ONLY)
        with self._opened() as db:
            return work(db)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with in_our_words(self._path), closing(self._connection()) as db:
            yield db

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._connect("mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN or not self._is_all_there():
                raise
        return self._connect("mode=ro&immutable=1")

    def _connect(self, how: str) -> sqlite3.Connection:
        db = sqlite3.connect(f"{self._path.as_uri()}?{how}", uri=True, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")
            check_version(db)
        except BaseException:
            db.close()
            raise
        return db

    def _is_all_there(self) -> bool:
        """Whether nobody writes and nothing waits beside the file: then it is read alone, where SQLite may put nothing
        beside it, as in a folder that cannot be written."""
        wal = self._path.with_name(f"{self._path.name}-wal")
        return self._path.is_file() and not (wal.exists() and wal.stat().st_size)
