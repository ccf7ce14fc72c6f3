"""Every way the file can fail: said in our words, nothing written, and no spending without a ledger."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from ledger_helpers import HOUR, NOON, allow, ended, reservation, settled

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.ledger import sqlite_trouble as trouble
from runpod_mcp.ledger.approvals import ApprovalState, Question
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.sqlite_file import SqliteFile
from runpod_mcp.money import Usd
from runpod_mcp.policy.spending import TOTAL

posix = pytest.mark.skipif(os.name != "posix", reason="speaks of permissions and inodes")


@pytest.fixture
async def ledger(path: Path):
    store = SqliteLedger(path, busy_seconds=0.05)
    yield store
    await store.close()


async def fails(ledger: SqliteLedger, message: str, retry: Retry = Retry.NEVER) -> None:
    """Reserving, and then reading, must fail with this message."""
    for attempt in (
        lambda: ledger.reserve(reservation("next"), allow),
        lambda: ledger.write("r1", settled()),
    ):
        with pytest.raises(Failure) as caught:
            await attempt()
        assert (caught.value.code, caught.value.message) == (Code.LEDGER_UNAVAILABLE, message)
        assert caught.value.retry is retry


async def begin(path: Path) -> None:
    """A ledger with one reservation, closed again."""
    first = SqliteLedger(path)
    await first.reserve(reservation(), allow)
    await first.close()


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


@posix
async def test_a_new_ledger_and_its_folder_are_private_and_leave_no_litter(tmp_path):
    path = tmp_path / "a" / "b" / "ledger.db"
    ledger = SqliteLedger(path)
    assert not path.parent.exists()
    await ledger.leases()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    kept = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert kept == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    await ledger.close()
    assert [file.name for file in path.parent.iterdir()] == ["ledger.db"]


async def test_a_path_with_odd_signs_is_taken_to_the_letter(tmp_path):
    path = tmp_path / "a b?mode=ro#%20" / "led:ger.db"
    await begin(path)
    assert path.exists()


async def test_a_locked_ledger_fails_after_the_wait_and_works_once_it_is_free(ledger, path):
    await begin(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await fails(ledger, trouble.LOCKED, Retry.LATER)
        assert (await ledger.lease("r1")) is not None
    await ledger.write("r1", settled())


async def test_a_folder_that_cannot_be_made_is_no_ledger(tmp_path):
    (tmp_path / "file").write_text("in the way")
    await fails(SqliteLedger(tmp_path / "file" / "ledger.db"), trouble.CANNOT_OPEN)


async def test_a_folder_is_no_ledger(ledger, path):
    path.mkdir()
    await fails(ledger, trouble.CANNOT_OPEN)


async def test_a_text_file_is_no_ledger(ledger, path):
    path.write_text("Dear diary, today I rented eight GPUs. " * 50)
    await fails(ledger, trouble.NOT_A_LEDGER)


async def test_a_database_of_another_program_is_left_alone(ledger, path):
    tamper(path, "CREATE TABLE cookies (name TEXT)")
    before = path.read_bytes()
    await fails(ledger, trouble.NOT_A_LEDGER)
    assert path.read_bytes() == before


async def test_a_database_with_other_settings_of_the_same_name_is_left_alone(ledger, path):
    tamper(path, "CREATE TABLE meta (key TEXT, value INTEGER)")
    await fails(ledger, trouble.NOT_A_LEDGER)


async def test_a_ledger_of_a_newer_version_is_not_touched(ledger, path):
    await begin(path)
    tamper(path, "UPDATE meta SET value = 2 WHERE key = 'schema_version'")
    await fails(ledger, trouble.NEWER)


async def test_a_ledger_that_is_upgraded_while_in_use_is_left_to_the_newer_version(ledger, path):
    await ledger.reserve(reservation(), allow)
    tamper(path, "UPDATE meta SET value = 2 WHERE key = 'schema_version'")
    await fails(ledger, trouble.NEWER)


async def test_a_ledger_cut_to_nothing_is_not_taken_for_a_new_one(ledger, path):
    await begin(path)
    os.truncate(path, 0)
    await fails(ledger, trouble.EMPTY)


async def test_a_ledger_cut_in_half_is_damaged(ledger, path):
    await begin(path)
    os.truncate(path, path.stat().st_size // 8192 * 4096)
    await fails(ledger, trouble.DAMAGED)


async def test_a_ledger_cut_inside_its_first_page_is_damaged(ledger, path):
    await begin(path)
    os.truncate(path, 300)
    await fails(ledger, trouble.DAMAGED)


async def test_a_ledger_overwritten_in_the_middle_is_damaged(ledger, path):
    await begin(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    await fails(ledger, trouble.DAMAGED)


async def test_a_read_only_ledger_can_be_read_but_not_written(path):
    await begin(path)
    file = SqliteFile(path)
    with pytest.raises(Failure) as caught:
        write_on_a_read_only_connection(file)
    assert (caught.value.message, caught.value.retry) == (trouble.READ_ONLY, Retry.NEVER)
    file.close()


def write_on_a_read_only_connection(file: SqliteFile) -> None:
    with file.transaction(write=False) as db:
        db.execute("PRAGMA query_only = ON")
        assert db.execute("SELECT count(*) FROM reservation").fetchone()[0] == 1
        db.execute("UPDATE meta SET value = 7 WHERE key = 'latest'")


async def test_a_full_disk_is_said_and_leaves_the_ledger_sound(path):
    await begin(path)
    file = SqliteFile(path)
    with pytest.raises(Failure) as caught:
        write_until_the_disk_is_full(file)
    assert (caught.value.message, caught.value.retry) == (trouble.FULL, Retry.NEVER)
    file.close()
    again = SqliteLedger(path)
    assert await again.verify() == ()
    assert (await again.spending(0, [])).now == NOON
    await again.close()


def write_until_the_disk_is_full(file: SqliteFile) -> None:
    with file.transaction(write=True) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        db.execute("UPDATE meta SET value = 7 WHERE key = 'latest'")
        for number in range(1000):
            db.execute("INSERT INTO spent VALUES (?, 1)", (f"day:{number:0>100}",))


async def test_a_transaction_that_fails_after_its_writes_takes_them_back(path):
    file = SqliteFile(path)
    with pytest.raises(RuntimeError, match="too late"):
        write_and_fail(file)
    with file.transaction(write=False) as db:
        assert db.execute("SELECT count(*) FROM spent").fetchone()[0] == 0
    file.close()


def write_and_fail(file: SqliteFile) -> None:
    with file.transaction(write=True) as db:
        db.execute("INSERT INTO spent VALUES ('total', 1)")
        raise RuntimeError("too late")


async def test_trouble_nobody_foresaw_still_stops_spending(path):
    file = SqliteFile(path)
    with pytest.raises(Failure, match="cannot be used"), file.transaction(write=True) as db:
        db.execute("INSERT INTO holding VALUES ('nobody', 'open', NULL)")
    with pytest.raises(Failure, match="cannot be used"), file.transaction(write=True) as db:
        db.execute("SELECT ?", ())
    file.close()


@posix
async def test_a_ledger_deleted_while_in_use_is_not_written_into_the_void(ledger, path):
    await ledger.reserve(reservation(), allow)
    path.unlink()
    await fails(ledger, trouble.REPLACED)
    assert not path.exists()


@posix
async def test_a_ledger_deleted_between_two_openings_is_not_begun_anew(ledger, path):
    await ledger.reserve(reservation(), allow)
    await ledger.close()
    path.unlink()
    await fails(ledger, trouble.REPLACED)
    assert not path.exists()


@posix
async def test_a_ledger_replaced_while_in_use_is_refused_until_it_is_put_back(ledger, path, tmp_path):
    await ledger.reserve(reservation(), allow)
    path.rename(tmp_path / "aside.db")
    await begin(tmp_path / "backup.db")
    (tmp_path / "backup.db").rename(path)
    await fails(ledger, trouble.REPLACED)
    (tmp_path / "aside.db").rename(path)
    await ledger.write("r1", settled())


@posix
async def test_a_deleted_write_ahead_log_is_not_written_into_the_void(ledger, path):
    await ledger.reserve(reservation(), allow)
    path.with_name("ledger.db-wal").unlink()
    await fails(ledger, trouble.REPLACED)
    with pytest.raises(Failure, match="moved, deleted or replaced"):
        await ledger.spending(NOON, [TOTAL])


@posix
async def test_reservations_and_entries_cannot_be_rewritten_even_by_hand(path):
    ledger = SqliteLedger(path)
    await ledger.reserve(reservation(), allow)
    await ledger.write("r1", settled())
    await ledger.close()
    for statement in (
        "UPDATE reservation SET usd_per_hour = 0",
        "DELETE FROM reservation",
        "INSERT OR REPLACE INTO reservation SELECT * FROM reservation",
        "UPDATE entry SET usd_per_hour = 0",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"written once|never changed"):
            tamper(path, statement)


@pytest.mark.parametrize("table", ["audit", "question", "answer"])
@pytest.mark.parametrize(
    "how", ["UPDATE {0} SET seq = seq + 9", "DELETE FROM {0}", "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"]
)
async def test_the_trail_questions_and_answers_cannot_be_rewritten_even_by_hand(path, table, how):
    ledger = SqliteLedger(path)
    asked = Question(
        code="CODE2345",
        principal="local",
        tool="create_pod",
        request_hash="0",
        request="{}",
        words="May it?",
        usd_per_hour=Usd(1),
        usd_at_most=Usd(1),
        asked_at=NOON,
        good_until=NOON + 60,
    )
    await ledger.ask(asked)
    await ledger.answer(asked.code, ApprovalState.DENIED, "cli", NOON)
    await ledger.close()
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        tamper(path, how.format(table))


async def test_verify_finds_every_kind_of_tampering(ledger, path):
    for number in range(4):
        await ledger.reserve(reservation(f"r{number}"), allow)
    await ledger.write("r1", settled())
    await ledger.close()
    assert await ledger.verify() == ()
    tamper(
        path,
        "PRAGMA foreign_keys = OFF",
        "DELETE FROM holding WHERE reservation_id = 'r0'",
        "UPDATE holding SET state = 'stopped' WHERE reservation_id = 'r1'",
        "INSERT INTO spent VALUES ('total', 5)",
        "INSERT INTO entry (reservation_id, kind, at, note) VALUES ('r2', 'ended', 1, '')",
        "INSERT INTO entry (reservation_id, kind, at, note) VALUES ('r3', 'unknown', 1, ''), ('r3', 'unknown', 1, '')",
        "INSERT INTO entry (reservation_id, kind, at, note) VALUES ('nobody', 'noted', 1, '')",
    )
    found = "\n".join(await ledger.verify())
    assert "holding has None for r0; what was written says ('open', None)" in found
    assert "holding has ('stopped', 'pod-1') for r1" in found
    assert "spent has 5 for total; what was written says None" in found
    assert "entry 2 contradicts those before it: The lease r2 is open" in found
    assert "entry 4 of r3 says what was already said" in found
    assert "of entry speaks of a reservation that is not there" in found


async def test_verify_finds_an_ended_lease_that_lost_its_days_or_was_given_others(ledger, path):
    for id in ("r1", "r2"):
        await ledger.reserve(reservation(id), allow)
        await ledger.write(id, settled(pod_id=f"pod-{id}"))
        await ledger.write(id, ended(NOON + HOUR))
    await ledger.close()
    assert await ledger.verify() == ()
    tamper(path, "UPDATE past SET reservation_id = 'r3' WHERE reservation_id = 'r1'")
    (problem, orphan) = sorted(await ledger.verify(), reverse=True)
    assert problem.startswith("row None of past speaks of a reservation")
    assert orphan == "past does not have r1 on day:2026-11-23; what was written says it cost something then"
    tamper(
        path,
        "DELETE FROM past WHERE reservation_id = 'r3'",
        "INSERT INTO past VALUES ('day:2026-11-24', 'r2')",
    )
    found = "\n".join(await ledger.verify())
    assert "past has 1 for day:2026-11-23; what was written says 2" in found
    assert "past has 1 for day:2026-11-24; what was written says None" in found


async def test_verify_finds_a_damaged_index(ledger, path):
    await ledger.reserve(reservation(request_id="one"), allow)
    await ledger.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_schema WHERE name = 'reservation_by_request_id'")
    assert any("the file is damaged" in problem for problem in await ledger.verify())
