"""What a refused endpoint offers instead is called through the front door, and passes."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_helpers import create, made, serverless, update
from front_door import A4000, H100, L4, RTX_4090, FrontDoor, toml_with

Tables = dict[str, dict[str, Any]]
CASES: dict[str, tuple[str, Tables, dict[str, Any], dict[str, Any]]] = {
    "a card": ("gpu_not_allowed", {}, {"gpuTypeIds": [H100]}, {"gpuTypeIds": [A4000]}),
    "one of two cards": ("gpu_not_allowed", {}, {"gpuTypeIds": [H100, L4]}, {"gpuTypeIds": [L4]}),
    "a flavor": (
        "cpu_not_allowed",
        {"cpus": {"allow": ["cpu3c"]}},
        {"gpuTypeIds": None, "cpuFlavorIds": ["cpu5c"]},
        {"cpuFlavorIds": ["cpu3c"]},
    ),
    "GPUs": ("too_many_gpus", {}, {"gpuCount": 4}, {"gpuCount": 2}),
    "GPUs that run": ("too_many_gpus", {"gpus": {"max_running": 2}}, {}, {"workersMax": 2}),
    "GPUs and money": (
        "too_many_gpus",
        {"budget": {"usd_per_hour": 2}},
        {"gpuCount": 4},
        {"gpuCount": 2, "workersMax": 1},
    ),
    "an image": ("image_not_allowed", {"pods": {"images": ["a/b:1"]}}, {}, {"imageName": "a/b:1"}),
    "a port": ("port_not_allowed", {"pods": {"ports": []}}, {"ports": ["80/http"]}, {"ports": []}),
    "a disk": ("disk_too_large", {"pods": {"max_container_disk_gb": 10}}, {}, {"containerDiskInGb": 10}),
    "a place": (
        "data_center_not_allowed",
        {"pods": {"data_centers": ["EU-RO-*"]}},
        {"dataCenterIds": ["US-KS-2"]},
        {"dataCenterIds": ["EU-RO-1"]},
    ),
    "a place and a lease": (
        "lease_too_long",
        {"pods": {"data_centers": ["EU-RO-*"]}},
        {"dataCenterIds": ["US-KS-2", "EU-RO-1"], "leaseHours": 20},
        {"leaseHours": 8.0, "dataCenterIds": ["EU-RO-1"]},
    ),
    "a lease": ("lease_too_long", {}, {"leaseHours": 20}, {"leaseHours": 8.0}),
    "a lease and money": (
        "lease_too_long",
        {"budget": {"usd_per_day": 2}},
        {"leaseHours": 20},
        {"leaseHours": 0.75},
    ),
    "an hour": ("over_hourly_budget", {"budget": {"usd_per_hour": 2}}, {}, {"workersMax": 2}),
    "always on": (
        "over_hourly_budget",
        {"budget": {"usd_per_hour": 2}},
        {"workersMin": 3},
        {"workersMax": 2, "workersMin": 2},
    ),
    "an hour of a cheaper card": (
        "over_pod_hourly_budget",
        {"budget": {"usd_per_hour_per_pod": 0.5}},
        {},
        {"gpuTypeIds": [A4000], "workersMax": 1},
    ),
    "a day": ("over_daily_budget", {"budget": {"usd_per_day": 2}}, {}, {"workersMax": 1}),
    "a month": ("over_monthly_budget", {"budget": {"usd_per_month": 2}}, {}, {"workersMax": 1}),
    "all in all": (
        "over_total_budget",
        {"budget": {"usd_total": 2}},
        {"workersMax": 1, "leaseHours": 8},
        {"leaseHours": 2.5},
    ),
    "everything at once": (
        "over_total_budget",
        {"budget": {"usd_total": 0.3}},
        {"workersMin": 1},
        {"gpuTypeIds": [A4000], "workersMax": 1, "leaseHours": 0.75},
    ),
    "its own ceiling": ("price_above_maximum", {}, {"maxUsdPerHour": 1}, {"workersMax": 1}),
}


async def refused(door: FrontDoor, code: str, **arguments: Any) -> list[dict[str, Any]]:
    said = await create(door, **arguments)
    assert said.code == code, said.text
    assert len(said.facts.get("alternatives", ())) <= 3
    return list(said.facts.get("alternatives", ()))


@pytest.mark.parametrize("case", CASES)
async def test_all_that_is_offered_instead_of_an_endpoint_passes_when_it_is_called(tmp_path, case):
    code, tables, arguments, first = CASES[case]
    async with serverless(tmp_path, toml_with(**tables)) as door:
        offered = await refused(door, code, **arguments)
        assert {name: value for name, value in offered[0].items() if name != "usdPerHour"} == first
        for offer in offered:
            whole = {**arguments, **offer}
            price = whole.pop("usdPerHour")
            dry = await create(door, **whole, dryRun=True)
            assert dry.ok, (offer, dry.text)
            assert dry.facts["quote"]["usdPerHourMax"] == pytest.approx(price)
        changed = {name: value for name, value in offered[0].items() if name != "usdPerHour"}
        assert await made(door, **{**arguments, **changed})


@pytest.mark.parametrize(
    ("code", "tables", "arguments"),
    [
        ("gpu_not_allowed", {"gpus": {"allow": []}}, {}),
        ("cloud_not_allowed", {"pods": {"cloud_types": ["COMMUNITY"]}}, {}),
        ("data_center_not_allowed", {"pods": {"data_centers": ["XX-*"]}}, {}),
        ("data_center_not_allowed", {"pods": {"data_centers": ["XX-*"]}}, {"dataCenterIds": ["US-KS-2"]}),
        ("too_many_pods", {"pods": {"max_running": 0}}, {}),
        ("over_hourly_budget", {"budget": {"usd_per_hour": 0.1}}, {}),
        ("lease_too_long", {"approval": {"tools": ["create_endpoint"]}}, {"leaseHours": 20}),
        ("lease_too_long", {"pods": {"images": ["a/*"]}}, {"leaseHours": 20, "imageName": "b/c:1"}),
    ],
)
async def test_nothing_is_offered_instead_of_an_endpoint_that_would_not_pass(
    tmp_path, code, tables, arguments
):
    async with serverless(tmp_path, toml_with(**tables)) as door:
        said = await create(door, **arguments)
        assert not said.ok
        if "images" not in str(tables):
            assert said.code == code, said.text
        assert "alternatives" not in said.facts, said.text


async def test_an_endpoint_is_refused_without_an_offer_where_nothing_can_be_read(tmp_path):
    rules = toml_with(budget={"include_unmanaged": True})
    async with serverless(tmp_path, rules) as door:
        door.sim.faults.add("list", "unavailable", times=None)
        assert await refused(door, "lease_too_long", leaseHours=20, gpuTypeIds=[RTX_4090]) == []


# an endpoint that is changed

CHANGES: dict[str, tuple[str, Tables, dict[str, Any], dict[str, Any]]] = {
    "GPUs that run": ("too_many_gpus", {"gpus": {"max_running": 5}}, {"workersMax": 9}, {"workersMax": 5}),
    "an hour": ("over_hourly_budget", {"budget": {"usd_per_hour": 4}}, {"workersMax": 9}, {"workersMax": 5}),
    "always on": (
        "over_hourly_budget",
        {"budget": {"usd_per_hour": 4}},
        {"workersMax": 9, "workersMin": 9},
        {"workersMax": 5, "workersMin": 5},
    ),
    "a longer lease": ("lease_too_long", {}, {"leaseHours": 20}, {"leaseHours": 7.75}),
    "a longer lease and a day": (
        "lease_too_long",
        {"budget": {"usd_per_day": 6}},
        {"leaseHours": 20},
        {"leaseHours": 2.5},
    ),
    "a day": ("over_daily_budget", {"budget": {"usd_per_day": 6}}, {"leaseHours": 7.5}, {"leaseHours": 2.5}),
    "a disk": (
        "disk_too_large",
        {"pods": {"max_container_disk_gb": 30}},
        {"containerDiskInGb": 50},
        {"containerDiskInGb": 30},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_what_is_offered_instead_of_a_change_of_an_endpoint_passes_when_it_is_called(tmp_path, case):
    code, tables, change, first = CHANGES[case]
    async with serverless(tmp_path) as door:
        endpoint = await made(door)
        door.clock.step(minutes=5)
        door.write_policy(toml_with(**tables))
        said = await update(door, endpoint, **change)
        assert said.code == code, said.text
        assert said.facts["alternatives"][0] == first
        again = await update(door, endpoint, **{**change, **first})
        assert again.ok, again.text


async def test_workers_after_the_lease_was_over_are_offered_as_many_and_for_as_long_as_there_is_room(
    tmp_path,
):
    async with serverless(tmp_path) as door:
        endpoint = await made(door)
        assert (await update(door, endpoint, workersMax=0)).ok
        door.clock.step(minutes=5)
        door.write_policy(toml_with(budget={"usd_per_day": 3}))
        said = await update(door, endpoint, workersMax=3)
        assert said.code == "over_daily_budget"
        assert said.facts["alternatives"] == [{"workersMax": 2}, {"leaseHours": 1.25}]
        assert (await update(door, endpoint, workersMax=2)).ok


@pytest.mark.parametrize(
    ("tables", "change", "code"),
    [
        (
            {"pods": {"max_container_disk_gb": 30}, "approval": {"tools": ["update_endpoint"]}},
            {"containerDiskInGb": 50},
            "disk_too_large",
        ),
        (
            {"pods": {"max_container_disk_gb": 30, "images": ["a/b"]}},
            {"containerDiskInGb": 50, "imageName": "c/d:1"},
            "disk_too_large",
        ),
        ({"budget": {"usd_per_hour": 0.1}}, {"workersMax": 9}, "over_hourly_budget"),
        ({"approval": {"tools": ["update_endpoint"]}}, {"leaseHours": 20}, "lease_too_long"),
    ],
)
async def test_no_change_of_an_endpoint_is_offered_that_would_not_pass(tmp_path, tables, change, code):
    async with serverless(tmp_path) as door:
        endpoint = await made(door)
        door.write_policy(toml_with(**tables))
        said = await update(door, endpoint, **change)
        assert not said.ok
        assert "alternatives" not in said.facts, said.text
