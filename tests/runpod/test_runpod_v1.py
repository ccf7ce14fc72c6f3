"""The v1 dialect over a faked wire."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from runpod_helpers import V1, FakeRunpod, answer, api, order_of, request_of

from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.api import Created, Done, Gone, NoCapacity, PodOrder, Refused, Unknown

POD = {"id": "xedezhzb9la3ye", "desiredStatus": "RUNNING", "costPerHr": "0.74"}
WHOLE = "includeMachine=true&includeNetworkVolume=true&includeSavingsPlans=true"


async def test_a_create_takes_the_whole_narrowed_lists_in_one_call() -> None:
    fake = FakeRunpod(answer(201, POD))
    request = request_of(
        gpuTypeIds=["NVIDIA L4", "NVIDIA A40"], dataCenterIds=["EU-RO-1", "US-IL-1"], gpuTypePriority="custom"
    )
    outcome = await api(fake, V1).create_pod(order_of(request))
    assert isinstance(outcome, Created)
    assert outcome.pod.usd_per_hour == 740_000
    assert fake.calls == ["POST /v1/pods"]
    assert fake.body() == {
        "name": "my pod",
        "cloudType": "SECURE",
        "computeType": "GPU",
        "imageName": "runpod/pytorch:1",
        "containerDiskInGb": 50,
        "volumeInGb": 20,
        "volumeMountPath": "/workspace",
        "ports": ["8888/http", "22/tcp"],
        "env": {"RUNPOD_MCP_RESERVATION": "res-1"},
        "interruptible": False,
        "dataCenterIds": ["EU-RO-1", "US-IL-1"],
        "dataCenterPriority": "availability",
        "gpuTypeIds": ["NVIDIA L4", "NVIDIA A40"],
        "gpuTypePriority": "custom",
        "gpuCount": 1,
    }


async def test_ids_v1_does_not_know_are_left_out_and_never_widen_the_order() -> None:
    request = request_of(allowedCudaVersions=["12.8", "14.0"])
    order = PodOrder(
        request=request,
        env={},
        gpu_type_ids=("NVIDIA B300 SXM6 AC", "NVIDIA L4"),
        data_center_ids=("US-TX-6", "EU-CZ-1"),
    )
    fake = FakeRunpod(answer(201, POD))
    await api(fake, V1).create_pod(order)
    assert fake.body()["gpuTypeIds"] == ["NVIDIA L4"]
    assert fake.body()["dataCenterIds"] == ["EU-CZ-1"]
    assert fake.body()["allowedCudaVersions"] == ["12.8"]


@pytest.mark.parametrize(
    "order",
    [
        PodOrder(request=request_of(), env={}),
        PodOrder(request=request_of(), env={}, gpu_type_ids=("NVIDIA B300 SXM6 AC",)),
        PodOrder(request=request_of(), env={}, gpu_type_ids=("NVIDIA L4",), data_center_ids=("US-TX-6",)),
        PodOrder(request=request_of(computeType="CPU"), env={}),
        PodOrder(request=request_of(allowedCudaVersions=["14.0"]), env={}, gpu_type_ids=("NVIDIA L4",)),
    ],
)
async def test_an_order_with_nothing_v1_knows_is_not_sent(order: PodOrder) -> None:
    fake = FakeRunpod(answer(201, POD))
    outcome = await api(fake, V1).create_pod(order)
    assert isinstance(outcome, Refused)
    assert (outcome.code, fake.calls) == (Code.INVALID_REQUEST, [])


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer(200, POD), Created),
        (answer(200, None), Unknown),
        (answer(201, {"error": "x"}), Unknown),
        (answer(400, {"error": "create pod: Container Disk must be less than or equal to 20 GB"}), Refused),
        (answer(400, {"error": "create pod: There are no instances currently available"}), NoCapacity),
        (answer(401, {"error": "unauthorized"}), Refused),
        (answer(410), Refused),
        (
            answer(500, {"error": "create pod: There are no instances currently available", "status": 500}),
            Unknown,
        ),
        (httpx2.ReadTimeout("slow"), Unknown),
        (httpx2.ConnectError("refused"), Refused),
    ],
)
async def test_a_create_comes_to_one_of_four_ends_and_is_sent_once(response: Any, kind: type) -> None:
    fake = FakeRunpod(response)
    assert isinstance(await api(fake, V1).create_pod(order_of()), kind)
    assert len(fake.calls) == 1


async def test_a_500_for_capacity_is_unknown_and_says_what_it_looks_like() -> None:
    full = answer(500, {"error": "create pod: There are no instances currently available", "status": 500})
    outcome = await api(FakeRunpod(full), V1).create_pod(order_of())
    assert isinstance(outcome, Unknown)
    assert isinstance(outcome.looks_like, NoCapacity)


async def test_a_retired_v1_names_the_url_to_set() -> None:
    outcome = await api(FakeRunpod(answer(410)), V1).create_pod(order_of())
    assert isinstance(outcome, Refused)
    assert "RUNPOD_API_URL" in outcome.message
    with pytest.raises(Failure, match=r"https://api\.runpod\.io/v2") as caught:
        await api(FakeRunpod(answer(410)), V1).list_pods()
    assert caught.value.code is Code.RUNPOD_UNAVAILABLE


async def test_the_list_is_bare_and_asks_for_the_machine() -> None:
    fake = FakeRunpod(answer(200, [POD, {"id": "b"}]))
    assert [pod.id for pod in await api(fake, V1).list_pods()] == ["xedezhzb9la3ye", "b"]
    assert fake.calls == [f"GET /v1/pods?{WHOLE}"]


@pytest.mark.parametrize("listed", [{"pods": []}, None, "x", [POD, {"name": "no id"}], [[]]])
async def test_a_list_that_may_not_be_whole_is_no_list(listed: Any) -> None:
    with pytest.raises(Failure, match="could not be read"):
        await api(FakeRunpod(answer(200, listed)), V1).list_pods()


@pytest.mark.parametrize("body", [{"error": "pod not found"}, {"message": "Pod not found"}])
async def test_a_missing_pod_is_none_and_gone(body: dict[str, str]) -> None:
    client = api(FakeRunpod(answer(404, body)), V1)
    assert await client.get_pod("x") is None
    assert await client.delete_pod("x") == Gone()


async def test_one_pod_is_read_with_its_machine() -> None:
    fake = FakeRunpod(answer(200, POD))
    assert (await api(fake, V1).get_pod("xedezhzb9la3ye")).id == "xedezhzb9la3ye"
    assert fake.calls == [f"GET /v1/pods/xedezhzb9la3ye?{WHOLE}"]
    with pytest.raises(Failure, match="could not be read"):
        await api(FakeRunpod(answer(200, {"x": 1})), V1).get_pod("x")


@pytest.mark.parametrize("verb", ["stop", "start", "restart"])
async def test_a_verb_is_a_path_sent_once_without_a_body(verb: str) -> None:
    fake = FakeRunpod(answer(200))
    assert await getattr(api(fake, V1), f"{verb}_pod")("abc") == Done(None)
    assert fake.calls == [f"POST /v1/pods/abc/{verb}"]
    assert fake.requests[0].content == b""


async def test_a_start_on_a_full_host_looks_like_no_capacity() -> None:
    text = "start pod: There are not enough free GPUs on the host machine to start this pod."
    outcome = await api(FakeRunpod(answer(500, {"error": text})), V1).start_pod("abc")
    assert isinstance(outcome, Unknown)
    assert isinstance(outcome.looks_like, NoCapacity)


@pytest.mark.parametrize("pod_id", ["", ".."])
async def test_what_cannot_be_an_id_never_reaches_runpod(pod_id: str) -> None:
    fake = FakeRunpod(answer(204))
    client = api(fake, V1)
    assert await client.stop_pod(pod_id) == Gone()
    assert await client.get_pod(pod_id) is None
    assert await client.get_template(pod_id) is None
    assert await client.get_network_volume(pod_id) is None
    assert fake.calls == []


async def test_a_template_is_read_also_when_it_is_public() -> None:
    template = {
        "id": "t1",
        "name": "T",
        "imageName": "img",
        "containerDiskInGb": 5,
        "volumeInGb": 6,
        "volumeMountPath": "/w",
        "ports": ["22/tcp"],
        "isServerless": True,
    }
    fake = FakeRunpod(answer(200, template))
    found = await api(fake, V1).get_template("t1")
    assert (found.image, found.container_disk_gb, found.volume_gb, found.serverless) == ("img", 5, 6, True)
    assert (found.volume_mount_path, found.ports) == ("/w", ("22/tcp",))
    query = "includeEndpointBoundTemplates=true&includePublicTemplates=true&includeRunpodTemplates=true"
    assert fake.calls == [f"GET /v1/templates/t1?{query}"]
    assert (await api(FakeRunpod(answer(200, {"id": "t"})), V1).get_template("t")).ports is None
    assert await api(FakeRunpod(answer(404, {"error": "not found"})), V1).get_template("t") is None


async def test_a_network_volume_is_read_or_none() -> None:
    volume = {"id": "v1", "name": "data", "size": 50, "dataCenterId": "EU-RO-1"}
    fake = FakeRunpod(answer(200, volume))
    assert (await api(fake, V1).get_network_volume("v1")).data_center_id == "EU-RO-1"
    assert fake.calls == ["GET /v1/networkvolumes/v1"]
    assert await api(FakeRunpod(answer(404, {})), V1).get_network_volume("x") is None


@pytest.mark.parametrize("read", ["get_template", "get_network_volume"])
async def test_a_thing_without_an_id_is_unreadable(read: str) -> None:
    with pytest.raises(Failure, match="could not be read"):
        await getattr(api(FakeRunpod(answer(200, {"name": "x"})), V1), read)("x")


async def test_it_says_what_it_is_and_closes() -> None:
    client = api(FakeRunpod(answer(200, [])), V1)
    assert (client.dialect, client.places_one) == ("v1", False)
    assert [gap.field for gap in client.gaps(request_of(gpuTypeIds=["NVIDIA B300 SXM6 AC"]))] == [
        "gpuTypeIds"
    ]
    await client.close()
