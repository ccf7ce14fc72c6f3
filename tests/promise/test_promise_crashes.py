"""A server killed at any moment leaves nothing that the next one does not put right by itself.

Children run the real flows over HTTP and are killed with SIGKILL: at every HTTP boundary, while the simulator holds the
call, and at hundreds of random moments. Afterwards the books and the ledger must agree.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import crash_child
import pytest

from runpod_mcp.flows.change_pod import delete_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.create_pod import create_pod
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.rented import Rented
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve

WAITING = (LeaseState.OPEN, LeaseState.UNKNOWN)
IMPORTED_ONCE = [
    "runpod_mcp.wiring",
    *(f"runpod_mcp.flows.{name}" for name in ("create_pod", "leases", "reconcile")),
]
KILLS = 200
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
        """Whether both say the same of what lives; a change that was cut short is left alone for two minutes."""
        return {lease.pod_id: lease.state is LeaseState.RUNNING for lease in leases} == {
            pod["id"]: runs(pod) for pod in self.live()
        }

    def live(self) -> list[dict[str, Any]]:
        live: list[dict[str, Any]] = self.sim.books.snapshot()["live"]
        return live

    async def judge(self) -> None:
        """No orphan, no twin, nothing counted for ever, nothing forgotten, and sums that hold."""
        leases = {lease.pod_id: lease for lease in await self.house.ledger.leases()}
        live = {pod["id"]: pod for pod in self.live()}
        assert set(leases) == set(live), "the ledger and the books disagree on what lives"
        for pod_id, lease in leases.items():
            assert (lease.state is LeaseState.RUNNING) == runs(live[pod_id])
        books = self.sim.books.snapshot()
        made: list[dict[str, Any]] = [*books["live"], *books["ended"]]
        tags = [pod["env"].get(RESERVATION_TAG) for pod in made]
        assert len(tags) == len(set(tags)), "one reservation made two pods"
        for pod in made:
            assert await self.house.ledger.lease_of_pod(pod["id"]), f"pod {pod['id']} was forgotten"
        assert not list(await self.house.ledger.verify())

    async def clear(self) -> None:
        for lease in await self.house.ledger.leases():
            await delete_pod(self.house, lease.pod_id or "")


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
    """Kill a child while its n-th call is held; False when it made fewer calls."""
    stage.sim.faults.clear()
    stage.sim.faults.add("any", "hold", times=1, skip=call, at=at)
    child = stage.child(crash_child.do_one, deed)
    with anyio.fail_after(60):
        while not stage.sim.holds.held and child.is_alive():
            await anyio.sleep(0.002)
    held = bool(stage.sim.holds.held)
    child.kill()
    await anyio.to_thread.run_sync(child.join)
    stage.sim.faults.clear()
    stage.sim.holds.release()
    await anyio.sleep(0.01)
    return held


async def prepare(stage: Scene, deed: str) -> None:
    """Something to do the deed to."""
    if deed != "create":
        hours = 1 if deed == "reap" else 1000
        assert isinstance(await create_pod(stage.house, crash_child.request(leaseHours=hours)), Rented)
    if deed == "reap":
        stage.wait(3600)
    if deed == "reconcile":
        stage.sim.faults.add("create", "drop_after")
        stage.sim.faults.add("list", "list_lag", seconds=30)
        with pytest.raises(Exception, match="outcome_unknown"):
            await create_pod(stage.house, crash_child.request(leaseHours=1000))
        stage.wait(31)


@pytest.mark.parametrize("deed", ["create", "stop", "delete", "reap", "reconcile"])
async def test_a_server_killed_at_any_http_boundary_is_put_right_by_the_next(
    deed: str, tmp_path: Path
) -> None:
    kills = 0
    async with scene(tmp_path) as stage:
        for at in ("before", "after"):
            for call in range(100):
                await prepare(stage, deed)
                if not await killed_at(stage, deed, call, at):
                    await stage.clear()
                    break
                kills += 1
                await stage.recover()
                await stage.judge()
                await stage.clear()
    assert kills >= 2


async def test_servers_killed_at_random_moments_are_put_right_by_the_next(tmp_path: Path) -> None:
    rng = random.Random(20261123)
    async with scene(tmp_path) as stage:
        for kill in range(1, KILLS + 1):
            await kill_after(stage, rng)
            if kill % KILLS_BETWEEN_LOOKS == 0:
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
    child.kill()
    await anyio.to_thread.run_sync(child.join)
    await anyio.sleep(0.01)
