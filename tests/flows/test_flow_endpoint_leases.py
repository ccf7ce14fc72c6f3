"""The lease of a serverless endpoint: its end, a new one, and what somebody changed past this server."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio
import pytest
from endpoint_helpers import (
    CARDS,
    L4_RATE,
    burn,
    busy,
    change_by_hand,
    counted,
    create,
    dollars,
    made,
    nothing_costs_more_than_it_counts,
    serverless,
    update,
    workers,
)
from front_door import FrontDoor, toml_with

from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState


@pytest.fixture
async def endpoints(tmp_path: Path):
    async with serverless(tmp_path) as door:
        yield door


# the lease


async def test_the_end_of_the_lease_takes_the_workers_away(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=2)
    endpoints.clock.step(hours=1, minutes=59)
    assert not (await reap(endpoints.house)).stopped
    endpoints.clock.step(minutes=1, seconds=-10)
    done = await reap(endpoints.house)
    assert done.stopped == [f"endpoint {endpoint_id}"]
    assert (burn(endpoints), workers(endpoints, endpoint_id)) == (0, 0)
    assert (await endpoints.the_lease()).state is LeaseState.STOPPED
    assert await reap(endpoints.house) == type(done)()
    endpoints.clock.step(hours=1)
    assert endpoints.books()["charged_usd"] <= 2 * 2 * L4_RATE


async def test_a_worker_that_goes_on_is_shouted_about_and_the_endpoint_deleted_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with serverless(tmp_path) as door:
        endpoint_id = await made(door, executionTimeoutMs=86_400_000)
        await busy(door, endpoint_id, 1)
        door.clock.step(hours=2)
        done = await reap(door.house)
        assert "still billed" in done.failed[0]
        assert "still billed" in caplog.text
        assert await counted(door) == dollars(3 * L4_RATE)
        for _ in range(12):
            door.clock.step(seconds=61)
            done = await reap(door.house)
            await nothing_costs_more_than_it_counts(door)
        assert door.books()["endpoints"] == []
        assert await door.leases() == []


async def test_an_update_that_does_nothing_is_seen_and_tried_again(endpoints: FrontDoor):
    await made(endpoints, workersMin=1)
    endpoints.clock.step(hours=2)
    endpoints.sim.faults.add("endpoint_update", "ignored", times=1)
    assert (await reap(endpoints.house)).failed
    endpoints.clock.step(seconds=61)
    assert (await reap(endpoints.house)).stopped


async def test_an_endpoint_that_cannot_be_read_at_its_end_is_tried_again(endpoints: FrontDoor):
    await made(endpoints, workersMin=1)
    endpoints.clock.step(hours=2)
    endpoints.sim.faults.add("endpoint_get", "unavailable", times=None)
    assert (await reap(endpoints.house)).failed
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("endpoint_get", "not_found", times=None)
    endpoints.clock.step(seconds=61)
    assert (await reap(endpoints.house)).failed
    endpoints.sim.faults.clear()
    endpoints.clock.step(seconds=61)
    assert (await reap(endpoints.house)).stopped


async def test_one_that_is_gone_at_its_end_is_closed(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await endpoints.house.api.resources.endpoints.delete(endpoint_id)
    endpoints.clock.step(hours=2)
    assert "gone already" in (await reap(endpoints.house)).deleted[0]
    assert await endpoints.leases() == []


async def test_an_endpoint_that_is_being_changed_loses_its_workers_all_the_same(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=1)
    endpoints.clock.step(hours=2, seconds=-5)
    endpoints.sim.faults.add("endpoint_update", "hold", times=1, at="before")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: update(endpoints, endpoint_id, idleTimeout=60))
        await endpoints.until_held()
        assert (await reap(endpoints.house)).stopped
        assert burn(endpoints) == 0
        assert await counted(endpoints) == dollars(3 * L4_RATE)
        endpoints.sim.holds.release()
    assert await counted(endpoints) == 0


async def test_a_lease_that_was_moved_while_it_was_to_be_ended_goes_on(endpoints: FrontDoor):
    first, second = await made(endpoints, name="one"), await made(endpoints, name="two", workersMin=1)
    endpoints.clock.step(hours=2)
    endpoints.sim.faults.add("endpoint_update", "hold", times=1, at="before", match={"id": first})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reap, endpoints.house)
        await endpoints.until_held()
        assert (await update(endpoints, second, leaseHours=3)).ok
        endpoints.sim.holds.release()
    assert burn(endpoints) == dollars(L4_RATE)
    assert [lease.state for lease in await endpoints.leases()] == [LeaseState.STOPPED, LeaseState.RUNNING]


async def test_a_lease_ends_later_inside_the_policy_and_sooner_always(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    said = await update(endpoints, endpoint_id, leaseHours=5)
    assert (said.facts["changed"], said.facts["endpoint"]["leaseEndsAt"]) == ([], "2026-11-23T17:00:00Z")
    assert endpoints.calls("endpoint_update") == 0
    endpoints.clock.step(hours=4)
    assert (await update(endpoints, endpoint_id, leaseHours=4.1)).code == "lease_too_long"
    assert (await update(endpoints, endpoint_id, leaseHours=3, workersMax=4)).ok
    assert (await endpoints.the_lease()).lease_ends_at == endpoints.house.now() + 3 * 3600
    assert (await update(endpoints, endpoint_id, leaseHours=1, workersMax=5)).ok
    assert (await endpoints.the_lease()).lease_ends_at == endpoints.house.now() + 3600
    assert (await update(endpoints, endpoint_id, leaseHours=0.5, env={"A": "1"})).ok
    assert (await endpoints.the_lease()).lease_ends_at == endpoints.house.now() + 1800


async def test_an_extension_that_no_budget_has_room_for_is_refused(tmp_path: Path):
    async with serverless(tmp_path, toml_with(budget={"usd_total": 5.0})) as door:
        endpoint_id = await made(door)
        assert (await update(door, endpoint_id, leaseHours=3)).code == "over_total_budget"


async def test_a_lease_that_is_over_is_not_raised_before_its_workers_are_gone(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.clock.step(hours=3)
    assert (await update(endpoints, endpoint_id, workersMax=4)).code == "conflict"
    await reap(endpoints.house)
    assert (await update(endpoints, endpoint_id, workersMax=4)).ok


async def test_workers_after_the_lease_are_a_new_lease(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.clock.step(hours=2)
    await reap(endpoints.house)
    endpoints.clock.step(days=3)
    assert (await update(endpoints, endpoint_id, name="still")).ok
    assert (await endpoints.the_lease()).state is LeaseState.STOPPED
    assert (await update(endpoints, endpoint_id, leaseHours=1)).code == "invalid_arguments"
    assert (
        await update(endpoints, endpoint_id, workersMax=2, workersMin=1, leaseHours=9)
    ).code == "lease_too_long"
    assert (await update(endpoints, endpoint_id, workersMax=2, workersMin=1)).ok
    lease = await endpoints.the_lease()
    assert (lease.state, lease.lease_ends_at, lease.gpus) == (
        LeaseState.RUNNING,
        endpoints.house.now() + 7200,
        2,
    )
    assert (await update(endpoints, endpoint_id, leaseHours=8)).ok
    assert await counted(endpoints) == dollars(2 * L4_RATE)
    endpoints.clock.step(hours=8)
    await reap(endpoints.house)
    assert burn(endpoints) == 0


async def test_a_new_lease_counts_no_gpus_of_the_one_before(tmp_path: Path):
    async with serverless(tmp_path, toml_with(gpus={"max_running": 3})) as door:
        endpoint_id = await made(door)
        await update(door, endpoint_id, workersMax=0)
        assert (await door.create(gpuCount=2)).ok
        assert (await update(door, endpoint_id, workersMax=2)).code == "too_many_gpus"
        assert (await update(door, endpoint_id, workersMax=1)).ok


async def test_a_new_lease_that_no_budget_has_room_for_is_refused(tmp_path: Path):
    async with serverless(tmp_path, toml_with(budget={"usd_per_hour": 3.0})) as door:
        endpoint_id = await made(door)
        await update(door, endpoint_id, workersMax=0)
        assert (await create(door, name="other", workersMax=2)).ok
        assert (await update(door, endpoint_id, workersMax=3)).code == "over_hourly_budget"
        door.sim.faults.add("endpoint_update", "invalid", times=1)
        assert (await update(door, endpoint_id, workersMax=1)).code == "invalid_request"
        assert [lease.state for lease in await door.leases()] == [LeaseState.STOPPED, LeaseState.RUNNING]
        door.sim.faults.add("endpoint_update", "drop_before", times=1)
        assert (await update(door, endpoint_id, workersMax=1)).code == "outcome_unknown"
        assert await counted(door) == dollars(3 * L4_RATE)


async def test_an_endpoint_that_is_gone_when_it_is_changed_is_closed(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_update", "hold", times=1, at="before")
    answers: list[str | None] = []

    async def change() -> None:
        answers.append((await update(endpoints, endpoint_id, workersMax=5)).code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(change)
        await endpoints.until_held()
        await endpoints.house.api.resources.endpoints.delete(endpoint_id)
        endpoints.sim.holds.release()
    assert answers == ["not_found"]
    assert await endpoints.leases() == []
    assert (await update(endpoints, endpoint_id, workersMax=5)).code == "not_found"


async def test_an_endpoint_that_is_gone_but_not_closed_yet_is_not_found(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await endpoints.house.api.resources.endpoints.delete(endpoint_id)
    assert (await update(endpoints, endpoint_id, workersMax=5)).code == "not_found"
    assert "not listed" in (await endpoints.call("list_endpoints")).text


# reconcile


async def test_what_is_gone_is_closed_after_several_looks(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await endpoints.house.api.resources.endpoints.delete(endpoint_id)
    closed: list[str] = []
    for _ in range(4):
        endpoints.clock.step(seconds=120)
        closed += (await reconcile(endpoints.house)).closed
    assert closed == [f"endpoint {endpoint_id}"]
    assert await endpoints.leases() == []


async def test_workers_that_somebody_took_away_count_no_more(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await change_by_hand(endpoints, endpoint_id, workers_max=1)
    report = await reconcile(endpoints.house)
    assert report.corrected == [f"endpoint {endpoint_id}: running, $0.735/h at most"]
    await change_by_hand(endpoints, endpoint_id, workers_max=2)
    await reconcile(endpoints.house)
    assert (await endpoints.the_lease()).lease_ends_at <= endpoints.house.now(), (
        "nobody judged the second one"
    )
    await change_by_hand(endpoints, endpoint_id, workers_max=0)
    await reconcile(endpoints.house)
    assert (await endpoints.the_lease()).state is LeaseState.STOPPED


async def test_workers_that_somebody_added_above_the_ceiling_are_taken_away(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=1)
    await change_by_hand(endpoints, endpoint_id, workers_max=9, workers_min=9)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(9 * L4_RATE)
    before = await endpoints.the_lease()
    await reconcile(endpoints.house)
    assert (await endpoints.the_lease()).lease_ends_at == before.lease_ends_at
    await reap(endpoints.house)
    assert (burn(endpoints), await counted(endpoints)) == (0, 0)


async def test_workers_that_somebody_gave_back_after_the_lease_are_taken_away_again(tmp_path: Path):
    async with serverless(tmp_path) as door:
        endpoint_id = await made(door)
        await update(door, endpoint_id, workersMax=0)
        await change_by_hand(door, endpoint_id, workers_max=2, workers_min=2)
        assert (await update(door, endpoint_id, workersMax=0)).ok
        await change_by_hand(door, endpoint_id, workers_max=2, workers_min=2)
        async with serverless(tmp_path, beside=door, dialect="v1") as v1:
            await reconcile(v1.house)
            assert await counted(v1) == dollars(3 * L4_RATE), "without a price it counts as what it was let"
        await reap(door.house)
        assert (burn(door), await counted(door)) == (0, 0)


async def test_in_v1_more_gpus_than_were_judged_are_too_many(tmp_path: Path):
    async with serverless(tmp_path) as v2:
        endpoint_id = await made(v2)
        await change_by_hand(v2, endpoint_id, workers_max=6)
        async with serverless(tmp_path, beside=v2, dialect="v1") as v1:
            await reconcile(v1.house)
            assert await counted(v1) == dollars(6 * L4_RATE)
            await reap(v1.house)
            assert await counted(v1) == 0


async def test_a_list_price_that_rose_is_above_the_ceiling(endpoints: FrontDoor):
    await made(endpoints, workersMin=1)
    endpoints.sim.faults.add("catalog", "price_rise", factor=2)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(6 * L4_RATE)
    await reap(endpoints.house)
    assert burn(endpoints) == 0


async def test_a_list_price_that_fell_and_came_back_is_followed(endpoints: FrontDoor):
    await made(endpoints)
    endpoints.sim.faults.add("catalog", "price_rise", factor=0.5)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(1.5 * L4_RATE)
    endpoints.sim.faults.clear()
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(3 * L4_RATE)
    assert (await endpoints.the_lease()).lease_ends_at > endpoints.house.now()


async def test_a_fallen_price_does_not_count_for_workers_that_began_before(endpoints: FrontDoor):
    await made(endpoints, workersMin=3)
    endpoints.sim.faults.add("catalog", "price_rise", factor=0.5)
    await reconcile(endpoints.house)
    assert (burn(endpoints), await counted(endpoints)) == (dollars(3 * L4_RATE), dollars(3 * L4_RATE))


async def test_what_runpod_does_not_tell_is_left_as_it_is(tmp_path: Path):
    def silent(path: str, body: Any) -> Any:
        if path.startswith("GET /v2/serverless"):
            for one in body.get("endpoints", [body]):
                one.get("workers", {}).pop("max", None) if isinstance(one.get("workers"), dict) else None
        return body

    async with serverless(tmp_path) as door:
        endpoint_id = await made(door)
        async with serverless(tmp_path, beside=door, bend=silent) as bent:
            await reconcile(bent.house)
            assert await counted(bent) == dollars(3 * L4_RATE)
            assert (await update(bent, endpoint_id, gpuCount=2)).code == "price_unknown"
            assert "? workers" in (await bent.call("get_endpoint", endpointId=endpoint_id)).text


# all of it


def something(chance: random.Random) -> dict[str, Any]:
    """Some change that an agent may ask for."""
    changes: list[dict[str, Any]] = [
        {"workersMax": chance.randint(0, 6)},
        {"workersMin": chance.randint(0, 2)},
        {"workersMax": chance.randint(1, 3), "leaseHours": chance.choice([0.2, 1, 4])},
        {"gpuTypeIds": chance.sample(CARDS, chance.randint(1, 3))},
        {"gpuTypeIds": [chance.choice(CARDS)], "workersMax": chance.randint(1, 6)},
        {"gpuCount": chance.randint(1, 2)},
        {"env": {"A": str(chance.random())}},
    ]
    return chance.choice(changes)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_asked_for_an_endpoint_never_costs_more_than_it_counts(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    async with serverless(tmp_path) as door:
        endpoint_id = await made(door)
        for _ in range(40):
            if chance.random() < 0.2:
                fault = chance.choice(["drop_after", "drop_before", "ignored", "invalid"])
                door.sim.faults.add("endpoint_update", fault, times=1)
            await update(door, endpoint_id, **something(chance))
            await nothing_costs_more_than_it_counts(door)
            if chance.random() < 0.4:
                door.sim.faults.add("job_run", "job_never_ends", times=1)
            await door.call("run_endpoint_job", endpointId=endpoint_id, input={})
            door.clock.step(seconds=chance.choice([1, 20, 90, 700]))
            await nothing_costs_more_than_it_counts(door)
            await reconcile(door.house)
            await nothing_costs_more_than_it_counts(door)
            await reap(door.house)
            await nothing_costs_more_than_it_counts(door)
