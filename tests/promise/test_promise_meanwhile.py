"""Two servers change one pod at the same time: what one of them saw is not true any more when it writes it down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from front_door import FrontDoor, front_door, toml_with
from lying import stage

from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState

ROOM_FOR_ONE = toml_with(budget={"usd_per_hour": 0.60})
Two = tuple[FrontDoor, FrontDoor]


@pytest.fixture(params=["v2", "v1"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Two]:
    """Two servers on one ledger; at the end books and ledger say the same of every pod."""
    dialect = request.param
    async with (
        front_door(tmp_path, ROOM_FOR_ONE, dialect=dialect) as one,
        front_door(tmp_path, dialect=dialect, beside=one) as other,
    ):
        yield one, other
        one.sim.faults.clear()
        assert one.books()["peak_usd_per_hour"] <= 0.60
        leases = {lease.pod_id: lease.state is LeaseState.RUNNING for lease in await one.leases()}
        assert leases == {pod["id"]: pod["status"] != "EXITED" for pod in one.live}


async def a_pod(door: FrontDoor, *, stopped: bool = False) -> str:
    pod_id = (await door.create(volumeInGb=10, containerDiskInGb=20)).pod_id
    if stopped:
        assert (await door.call("stop_pod", podId=pod_id)).ok
    return pod_id


async def during(
    door: FrontDoor,
    work: Callable[[], Awaitable[Any]],
    on: str,
    at: str,
    meanwhile: Callable[[], Awaitable[Any]],
) -> Any:
    """What a piece of work comes to whose next call of this kind is held before or after it is done."""
    came_of_it: list[Any] = []

    async def run() -> None:
        came_of_it.append(await work())

    door.sim.faults.add(on, "hold", times=1, at=at)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await door.until_held()
        await meanwhile()
        door.sim.holds.release()
    return came_of_it[0]


async def test_a_change_that_was_decided_on_before_a_start_does_not_count_the_pod_as_stopped(
    two: Two,
) -> None:
    one, other = two
    pod_id = await a_pod(one, stopped=True)

    async def start() -> None:
        assert (await other.call("start_pod", podId=pod_id)).ok

    said = await during(
        one, lambda: one.call("update_pod", podId=pod_id, volumeInGb=20), "get", "after", start
    )
    assert (said.code, said.facts["retry"]) == ("conflict", "later")
    assert one.calls("update") == 0


async def test_stopping_a_pod_that_is_being_started_does_not_free_its_money_for_another(two: Two) -> None:
    one, other = two
    pod_id = await a_pod(one, stopped=True)

    async def stop_and_rent() -> None:
        await other.call("stop_pod", podId=pod_id)
        assert (await other.create(volumeInGb=0, containerDiskInGb=20)).code == "over_hourly_budget"

    said = await during(one, lambda: one.call("start_pod", podId=pod_id), "start", "before", stop_and_rent)
    assert said.ok


async def test_a_pod_seen_stopped_is_not_started_before_that_is_written_down(two: Two) -> None:
    one, other = two
    pod_id = await a_pod(one)

    async def start() -> None:
        await reconcile(other.house)
        assert (await other.call("start_pod", podId=pod_id)).code == "conflict"

    assert (await during(one, lambda: one.call("stop_pod", podId=pod_id), "get", "after", start)).ok


async def test_a_pod_that_is_being_stopped_at_the_end_of_its_lease_is_not_started_meanwhile(two: Two) -> None:
    one, other = two
    pod_id = await a_pod(one)
    one.clock.step(hours=2)

    async def start() -> None:
        await reconcile(other.house)
        assert (await other.call("start_pod", podId=pod_id)).code == "conflict"

    assert (await during(one, lambda: reap(one.house), "get", "after", start)).stopped


async def test_an_old_list_does_not_undo_what_was_written_since_it_was_asked_for(two: Two) -> None:
    one, other = two
    pod_id = await a_pod(one)
    one.sim.by_hand({"stop": pod_id})

    async def start() -> None:
        await reconcile(other.house)
        assert (await other.call("start_pod", podId=pod_id)).ok

    report = await during(one, lambda: reconcile(one.house), "list", "after", start)
    assert report.corrected == []


async def test_a_lease_that_ends_while_its_pod_is_changed_is_ended_all_the_same(two: Two) -> None:
    one, other = two
    pod_id = await a_pod(one)
    one.clock.step(hours=2)

    async def end() -> None:
        assert (await reap(other.house)).stopped
        assert (await one.the_lease()).state is LeaseState.RUNNING, "what is being changed counts as before"

    await during(one, lambda: one.call("update_pod", podId=pod_id, volumeInGb=20), "update", "before", end)
    await reconcile(one.house)


async def test_a_network_volume_that_is_being_grown_is_not_counted_at_its_old_size(tmp_path: Path) -> None:
    tools = ("core", "storage")
    async with front_door(tmp_path, toolsets=tools) as one, front_door(tmp_path, beside=one) as other:
        made = await one.call("create_network_volume", name="data", sizeGb=100, dataCenterId="EU-RO-1")
        volume = made.facts["networkVolume"]["networkVolumeId"]

        async def look() -> None:
            before = await one.promised()
            assert (await reconcile(other.house)).corrected == []
            assert await one.promised() == before

        def grow() -> Awaitable[Any]:
            return one.call("update_network_volume", networkVolumeId=volume, sizeGb=200)

        assert (await during(one, grow, "volume_update", "before", look)).ok


async def test_a_server_whose_clock_is_minutes_ahead_does_not_take_a_start_for_one_that_was_given_up() -> (
    None
):
    async with stage(ROOM_FOR_ONE, offs=(-180.0, 240.0)) as on:
        behind, ahead = on.agents
        pod_id = await a_pod(behind.door, stopped=True)

        async def look() -> None:
            await reconcile(ahead.door.house)
            assert (await behind.door.the_lease()).state is LeaseState.RUNNING

        def start() -> Awaitable[Any]:
            return behind.call("start_pod", podId=pod_id)

        assert (await during(behind.door, start, "start", "before", look)).ok
