"""What a budget check costs does not depend on how much is past: counted in steps of SQLite, not in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_helpers import BILLED, HOUR, NOON, allow, ended, reservation, settled

from runpod_mcp.ledger import sqlite_audit as audit
from runpod_mcp.ledger import sqlite_rows as rows
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.sqlite_file import SqliteFile
from runpod_mcp.policy.spending import windows_between

PAST = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
INSERT INTO reservation (id, principal, tool, request_id, request_hash, request, opened_at, lease_ends_at,
    stopped_until, usd_per_hour, disk_usd_per_hour, stopped_usd_per_hour, gpus)
SELECT 'past-' || i, 'local', 'create_pod', 'request-' || i, '', '', i, i + 10, i + 10, 1, 0, 0, 1 FROM n
"""
PAST_ENTRIES = """
INSERT INTO entry (reservation_id, kind, at, pod_id, usd_per_hour, note)
SELECT id, 'settled', opened_at, 'pod-' || id, 0, '' FROM reservation WHERE id LIKE 'past-%'
UNION ALL SELECT id, 'ended', lease_ends_at, NULL, NULL, '' FROM reservation WHERE id LIKE 'past-%'
"""


async def steps_with(path: Path, many: int) -> int:
    """Steps of SQLite's machine for one whole check, settlement and end with so many leases behind it."""
    ledger = SqliteLedger(path)
    await ledger.reserve(reservation("lives"), allow)
    await ledger.close()
    file, counted = SqliteFile(path), 0

    def count() -> None:
        nonlocal counted
        counted += 1

    with file.transaction(write=True) as db:
        db.execute(PAST, {"many": many})
        db.execute(PAST_ENTRIES)
    with file.transaction(write=True) as db:
        db.set_progress_handler(count, 1)
        assert rows.find_repeated(db, "local", "request-new") is None
        rows.spending(db, NOON, windows_between(NOON, NOON + HOUR))
        lease = rows.add_reservation(db, reservation("next", request_id="request-new"))
        for news in (settled(pod_id="pod-next"), ended(NOON + HOUR)):
            assert rows.find_lease(db, "next") == lease
            assert rows.holder_of_pod(db, "pod-next") in (None, "next")
            lease = lease.after(news)
            rows.add_entry(db, news, lease)
        rows.find_lease_of_pod(db, "pod-next")
        db.set_progress_handler(None, 0)
    file.close()
    assert await ledger.verify() == ()
    assert (await ledger.spending(NOON, windows_between(NOON, NOON + HOUR))).closed["total"] == BILLED
    await ledger.close()
    return counted


PAST_DAYS = """
INSERT INTO past (day, reservation_id)
SELECT 'day:' || date(86400 * (rowid % 9000), 'unixepoch'), id FROM reservation WHERE id LIKE 'past-%'
"""


async def steps_of_a_day_with(path: Path, many: int) -> int:
    """Steps to find the leases of one day long ago, with so many on other days."""
    ledger = SqliteLedger(path)
    await ledger.reserve(reservation("then"), allow)
    await ledger.write("then", settled())
    await ledger.write("then", ended(NOON + HOUR))
    await ledger.close()
    file, counted = SqliteFile(path), 0

    def count() -> None:
        nonlocal counted
        counted += 1

    with file.transaction(write=True) as db:
        db.execute(PAST, {"many": many})
        db.execute(PAST_ENTRIES)
        db.execute(PAST_DAYS)
        db.set_progress_handler(count, 1)
        (found,) = rows.leases_between(db, NOON, NOON + HOUR, most=10)
        db.set_progress_handler(None, 0)
    file.close()
    assert found.reservation.id == "then"
    return counted


async def test_a_day_is_found_without_a_walk_over_all_that_was_ever_written(tmp_path):
    short = await steps_of_a_day_with(tmp_path / "short.db", 10)
    long = await steps_of_a_day_with(tmp_path / "long.db", 20_000)
    assert 0 < long <= short * 1.05


@pytest.mark.parametrize("many", [1_000, 20_000])
async def test_a_check_with_a_long_past_takes_no_more_steps_than_with_a_short_one(tmp_path, many):
    short = await steps_with(tmp_path / "short.db", 10)
    long = await steps_with(tmp_path / "long.db", many)
    assert 0 < long <= short * 1.05


RECORDS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
INSERT INTO audit (at, kind, principal, tool, reservation_id, pod_id, facts, previous, seal)
SELECT i, iif(i % 2, 'called', 'made'), 'local', 'create_template', '', 'id-' || i, '{}', '', '' FROM n
"""


async def steps_to_know_what_was_made(path: Path, many: int) -> int:
    """Steps of SQLite's machine to look for something in a trail of so many records."""
    ledger = SqliteLedger(path)
    await ledger.record(Record(at=NOON, kind="made", tool="create_template", pod_id="t1"))
    await ledger.close()
    file, counted = SqliteFile(path), 0

    def count() -> None:
        nonlocal counted
        counted += 1

    with file.transaction(write=True) as db:
        db.execute(RECORDS, {"many": many})
        db.set_progress_handler(count, 1)
        assert audit.was_made(db, "create_template", "t1")
        assert not audit.was_made(db, "create_template", "nothing")
        db.set_progress_handler(None, 0)
    file.close()
    return counted


async def test_what_was_made_is_found_without_a_walk_over_the_trail(tmp_path):
    few = await steps_to_know_what_was_made(tmp_path / "few.db", 10)
    assert await steps_to_know_what_was_made(tmp_path / "many.db", 20_000) <= few + 10
