"""Serverless endpoints over a faked wire, in both dialects."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runpod_documents import V1_DOCUMENT, V2_DOCUMENT, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, problem
from runpod_rules import check

from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.values import GPU_TYPE_IDS
from runpod_mcp.runpod.endpoints import (
    CpuChoice,
    Endpoint,
    EndpointChange,
    EndpointOrder,
    Release,
    Worker,
    cards,
)
from runpod_mcp.runpod.results import Changed, Gone, Made, NoCapacity, Refused, Unknown

L4, A5000, RTX4090 = "NVIDIA L4", "NVIDIA RTX A5000", "NVIDIA GeForce RTX 4090"
SECRET = "hunter2-hunter2"
GPUS = {
    "gpus": [
        {"id": L4, "name": "L4", "pool": "AMPERE_24", "price": {"serverless": 0.69}},
        {"id": A5000, "pool": "AMPERE_24", "price": {"serverless": 0}},
        {"id": RTX4090, "pool": "ADA_24", "price": {"serverless": 1.12}},
        {"id": "NVIDIA A40", "pool": None},
    ]
}
CPUS = {"cpus": [{"id": "cpu3c-2-4", "name": "CPU3", "price": {"serverlessPerVcpu": 0.04}}]}
IN_V2 = {
    "id": "e1",
    "name": "llm",
    "type": "QUEUE",
    "requestUrls": {"run": "https://api.runpod.ai/v2/e1/run"},
    "gpu": {
        "pools": ["AMPERE_24"],
        "excludedTypes": [A5000],
        "count": 2,
        "allowedCudaVersions": [],
        "minCudaVersion": "12.8",
    },
    "workers": {"min": 0, "max": 3, "idleTimeout": 10},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4.5},
    "dataCenterIds": ["EU-RO-1"],
    "networkVolumes": ["v1"],
    "timeout": 300000,
    "flashboot": "FLASHBOOT",
    "createdAt": "2026-11-23T12:00:00Z",
    "image": "img",
    "disk": 5,
    "ports": ["80/http"],
    "env": {"TOKEN": SECRET},
    "registry": "r1",
}
READ_V2 = Endpoint(
    id="e1",
    name="llm",
    kind="QUEUE",
    gpu_pools=("AMPERE_24",),
    excluded_gpu_type_ids=(A5000,),
    gpu_count=2,
    workers_min=0,
    workers_max=3,
    idle_timeout_seconds=10,
    scaler="QUEUE_DELAY",
    scaler_value=4.5,
    data_center_ids=("EU-RO-1",),
    network_volume_ids=("v1",),
    flashboot="FLASHBOOT",
    execution_timeout_ms=300_000,
    image="img",
    container_disk_gb=5,
    ports=("80/http",),
    env_names=("TOKEN",),
    registry_id="r1",
    min_cuda_version="12.8",
    created_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)
IN_V1 = {
    "id": "e1",
    "name": "llm",
    "computeType": "GPU",
    "templateId": "t1",
    "template": {"id": "t1", "imageName": "img", "env": {"TOKEN": SECRET}},
    "gpuTypeIds": [L4],
    "gpuCount": 2,
    "workersMin": 0,
    "workersMax": 3,
    "idleTimeout": 5,
    "scalerType": "REQUEST_COUNT",
    "scalerValue": 4,
    "dataCenterIds": ["EU-RO-1"],
    "networkVolumeId": "v1",
    "executionTimeoutMs": 600000,
    "allowedCudaVersions": ["12.8"],
    "version": 3,
    "createdAt": "2026-11-23T12:00:00Z",
    "workers": [{"id": "w1", "desiredStatus": "RUNNING", "costPerHr": 0.69, "env": {"TOKEN": SECRET}}],
}
READ_V1 = Endpoint(
    id="e1",
    name="llm",
    kind="QUEUE",
    template_id="t1",
    gpu_type_ids=(L4,),
    gpu_count=2,
    workers_min=0,
    workers_max=3,
    idle_timeout_seconds=5,
    scaler="REQUEST_COUNT",
    scaler_value=4,
    data_center_ids=("EU-RO-1",),
    network_volume_ids=("v1",),
    execution_timeout_ms=600_000,
    image="img",
    env_names=("TOKEN",),
    allowed_cuda_versions=("12.8",),
    version=3,
    created_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
    workers=(Worker(id="w1", status="RUNNING", usd_per_hour=690_000),),  # type: ignore[arg-type]
)
BODIES: dict[str, Any] = {V2: IN_V2, V1: IN_V1}
READ = {V2: READ_V2, V1: READ_V1}
WHOLE = "?includeTemplate=true&includeWorkers=true"
BOTH = pytest.mark.parametrize("url", [V2, V1])


def order(**fields: Any) -> EndpointOrder:
    return EndpointOrder(
        **({"name": "llm", "workers_max": 3, "template_id": "t1", "gpu_type_ids": (L4,)} | fields)
    )


def endpoints(fake: FakeRunpod, url: str) -> Any:
    return api(fake, url).resources.endpoints


def selling(*script: Any) -> FakeRunpod:
    return FakeRunpod(*script, by_path={"/v2/catalog/gpus": answer(200, GPUS)})


@BOTH
async def test_an_endpoint_is_listed_and_found_with_the_names_of_its_env_only(url: str) -> None:
    listed: Any = {"endpoints": [IN_V2]} if url == V2 else [IN_V1]
    fake = FakeRunpod(answer(200, listed), answer(200, BODIES[url]))
    assert await endpoints(fake, url).list_all() == [READ[url]]
    assert await endpoints(fake, url).get("e1") == READ[url]
    assert SECRET not in repr(READ[url])
    path, query = ("/v2/serverless", "") if url == V2 else ("/v1/endpoints", WHOLE)
    assert fake.calls == [f"GET {path}{query}", f"GET {path}/e1{query}"]


async def test_a_cpu_endpoint_is_read_with_its_flavors() -> None:
    v2 = {"id": "e1", "gpu": None, "cpu": [{"id": "cpu5c", "vcpuCount": 4, "memory": 8}, {"vcpuCount": 2}, 3]}
    found = await endpoints(FakeRunpod(answer(200, v2)), V2).get("e1")
    assert found.cpus == (CpuChoice(flavor_id="cpu5c", vcpu_count=4),)
    v1 = {"id": "e1", "instanceIds": ["cpu3c-8-16", "odd"]}
    found = await endpoints(FakeRunpod(answer(200, v1)), V1).get("e1")
    assert found.cpus == (CpuChoice(flavor_id="cpu3c", vcpu_count=8), CpuChoice(flavor_id="odd"))
    assert (found.workers, found.network_volume_ids, found.ports) == (None, (), ())


async def test_a_load_balancer_is_read_with_its_url() -> None:
    body = {
        "id": "e1",
        "type": "LOAD_BALANCER",
        "requestUrls": {"base": "https://e1.api.runpod.ai"},
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 3},
    }
    found = await endpoints(FakeRunpod(answer(200, body)), V2).get("e1")
    assert (found.base_url, found.scaler_value) == ("https://e1.api.runpod.ai", 3)


async def test_v2_writes_gpu_types_as_their_pools_without_every_other_card() -> None:
    fake = selling(answer(201, IN_V2))
    assert await endpoints(fake, V2).create(order(gpu_type_ids=(L4, RTX4090), gpu_count=2)) == Made(READ_V2)
    assert fake.calls == ["GET /v2/catalog/gpus", "POST /v2/serverless"]
    assert fake.body() == {
        "name": "llm",
        "type": "QUEUE",
        "templateId": "t1",
        "gpu": {"pools": ["AMPERE_24", "ADA_24"], "excludedTypes": [A5000], "count": 2},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        "workers": {"min": 0, "max": 3},
    }


async def test_a_whole_pool_needs_nothing_taken_out() -> None:
    fake = selling(answer(201, IN_V2))
    await endpoints(fake, V2).create(order(gpu_type_ids=(RTX4090,)))
    assert fake.body()["gpu"] == {"pools": ["ADA_24"], "count": 1}


async def test_a_whole_create_in_v2() -> None:
    fake = selling(answer(201, IN_V2))
    wanted = order(
        kind="LOAD_BALANCER",
        template_id=None,
        gpu_pools=("ADA_24",),
        excluded_gpu_type_ids=(RTX4090,),
        workers_min=1,
        idle_timeout_seconds=10,
        scaler="REQUEST_COUNT",
        scaler_value=2,
        data_center_ids=("EU-RO-1",),
        network_volume_ids=("v1",),
        flashboot="PRIORITY_FLASHBOOT",
        execution_timeout_ms=1000,
        image="img",
        container_disk_gb=5,
        ports=("80/http",),
        env={"TOKEN": SECRET},
        registry_id="r1",
        entrypoint=("/bin/sh",),
        start_command=("x",),
        min_cuda_version="12.8",
    )
    assert isinstance(await endpoints(fake, V2).create(wanted), Made)
    assert fake.calls == ["POST /v2/serverless"]
    assert fake.body() == {
        "name": "llm",
        "type": "LOAD_BALANCER",
        "gpu": {
            "pools": ["ADA_24"],
            "excludedTypes": [RTX4090],
            "count": 1,
            "minCudaVersion": "12.8",
        },
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 2},
        "workers": {"min": 1, "max": 3, "idleTimeout": 10},
        "dataCenterIds": ["EU-RO-1"],
        "networkVolumes": ["v1"],
        "timeout": 1000,
        "flashboot": "PRIORITY_FLASHBOOT",
        "image": "img",
        "disk": 5,
        "ports": ["80/http"],
        "env": {"TOKEN": SECRET},
        "registry": "r1",
        "entrypoint": ["/bin/sh"],
        "cmd": ["x"],
    }
    assert SECRET not in repr(wanted)


async def test_cpu_workers_are_written_in_both_dialects() -> None:
    wanted = order(gpu_type_ids=(), cpu_flavor_ids=("cpu3c", "cpu5c", "cpu3c"), vcpu_count=4)
    fake = FakeRunpod(answer(201, IN_V2))
    await endpoints(fake, V2).create(wanted)
    assert fake.body()["cpu"] == [{"id": "cpu3c", "vcpuCount": 4}, {"id": "cpu5c", "vcpuCount": 4}]
    assert "gpu" not in fake.body()
    fake = FakeRunpod(answer(200, IN_V1))
    await endpoints(fake, V1).create(order(gpu_type_ids=(), cpu_flavor_ids=("cpu3c",), vcpu_count=4))
    found = fake.body()
    assert (found["computeType"], found["cpuFlavorIds"], found["vcpuCount"]) == ("CPU", ["cpu3c"], 4)
    assert "gpuCount" not in found


async def test_a_whole_create_in_v1() -> None:
    fake = FakeRunpod(answer(200, IN_V1))
    wanted = order(
        gpu_count=2,
        idle_timeout_seconds=5,
        scaler="REQUEST_COUNT",
        data_center_ids=("EU-RO-1",),
        network_volume_ids=("v1",),
        flashboot="FLASHBOOT",
        execution_timeout_ms=600_000,
        allowed_cuda_versions=("12.8",),
    )
    assert await endpoints(fake, V1).create(wanted) == Made(READ_V1)
    assert fake.calls == ["POST /v1/endpoints"]
    assert fake.body() == {
        "name": "llm",
        "templateId": "t1",
        "computeType": "GPU",
        "gpuTypeIds": [L4],
        "gpuCount": 2,
        "dataCenterIds": ["EU-RO-1"],
        "allowedCudaVersions": ["12.8"],
        "networkVolumeId": "v1",
        "workersMin": 0,
        "workersMax": 3,
        "idleTimeout": 5,
        "scalerType": "REQUEST_COUNT",
        "scalerValue": 4,
        "executionTimeoutMs": 600000,
        "flashboot": True,
    }


async def test_several_volumes_go_to_v1_as_a_list() -> None:
    fake = FakeRunpod(answer(200, IN_V1))
    await endpoints(fake, V1).update("e1", EndpointChange(network_volume_ids=("v1", "v2")))
    assert fake.body() == {"networkVolumeIds": ["v1", "v2"]}


@BOTH
async def test_a_change_holds_only_what_is_to_change(url: str) -> None:
    fake = selling(answer(200, BODIES[url]))
    assert await endpoints(fake, url).update("e1", EndpointChange(workers_max=0)) == Changed(READ[url])
    assert fake.body() == ({"workers": {"max": 0}} if url == V2 else {"workersMax": 0})
    await endpoints(fake, url).update("e1", EndpointChange(gpu_type_ids=(RTX4090,), allowed_cuda_versions=()))
    assert fake.body() == (
        {"gpu": {"pools": ["ADA_24"], "excludedTypes": [], "allowedCudaVersions": []}}
        if url == V2
        else {"gpuTypeIds": [RTX4090], "allowedCudaVersions": []}
    )


async def test_v2_clears_what_a_change_leaves_empty() -> None:
    fake = FakeRunpod(answer(200, IN_V2))
    change = EndpointChange(registry_id="", min_cuda_version="", env={}, scaler="QUEUE_DELAY", scaler_value=1)
    await endpoints(fake, V2).update("e1", change)
    assert fake.body() == {
        "registry": None,
        "gpu": {"minCudaVersion": ""},
        "env": {},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1},
    }


@pytest.mark.parametrize(
    ("url", "wanted", "field"),
    [
        *((url, order(name=" "), "name") for url in (V2, V1)),
        *((url, order(name="x" * 192), "name") for url in (V2, V1)),
        *((url, order(gpu_type_ids=()), "gpuTypeIds") for url in (V2, V1)),
        *((url, order(cpu_flavor_ids=("cpu3c",)), "cpuFlavorIds") for url in (V2, V1)),
        *((url, order(workers_min=4), "workersMax") for url in (V2, V1)),
        *((url, order(workers_max=-1, workers_min=-1), "workersMax") for url in (V2, V1)),
        *((url, order(gpu_count=0), "gpuCount") for url in (V2, V1)),
        *((url, order(idle_timeout_seconds=0), "idleTimeout") for url in (V2, V1)),
        *((url, order(scaler="REQUEST_COUNT", scaler_value=1.5), "scalerValue") for url in (V2, V1)),
        *((url, order(execution_timeout_ms=0), "executionTimeoutMs") for url in (V2, V1)),
        *((url, EndpointChange(), None) for url in (V2, V1)),
        *((url, EndpointChange(gpu_type_ids=()), "gpuTypeIds") for url in (V2, V1)),
        (
            V2,
            order(gpu_type_ids=(), cpu_flavor_ids=("cpu3c",), min_cuda_version="12.8"),
            "allowedCudaVersions",
        ),
        (V2, order(gpu_type_ids=(), cpu_flavor_ids=("cpu3c",), vcpu_count=3), "vcpuCount"),
        (V2, order(template_id=None), "imageName"),
        (V2, order(kind="LOAD_BALANCER"), "scalerType"),
        (V2, order(scaler="REQUEST_COUNT", idle_timeout_seconds=5), "idleTimeout"),
        (V2, order(scaler_value=0.4), "scalerValue"),
        (V2, order(allowed_cuda_versions=("12.8",), min_cuda_version="12.4"), "minCudaVersion"),
        (V2, EndpointChange(scaler="QUEUE_DELAY"), "scalerType"),
        (V2, EndpointChange(scaler_value=3), "scalerType"),
        (V2, EndpointChange(vcpu_count=4), "cpuFlavorIds"),
        (V1, order(template_id=None), "templateId"),
        (V1, order(kind="LOAD_BALANCER"), "type"),
        (V1, order(image="img"), "imageName"),
        (V1, order(env={"A": "b"}), "env"),
        (V1, EndpointChange(env={}), "env"),
        (V1, order(flashboot="PRIORITY_FLASHBOOT"), "flashboot"),
        (V1, order(scaler_value=0.5), "scalerValue"),
        (V1, order(gpu_pools=("ADA_24",)), "gpuTypeIds"),
        (V1, EndpointChange(gpu_pools=("ADA_24",)), "gpuTypeIds"),
        (V1, EndpointChange(min_cuda_version=""), "minCudaVersion"),
        (V1, order(gpu_type_ids=("NVIDIA B300 SXM6 AC",)), "gpuTypeIds"),
        (V1, order(gpu_type_ids=(), cpu_flavor_ids=("cpu3m",)), "cpuFlavorIds"),
        (V1, order(data_center_ids=("US-TX-6",)), "dataCenterIds"),
        (V1, order(allowed_cuda_versions=("14.0",)), "allowedCudaVersions"),
        (V1, order(min_cuda_version="14.0"), "minCudaVersion"),
    ],
)
async def test_what_a_dialect_cannot_express_is_refused_and_nothing_is_sent(
    url: str, wanted: EndpointOrder | EndpointChange, field: str | None
) -> None:
    fake = selling(answer(200, BODIES[url]))
    shelf = endpoints(fake, url)
    outcome = await (
        shelf.create(wanted) if isinstance(wanted, EndpointOrder) else shelf.update("e1", wanted)
    )
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.field, fake.calls) == (Code.INVALID_ARGUMENTS, field, [])


async def test_a_gpu_type_that_is_in_no_pool_is_refused() -> None:
    fake = selling(answer(201, IN_V2))
    for wanted in ("NVIDIA A40", "NVIDIA B9000"):
        made = await endpoints(fake, V2).create(order(gpu_type_ids=(L4, wanted)))
        changed = await endpoints(fake, V2).update("e1", EndpointChange(gpu_type_ids=(wanted,)))
        for outcome in (made, changed):
            assert isinstance(outcome, Refused)
            assert outcome.field == "gpuTypeIds"
    assert set(fake.calls) == {"GET /v2/catalog/gpus"}


@pytest.mark.parametrize("broken", [answer(403, {}), answer(200, {"gpus": [{"pool": "ADA_24"}]})])
async def test_without_the_catalog_no_endpoint_is_made(broken: httpx2.Response) -> None:
    fake = FakeRunpod(answer(201, IN_V2), by_path={"/v2/catalog/gpus": broken})
    assert isinstance(await endpoints(fake, V2).create(order()), Refused)
    assert isinstance(await endpoints(fake, V2).update("e1", EndpointChange(gpu_type_ids=(L4,))), Refused)
    assert set(fake.calls) == {"GET /v2/catalog/gpus"}


@BOTH
@pytest.mark.parametrize(
    "lost", [httpx2.ReadTimeout("slow"), answer(500, {"error": "oops"}), answer(200, {"name": "no id"})]
)
async def test_a_create_whose_answer_is_lost_is_unknown_and_sent_once(url: str, lost: Any) -> None:
    fake = selling(lost)
    assert isinstance(await endpoints(fake, url).create(order()), Unknown)
    assert [call.partition(" ")[0] for call in fake.calls].count("POST") == 1


@BOTH
async def test_a_404_to_a_change_that_names_others_is_no_proof_that_the_endpoint_is_gone(url: str) -> None:
    shelf = endpoints(FakeRunpod(answer(404, {"detail": "resource not found"})), url)
    for change in (EndpointChange(template_id="t2"), EndpointChange(network_volume_ids=("v1",))):
        outcome = await shelf.update("e1", change)
        assert isinstance(outcome, Refused)
        assert outcome.code is Code.NOT_FOUND
    assert await shelf.update("e1", EndpointChange(name="n")) == Gone()
    assert await shelf.update("..", EndpointChange(name="n")) == Gone()
    assert await shelf.delete("e1") == Gone()


async def test_an_endpoint_that_runpod_names_as_missing_is_gone_whatever_the_change() -> None:
    fake = FakeRunpod(problem(404, "endpoint e1 not found"))
    assert await endpoints(fake, V2).update("e1", EndpointChange(template_id="t2")) == Gone()


async def test_runpods_words_about_an_endpoint_with_env_are_withheld(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = selling(problem(422, f"$.env.TOKEN: {SECRET} is odd"))
    made = await endpoints(fake, V2).create(order(env={"TOKEN": SECRET}))
    changed = await endpoints(fake, V2).update("e1", EndpointChange(env={"TOKEN": SECRET}))
    assert isinstance(made, Refused)
    assert SECRET not in repr(made) + repr(changed) + caplog.text


async def test_a_lack_of_capacity_is_no_refusal_and_loses_its_words_beside_env() -> None:
    words = "There are no longer any instances available with the requested specifications."
    fake = selling(problem(400, words))
    assert await endpoints(fake, V2).create(order()) == NoCapacity(words)
    assert await endpoints(fake, V2).create(order(env={"A": "b"})) == NoCapacity("")


WORKER = {
    "id": "w1",
    "status": "RUNNING",
    "isStale": False,
    "version": 3,
    "gpuCount": 1,
    "image": "img",
    "uptimeSeconds": 60,
    "gpuTypeId": L4,
    "dataCenterId": "EU-RO-1",
    "startedAt": "2026-11-23T12:00:00Z",
}


async def test_workers_are_read() -> None:
    fake = FakeRunpod(answer(200, {"workers": [WORKER], "summary": {}}))
    assert await endpoints(fake, V2).workers("e1") == [
        Worker(
            id="w1",
            status="RUNNING",
            stale=False,
            version=3,
            gpu_type_id=L4,
            gpu_count=1,
            data_center_id="EU-RO-1",
            image="img",
            started_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
            uptime_seconds=60,
        )
    ]
    assert fake.calls == ["GET /v2/serverless/e1/workers"]
    assert await endpoints(FakeRunpod(answer(200, IN_V1)), V1).workers("e1") == list(READ_V1.workers or ())


@BOTH
async def test_workers_of_an_endpoint_that_is_not_there_are_none(url: str) -> None:
    fake = FakeRunpod(answer(404, {"error": "endpoint not found"}))
    assert await endpoints(fake, url).workers("e1") is None
    assert await endpoints(fake, url).workers(".") is None


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (V2, {"workers": None}),
        (V2, {"workers": [WORKER, {"status": "RUNNING"}]}),
        (V1, {"id": "e1"}),
        (V1, {"id": "e1", "workers": [{"desiredStatus": "RUNNING"}]}),
    ],
)
async def test_workers_that_cannot_all_be_read_are_no_workers(url: str, body: Any) -> None:
    with pytest.raises(Failure, match="workers could not be read"):
        await endpoints(FakeRunpod(answer(200, body)), url).workers("e1")


async def test_releases_tell_the_names_of_what_changed_and_no_values() -> None:
    release = {
        "id": "r1",
        "version": 2,
        "source": "MANUAL",
        "workerCount": 1,
        "createdAt": "2026-11-23T12:00:00Z",
        "diff": [{"field": "template.env", "old": None, "new": SECRET}, 3],
    }
    found = await endpoints(FakeRunpod(answer(200, {"releases": [release]})), V2).releases("e1")
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert found == [
        Release(id="r1", version=2, source="MANUAL", created_at=at, workers=1, changed=("template.env",))
    ]
    assert await endpoints(FakeRunpod(answer(404, {})), V2).releases("e1") is None
    with pytest.raises(Failure, match="could not be read"):
        await endpoints(FakeRunpod(answer(200, {"releases": [{}]})), V2).releases("e1")


@needs_documents
async def test_a_workers_log_is_a_stream_like_a_pods() -> None:
    event = json.dumps({"ts": "2026-11-23T12:00:00Z", "source": "container", "line": "hello"})
    fake = FakeRunpod(
        httpx2.Response(
            200, headers={"Content-Type": "text/event-stream"}, content=f"data: {event}\n\n".encode()
        )
    )
    logs = await endpoints(fake, V2).worker_logs("e1", "w/1", tail=5, source="container")
    assert [line.text for line in logs.lines] == ["hello"]
    assert fake.calls == ["GET /v2/serverless/e1/workers/w%2F1/logs?tail=5&source=container"]
    check(V2_DOCUMENT, fake.requests[0])
    assert await endpoints(fake, V2).worker_logs("e1", "") is None
    assert await endpoints(fake, V2).worker_logs("..", "w") is None


async def test_what_workers_can_run_on_comes_with_list_prices_of_v2() -> None:
    fake = FakeRunpod(by_path={"/v2/catalog/gpus": answer(200, GPUS), "/v2/catalog/cpus": answer(200, CPUS)})
    found = await endpoints(fake, V2).worker_types()
    assert [(one.id, one.compute, one.pool, one.usd_per_hour) for one in found] == [
        (L4, "GPU", "AMPERE_24", 690_000),
        (A5000, "GPU", "AMPERE_24", None),
        (RTX4090, "GPU", "ADA_24", 1_120_000),
        ("NVIDIA A40", "GPU", None, None),
        ("cpu3c", "CPU", None, 40_000),
    ]
    assert cards(READ_V2, found) == (L4,)
    assert cards(READ_V1, found) == (L4,)
    assert cards(Endpoint(id="cpu"), found) == ()
    broken = FakeRunpod(answer(200, {"gpus": [], "cpus": [{"name": "no id"}]}))
    with pytest.raises(Failure, match="could not be read"):
        await endpoints(broken, V2).worker_types()


async def test_v1_says_that_only_v2_has_logs_releases_and_prices() -> None:
    fake = FakeRunpod(answer(200, []))
    shelf = endpoints(fake, V1)
    for call in (shelf.worker_logs("e1", "w1"), shelf.releases("e1"), shelf.worker_types()):
        with pytest.raises(Failure, match=r"v1 API has no .*; set RUNPOD_API_URL"):
            await call
    assert fake.calls == []


@BOTH
async def test_a_hostile_endpoint_is_read_as_little(url: str) -> None:
    odd: Any = [{"x": 1}, "", None, 3]
    body = dict.fromkeys({**IN_V2, **IN_V1}, odd) | {"id": "e1", "workers": {"min": "many"}}
    found = await endpoints(FakeRunpod(answer(200, body)), url).get("e1")
    assert found == Endpoint(id="e1", kind="QUEUE" if url == V1 else None)


words = st.text(st.characters(codec="utf-8"), max_size=6)
lists = st.lists(words, max_size=2).map(tuple)
small = st.integers(-1, 5)
FIELDS: dict[str, Any] = {
    "template_id": st.none() | words,
    "gpu_type_ids": st.lists(st.sampled_from(GPU_TYPE_IDS), max_size=2).map(tuple),
    "gpu_pools": st.lists(st.sampled_from(["ADA_24", "AMPERE_24"]), max_size=2).map(tuple),
    "gpu_count": small,
    "cpu_flavor_ids": st.lists(st.sampled_from(["cpu3c", "cpu5g", "cpu3m"]), max_size=3).map(tuple),
    "vcpu_count": st.integers(1, 8),
    "workers_min": small,
    "idle_timeout_seconds": st.none() | st.integers(0, 4000),
    "scaler": st.sampled_from(["QUEUE_DELAY", "REQUEST_COUNT"]),
    "scaler_value": st.sampled_from([0, 0.4, 0.5, 1, 2.5, 4]),
    "data_center_ids": st.lists(st.sampled_from(["EU-RO-1", "US-TX-6"]), max_size=2).map(tuple),
    "network_volume_ids": lists,
    "flashboot": st.sampled_from([None, "OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]),
    "execution_timeout_ms": st.none() | st.integers(0, 10_000),
    "image": st.none() | words,
    "container_disk_gb": st.none() | st.integers(1, 100),
    "ports": st.none() | lists,
    "env": st.dictionaries(words, words, max_size=2),
    "registry_id": st.none() | words,
    "entrypoint": lists,
    "start_command": lists,
    "allowed_cuda_versions": st.lists(st.sampled_from(["12.8", "13.0"]), max_size=2).map(tuple),
    "min_cuda_version": st.sampled_from([None, "", "12.8"]),
}
CHANGES = st.fixed_dictionaries({}, optional={**FIELDS, "name": words, "workers_max": small})
EVERY_CARD = {"gpus": [{"id": gpu, "pool": f"POOL_{place % 7}"} for place, gpu in enumerate(GPU_TYPE_IDS)]}

names = words.filter(lambda name: bool(name.strip()))
some_gpus = st.lists(st.sampled_from(GPU_TYPE_IDS), min_size=1, max_size=3).map(tuple)
cuda = st.sampled_from(
    [{}, {"allowed_cuda_versions": ("12.8", "13.0")}, {"min_cuda_version": "12.4"}, {"min_cuda_version": ""}]
)
idle = st.fixed_dictionaries({}, optional={"idle_timeout_seconds": st.integers(1, 3600)})
GPU_WORKERS = st.tuples(
    st.fixed_dictionaries({"gpu_type_ids": some_gpus}, optional={"gpu_count": st.integers(1, 8)}), cuda
)
CPU_WORKERS = st.tuples(
    st.fixed_dictionaries(
        {"cpu_flavor_ids": st.lists(st.sampled_from(["cpu3c", "cpu5g"]), min_size=1).map(tuple)},
        optional={"vcpu_count": st.sampled_from([2, 4, 8])},
    ),
    st.just({}),
)
BY_DELAY = st.tuples(st.fixed_dictionaries({}, optional={"scaler_value": st.sampled_from([1, 4, 9.0])}), idle)
BY_COUNT = st.fixed_dictionaries({"scaler": st.just("REQUEST_COUNT"), "scaler_value": st.integers(1, 9)})
GOOD_FIELDS: dict[str, Any] = {
    "workers_min": st.integers(0, 2),
    "data_center_ids": st.lists(st.sampled_from(["EU-RO-1", "US-IL-1"]), max_size=2).map(tuple),
    "network_volume_ids": lists,
    "flashboot": st.sampled_from([None, "OFF", "FLASHBOOT"]),
    "execution_timeout_ms": st.none() | st.integers(1, 10_000),
}
IN_V2_ONLY: dict[str, Any] = {
    name: FIELDS[name]
    for name in ("image", "container_disk_gb", "ports", "env", "registry_id", "entrypoint", "start_command")
}
GOOD_ORDERS = st.tuples(
    st.fixed_dictionaries({"name": names, "workers_max": st.integers(2, 9)}, optional=GOOD_FIELDS),
    GPU_WORKERS | CPU_WORKERS,
    BY_DELAY | BY_COUNT.map(lambda found: (found, {})),
).map(lambda parts: {**parts[0], **parts[1][0], **parts[1][1], **parts[2][0], **parts[2][1]})
many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@needs_documents
@many
@given(GOOD_ORDERS, st.fixed_dictionaries({}, optional=IN_V2_ONLY))
async def test_every_create_is_what_the_documents_allow(wanted: dict[str, Any], more: dict[str, Any]) -> None:
    for url, document, fields in (
        (V2, V2_DOCUMENT, {"template_id": "t1", **wanted, **more}),
        (V1, V1_DOCUMENT, {"template_id": "t1", **wanted}),
    ):
        fake = FakeRunpod(answer(201, BODIES[url]), by_path={"/v2/catalog/gpus": answer(200, EVERY_CARD)})
        assert isinstance(await endpoints(fake, url).create(EndpointOrder(**fields)), Made)
        check(document, fake.requests[-1])


@needs_documents
@many
@given(CHANGES)
async def test_every_change_is_what_the_documents_allow_or_is_not_sent(change: dict[str, Any]) -> None:
    for url, document in ((V2, V2_DOCUMENT), (V1, V1_DOCUMENT)):
        fake = FakeRunpod(answer(200, BODIES[url]), by_path={"/v2/catalog/gpus": answer(200, EVERY_CARD)})
        outcome = await endpoints(fake, url).update("e1", EndpointChange(**change))
        assert isinstance(outcome, Changed | Refused)
        sent = [request for request in fake.requests if request.method != "GET"]
        assert len(sent) == isinstance(outcome, Changed)
        for request in fake.requests:
            check(document, request)
