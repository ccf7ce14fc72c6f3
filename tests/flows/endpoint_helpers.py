"""Serverless endpoints made and changed through the front door, and what must hold of them on the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from front_door import A4000, L4, ROOMY, RTX_4090, FrontDoor, Said, front_door

from runpod_mcp.ledger.entries import LeaseKind
from runpod_mcp.money import MICRO
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.results import Made

WORKER = "runpod/worker-vllm:stable"
L4_RATE, RTX_4090_RATE, A4000_RATE = 0.735, 1.12, 0.375
"""What the simulator's price list says a serverless worker with such a card costs per hour."""
CARDS = (L4, RTX_4090, A4000)


@asynccontextmanager
async def serverless(folder: Path, policy: str = ROOMY, **more: Any) -> AsyncIterator[FrontDoor]:
    """The way in, with the tools for endpoints; at the end the promises must hold."""
    async with front_door(folder, policy, toolsets=("core", "endpoints"), **more) as door:
        yield door
        await door.keep_promises()
        await nothing_costs_more_than_it_counts(door)


async def create(door: FrontDoor, **more: Any) -> Said:
    """Make an endpoint of up to three L4 workers, or as asked."""
    usual = {"name": "llm", "imageName": WORKER, "gpuTypeIds": [L4], "workersMax": 3}
    asked = {**usual, **more}
    return await door.call("create_endpoint", **{name: one for name, one in asked.items() if one is not None})


async def made(door: FrontDoor, **more: Any) -> str:
    """The id of an endpoint that was made."""
    said = await create(door, **more)
    assert said.ok, said.text
    return str(said.facts["endpoint"]["endpointId"])


async def update(door: FrontDoor, endpoint_id: str, **change: Any) -> Said:
    return await door.call("update_endpoint", endpointId=endpoint_id, **change)


async def by_hand(door: FrontDoor, **more: Any) -> str:
    """The id of an endpoint that somebody else made."""
    order = EndpointOrder(
        **{"name": "theirs", "workers_max": 1, "image": WORKER, "gpu_type_ids": (L4,), **more}
    )
    outcome = await door.house.api.resources.endpoints.create(order)
    assert isinstance(outcome, Made)
    return outcome.thing.id


async def change_by_hand(door: FrontDoor, endpoint_id: str, **change: Any) -> None:
    """Somebody changes an endpoint past this server."""
    await door.house.api.resources.endpoints.update(endpoint_id, EndpointChange(**change))


async def counted(door: FrontDoor) -> float:
    """Dollars per hour that the ledger counts for endpoints."""
    leases = [lease for lease in await door.leases() if lease.kind is LeaseKind.ENDPOINT]
    return sum(lease.usd_per_hour for lease in leases) / MICRO


def burn(door: FrontDoor) -> float:
    """Dollars per hour that all endpoints cost on the books now."""
    return float(sum(one["usd_per_hour"] for one in door.books()["endpoints"]))


def workers(door: FrontDoor, endpoint_id: str) -> int:
    """How many workers an endpoint has on the books."""
    return int(next(one["workers"] for one in door.books()["endpoints"] if one["id"] == endpoint_id))


async def nothing_costs_more_than_it_counts(door: FrontDoor) -> None:
    """No endpoint of ours costs more on the books than the ledger counts for it."""
    held = {lease.pod_id: lease.usd_per_hour / MICRO for lease in await door.leases()}
    for one in door.books()["endpoints"]:
        if one["id"] in held:
            assert one["usd_per_hour"] <= held[one["id"]] + 1e-9, (
                "an endpoint costs more than the ledger counts"
            )


async def busy(door: FrontDoor, endpoint_id: str, jobs: int) -> None:
    """Give an endpoint so many jobs that never end, and wait until workers have them."""
    door.sim.faults.add("job_run", "job_never_ends", times=jobs)
    for _ in range(jobs):
        assert (await door.call("run_endpoint_job", endpointId=endpoint_id, input={"n": 1})).ok
    door.clock.step(seconds=15)


def dollars(amount: float) -> Any:
    return pytest.approx(amount, abs=2e-6)
