"""What leases cost day by day, from the ledger alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from front_door import A4000, IMAGE, L4, FrontDoor, front_door

from runpod_mcp.flows.costs import PAGE, By, Cost, Group, Groups, asked_of, hardware_of, ledger_costs
from runpod_mcp.money import MICRO

DAY = 86_400


async def costs(
    door: FrontDoor,
    start: int = 0,
    end: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
    page: int = PAGE,
) -> list[Cost]:
    now = door.house.now()
    found = ledger_costs(door.house.ledger, start, now if end is None else end, now, tell, page)
    return [one async for one in found]


def grouped(found: list[Cost], by: By) -> list[Group]:
    groups = Groups(by)
    for cost in found:
        groups.add(cost)
    return groups.sorted()


async def test_a_lease_across_midnight_costs_on_both_days(door):
    begun = door.house.now()
    await door.create(leaseHours=8)
    door.clock.step(hours=7)
    first = sum(one.usd for one in await costs(door))
    await door.call("extend_lease", podId=(await door.the_lease()).pod_id, leaseHours=8)
    door.clock.step(hours=6)
    found = await costs(door)
    assert [one.day for one in found] == [begun - begun % DAY, begun - begun % DAY + DAY]
    assert sum(one.usd for one in found) > first
    assert sum(one.usd for one in found) / MICRO == pytest.approx(door.books()["charged_usd"], abs=0.001)


async def test_what_is_promised_is_not_spent(door):
    await door.create()
    assert await costs(door, end=door.house.now() + DAY) == []


async def test_only_the_time_that_was_asked_for_counts(door):
    begun = door.house.now()
    pod = await door.create()
    door.clock.step(hours=2)
    await door.call("delete_pod", podId=pod.pod_id)
    half = await costs(door, begun + 3600)
    assert sum(one.usd for one in half) * 2 == pytest.approx(sum(one.usd for one in await costs(door)), abs=2)
    assert await costs(door, begun - DAY, begun) == []
    assert await costs(door, begun, begun) == []


async def test_months_are_read_one_after_the_other(door):
    heard: list[str] = []
    end = door.house.now()
    await costs(door, end - 40 * DAY, end, heard.append)
    assert heard == ["2026-10", "2026-11"]


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_leases_are_read_a_page_at_a_time_and_none_is_lost(door, page):
    """However many there are in a month or on a day, and whether they run or ended."""
    for gpu in (L4, A4000, L4, L4):
        pod = await door.create(gpu, leaseHours=8)
        door.clock.step(hours=3)
        if gpu == L4:
            await door.call("delete_pod", podId=pod.pod_id)
    found, whole = await costs(door, page=page), await costs(door)
    assert sum(one.usd for one in found) / MICRO == pytest.approx(door.books()["charged_usd"], abs=0.001)
    assert grouped(found, "pod") == grouped(whole, "pod")
    assert len(grouped(found, "pod")) == 4


async def test_groups_have_the_same_sum_and_count_each_lease_once(door):
    for gpu in (L4, A4000, L4):
        pod = await door.create(gpu, leaseHours=1)
        door.clock.step(hours=1)
        await door.call("delete_pod", podId=pod.pod_id)
    found = await costs(door)
    by_day, by_gpu, by_pod = (grouped(found, by) for by in ("day", "gpu", "pod"))
    assert [(one.name, one.leases) for one in by_gpu] == [(L4, 2), (A4000, 1)]
    assert [(one.name, one.leases) for one in by_day] == [("2026-11-23", 3)]
    assert [one.about for one in by_pod] == [L4, L4, A4000]
    assert len({sum(one.usd for one in groups) for groups in (by_day, by_gpu, by_pod)}) == 1


async def test_the_hardware_is_what_was_asked_for(door):
    for arguments, words in (
        ({"gpuTypeIds": [L4, A4000]}, f"{L4} or {A4000}"),
        ({"gpuTypeIds": None}, "any GPU type"),
        ({"gpuTypeIds": None, "computeType": "CPU", "cpuFlavorIds": ["cpu3c"], "vcpuCount": 2}, "cpu3c"),
        ({"gpuTypeIds": None, "computeType": "CPU", "vcpuCount": 2}, "CPU"),
    ):
        pod = await door.call(
            "create_pod", imageName=IMAGE, **{name: value for name, value in arguments.items() if value}
        )
        assert pod.ok, pod.text
        assert hardware_of(await door.the_lease()) == words
        await door.call("delete_pod", podId=pod.pod_id)


async def test_a_network_volume_costs_under_its_own_name(tmp_path):
    async with front_door(tmp_path, toolsets=("core", "storage")) as door:
        made = await door.call("create_network_volume", name="data", sizeGb=100, dataCenterId="EU-RO-1")
        assert made.ok, made.text
        door.clock.step(hours=10)
        (group,) = grouped(await costs(door), "pod")
        assert group.name.startswith("network volume ")
        assert group.about == "network volume"


@pytest.mark.parametrize("text", ["gone", "[1]", ""])
async def test_a_request_that_somebody_wrote_over_hides_no_cost(door, text):
    await door.create()
    lease = await door.the_lease()
    lease = replace(lease, reservation=replace(lease.reservation, request=text))
    assert (asked_of(lease), hardware_of(lease)) == ({}, "any GPU type")


async def test_days_on_which_nothing_was_paid_are_left_out(tmp_path):
    async with front_door(tmp_path, toolsets=("core", "storage")) as door:
        made = await door.call("create_network_volume", name="data", sizeGb=10, dataCenterId="EU-RO-1")
        pod = await door.create(
            networkVolumeId=made.facts["networkVolume"]["networkVolumeId"], containerDiskInGb=10
        )
        door.clock.step(hours=1)
        await door.call("stop_pod", podId=pod.pod_id)
        door.clock.step(days=3)
        found = [one for one in await costs(door) if one.lease.pod_id == pod.pod_id]
        assert len(found) == 1
