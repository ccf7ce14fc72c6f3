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
        with (
            in_our_words(self._path),
            closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as db,
        ):
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")
            check_version(db)
            yield db
