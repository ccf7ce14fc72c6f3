"""The catalog as v2 and GraphQL tell it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runpod_helpers import V1, FakeRunpod, answer, api, problem

from runpod_mcp.catalog.catalog import CloudOffer, Stock
from runpod_mcp.catalog.countries import COUNTRIES, country_of
from runpod_mcp.clock import SteppedClock
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.pods.values import DATA_CENTER_IDS

L4 = {
    "id": "NVIDIA L4",
    "name": "L4",
    "memory": 24,
    "secure": True,
    "community": False,
    "price": {"secure": 0.49, "community": 0.5},
    "maxCount": {"secure": 10, "community": 1},
    "availability": "HIGH",
    "dataCenters": [{"id": "EU-RO-1", "name": "EU-RO-1", "availability": "LOW"}],
}
CPU3C = {
    "id": "cpu3c-2-4",
    "name": "Compute-Optimized",
    "vcpu": {"min": 2, "max": 32},
    "ramGbPerVcpu": 2,
    "price": {"securePerVcpu": 0.03, "serverlessPerVcpu": 0.02},
    "availability": "MEDIUM",
}
RO = {
    "id": "EU-RO-1",
    "name": "Romania",
    "region": "EUROPE",
    "globalNetwork": True,
    "networkVolumeTypes": ["STANDARD"],
}

GPUS, CPUS, CENTERS = "/v2/catalog/gpus", "/v2/catalog/cpus", "/v2/catalog/datacenters"


def shop(**answers: Any) -> FakeRunpod:
    return FakeRunpod(
        by_path={
            GPUS: answers.get("gpus", answer(200, {"gpus": [L4, {"id": "unknown", "memory": 0}]})),
            CPUS: answers.get("cpus", answer(200, {"cpus": [CPU3C]})),
            CENTERS: answers.get("centers", answer(200, {"dataCenters": [RO, {"id": "XX-NEW-1"}]})),
        }
    )


async def test_v2_reads_prices_stock_and_places() -> None:
    clock, fake = SteppedClock(), shop()
    catalog = await api(fake, clock=clock).read_catalog(cloud="COMMUNITY", gpu_count=2)
    assert list(catalog.gpus) == ["NVIDIA L4"]
    gpu = catalog.gpus["NVIDIA L4"]
    assert (gpu.name, gpu.memory_gb, gpu.stock) == ("L4", 24, Stock.HIGH)
    assert gpu.clouds == {"SECURE": CloudOffer(True, 490_000, 10), "COMMUNITY": CloudOffer(False, 500_000, 1)}  # type: ignore[arg-type]
    assert (gpu.price("SECURE"), gpu.price("COMMUNITY")) == (490_000, None)
    assert gpu.stock_by_data_center == {"EU-RO-1": Stock.LOW}
    cpu = catalog.cpus["cpu3c"]
    assert (cpu.usd_per_hour_per_vcpu, cpu.ram_gb_per_vcpu, cpu.max_vcpus) == (30_000, 2.0, 32)
    assert (cpu.stock, cpu.stock_by_data_center) == (Stock.MEDIUM, None)
    center = catalog.data_centers["EU-RO-1"]
    assert (center.region, center.country, center.global_network, center.network_volumes) == (
        "EUROPE",
        "RO",
        True,
        True,
    )
    assert catalog.data_centers["XX-NEW-1"].country is None
    assert (catalog.cloud, catalog.gpu_count, catalog.read_at) == ("COMMUNITY", 2, clock.now())
    assert (catalog.source, catalog.notes) == ("v2", ())


async def test_v2_asks_for_pod_stock_of_this_cloud_and_count() -> None:
    fake = shop()
    await api(fake).read_catalog(cloud="COMMUNITY", gpu_count=2)
    assert sorted(fake.calls) == [
        f"GET {CPUS}?include=AVAILABILITY&product=POD",
        f"GET {CENTERS}",
        f"GET {GPUS}?include=AVAILABILITY&product=POD&count=2&cloud=COMMUNITY",
    ]


@pytest.mark.parametrize("which", ["gpus", "centers"])
@pytest.mark.parametrize(
    "bad",
    [answer(500), problem(422, "no"), answer(200, {"other": []}), answer(200, []), httpx2.ReadError("x")],
)
async def test_v2_has_no_catalog_without_gpus_or_data_centers(which: str, bad: Any) -> None:
    with pytest.raises(Failure):
        await api(shop(**{which: bad})).read_catalog(cloud="SECURE", gpu_count=1)


async def test_v2_leaves_out_cpus_that_could_not_be_read_and_says_so() -> None:
    catalog = await api(shop(cpus=answer(500))).read_catalog(cloud="SECURE", gpu_count=1)
    assert catalog.cpus == {}
    assert "CPU flavors could not be read" in catalog.notes[0]
    with pytest.raises(Failure, match="RUNPOD_API_KEY"):
        await api(shop(cpus=answer(401))).read_catalog(cloud="SECURE", gpu_count=1)


async def test_stock_nobody_told_is_unknown_and_never_in_stock() -> None:
    silent = {key: value for key, value in L4.items() if key not in ("availability", "dataCenters")}
    nowhere = L4 | {"id": "NVIDIA A40", "availability": "NONE", "dataCenters": []}
    gpus = answer(200, {"gpus": [silent, nowhere]})
    catalog = await api(shop(gpus=gpus)).read_catalog(cloud="SECURE", gpu_count=1)
    assert catalog.gpus["NVIDIA L4"].stock is Stock.UNKNOWN
    assert catalog.gpus["NVIDIA L4"].stock_by_data_center is None
    assert catalog.gpus["NVIDIA A40"].stock is Stock.NONE
    assert catalog.gpus["NVIDIA A40"].stock_by_data_center == {}


async def test_a_gpu_without_flags_is_not_sold() -> None:
    bare = {"id": "NVIDIA X", "price": {"secure": 0.3}, "maxCount": {"secure": 8}}
    catalog = await api(shop(gpus=answer(200, {"gpus": [bare]}))).read_catalog(cloud="SECURE", gpu_count=1)
    assert catalog.gpus["NVIDIA X"].price("SECURE") is None


async def test_a_cpu_price_of_zero_is_no_price() -> None:
    free = CPU3C | {"price": {"securePerVcpu": 0}}
    catalog = await api(shop(cpus=answer(200, {"cpus": [free, {"id": None}]}))).read_catalog(
        cloud="SECURE", gpu_count=1
    )
    assert catalog.cpus["cpu3c"].usd_per_hour_per_vcpu is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*L4, *CPU3C, *RO, "secure"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
async def test_odd_entries_never_crash_the_reading(gpus: Any, cpus: Any, centers: Any) -> None:
    fake = shop(
        gpus=answer(200, {"gpus": [L4, *gpus]}),
        cpus=answer(200, {"cpus": cpus}),
        centers=answer(200, {"dataCenters": centers}),
    )
    assert (await api(fake).read_catalog(cloud="SECURE", gpu_count=1)).gpus


GRAPHQL = {
    "gpuTypes": [
        {
            "id": "NVIDIA L4",
            "displayName": "L4",
            "memoryInGb": 24,
            "secureCloud": True,
            "communityCloud": False,
            "securePrice": 0.49,
            "communityPrice": 0.5,
            "maxGpuCount": 10,
            "maxGpuCountSecureCloud": 9,
            "maxGpuCountCommunityCloud": 1,
            "lowestPrice": {"stockStatus": "High", "uninterruptablePrice": 0.01},
        },
        {"id": "unknown", "memoryInGb": 0, "securePrice": 0},
        {"id": "NVIDIA A40", "secureCloud": True, "securePrice": 0.4, "maxGpuCount": 8, "lowestPrice": None},
    ],
    "dataCenters": [
        {
            "id": "EU-RO-1",
            "name": "EU-RO-1",
            "location": "Europe",
            "storageSupport": True,
            "gpuAvailability": [{"gpuTypeId": "NVIDIA L4", "stockStatus": "Low"}, {"gpuTypeId": None}],
        },
        {"id": "US-XX-9", "gpuAvailability": None},
        {"id": None},
    ],
}
FLAVORS = {
    "cpuFlavors": [
        {
            "id": "cpu3c",
            "displayName": "Compute-Optimized",
            "minVcpu": 2,
            "maxVcpu": 32,
            "ramMultiplier": 2,
            "specifics": {"stockStatus": "Medium", "securePrice": 0.03},
        },
        {"id": "cpu5c", "specifics": None},
        {"id": None},
    ]
}


def public(gpus: Any = None, cpus: Any = None) -> FakeRunpod:
    def reply(request: httpx2.Request) -> httpx2.Response:
        asked_for_cpus = b"cpuFlavors" in request.content
        found = cpus if asked_for_cpus else gpus
        return found or answer(200, {"data": FLAVORS if asked_for_cpus else GRAPHQL})

    return FakeRunpod(reply)


async def test_graphql_reads_prices_stock_and_places() -> None:
    catalog = await api(public(), V1).read_catalog(cloud="SECURE", gpu_count=4)
    assert list(catalog.gpus) == ["NVIDIA L4", "NVIDIA A40"]
    gpu = catalog.gpus["NVIDIA L4"]
    assert (gpu.name, gpu.memory_gb, gpu.stock) == ("L4", 24, Stock.HIGH)
    assert gpu.clouds == {"SECURE": CloudOffer(True, 490_000, 9), "COMMUNITY": CloudOffer(False, 500_000, 1)}  # type: ignore[arg-type]
    assert gpu.stock_by_data_center == {"EU-RO-1": Stock.LOW}
    other = catalog.gpus["NVIDIA A40"]
    assert (other.max_count("SECURE"), other.stock, other.stock_by_data_center) == (8, Stock.UNKNOWN, None)
    cpu = catalog.cpus["cpu3c"]
    assert (cpu.usd_per_hour_per_vcpu, cpu.ram_gb_per_vcpu, cpu.stock) == (30_000, 2.0, Stock.MEDIUM)
    assert catalog.cpus["cpu5c"].usd_per_hour_per_vcpu is None
    center = catalog.data_centers["EU-RO-1"]
    assert (center.country, center.global_network, center.network_volumes) == ("RO", True, True)
    assert (catalog.source, catalog.gpu_count, catalog.notes) == ("graphql", 4, ())


async def test_graphql_is_asked_without_a_key_and_never_for_the_cheaper_clouds_price() -> None:
    fake = public()
    await api(fake, V1).read_catalog(cloud="COMMUNITY", gpu_count=2)
    assert {str(one.url) for one in fake.requests} == {"https://api.runpod.io/graphql"}
    assert not any("authorization" in one.headers for one in fake.requests)
    queries = [fake.body(place)["query"] for place in (0, 1)]
    assert any(
        "lowestPrice(input: {gpuCount: 2, secureCloud: false}) { stockStatus }" in query for query in queries
    )
    assert not any("uninterruptablePrice" in query for query in queries)


async def test_graphql_needs_no_key_at_all() -> None:
    catalog = await api(public(), V1, key=None).read_catalog(cloud="SECURE", gpu_count=1)
    assert catalog.gpus


async def test_graphql_places_say_nothing_about_the_community_cloud() -> None:
    catalog = await api(public(), V1).read_catalog(cloud="COMMUNITY", gpu_count=1)
    assert catalog.gpus["NVIDIA L4"].stock_by_data_center is None


@pytest.mark.parametrize(
    "bad",
    [
        answer(200, {"errors": [{"message": "Something went wrong"}], "data": None}),
        answer(200, {"errors": [{"message": "partly"}], "data": GRAPHQL}),
        answer(
            400,
            {
                "errors": [
                    {"message": 'Cannot query field "x"', "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
                ]
            },
        ),
        answer(200, {"data": None}),
        answer(200, {"data": {"gpuTypes": None, "dataCenters": []}}),
        answer(403, None),
        answer(500),
        httpx2.Response(200, text="<html>"),
    ],
)
async def test_graphql_errors_are_said_in_our_words(bad: Any) -> None:
    with pytest.raises(Failure) as caught:
        await api(public(gpus=bad), V1).read_catalog(cloud="SECURE", gpu_count=1)
    assert caught.value.code is Code.RUNPOD_UNAVAILABLE
    assert caught.value.message == "Runpod's GraphQL catalog, v1's only source of prices, could not be read."


async def test_a_retired_graphql_names_the_url_to_set() -> None:
    with pytest.raises(Failure, match=r"https://api\.runpod\.io/v2") as caught:
        await api(public(gpus=answer(410)), V1).read_catalog(cloud="SECURE", gpu_count=1)
    assert caught.value.retry is Retry.NEVER


async def test_a_rate_limited_graphql_says_how_long() -> None:
    with pytest.raises(Failure, match="60 seconds") as caught:
        await api(public(gpus=answer(429, {}, Retry_After="60")), V1).read_catalog(
            cloud="SECURE", gpu_count=1
        )
    assert caught.value.code is Code.RATE_LIMITED


@pytest.mark.parametrize("bad", [answer(400, {"errors": []}), answer(200, {"data": {}})])
async def test_graphql_leaves_out_cpus_that_could_not_be_read_and_says_so(bad: Any) -> None:
    catalog = await api(public(cpus=bad), V1).read_catalog(cloud="SECURE", gpu_count=1)
    assert catalog.cpus == {}
    assert "CPU flavors could not be read" in catalog.notes[0]


def test_every_data_center_of_the_document_has_a_country() -> None:
    assert [center for center in DATA_CENTER_IDS if country_of(center) is None] == []
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES.values())
    assert (country_of("EUR-IS-1"), country_of("EU-RO-1"), country_of("US-NEW-1")) == ("IS", "RO", None)
    assert len(COUNTRIES) == 49
