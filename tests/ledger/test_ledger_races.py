"""Many processes, threads and forks on one file: together they never pass a limit."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path

import anyio
import ledger_children as children
import pytest
from ledger_helpers import reservation

from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.store import Reserved

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
spawn = multiprocessing.get_context("spawn")


def run_together(target, path: Path, processes: int, *more: object) -> list[object]:
    """Start processes that meet at a barrier before their first call, and gather their answers."""
    barrier = spawn.Barrier(processes)
    ends, started = [], []
    for number in range(processes):
        end, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=target, args=(path, f"p{number}", *more, barrier, theirs))
        process.start()
        theirs.close()
        ends.append(end)
        started.append(process)
    answers = [end.recv() if end.poll(60) else None for end in ends]
    for process in started:
        process.join(30)
        assert process.exitcode == 0
    return answers


async def sound(path: Path) -> int:
    """How many leases count in a ledger that must be sound."""
    ledger = SqliteLedger(path)
    assert await ledger.verify() == ()
    leases = await ledger.leases()
    await ledger.close()
    return len(leases)


def test_processes_that_race_for_a_budget_get_exactly_what_it_holds(path):
    granted = run_together(children.race, path, 6, 15, 7)
    assert sum(granted) == 7
    assert anyio.run(sound, path) == 7


def test_a_ledger_is_made_once_when_many_processes_open_it_first(path):
    for round_ in range(3):
        fresh = path.with_name(f"fresh{round_}.db")
        assert run_together(children.race, fresh, 6, 1, 100) == [1] * 6
        assert anyio.run(sound, fresh) == 6
        assert not list(path.parent.glob(".ledger-*"))


def test_one_request_sent_by_many_processes_is_reserved_once(path):
    given = run_together(children.race_for_one_request, path, 6)
    assert len(set(given)) == 1
    assert anyio.run(sound, path) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["one ledger object", "one for each thread"])
def test_threads_with_event_loops_of_their_own_stop_at_the_limit(path, shared):
    barrier = threading.Barrier(8)
    ours, granted = SqliteLedger(path), []

    def thread(name: str) -> None:
        async def run() -> None:
            ledger = ours if shared else SqliteLedger(path)
            barrier.wait(30)
            async with anyio.create_task_group() as tasks:
                for number in range(5):
                    tasks.start_soon(reserve, ledger, f"{name}-{number}")
            if not shared:
                await ledger.close()

        anyio.run(run)

    async def reserve(ledger: SqliteLedger, id: str) -> None:
        if isinstance(await ledger.reserve(reservation(id), children.at_most(9)), Reserved):
            granted.append(id)

    threads = [threading.Thread(target=thread, args=(f"t{number}",)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    anyio.run(ours.close)
    assert len(granted) == 9
    assert anyio.run(sound, path) == 9


@can_fork
def test_a_fork_with_an_open_ledger_leaves_both_sides_a_sound_one(path):
    end, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=children.fork_with_an_open_ledger, args=(path, theirs))
    process.start()
    theirs.close()
    ids, problems = end.recv()
    process.join(30)
    assert process.exitcode == 0
    assert set(ids) == {"before", "child", *(f"parent{number}" for number in range(20))}
    assert problems == []


@can_fork
def test_a_process_goes_on_with_its_ledger_after_a_fork(path):
    """`os.fork` runs the same handlers on both sides; on this one they are measured."""
    ledger = SqliteLedger(path)
    anyio.run(ledger.leases)
    file = ledger._file
    assert file._connection is not None
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert file._connection is None
    assert anyio.run(ledger.leases) == ()
    anyio.run(ledger.close)
