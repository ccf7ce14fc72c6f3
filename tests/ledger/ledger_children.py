"""What the ledger's tests run in other processes; importable by a spawned child."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import anyio
from ledger_helpers import HOUR, NOON, TOO_MUCH, allow, ended, reservation, settled

from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.store import Reserved
from runpod_mcp.policy.spending import TOTAL, Spending


def at_most(pods: int) -> Callable[[Spending], object]:
    """A judge that lets this many pods run, and so much money be promised."""
    limit = pods * reservation().plan().usd

    def judge(spending: Spending) -> object:
        enough = spending.pods_running >= pods or spending.within(TOTAL) >= limit
        return TOO_MUCH if enough else None

    return judge


def race(path: Path, name: str, tries: int, limit: int, barrier: Barrier, answer: Connection) -> None:
    """Wait for the others, then try to reserve; answers how often it was granted."""

    async def run() -> int:
        ledger = SqliteLedger(path)
        barrier.wait(30)
        outcomes = [await ledger.reserve(reservation(f"{name}-{n}"), at_most(limit)) for n in range(tries)]
        await ledger.close()
        return sum(isinstance(outcome, Reserved) for outcome in outcomes)

    answer.send(anyio.run(run))


def race_for_one_request(path: Path, name: str, barrier: Barrier, answer: Connection) -> None:
    """The same request id from every process; answers the reservation it was given."""

    async def run() -> str:
        ledger = SqliteLedger(path)
        barrier.wait(30)
        outcome = await ledger.reserve(reservation(name, request_id="one"), allow)
        await ledger.close()
        return outcome.lease.reservation.id

    answer.send(anyio.run(run))


def rent_for_ever(path: Path, name: str, answer: Connection) -> None:
    """Reserve, settle and end, telling each step that was promised to be durable, until killed."""

    async def run() -> None:
        ledger = SqliteLedger(path)
        number = 0
        while True:
            id = f"{name}-{number}"
            await ledger.reserve(reservation(id), allow)
            answer.send((id, 0))
            await ledger.write(id, settled(pod_id=f"pod-{id}"))
            answer.send((id, 1))
            await ledger.write(id, ended(NOON + HOUR))
            answer.send((id, 2))
            number += 1

    anyio.run(run)


def fork_with_an_open_ledger(path: Path, answer: Connection) -> None:
    """Use a ledger, fork, and use it on both sides; answers what the two sides together wrote."""
    ledger = SqliteLedger(path)

    async def reserve(id: str) -> None:
        await ledger.reserve(reservation(id), allow)

    anyio.run(reserve, "before")
    child = os.fork()
    if child == 0:
        try:
            anyio.run(reserve, "child")
            anyio.run(ledger.close)
        finally:
            os._exit(0)
    for number in range(20):
        anyio.run(reserve, f"parent{number}")
    os.waitpid(child, 0)

    async def read() -> tuple[list[str], list[str]]:
        leases, problems = await ledger.leases(), await ledger.verify()
        await ledger.close()
        return [lease.reservation.id for lease in leases], list(problems)

    answer.send(anyio.run(read))
