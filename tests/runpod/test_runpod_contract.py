"""Whatever either dialect sends is what Runpod's own documents allow: paths, query, bodies."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runpod_documents import CREATE_POD, V1_DOCUMENT, V2_DOCUMENT, document, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, order_of
from runpod_rules import check

from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, CUDA_VERSIONS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod import v1_body, v2_body
from runpod_mcp.runpod.api import Created

pytestmark = needs_documents

POD = {"id": "abc", "status": "RUNNING", "desiredStatus": "RUNNING"}


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
names = words.filter(lambda name: bool(clean(name)))
ids = st.from_regex(r"[a-z0-9]{6,14}", fullmatch=True)
env_names = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)
ports = st.from_regex(r"[1-9][0-9]{0,3}/(tcp|http)", fullmatch=True)
floors = st.integers(0, 1000)


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)


REQUESTS = st.fixed_dictionaries(
    {"imageName": names},
    optional={
        "allowedCudaVersions": some(CUDA_VERSIONS),
        "cloudType": st.sampled_from(["SECURE", "COMMUNITY"]),
        "computeType": st.sampled_from(["GPU", "CPU"]),
        "containerDiskInGb": st.none() | st.integers(1, 1000),
        "containerRegistryAuthId": ids,
        "countryCodes": st.lists(st.sampled_from(["US", "RO", "cz"]), max_size=2),
        "cpuFlavorIds": some(CPU_FLAVOR_IDS),
        "cpuFlavorPriority": st.sampled_from(["availability", "custom"]),
        "dataCenterIds": some(DATA_CENTER_IDS),
        "dataCenterPriority": st.sampled_from(["availability", "custom"]),
        "dockerEntrypoint": st.lists(words, max_size=3),
        "dockerStartCmd": st.lists(words, max_size=3),
        "env": st.dictionaries(
            env_names,
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
            max_size=3,
        ),
        "globalNetworking": st.booleans(),
        "gpuCount": st.integers(1, 10),
        "gpuTypeIds": some(GPU_TYPE_IDS),
        "gpuTypePriority": st.sampled_from(["availability", "custom"]),
        "interruptible": st.booleans(),
        "locked": st.booleans(),
        "minDiskBandwidthMBps": floors,
        "minDownloadMbps": floors,
        "minRAMPerGPU": floors,
        "minUploadMbps": floors,
        "minVCPUPerGPU": floors,
        "name": names,
        "networkVolumeId": ids,
        "ports": st.lists(ports, max_size=4),
        "supportPublicIp": st.booleans(),
        "templateId": ids,
        "vcpuCount": st.sampled_from([2, 4, 8, 16, 32]),
        "volumeInGb": st.none() | st.integers(0, 1000),
        "volumeMountPath": words.map(lambda word: f"/{word}"),
    },
).map(lambda fields: PodCreateInput(**fields))

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_requests_above_use_every_field() -> None:
    fields = {field.alias or name for name, field in PodCreateInput.model_fields.items()}
    assert fields == set(document(CREATE_POD)["components"]["schemas"]["PodCreateInput"]["properties"])


@many
@given(REQUESTS)
async def test_every_v1_create_is_what_both_v1_documents_allow(request: PodCreateInput) -> None:
    if v1_body.gaps(request):
        return
    fake = FakeRunpod(answer(201, POD))
    assert isinstance(await api(fake, V1).create_pod(order_of(request)), Created)
    check(V1_DOCUMENT, fake.requests[0])
    check(CREATE_POD, fake.requests[0])


@many
@given(REQUESTS)
async def test_every_v2_create_is_what_the_v2_document_allows(request: PodCreateInput) -> None:
    if v2_body.gaps(request):
        return
    fake = FakeRunpod(answer(201, POD))
    assert isinstance(await api(fake, V2).create_pod(order_of(request)), Created)
    for sent in fake.requests:
        check(V2_DOCUMENT, sent)
    assert len(fake.requests) == 1 + request.locked


READS: dict[str, list[Any]] = {
    "pods": [],
    "templates": [],
    "gpus": [],
    "cpus": [],
    "dataCenters": [],
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_pods", {}),
    ("get_pod", {"pod_id": "abc"}),
    ("stop_pod", {"pod_id": "abc"}),
    ("start_pod", {"pod_id": "abc"}),
    ("restart_pod", {"pod_id": "abc"}),
    ("delete_pod", {"pod_id": "abc"}),
    ("get_template", {"template_id": "abc"}),
    ("get_network_volume", {"volume_id": "abc"}),
]


@pytest.mark.parametrize(("call", "arguments"), CALLS)
async def test_every_other_v1_call_is_in_the_document(call: str, arguments: dict[str, Any]) -> None:
    fake = FakeRunpod(answer(200, [] if call == "list_pods" else POD))
    await getattr(api(fake, V1), call)(**arguments)
    check(V1_DOCUMENT, fake.requests[0])


@pytest.mark.parametrize(
    ("call", "arguments"),
    [*CALLS, *(("read_catalog", {"cloud": cloud, "gpu_count": 2}) for cloud in ("SECURE", "COMMUNITY"))],
)
async def test_every_other_v2_call_is_in_the_document(call: str, arguments: dict[str, Any]) -> None:
    fake = FakeRunpod(answer(200, POD | READS))
    await getattr(api(fake, V2), call)(**arguments)
    assert len(fake.requests) == (3 if call == "read_catalog" else 1)
    for request in fake.requests:
        check(V2_DOCUMENT, request)


async def test_the_search_for_a_public_template_is_in_the_document() -> None:
    fake = FakeRunpod(answer(404, {}), answer(200, READS))
    assert await api(fake, V2).get_template("abc") is None
    assert len(fake.requests) == 4
    for request in fake.requests:
        check(V2_DOCUMENT, request)


@pytest.mark.parametrize(
    ("name", "method", "url", "body"),
    [
        (V2_DOCUMENT, "POST", f"{V2}/pods", {"name": "x", "image": "y", "supportPublicIp": True}),
        (V2_DOCUMENT, "POST", f"{V2}/pods", {"name": "x", "image": "y", "gpu": {"id": "z", "amount": 1}}),
        (V2_DOCUMENT, "POST", f"{V2}/pods", {"image": "y"}),
        (V2_DOCUMENT, "GET", f"{V2}/pods?desiredStatus=RUNNING", None),
        (V2_DOCUMENT, "GET", f"{V2}/networkvolumes", None),
        (V1_DOCUMENT, "POST", f"{V1}/pods", {"gpuCounts": 4}),
        (V1_DOCUMENT, "POST", f"{V1}/pods", {"gpuTypeIds": ["NVIDIA B300 SXM6 AC"]}),
        (V1_DOCUMENT, "GET", f"{V1}/pods?limit=1", None),
        (CREATE_POD, "POST", f"{V1}/pods", {"gpuCount": 0}),
    ],
)
def test_the_check_itself_finds_what_is_wrong(name: str, method: str, url: str, body: Any) -> None:
    request = httpx2.Request(method, url, json=body, headers={"Authorization": "Bearer x"})
    with pytest.raises(Exception, match=r".+"):
        check(name, request)
