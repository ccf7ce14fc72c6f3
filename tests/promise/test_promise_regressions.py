"""What the model of the promises found, told shortly; every bug keeps its story."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from front_door import L4, FrontDoor
from model_world import Deed, World, creates, reaps, reconciles

from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.rented import Rented
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.pods.create_input import CreateRequest

ROOMY = "version = 1\n[lease]\nmax_hours = 48\n"
HUGE_GB = 4000  # costs more stopped ($1.11/h) than an L4 with it running ($1.05/h)


@pytest.fixture
def world() -> Iterator[World]:
    opened = World(datetime(2026, 11, 23, 12, tzinfo=UTC), ROOMY, 2)
    yield opened
    opened.close()


def renting(**more: Any) -> Deed:
    body = {"imageName": "runpod/base", "gpuTypeIds": [L4], "containerDiskInGb": 20, "volumeInGb": 0, **more}
    request = CreateRequest.model_validate(body)
    return lambda house: creates(house, request)


def rent(world: World, **more: Any) -> str:
    made = world.do(0, renting(**more))
    assert isinstance(made, Rented)
    return made.pod.id


async def test_a_pod_that_was_missed_once_before_it_was_adopted_is_still_closed_when_it_is_gone(
    door: FrontDoor,
) -> None:
    """The second first look in vain had the words of the first one, so it was taken for a replay and never counted."""
    door.sim.faults.add("list", "list_lag", seconds=60)
    door.sim.faults.add("create", "hang_after")
    assert (await door.create()).code == "outcome_unknown"
    await reconcile(door.house)
    door.clock.step(seconds=61)
    assert (await reconcile(door.house)).adopted
    (pod,) = door.live
    door.sim.by_hand({"end": pod["id"]})
    door.sim.faults.clear()
    door.clock.step(seconds=120)
    for _ in range(4):
        await reconcile(door.house)
        door.clock.step(seconds=61)
    assert await door.leases() == []


async def test_looks_in_vain_on_different_days_do_not_close_a_pod_that_lives(door: FrontDoor) -> None:
    said = await door.create(leaseHours=8)
    for _ in range(6):
        door.clock.step(minutes=30)
        door.sim.faults.add("list", "list_lag", seconds=100_000)
        door.sim.faults.add("get", "not_found")
        await reconcile(door.house)
        door.sim.faults.clear()
        await reconcile(door.house)
    assert (await door.the_lease()).pod_id == said.pod_id


def test_a_pod_that_costs_more_stopped_is_charged_so_from_the_call_that_stopped_it(world: World) -> None:
    """It was charged the running price for as long as it took to see that it had stopped."""
    pod = rent(world, volumeInGb=HUGE_GB, leaseHours=1)
    world.clock.step(hours=1)
    world.sim.faults.add("get", "hang", times=3)
    world.do(0, reaps)
    lease = world.run(world.house.ledger.lease_of_pod(pod))
    assert lease is not None
    assert lease.state is LeaseState.STOPPED
    told = next(seen.at for seen in world.sim.requests.seen if seen.operation == "stop")
    assert lease.rates[-1][0] <= datetime.fromisoformat(told).timestamp()


def test_a_pod_without_a_volume_that_is_repriced_above_its_ceiling_is_deleted_and_not_kept_stopped(
    world: World,
) -> None:
    pod = rent(world, leaseHours=2)
    world.by_hand({"reprice": pod, "usd_per_hour": 3.0})
    world.do(0, reconciles)
    world.do(1, reaps)
    assert world.living() == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("boundary", range(5))
def test_a_pod_repriced_above_its_ceiling_is_due_wherever_the_server_that_saw_it_died(
    world: World, boundary: int, after: bool
) -> None:
    """Between the entry of the new price and the entry of the new end, the price was known and no longer news."""
    pod = rent(world, leaseHours=2)
    world.by_hand({"reprice": pod, "usd_per_hour": 3.0})
    world.do(0, reconciles, world.crash_at(boundary, after))
    world.do(1, reconciles)
    world.do(1, reaps)
    assert world.living() == []
