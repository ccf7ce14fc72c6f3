"""What a refused endpoint offers instead is called through the front door, and passes."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_helpers import create, made, serverless
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
