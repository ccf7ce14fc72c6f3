from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest
from sim_helpers import L4, create
from test_sim_endpoints import make as make_endpoint

from runpod_mcp.clock import SteppedClock
from runpod_mcp.simulator.app import Simulator

DISK = 20 * 0.10 / 720
CPU = {"gpu": None, "cpu": {"id": "cpu3c", "vcpuCount": 2}, "disk": 10}


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(datetime(2026, 11, 30, 22, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _no_lag(sim: Simulator) -> None:
    sim.settings.change({"billing_lag_seconds": 0})


async def read(http: httpx2.AsyncClient, path: str) -> dict:
    answer = await http.get(f"/v2/billing{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pods_are_billed_by_bucket_and_pod_and_split_into_parts(http, clock):
    gpu, cpu = await create(http), await create(http, **CPU)
    clock.step(hours=3)
    said = await read(http, "/pods")
    days = ["2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"]
    assert [record["startTime"] for record in said["records"]] == [days[0], days[0], days[1], days[1]]
    found = {(record["startTime"], record["podId"]): record for record in said["records"]}
    first = found[days[0], gpu["id"]]
    assert (first["gpuAmount"], first["cpuAmount"]) == (pytest.approx(0.98), 0)
    assert (first["diskAmount"], first["endTime"]) == (pytest.approx(2 * DISK), days[1])
    assert first["totalAmount"] == pytest.approx(0.98 + 2 * DISK)
    second = found[days[1], cpu["id"]]
    assert (second["gpuAmount"], second["cpuAmount"]) == (0, pytest.approx(0.06))
    assert (said["metadata"]["recordCount"], said["metadata"]["uniquePodCount"]) == (4, 2)
    assert said["metadata"]["totals"]["gpuAmount"] == pytest.approx(1.47)
    only = await read(http, f"/pods?podId={cpu['id']}")
    assert {record["podId"] for record in only["records"]} == {cpu["id"]}
    assert only["metadata"]["query"]["podId"] == cpu["id"]


@pytest.mark.parametrize(
    ("size", "starts"),
    [
        ("hour", ["2026-11-30T22", "2026-11-30T23", "2026-12-01T00"]),
        ("day", ["2026-11-30T00", "2026-12-01T00"]),
        ("week", ["2026-11-30T00"]),
        ("month", ["2026-11-01T00", "2026-12-01T00"]),
        ("year", ["2026-01-01T00"]),
    ],
)
async def test_buckets_have_a_size_and_empty_ones_are_left_out(http, clock, size, starts):
    await create(http)
    clock.step(hours=3)
    said = await read(http, f"/pods?bucketSize={size}")
    assert [record["startTime"][:13] for record in said["records"]] == starts
    assert said["metadata"]["query"]["bucketSize"] == size
    assert said["metadata"]["totals"]["totalAmount"] == pytest.approx(3 * (0.49 + DISK))


async def test_billing_knows_nothing_of_the_last_hour(http, sim, clock):
    sim.settings.change({"billing_lag_seconds": 3600})
    await create(http)
    clock.step(minutes=59)
    assert (await read(http, "/pods"))["records"] == []
    clock.step(hours=1)
    told = (await read(http, "/pods"))["metadata"]["totals"]["totalAmount"]
    assert told == pytest.approx((0.49 + DISK) * 59 / 60)
    assert sim.books.snapshot()["charged_usd"] == pytest.approx((0.49 + DISK) * 119 / 60)


async def test_the_window_is_snapped_outwards_or_counted_back(http, clock):
    await create(http)
    clock.step(days=3)
    said = await read(http, "/pods?startTime=2026-12-01T05:00:00Z&endTime=2026-12-02T05:00:00Z")
    window = {"startTime": "2026-12-01T00:00:00Z", "endTime": "2026-12-03T00:00:00Z", "bucketSize": "day"}
    assert said["metadata"]["query"] == {**window, "podId": None}
    assert len(said["records"]) == 2
    last = await read(http, "/pods?lastN=2")
    assert last["metadata"]["query"]["startTime"] == "2026-12-02T00:00:00Z"
    assert last["metadata"]["query"]["endTime"] == "2026-12-04T00:00:00Z"
    months = await read(http, "/pods?lastN=2&bucketSize=month")
    assert months["metadata"]["query"]["startTime"] == "2026-11-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bucketSize=minute", 422),
        ("lastN=0", 422),
        ("lastN=x", 422),
        ("startTime=yesterday", 422),
        ("lastN=2&startTime=2026-12-01T00:00:00Z", 400),
        ("startTime=2026-12-02T00:00:00Z&endTime=2026-12-01T00:00:00Z", 400),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(http, query, status):
    assert (await http.get(f"/v2/billing/pods?{query}")).status_code == status


async def test_a_very_long_look_back_is_answered(http):
    for size in ("year", "hour"):
        assert (await http.get(f"/v2/billing?lastN=999999&bucketSize={size}")).status_code == 200


async def test_serverless_workers_and_volumes_have_billing_of_their_own(http, clock):
    endpoint = await make_endpoint(http, workers={"min": 2, "max": 2})
    other = await make_endpoint(http)
    for tier in ("STANDARD", "HIGH_PERFORMANCE"):
        body = {"name": tier, "size": 720, "dataCenter": "EU-RO-1", "type": tier}
        await http.post("/v2/network-volumes", json=body)
    clock.step(hours=1)
    said = await read(http, "/serverless")
    (record,) = said["records"]
    assert (record["serverlessId"], record["gpuAmount"]) == (endpoint["id"], pytest.approx(2.24))
    assert (record["cpuAmount"], record["diskAmount"], record["feeAmount"]) == (0, 0, 0)
    assert (await read(http, f"/serverless?serverlessId={other['id']}"))["records"] == []
    volumes = await read(http, "/network-volumes")
    parts = [(record["standardAmount"], record["highPerformanceAmount"]) for record in volumes["records"]]
    assert sorted(parts) == [(0, pytest.approx(0.14)), (pytest.approx(0.07), 0)]
    assert volumes["metadata"]["uniqueNetworkVolumeCount"] == 2
    assert (await read(http, "/endpoints"))["records"] == []
    assert (await read(http, "/clusters?clusterId=c"))["metadata"]["query"]["clusterId"] == "c"


async def test_the_whole_bill_holds_every_family_and_equals_the_books(http, sim, clock):
    await create(http)
    await create(http, **CPU)
    await make_endpoint(http, workers={"min": 1})
    await http.post("/v2/network-volumes", json={"name": "d", "size": 100, "dataCenter": "EU-RO-1"})
    clock.step(hours=3)
    said = await read(http, "")
    totals = said["metadata"]["totals"]
    assert totals["totalAmount"] == pytest.approx(sim.books.snapshot()["charged_usd"])
    assert totals["totalAmount"] == pytest.approx(
        sum(amount for name, amount in totals.items() if name != "totalAmount")
    )
    assert totals["serverlessGpuAmount"] == pytest.approx(3 * 1.12)
    assert len(said["records"]) == 2


async def test_every_change_of_a_rate_is_in_the_bill(http, sim, clock):
    pod = await create(http, mounts={"persistent": {"size": 100, "path": "/workspace"}})
    volume = {"name": "d", "size": 100, "dataCenter": "EU-RO-1"}
    volume_id = (await http.post("/v2/network-volumes", json=volume)).json()["id"]
    endpoint = await make_endpoint(http, workers={"min": 1})
    for action in ("stop", "start"):
        clock.step(minutes=30)
        await http.post(f"/v2/pods/{pod['id']}/action", json={"action": action})
    await http.patch(f"/v2/network-volumes/{volume_id}", json={"size": 1000})
    clock.step(minutes=30)
    await http.delete(f"/v2/serverless/{endpoint['id']}")
    await http.delete(f"/v2/pods/{pod['id']}")
    clock.step(minutes=30)
    await http.delete(f"/v2/network-volumes/{volume_id}")
    clock.step(hours=5)
    totals = (await read(http, "?bucketSize=hour"))["metadata"]["totals"]
    assert totals["totalAmount"] == pytest.approx(sim.books.snapshot()["charged_usd"])
    assert totals["podGpuAmount"] == pytest.approx(0.49)
    assert totals["serverlessGpuAmount"] == pytest.approx(1.12 * 1.5)


async def test_v1_bills_pods_by_type_or_by_pod(http, clock):
    first, second = await create(http), await create(http)
    cpu = await create(http, **CPU)
    clock.step(hours=1)
    by_type = {each["gpuTypeId"]: each for each in (await http.get("/v1/billing/pods")).json()}
    assert set(by_type) == {L4, "cpu3c"}
    assert by_type[L4]["amount"] == pytest.approx(2 * (0.49 + DISK))
    assert (by_type[L4]["timeBilledMs"], by_type[L4]["diskSpaceBilledGb"]) == (7_200_000, 40)
    assert by_type[L4]["time"] == "2026-11-30 00:00:00"
    by_pod = (await http.get(f"/v1/billing/pods?grouping=podId&gpuTypeId={L4}")).json()
    assert {each["podId"] for each in by_pod} == {first["id"], second["id"]}
    one = (await http.get(f"/v1/billing/pods?grouping=podId&podId={cpu['id']}&bucketSize=hour")).json()
    assert [(each["podId"], each["time"]) for each in one] == [(cpu["id"], "2026-11-30 22:00:00")]
    assert (await http.get("/v1/billing/pods?endTime=2026-11-30T00:00:00")).json() == []
    for wrong in ("grouping=name", "bucketSize=minute", "startTime=x"):
        assert (await http.get(f"/v1/billing/pods?{wrong}")).status_code == 400


async def test_v1_bills_endpoints_and_volumes(http, clock):
    made = await make_endpoint(http, workers={"min": 2})
    body = {"name": "d", "size": 720, "dataCenter": "EU-RO-1", "type": "HIGH_PERFORMANCE"}
    await http.post("/v2/network-volumes", json=body)
    await http.post("/v2/network-volumes", json={**body, "type": "STANDARD"})
    clock.step(hours=1)
    (bill,) = (await http.get("/v1/billing/endpoints")).json()
    assert (bill["endpointId"], bill["amount"]) == (made["id"], pytest.approx(2.24))
    assert len((await http.get("/v1/billing/endpoints?grouping=podId")).json()) == 2
    template = (await http.get(f"/v1/endpoints/{made['id']}")).json()["templateId"]
    right = (
        f"endpointId={made['id']}&gpuTypeId=NVIDIA GeForce RTX 4090&imageName=mine:1&templateId={template}"
    )
    assert len((await http.get(f"/v1/billing/endpoints?{right}")).json()) == 1
    for wrong in ("endpointId=x", f"gpuTypeId={L4}", "imageName=x", "templateId=x", "dataCenterId=AP-JP-1"):
        assert (await http.get(f"/v1/billing/endpoints?{wrong}")).json() == []
    (volumes,) = (await http.get("/v1/billing/networkvolumes")).json()
    assert (volumes["amount"], volumes["diskSpaceBilledGb"]) == (pytest.approx(0.21), 1440)
    assert volumes["highPerformanceStorageAmount"] == pytest.approx(0.14)
    assert volumes["highPerformanceStorageDiskSpaceBilledGb"] == 720


async def test_faults_strike_billing(http, sim):
    sim.faults.add("billing", "unavailable", times=2)
    assert (await http.get("/v2/billing/pods")).status_code == 503
    assert (await http.get("/v1/billing/pods")).status_code == 503
    assert (await http.get("/v2/billing")).status_code == 200
