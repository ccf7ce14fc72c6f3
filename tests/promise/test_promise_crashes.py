"""A server killed at any moment leaves nothing that the next one does not put right by itself.

Children run the real flows over HTTP and are killed with SIGKILL: at every HTTP boundary, while the simulator holds the
call, around the ledger's own writes, and at hundreds of random moments. Afterwards the books and the ledger must agree.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import crash_child
import pytest

from runpod_mcp.flows.change_pod import stop_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.create_pod import create_pod
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.rented import Rented
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import MICRO
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve

WAITING = (LeaseState.OPEN, LeaseState.UNKNOWN)
IMPORTED_ONCE = [
    "pytest",  # a child runs the main module again, and that one imports it
    "anyio._backends._asyncio",
    "httpx2",
    "runpod_mcp.wiring",
    *(f"runpod_mcp.flows.{name}" for name in ("create_pod", "leases", "reconcile")),
]
KILLS = 200
EXTENSION_KILLS = 25
CLOSE = 10
"""Micro-dollars per hour by which the ledger may round up."""
KILLED: Counter[str] = Counter()
KILLS_BETWEEN_LOOKS = 5


@dataclass
class Scene:
    """A simulated Runpod on a port, a ledger, and a house of the next server to put things right."""

    sim: Simulator
    folder: Path
    port: int
    clock: crash_child.ShiftedClock
    house: House
    context: Any
    known: set[str] = field(default_factory=set)

    def child(self, work: Any, *more: Any) -> BaseProcess:
        process = self.context.Process(
            target=work, args=(str(self.folder), self.port, self.clock.ahead, *more)
        )
        process.start()
        return process

    def wait(self, seconds: float) -> None:
        """Let time pass, for the world and for whoever comes next."""
        self.clock.ahead += seconds
        self.sim.step(seconds=seconds)

    async def recover(self) -> None:
        """What a server does by itself once it is up: look, wait a minute, look again."""
        for _ in range(60):
            await reconcile(self.house)
            await reap(self.house)
            leases = await self.house.ledger.leases()
            if not any(lease.state in WAITING for lease in leases) and self._agree(leases):
                return
            self.wait(61)

    def _agree(self, leases: Any) -> bool:
        """Whether both say the same of what lives; a change that was cut short is left alone for ten minutes."""
        counted = {lease.pod_id: (lease.state is LeaseState.RUNNING, lease.usd_per_hour) for lease in leases}
        billed = {pod["id"]: (runs(pod), pod["usd_per_hour"] * MICRO) for pod in self.live()}
        return counted.keys() == billed.keys() and all(
            counted[pod][0] == billed[pod][0] and abs(counted[pod][1] - billed[pod][1]) < CLOSE
            for pod in counted
        )

    def live(self) -> list[dict[str, Any]]:
        live: list[dict[str, Any]] = self.sim.books.snapshot()["live"]
        return live

    async def judge(self) -> None:
        """No orphan, no twin, nothing counted for ever, nothing forgotten, and sums that hold."""
        assert self._agree(await self.house.ledger.leases()), (
            "the ledger and the books disagree on what lives"
        )
        books = self.sim.books.snapshot()
        made: list[dict[str, Any]] = [*books["live"], *books["ended"]]
        tags = [pod["env"].get(RESERVATION_TAG) for pod in made]
        assert len(tags) == len(set(tags)), "one reservation made two pods"
        for pod_id in {pod["id"] for pod in made} - self.known:
            assert await self.house.ledger.lease_of_pod(pod_id), f"pod {pod_id} was forgotten"
            self.known.add(pod_id)
        assert not list(await self.house.ledger.verify())

    async def outlive(self) -> None:
        """Let every lease end while somebody is awake: what runs is stopped.

        What a dead server had begun to end is left alone for a minute.
        """
        for lease in await self.house.ledger.leases():
            self.wait(max(61, lease.due_at - self.house.now()))
            await reap(self.house)
        assert not [pod for pod in self.live() if runs(pod)], "a pod outlived its lease"

    async def clear(self) -> None:
        """Somebody ends every pod, and that is known at once."""
        self.sim.faults.clear()
        for lease in await self.house.ledger.leases():
            self.sim.by_hand({"end": lease.pod_id})
            await self.house.ledger.write(
                lease.reservation.id, Entry(kind=EntryKind.ENDED, at=self.house.now())
            )


def runs(pod: dict[str, Any]) -> bool:
    return bool(pod["status"] != "EXITED")


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    (folder / "policy.toml").write_text(crash_child.POLICY)
    sim = Simulator(boot_seconds=0)
    sim.settings.change({"spend_limit_usd": None})
    clock = crash_child.ShiftedClock()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *IMPORTED_ONCE])
    async with anyio.create_task_group() as tasks:
        port: list[int] = []
        tasks.start_soon(serve, sim, "127.0.0.1", 0, port.append)
        while not port:
            await anyio.sleep(0.01)
        house = crash_child.house_at(folder, port[0], clock)
        try:
            yield Scene(sim, folder, port[0], clock, house, context)
        finally:
            await house.api.close()
            await house.ledger.close()
            tasks.cancel_scope.cancel()


async def killed_at(stage: Scene, deed: str, call: int, at: str) -> bool:
    """Kill a child while its n-th call is held, before or after it is done; False when it made fewer calls.

    What was held before is done after the kill all the same, or `lost` on the way.
    """
    stage.sim.faults.clear()
    stage.sim.faults.add("any", "hold", times=1, skip=call, at="after" if at == "after" else "before")
    if at == "lost":
        stage.sim.faults.add("any", "drop_before", times=1, skip=call)
    child = stage.child(crash_child.do_one, deed)
    with anyio.fail_after(60):
        while not stage.sim.holds.held and child.is_alive():
            await anyio.sleep(0.002)
    held = bool(stage.sim.holds.held)
    await kill(child, f"in the middle of {deed}" if held else "")
    stage.sim.faults.clear()
    stage.sim.holds.release()
    await anyio.sleep(0.01)
    return held


async def kill(child: BaseProcess, when: str) -> None:
    child.kill()
    await anyio.to_thread.run_sync(child.join)
    if when:
        KILLED[when] += 1


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    yield
    print(f"\nkills survived: {KILLED.total()}, {dict(sorted(KILLED.items()))}")


async def a_pod(stage: Scene, hours: float = crash_child.LEASE_HOURS) -> str:
    made = await create_pod(stage.house, crash_child.request(leaseHours=hours))
    assert isinstance(made, Rented)
    return made.pod.id


async def a_stopped_pod(stage: Scene) -> None:
    await stop_pod(stage.house, await a_pod(stage))


async def a_lease_that_is_over(stage: Scene) -> None:
    await a_pod(stage, hours=1)
    stage.wait(3600)


async def a_create_without_an_answer(stage: Scene) -> None:
    await a_pod(stage)
    stage.sim.faults.add("create", "drop_after")
    stage.sim.faults.add("list", "list_lag", seconds=30)
    with pytest.raises(Exception, match="outcome_unknown"):
        await a_pod(stage)
    stage.wait(31)


async def others_are_counted(stage: Scene) -> None:
    """A call to Runpod, for the deeds that make none: pods made elsewhere are looked at before a budget is."""
    (stage.folder / "policy.toml").write_text(
        crash_child.POLICY.replace("[gpus]", "include_unmanaged = true\n[gpus]")
    )
    await a_pod(stage)


async def nothing(stage: Scene) -> None:
    pass


SETTINGS: dict[str, Callable[[Scene], Awaitable[object]]] = {
    "create": nothing,
    "start": a_stopped_pod,
    "extend": others_are_counted,
    "reap": a_lease_that_is_over,
    "reconcile": a_create_without_an_answer,
}
"""What there must be before a deed is done; a running pod where nothing is said."""


@pytest.mark.parametrize("deed", crash_child.DEEDS)
async def test_a_server_killed_at_any_http_boundary_is_put_right_by_the_next(
    deed: str, tmp_path: Path
) -> None:
    kills = 0
    async with scene(tmp_path) as stage:
        for at in ("before", "lost", "after"):
            for call in range(100):
                await SETTINGS.get(deed, a_pod)(stage)
                if not await killed_at(stage, deed, call, at):
                    await stage.clear()
                    break
                kills += 1
                await stage.recover()
                await stage.judge()
                await stage.outlive()
                await stage.clear()
    assert kills >= 2


async def test_a_server_killed_while_it_moves_the_end_of_a_lease_leaves_an_end_that_was_asked_for(
    tmp_path: Path,
) -> None:
    """No call is made to Runpod here: what is cut is the ledger's own writing."""
    rng = random.Random(20261124)
    async with scene(tmp_path) as stage:
        ledger = stage.house.ledger
        for _ in range(EXTENSION_KILLS):
            await a_pod(stage)
            (before,) = await ledger.leases()
            child = stage.child(crash_child.extend_for_ever)
            with anyio.fail_after(60):
                while await ledger.lease(before.reservation.id) == before:
                    await anyio.sleep(0.001)
            await anyio.sleep(rng.uniform(0.0, 0.01))
            await kill(child, "while a lease is extended")
            await only_ends_asked_for(stage, before)
            await stage.recover()
            await stage.judge()
            await stage.outlive()
            await stage.clear()


async def only_ends_asked_for(stage: Scene, before: Lease) -> None:
    """Every end that was written is one that was asked for, and the stopped time kept its length."""
    (lease,) = await stage.house.ledger.leases()
    assert lease.stopped_until - lease.lease_ends_at == before.stopped_until - before.lease_ends_at
    moved = [
        entry
        for entry in await stage.house.ledger.entries(lease.reservation.id)
        if entry.kind is EntryKind.EXTENDED
    ]
    assert moved
    assert lease.lease_ends_at == moved[-1].lease_ends_at
    for entry in moved:
        assert ((entry.lease_ends_at or 0) - entry.at) / 3600 in crash_child.OTHER_ENDS


async def test_servers_killed_at_random_moments_are_put_right_by_the_next(tmp_path: Path) -> None:
    rng = random.Random(20261123)
    async with scene(tmp_path) as stage:
        for number in range(1, KILLS + 1):
            await kill_after(stage, rng)
            if number % KILLS_BETWEEN_LOOKS == 0:
                await stage.recover()
                await stage.judge()
                await stage.clear()
        books = stage.sim.books.snapshot()
        assert books["peak_usd_per_hour"] <= 12.0
        assert books["created"] >= KILLS / 5
        assert stage.live() == []


async def kill_after(stage: Scene, rng: random.Random) -> None:
    """Kill a busy child after so many of its calls and a moment more."""
    stage.sim.requests.clear()
    calls = rng.randrange(1, 25)
    child = stage.child(crash_child.do_many, rng.randrange(1 << 30))
    with anyio.fail_after(60):
        while len(stage.sim.requests.seen) < calls:
            await anyio.sleep(0.001)
    await anyio.sleep(rng.uniform(0.0, 0.01))
    await kill(child, "at a random moment")
    await anyio.sleep(0.01)
