"""What a refused change offers instead is called through the front door, and passes."""

from __future__ import annotations

from typing import Any

import pytest
from front_door import L4, ROOMY, FrontDoor, Said, front_door, toml_with

STORAGE = ("core", "storage")
BY_BUDGET = {
    "over_daily_budget": "usd_per_day",
    "over_monthly_budget": "usd_per_month",
    "over_total_budget": "usd_total",
}


def changed(arguments: dict[str, Any], alternative: dict[str, Any]) -> dict[str, Any]:
    return {**arguments, **{name: value for name, value in alternative.items() if name != "usdPerHour"}}


async def refused(door: FrontDoor, code: str, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    said = await door.call(tool, **arguments)
    assert said.code == code, said.text
    return list(said.facts.get("alternatives", ()))


async def taken(door: FrontDoor, tool: str, offered: list[dict[str, Any]], **arguments: Any) -> Said:
    """Call with the first offer, half a minute later."""
    door.clock.step(seconds=30)
    said = await door.call(tool, **changed(arguments, offered[0]))
    assert said.ok, (offered[0], said.text)
    await door.keep_promises()
    return said


# a lease that would be too long


async def test_a_lease_extended_too_far_is_answered_with_the_longest_that_passes(both):
    pod = (await both.create()).pod_id
    both.clock.step(minutes=20)
    asked = {"podId": pod, "leaseHours": 20}
    offered = await refused(both, "lease_too_long", "extend_lease", **asked)
    assert offered == [{"leaseHours": 7.5, "usdPerHour": 0.499723}], (
        "it has run for 20 minutes of its 8 hours"
    )
    await taken(both, "extend_lease", offered, **asked)


@pytest.mark.parametrize("code", BY_BUDGET)
@pytest.mark.parametrize("tool", ["extend_lease", "start_pod"])
async def test_a_lease_that_no_budget_has_room_for_is_answered_with_a_shorter_one(tmp_path, tool, code):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        if tool == "start_pod":
            assert (await door.call("stop_pod", podId=pod)).ok
        door.write_policy(toml_with(budget={BY_BUDGET[code]: 2.0}))
        asked = {"podId": pod, "leaseHours": 8}
        (offer,) = offered = await refused(door, code, tool, **asked)
        assert 2 < offer["leaseHours"] < 4
        longer = {**asked, "leaseHours": offer["leaseHours"] + 0.27}
        assert (await door.call(tool, **longer)).code == code, "what is offered is the nearest"
        await taken(door, tool, offered, **asked)


async def test_a_start_for_too_long_is_answered_with_what_the_policy_and_the_budgets_allow(tmp_path):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        await door.call("stop_pod", podId=pod)
        asked = {"podId": pod, "leaseHours": 20}
        assert await refused(door, "lease_too_long", "start_pod", **asked) == [
            {"leaseHours": 8.0, "usdPerHour": 0.499723}
        ]
        door.write_policy(toml_with(budget={"usd_total": 1.0}))
        offered = await refused(door, "lease_too_long", "start_pod", **asked)
        assert offered[0]["leaseHours"] < 2
        await taken(door, "start_pod", offered, **asked)


@pytest.mark.parametrize("tool", ["extend_lease", "start_pod"])
async def test_no_lease_is_offered_that_a_person_would_be_asked_about_or_that_nothing_has_room_for(
    tmp_path, tool
):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        if tool == "start_pod":
            await door.call("stop_pod", podId=pod)
        asked = {"podId": pod, "leaseHours": 20}
        door.write_policy(toml_with(approval={"tools": [tool]}))
        assert await refused(door, "lease_too_long", tool, **asked) == []
        door.write_policy(toml_with(approval={"above_usd_per_lease": 1.5}))
        (offer,) = await refused(door, "lease_too_long", tool, **asked)
        assert offer["leaseHours"] < 6
        door.write_policy(toml_with(budget={"usd_total": 0.01}))
        assert await refused(door, "lease_too_long", tool, **asked) == []


async def test_a_start_that_another_rule_forbids_is_not_offered_for_a_shorter_time(tmp_path):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        await door.call("stop_pod", podId=pod)
        asked = {"podId": pod, "leaseHours": 20}
        door.write_policy(toml_with(pods={"data_centers": ["AP-*"]}))
        assert await refused(door, "lease_too_long", "start_pod", **asked) == []
        door.write_policy(ROOMY)
        door.sim.faults.add("catalog", "unavailable", times=None)
        door.clock.step(minutes=10)
        assert await refused(door, "lease_too_long", "start_pod", **asked) == []


async def test_what_cannot_be_summed_up_is_refused_without_an_offer(tmp_path):
    rules = toml_with(budget={"include_unmanaged": True})
    async with front_door(tmp_path, rules) as door:
        pod = (await door.create()).pod_id
        door.sim.faults.add("list", "unavailable", times=None)
        assert await refused(door, "lease_too_long", "extend_lease", podId=pod, leaseHours=20) == []


async def test_a_pod_too_dear_by_the_hour_is_offered_no_shorter_lease(tmp_path):
    async with front_door(tmp_path) as door:
        pod = (await door.create(L4)).pod_id
        door.write_policy(toml_with(budget={"usd_per_hour": 0.1}))
        assert await refused(door, "over_hourly_budget", "extend_lease", podId=pod, leaseHours=3) == []


# network volumes

VOLUME = {"name": "data", "sizeGb": 1000, "dataCenterId": "EU-RO-1"}
TOO_LARGE: dict[str, dict[str, Any]] = {
    "disk_too_large": {"pods": {"max_volume_gb": 50}},
    "over_pod_hourly_budget": {"budget": {"usd_per_hour_per_pod": 0.005}},
    "over_hourly_budget": {"budget": {"usd_per_hour": 0.01}},
    "over_daily_budget": {"budget": {"usd_per_day": 0.5}},
    "over_monthly_budget": {"budget": {"usd_per_month": 10}},
    "over_total_budget": {"budget": {"usd_total": 10}},
}


@pytest.mark.parametrize("code", TOO_LARGE)
async def test_a_network_volume_that_is_too_large_is_answered_with_the_largest_that_passes(tmp_path, code):
    async with front_door(tmp_path, toml_with(**TOO_LARGE[code]), toolsets=STORAGE) as door:
        (offer,) = offered = await refused(door, code, "create_network_volume", **VOLUME)
        more = {**VOLUME, "sizeGb": offer["sizeGb"] + 1}
        await refused(door, code, "create_network_volume", **more)
        made = await taken(door, "create_network_volume", offered, **VOLUME)
        assert made.facts["networkVolume"]["usdPerMonth"] == pytest.approx(
            offer["usdPerHour"] * 720, rel=1e-3
        )


@pytest.mark.parametrize("code", TOO_LARGE)
async def test_a_network_volume_grown_too_far_is_answered_with_the_largest_that_passes(tmp_path, code):
    async with front_door(tmp_path, toolsets=STORAGE) as door:
        made = await door.call("create_network_volume", **{**VOLUME, "sizeGb": 10})
        asked = {"networkVolumeId": made.facts["networkVolume"]["networkVolumeId"], "sizeGb": 1000}
        door.write_policy(toml_with(**TOO_LARGE[code]))
        (offer,) = offered = await refused(door, code, "update_network_volume", **asked)
        assert 10 < offer["sizeGb"] < 1000
        more = {**asked, "sizeGb": offer["sizeGb"] + 1}
        assert await refused(door, code, "update_network_volume", **more) == offered
        await taken(door, "update_network_volume", offered, **asked)


async def test_a_volume_in_a_place_that_is_not_allowed_is_answered_with_one_that_is(tmp_path):
    rules = toml_with(pods={"data_centers": ["US-*"], "max_volume_gb": 50})
    async with front_door(tmp_path, rules, toolsets=STORAGE) as door:
        (offer,) = offered = await refused(door, "data_center_not_allowed", "create_network_volume", **VOLUME)
        assert offer["dataCenterId"].startswith("US-")
        assert offer["sizeGb"] == 50
        await taken(door, "create_network_volume", offered, **VOLUME)
        small = {**VOLUME, "name": "more", "sizeGb": 20}
        (offer,) = await refused(door, "data_center_not_allowed", "create_network_volume", **small)
        assert set(offer) == {"dataCenterId", "usdPerHour"}


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"pods": {"max_volume_gb": 5}}, "disk_too_large"),
        ({"pods": {"data_centers": ["XX-*"]}}, "data_center_not_allowed"),
        ({"pods": {"max_volume_gb": 50}, "approval": {"tools": ["create_network_volume"]}}, "disk_too_large"),
    ],
    ids=["smaller than there are", "no place", "a person is asked"],
)
async def test_no_volume_is_offered_that_could_not_be_made(tmp_path, tables, code):
    async with front_door(tmp_path, toml_with(**tables), toolsets=STORAGE) as door:
        assert await refused(door, code, "create_network_volume", **VOLUME) == []


async def test_a_volume_that_may_not_grow_at_all_is_refused_without_an_offer(tmp_path):
    async with front_door(tmp_path, toolsets=STORAGE) as door:
        made = await door.call("create_network_volume", **{**VOLUME, "sizeGb": 10})
        asked = {"networkVolumeId": made.facts["networkVolume"]["networkVolumeId"], "sizeGb": 1000}
        door.write_policy(toml_with(pods={"max_volume_gb": 10}))
        assert await refused(door, "disk_too_large", "update_network_volume", **asked) == []
        door.write_policy(
            toml_with(pods={"max_volume_gb": 50}, approval={"tools": ["update_network_volume"]})
        )
        assert await refused(door, "disk_too_large", "update_network_volume", **asked) == []


async def test_a_volume_is_refused_without_an_offer_where_nothing_can_be_read(tmp_path):
    rules = toml_with(
        pods={"max_volume_gb": 50, "data_centers": ["EU-*"]}, budget={"include_unmanaged": True}
    )
    async with front_door(tmp_path, rules, toolsets=STORAGE) as door:
        made = await door.call("create_network_volume", **{**VOLUME, "sizeGb": 10})
        door.sim.faults.add("list", "unavailable", times=None)
        assert await refused(door, "disk_too_large", "create_network_volume", **VOLUME) == []
        asked = {"networkVolumeId": made.facts["networkVolume"]["networkVolumeId"], "sizeGb": 1000}
        assert await refused(door, "disk_too_large", "update_network_volume", **asked) == []


async def test_no_size_is_offered_where_size_is_not_what_is_wrong(tmp_path):
    async with front_door(tmp_path, toolsets=STORAGE) as door:
        made = await door.call("create_network_volume", **{**VOLUME, "sizeGb": 10})
        await door.house.ledger.spending(door.house.now() + 7200, ())  # the ledger saw a later time
        other = {**VOLUME, "name": "more"}
        assert await refused(door, "clock_behind", "create_network_volume", **other) == []
        asked = {"networkVolumeId": made.facts["networkVolume"]["networkVolumeId"], "sizeGb": 1000}
        assert await refused(door, "clock_behind", "update_network_volume", **asked) == []


# a pod that is changed

GROWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "disk_too_large": ({"pods": {"max_volume_gb": 50}}, {"volumeInGb": 1000}),
    "over_pod_hourly_budget": ({"budget": {"usd_per_hour_per_pod": 0.51}}, {"volumeInGb": 1000}),
    "over_hourly_budget": ({"budget": {"usd_per_hour": 0.51}}, {"containerDiskInGb": 3000}),
    "over_daily_budget": ({"budget": {"usd_per_day": 1.3}}, {"volumeInGb": 1000}),
    "over_monthly_budget": ({"budget": {"usd_per_month": 1.3}}, {"volumeInGb": 1000, "name": "new"}),
    "over_total_budget": ({"budget": {"usd_total": 1.3}}, {"volumeInGb": 1000}),
}


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("code", GROWN)
async def test_a_disk_grown_too_far_is_answered_with_the_largest_that_passes(tmp_path, code, stopped):
    tables, change = GROWN[code]
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        if stopped:
            await door.call("stop_pod", podId=pod)
            tables, change = STOPPED.get(code, (tables, change))
        door.write_policy(toml_with(**tables))
        asked = {"podId": pod, **change}
        offered = await refused(door, code, "update_pod", **asked)
        name = next(one for one in change if one in offered[0])
        assert offered[0][name] < change[name]
        more = {**asked, name: offered[0][name] + 1}
        await refused(door, code, "update_pod", **more)
        await taken(door, "update_pod", offered, **asked)


STOPPED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "over_pod_hourly_budget": ({"budget": {"usd_per_hour_per_pod": 0.01}}, {"volumeInGb": 1000}),
    "over_hourly_budget": ({"budget": {"usd_per_hour": 0.01}}, {"volumeInGb": 1000}),
    "over_daily_budget": ({"budget": {"usd_per_day": 0.3}}, {"volumeInGb": 1000}),
    "over_monthly_budget": ({"budget": {"usd_per_month": 0.3}}, {"volumeInGb": 1000}),
    "over_total_budget": ({"budget": {"usd_total": 0.3}}, {"volumeInGb": 1000}),
}


async def test_a_volume_is_not_offered_smaller_than_it_is(tmp_path):
    async with front_door(tmp_path) as door:
        pod = (await door.create(volumeInGb=20)).pod_id
        door.write_policy(toml_with(pods={"max_volume_gb": 10}))
        assert await refused(door, "disk_too_large", "update_pod", podId=pod, volumeInGb=500) == []


async def test_what_mends_one_rule_of_a_change_is_offered_with_what_mends_the_others_and_fits_the_budgets(
    tmp_path,
):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        rules = {"images": ["runpod/*", "team/x:1"], "ports": ["22/tcp"], "max_volume_gb": 500}
        door.write_policy(toml_with(pods=rules, budget={"usd_per_hour": 0.52}))
        asked = {"podId": pod, "imageName": "evil/x:1", "ports": ["80/http"], "volumeInGb": 1000}
        (offer,) = offered = await refused(door, "image_not_allowed", "update_pod", **asked)
        assert {"imageName": "team/x:1", "ports": []}.items() <= offer.items()
        assert 20 < offer["volumeInGb"] < 500
        await taken(door, "update_pod", offered, **asked)


async def test_two_disks_too_large_together_are_each_made_smaller_where_that_is_enough(tmp_path):
    async with front_door(tmp_path, toml_with(budget={"usd_per_hour": 0.52})) as door:
        pod = (await door.create()).pod_id
        asked = {"podId": pod, "volumeInGb": 120, "containerDiskInGb": 120}
        offered = await refused(door, "over_hourly_budget", "update_pod", **asked)
        assert [set(one) - {"usdPerHour"} for one in offered] == [{"volumeInGb"}, {"containerDiskInGb"}]
        await taken(door, "update_pod", offered[1:], **asked)


@pytest.mark.parametrize(
    ("tables", "change", "code"),
    [
        ({"pods": {"max_container_disk_gb": 0}}, {"containerDiskInGb": 60}, "disk_too_large"),
        (
            {"pods": {"max_volume_gb": 30}, "approval": {"tools": ["update_pod"]}},
            {"volumeInGb": 60},
            "disk_too_large",
        ),
        ({"budget": {"usd_per_hour": 0.1}}, {"volumeInGb": 60}, "over_hourly_budget"),
        (
            {"pods": {"images": ["runpod/*"], "max_container_disk_gb": 55}},
            {"imageName": "evil/x:1", "containerDiskInGb": 60},
            "disk_too_large",
        ),
        (
            {"pods": {"images": ["team/x:1"]}, "budget": {"include_unmanaged": True}},
            {"imageName": "evil/x:1", "volumeInGb": 60},
            "image_not_allowed",
        ),
        ({"pods": {"images": ["runpod/*"]}}, {"imageName": "evil/x:1"}, "image_not_allowed"),
    ],
    ids=[
        "no disk",
        "a person is asked",
        "no room",
        "another rule",
        "nothing can be summed up",
        "no such image",
    ],
)
async def test_no_change_is_offered_that_would_not_pass(tmp_path, tables, change, code):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        door.write_policy(toml_with(**tables))
        door.sim.faults.add("list", "unavailable", times=None)
        assert await refused(door, code, "update_pod", podId=pod, **change) == []
