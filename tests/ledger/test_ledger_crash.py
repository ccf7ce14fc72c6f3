"""A process killed in the middle: what it was told is written is there, and nothing is half there."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import anyio
import ledger_children as children
import pytest
from ledger_helpers import allow, reservation

from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.store import Reserved

spawn = multiprocessing.get_context("spawn")
STATES = (LeaseState.OPEN, LeaseState.RUNNING, LeaseState.ENDED)


def kill_after(path: Path, name: str, steps: int) -> tuple[str, int]:
    """Let a process rent pods, kill it after so many durable steps, and return the last step it told of."""
    end, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=children.rent_for_ever, args=(path, name, theirs))
    process.start()
    theirs.close()
    told = [end.recv() for _ in range(steps)]
    process.kill()
    process.join(30)
    try:
        while True:
            told.append(end.recv())
    except EOFError:
        return told[-1]


@pytest.mark.parametrize("steps", [1, 2, 3, 50, 300, 701])
def test_a_killed_process_leaves_a_sound_ledger_that_has_every_step_it_was_told_of(path, steps):
    id, told = kill_after(path, "k", steps)

    async def look() -> None:
        ledger = SqliteLedger(path)
        assert await ledger.verify() == ()
        lease = await ledger.lease(id)
        assert STATES.index(lease.state) >= told
        assert len(await ledger.leases()) <= 1 if told < 2 else True
        assert isinstance(await ledger.reserve(reservation("after"), allow), Reserved)
        await ledger.close()

    anyio.run(look)


def test_processes_killed_while_others_write_harm_neither_the_file_nor_the_others(path):
    end, theirs = spawn.Pipe(duplex=False)
    witness = spawn.Process(target=children.rent_for_ever, args=(path, "witness", theirs))
    witness.start()
    theirs.close()
    end.recv()
    for number, steps in enumerate((5, 40, 111)):
        kill_after(path, f"k{number}", steps)
    before = end.recv()
    while end.poll():
        before = end.recv()
    assert end.recv() != before
    witness.kill()
    witness.join(30)

    async def look() -> None:
        ledger = SqliteLedger(path)
        assert await ledger.verify() == ()
        await ledger.close()

    anyio.run(look)
