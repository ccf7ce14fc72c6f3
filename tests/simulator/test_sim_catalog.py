from __future__ import annotations

import pytest
from sim_helpers import L4

from runpod_mcp.simulator.price_list import read_price_list

AVAILABLE = "include=AVAILABILITY&product=POD"


async def gpus(http, query=""):
    found = (await http.get(f"/v2/catalog/gpus?{query}")).json()["gpus"]
    return {gpu["id"]: gpu for gpu in found}


async def test_the_plain_catalog_is_a_price_list_without_stock(http):
    gpu = (await gpus(http))[L4]
    assert (gpu["price"]["secure"], gpu["maxCount"]) == (0.49, {"secure": 10, "community": 1})
    assert "availability" not in gpu


async def test_a_cloud_that_does_not_sell_a_card_shows_a_placeholder(http):
    found = await gpus(http)
    ada = found["NVIDIA RTX 2000 Ada Generation"]
    assert (ada["community"], ada["price"]["community"], ada["maxCount"]["community"]) == (False, 0.5, 1)
    assert (
        found["NVIDIA GeForce RTX 3070"]["secure"],
        found["NVIDIA GeForce RTX 3070"]["price"]["secure"],
    ) == (False, 0)


async def test_the_list_holds_the_49_ids_of_v1_and_newer_ones(http):
    found = await gpus(http)
    assert sum(gpu.in_v1 for gpu in read_price_list().gpus.values()) == 49
    assert {"NVIDIA  RTX A4500", "NVIDIA  A30", "NVIDIA B300 SXM6 AC"} <= set(found)
    assert found["AMD Instinct MI300X OAM"]["manufacturer"] == "AMD"


async def test_stock_comes_with_include_and_product_only(http):
    gpu = (await gpus(http, AVAILABLE))[L4]
    assert gpu["availability"] == "HIGH"
    assert {center["id"] for center in gpu["dataCenters"]} >= {"EU-RO-1", "US-KS-2"}
    assert {"version": "12.8", "available": True} in gpu["cudaVersions"]
    mi300 = (await gpus(http, AVAILABLE))["AMD Instinct MI300X OAM"]
    assert (mi300["availability"], "cudaVersions" in mi300) == ("LOW", False)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("include=AVAILABILITY", 400),
        ("product=POD", 400),
        ("count=2", 400),
        ("include=STOCK", 422),
        (f"{AVAILABLE}&countryCodes=fr", 422),
        (f"{AVAILABLE}&count=0", 422),
        (f"{AVAILABLE}&cloud=ALL", 422),
        (f"{AVAILABLE}&cudaVersions=12.8&minCudaVersion=12", 400),
        ("somethingElse=1", 200),
    ],
)
async def test_catalog_parameters_have_their_rules(http, query, status):
    assert (await http.get(f"/v2/catalog/gpus?{query}")).status_code == status


async def test_countries_narrow_the_list_but_not_a_single_read(http):
    found = await gpus(http, f"{AVAILABLE}&countryCodes=RO")
    assert [center["id"] for center in found[L4]["dataCenters"]] == ["EU-RO-1"]
    assert "NVIDIA H200" not in await gpus(http, f"{AVAILABLE}&countryCodes=JP")
    alone = (await http.get(f"/v2/catalog/gpus/NVIDIA%20L4?{AVAILABLE}&countryCodes=JP")).json()
    assert (alone["availability"], "dataCenters" in alone) == ("NONE", False)


async def test_availability_follows_the_stock_and_the_count(http, sim):
    sim.stock.set(L4, free=2)
    assert (await gpus(http, f"{AVAILABLE}&count=4"))[L4]["availability"] == "NONE"
    assert (await gpus(http, f"{AVAILABLE}&count=2"))[L4]["availability"] == "MEDIUM"
    sim.stock.set(L4, free=0)
    assert (await gpus(http, AVAILABLE))[L4]["availability"] == "NONE"


async def test_an_unknown_gpu_is_404(http):
    assert (await http.get("/v2/catalog/gpus/NVIDIA%20NOTHING")).status_code == 404


async def test_cpus_are_priced_per_vcpu(http):
    found = (await http.get(f"/v2/catalog/cpus?{AVAILABLE}&vcpuCount=4")).json()["cpus"]
    cpu = {each["id"]: each for each in found}["cpu5c"]
    assert (cpu["price"]["securePerVcpu"], cpu["vcpu"]) == (0.035, {"min": 2, "max": 32})
    assert cpu["availability"] == "HIGH"
    assert (await http.get("/v2/catalog/cpus/cpu5c")).json()["id"] == "cpu5c"


async def test_data_centers_filter_and_show_stock_when_asked(http):
    everywhere = (await http.get("/v2/catalog/datacenters")).json()["dataCenters"]
    assert len(everywhere) == 32
    assert all(center["name"] == center["id"] and "gpuAvailability" not in center for center in everywhere)
    asian = (await http.get("/v2/catalog/datacenters?regions=ASIA,OCEANIA")).json()["dataCenters"]
    assert {center["id"] for center in asian} == {"AP-JP-1", "AP-IN-1", "OC-AU-1"}
    query = "networkVolumeTypes=STANDARD,HIGH_PERFORMANCE&globalNetwork=true&include=GPU_AVAILABILITY,CPU_AVAILABILITY"
    fast = (await http.get(f"/v2/catalog/datacenters?{query}")).json()["dataCenters"]
    assert {center["id"] for center in fast} == {"EU-RO-1", "US-KS-2"}
    assert {"id": L4, "name": "L4", "availability": "HIGH"} in fast[0]["gpuAvailability"]
    assert {each["id"] for each in fast[0]["cpuAvailability"]} >= {"cpu3c"}
    assert (await http.get("/v2/catalog/datacenters/EU-RO-1")).json()["region"] == "EUROPE"


async def test_templates_are_listed_own_and_official_apart(http):
    own = (await http.get("/v2/templates")).json()["templates"]
    official = (await http.get("/v2/catalog/templates")).json()["templates"]
    assert {each["id"] for each in own} == {"simmine001", "simserve01"}
    assert {each["id"] for each in official} == {"simtorch01", "simubuntu1"}
    assert (await http.get("/v2/templates/simtorch01")).json()["disk"] == 50
    assert (await http.get("/v2/templates/none")).status_code == 404
