"""No overspend when several servers and many calls want the last of a budget at the same moment.

The servers are real processes on one ledger file. All of them are held while they read prices, and let go together, so
that every one of them judges the same sums before any of them has reserved. The verdict comes from the books.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve

SERVERS = 8
CALLS_EACH = 6
L4_RATE = 0.49 + 20 * 0.10 / 720  # a 20 GB container disk, no volume
REQUEST = {
    "gpuTypeIds": ["NVIDIA L4"],
    "imageName": "runpod/base",
    "containerDiskInGb": 20,
    "volumeInGb": 0,
    "leaseHours": 2,
}


@dataclass
class Race:
    """A simulated Runpod on a port and servers that share a ledger."""

    sim: Simulator
    clients: list[Client]

    async def run(self) -> Counter[str]:
        """Send every call at once and count what came of them."""
        self.sim.faults.add("catalog", "hold", times=None, at="before")
        answers: Counter[str] = Counter()
        async with anyio.create_task_group() as tasks:
            for client in self.clients:
                for _ in range(CALLS_EACH):
                    tasks.start_soon(self._create, client, answers)
            await self._everyone_waits()
            self.sim.faults.clear()
            self.sim.holds.release()
        return answers

    async def _create(self, client: Client, answers: Counter[str]) -> None:
        result = await client.call_tool("create_pod", REQUEST)
        facts = result.structured_content or {}
        answers["rented" if not result.is_error else str(facts.get("code"))] += 1

    async def _everyone_waits(self) -> None:
        with anyio.fail_after(60):
            while len(self.sim.holds.held) < len(self.clients):
                await anyio.sleep(0.01)


@asynccontextmanager
async def race(folder: Path, policy: str) -> AsyncIterator[Race]:
    (folder / "policy.toml").write_text(f"version = 1\n{policy}")
    sim = Simulator(boot_seconds=0)
    sim.settings.change({"spend_limit_usd": None})
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        port: list[int] = []
        tasks.start_soon(serve, sim, "127.0.0.1", 0, port.append)
        while not port:
            await anyio.sleep(0.01)
        clients = [await stack.enter_async_context(Client(server(folder, port[0]))) for _ in range(SERVERS)]
        yield Race(sim, clients)
        await stack.aclose()
        tasks.cancel_scope.cancel()


def server(folder: Path, port: int) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=[
            "-m",
            "runpod_mcp",
            "--policy",
            str(folder / "policy.toml"),
            "--ledger",
            str(folder / "ledger.db"),
        ],
        env={"RUNPOD_API_KEY": "sim_race", "RUNPOD_API_URL": f"http://127.0.0.1:{port}/v2"},
    )


def dollars_for(pods: float, hours: float = 1) -> float:
    return round(pods * hours * L4_RATE + 0.001, 3)


LIMITS = {
    "per hour": (f"[budget]\nusd_per_hour = {dollars_for(10)}", 10, "over_hourly_budget"),
    "in total": (f"[budget]\nusd_total = {dollars_for(10, 2)}", 10, "over_total_budget"),
    "pods": ("[pods]\nmax_running = 7", 7, "too_many_pods"),
    "GPUs": ("[gpus]\nmax_running = 9", 9, "too_many_gpus"),
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_servers_that_race_for_the_last_of_a_limit_use_it_up_and_never_pass_it(
    limit: str, tmp_path: Path
) -> None:
    policy, fits, code = LIMITS[limit]
    async with race(tmp_path, policy) as running:
        answers = await running.run()
        books: dict[str, Any] = running.sim.books.snapshot()
    assert answers == {"rented": fits, code: SERVERS * CALLS_EACH - fits}
    assert books["created"] == books["create_calls"] == books["peak_pods"] == fits
    assert books["peak_usd_per_hour"] <= fits * L4_RATE + 1e-6
