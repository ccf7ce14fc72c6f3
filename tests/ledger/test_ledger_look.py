"""A ledger that is only looked at: the same sums, and not a byte written."""

from __future__ import annotations

from pathlib import Path

import pytest
from front_door import front_door, toml_with

from runpod_mcp.clock import epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.sqlite_look import SqliteLook
from runpod_mcp.policy.spending import windows_between


async def test_it_reads_what_the_ledger_reads_and_writes_nothing(tmp_path):
    async with front_door(tmp_path, toml_with()) as door:
        await door.create()
        now = epoch(door.clock.now())
        windows = windows_between(now, now + 7200)
        kept = await door.house.ledger.spending(now, windows)
        looks = SqliteLook(door.ledger_path)
        assert await looks.spending(now - 60, windows) == kept, "never earlier than what the ledger has seen"
        later = await looks.spending(now + 3600, windows)
        assert later.now == now + 3600
        assert list(await looks.leases()) == await door.leases()
        assert (await door.house.ledger.spending(now, windows)).now == now, (
            "that a later moment was asked about is not noted"
        )
        with pytest.raises(Failure, match="written"):
            await looks.claim("work", "me", now, 60)
        await looks.close()


async def test_a_file_that_is_missing_is_not_made(tmp_path: Path):
    path = tmp_path / "none.db"
    with pytest.raises(Failure) as failure:
        await SqliteLook(path).leases()
    assert failure.value.code is Code.LEDGER_UNAVAILABLE
    assert not path.exists()


async def test_what_is_no_ledger_is_refused(tmp_path: Path):
    path = tmp_path / "text.db"
    path.write_text("not a database, whatever it is named" * 50)
    with pytest.raises(Failure, match="not a ledger"):
        await SqliteLook(path).leases()


async def test_a_file_is_read_where_nothing_can_be_put_beside_it(tmp_path: Path):
    """As in a folder that cannot be written: here something stands in the place that SQLite wants."""
    path, now = await a_ledger(tmp_path)
    (tmp_path / "ledger.db-shm").symlink_to(tmp_path / "nowhere" / "x")
    assert len(await SqliteLook(path).leases()) == 1
    assert (await SqliteLook(path).spending(now, ())).now == now


async def test_it_is_not_read_without_what_waits_beside_it(tmp_path: Path):
    path, _ = await a_ledger(tmp_path)
    (tmp_path / "ledger.db-shm").symlink_to(tmp_path / "nowhere" / "x")
    (tmp_path / "ledger.db-wal").write_bytes(b"what was written last")
    with pytest.raises(Failure, match="cannot be opened"):
        await SqliteLook(path).leases()


async def a_ledger(folder: Path) -> tuple[Path, int]:
    """A ledger with a lease that nobody uses any more, and its time."""
    async with front_door(folder, toml_with()) as door:
        await door.create()
        return door.ledger_path, door.house.now()
