"""How fast the ledger is, as ratios measured in one run: against a short past, and against bare durable commits.

`pytest -m bench -n 0 -s tests/bench/test_bench_ledger.py` prints the table.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import anyio
import pytest

from runpod_mcp.ledger.entries import Entry, EntryKind, Reservation
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.money import Usd
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.spending import TOTAL, Spending

pytestmark = pytest.mark.bench

PASTS = (1_000, 100_000, 1_000_000)
ROUNDS = 10
BATCH = 200
NOW = 1_795_435_200

FILL = """
BEGIN;
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})
    SELECT i, lower(hex(randomblob(16))) AS id FROM n;
INSERT INTO reservation (id, principal, tool, request_id, request_hash, request, opened_at, lease_ends_at,
    stopped_until, usd_per_hour, disk_usd_per_hour, stopped_usd_per_hour, gpus)
SELECT id, 'local', 'create_pod', 'request-' || id, hex(randomblob(32)), '{{"gpuTypeIds": ["NVIDIA L4"]}}',
    i, i + 3600, i + 3600, 500000, 1000, 2000, 1 FROM n;
INSERT INTO entry (reservation_id, kind, at, pod_id, usd_per_hour, note)
SELECT id, 'settled', i, 'pod' || substr(id, 1, 14), 500000, '' FROM n;
INSERT INTO entry (reservation_id, kind, at, note) SELECT id, 'ended', i + 3600, '' FROM n;
INSERT INTO spent SELECT 'day:' || strftime('%Y-%m-%d', i, 'unixepoch'), 500000 * count(*) FROM n GROUP BY 1;
INSERT INTO spent VALUES ('total', 500000 * {many});
COMMIT;
DROP TABLE n;
PRAGMA wal_checkpoint(TRUNCATE);
"""


def judge(spending: Spending) -> Deny | None:
    """Looks at the sums as a policy would."""
    assert spending.within(TOTAL) > 0
    return None


class Contestant:
    """Something timed in short turns with the others, so that a noisy moment hits all of them."""

    def __init__(self, name: str, commits: int) -> None:
        self.name, self.commits = name, commits
        self.seconds: list[float] = []

    async def turn(self) -> None:
        """What is timed."""
        raise NotImplementedError

    async def between(self) -> None:
        """What is not."""

    async def close(self) -> None:
        """Close the file."""
        raise NotImplementedError

    async def run(self) -> None:
        for _ in range(BATCH):
            start = perf_counter()
            await self.turn()
            self.seconds.append(perf_counter() - start)
            await self.between()

    @property
    def p50(self) -> float:
        return median(self.seconds)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[98]

    @property
    def rate(self) -> float:
        """Durable commits per second."""
        return self.commits * len(self.seconds) / sum(self.seconds)


class BareCommits(Contestant):
    """One INSERT, made durable: what the disk and SQLite allow at best."""

    def __init__(self, path: Path) -> None:
        super().__init__("bare durable INSERT", commits=1)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")

    async def turn(self) -> None:
        self._db.execute("INSERT INTO t (a) VALUES (?)", ("x" * 200,))

    async def close(self) -> None:
        self._db.close()


class Renting(Contestant):
    """Reserve and settle, with so many leases in the past and three alive."""

    def __init__(self, path: Path, many: int) -> None:
        super().__init__(f"reserve + settle, {many:>9,} past leases", commits=2)
        self._path, self._many = path, many
        self._ledger = SqliteLedger(path)
        self._alive: list[str] = []

    async def fill(self) -> None:
        await self._ledger.leases()
        await self._ledger.close()
        with closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            db.executescript(FILL.format(many=self._many))

    async def turn(self) -> None:
        id = os.urandom(16).hex()
        await self._ledger.reserve(_reservation(id), judge)
        await self._ledger.write(
            id, Entry(kind=EntryKind.SETTLED, at=NOW, pod_id=f"pod{id[:14]}", usd_per_hour=Usd(500_000))
        )
        self._alive.append(id)

    async def between(self) -> None:
        while len(self._alive) > 3:
            await self._ledger.write(self._alive.pop(0), Entry(kind=EntryKind.ENDED, at=NOW + 600))

    async def close(self) -> None:
        await self._ledger.close()


def _reservation(id: str) -> Reservation:
    return Reservation(
        id=id,
        principal="local",
        tool="create_pod",
        request_id=f"request-{id}",
        request_hash=os.urandom(32).hex(),
        request='{"gpuTypeIds": ["NVIDIA L4"]}',
        opened_at=NOW,
        lease_ends_at=NOW + 7200,
        stopped_until=NOW + 93_600,
        usd_per_hour=Usd(500_000),
        disk_usd_per_hour=Usd(1_000),
        stopped_usd_per_hour=Usd(2_000),
        gpus=1,
    )


def report(bare: Contestant, renting: list[Renting]) -> None:
    """The table, in milliseconds and as ratios."""
    shortest = renting[0]
    print(
        f"\n{'':40} {'p50 ms':>8} {'p99 ms':>8} {'p50 ratio':>10} {'p99 ratio':>10} {'commits/s':>10} {'of bare':>8}"
    )
    for one in (bare, *renting):
        ratios = f"{one.p50 / shortest.p50:10.2f} {one.p99 / shortest.p99:10.2f}"
        speed = f"{one.rate:10,.0f} {one.rate / bare.rate:8.0%}"
        print(f"{one.name:40} {one.p50 * 1e3:8.3f} {one.p99 * 1e3:8.3f} {ratios} {speed}")


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder where a durable commit waits for the disk, unlike the suite's own, which may be memory."""
    with TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def test_a_budget_check_costs_the_same_with_a_thousand_and_a_million_past_leases(on_disk):
    bare = BareCommits(on_disk / "bare.db")
    renting = [Renting(on_disk / f"{many}.db", many) for many in PASTS]

    async def run() -> None:
        for one in renting:
            await one.fill()
        for _ in range(ROUNDS):
            for one in (bare, *renting):
                await one.run()
        for one in (bare, *renting):
            await one.close()

    anyio.run(run)
    report(bare, renting)
    assert renting[-1].p50 < 3 * renting[0].p50
    assert renting[-1].p99 < 3 * renting[0].p99
