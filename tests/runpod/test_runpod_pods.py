"""Pods are read whole from either dialect, and no JSON makes the reading crash."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runpod_documents import CREATE_POD, V2_DOCUMENT, document, leaves, needs_documents

from runpod_mcp.pods.pod import Pod, PodStatus, PortMapping, SshEndpoint
from runpod_mcp.runpod import v1_pod, v2_pod

PRICES = {
    "securePrice": 0.49,
    "communityPrice": 0.44,
    "oneMonthPrice": 0.4,
    "threeMonthPrice": 0.39,
    "sixMonthPrice": 0.38,
    "oneWeekPrice": 0.41,
    "communitySpotPrice": 0.2,
    "secureSpotPrice": 0.22,
}

V1_POD: dict[str, Any] = {
    "adjustedCostPerHr": 0.69,
    "aiApiId": "ep0",
    "consumerUserId": "user_1",
    "containerDiskInGb": 50,
    "containerRegistryAuthId": "reg1",
    "costPerHr": "0.74",
    "cpuFlavorId": "cpu3c",
    "desiredStatus": "RUNNING",
    "dockerEntrypoint": ["bash"],
    "dockerStartCmd": ["-c", "run"],
    "endpointId": "ep1",
    "env": {"TOKEN": "hush", "RUNPOD_MCP_RESERVATION": "res-1"},
    "gpu": {
        "id": "NVIDIA L4",
        "count": 2,
        "displayName": "L4",
        **PRICES,
    },
    "id": "xedezhzb9la3ye",
    "image": "runpod/pytorch:1",
    "interruptible": False,
    "lastStartedAt": "2024-07-12T19:14:40.144Z",
    "lastStatusChange": "Rented by User",
    "locked": False,
    "machine": {
        "minPodGpuCount": 1,
        "gpuTypeId": "NVIDIA L4",
        "gpuType": {"id": "NVIDIA L4", "count": 1, "displayName": "L4", **PRICES},
        "cpuCount": 64,
        "cpuTypeId": "epyc",
        "cpuType": {"id": "epyc", "displayName": "EPYC", "cores": 32, "threadsPerCore": 2, "groupId": "amd"},
        "location": "RO",
        "dataCenterId": "EU-RO-1",
        "diskThroughputMBps": 5000,
        "maxDownloadSpeedMbps": 900,
        "maxUploadSpeedMbps": 800,
        "supportPublicIp": True,
        "secureCloud": True,
        "maintenanceStart": "2026-01-01",
        "maintenanceEnd": "2026-01-02",
        "maintenanceNote": "disks",
        "note": "none",
        "costPerHr": 0.74,
        "currentPricePerGpu": 0.37,
        "gpuAvailable": 3,
        "gpuDisplayName": "L4",
    },
    "machineId": "s194cr8pls2z",
    "memoryInGb": 62,
    "name": "train",
    "networkVolume": {"id": "agv6w2qcg7", "name": "data", "size": 50, "dataCenterId": "EU-RO-1"},
    "portMappings": {"22": 10341},
    "ports": ["8888/http", "22/tcp"],
    "publicIp": "100.65.0.119",
    "savingsPlans": [
        {
            "costPerHr": 0.21,
            "endTime": "2024-07-12T19:14:40.144Z",
            "gpuTypeId": "NVIDIA L4",
            "id": "sp1",
            "podId": "xedezhzb9la3ye",
            "startTime": "2024-05-12T19:14:40.144Z",
        }
    ],
    "slsVersion": 0,
    "templateId": "t1",
    "vcpuCount": 24,
    "volumeEncrypted": False,
    "volumeInGb": 20,
    "volumeMountPath": "/workspace",
}

V1_NOT_KEPT = {
    "aiApiId": "the legacy name of endpointId, which stands beside it",
    "savingsPlans.*.podId": "the pod the plan stands in",
    "machine.cpuTypeId": "cpuType.displayName says more",
    "machine.cpuType.id": "the same as cpuTypeId",
    "machine.cpuType.cores": "of the host, not of the pod",
    "machine.cpuType.threadsPerCore": "of the host, not of the pod",
    "machine.cpuType.groupId": "of the host, not of the pod",
    "machine.gpuType.id": "gpuTypeId beside it says the same",
    "machine.gpuType.count": "gpu.count says it of the pod",
    "machine.gpuType.displayName": "gpuDisplayName beside it says the same",
    **{f"machine.gpuType.{price}": "gpu has the same prices" for price in PRICES},
}

V2_POD: dict[str, Any] = {
    "id": "7h9k2m4n6p",
    "name": "train",
    "status": "RUNNING",
    "actions": ["stop", "restart", "terminate"],
    "image": "runpod/pytorch:1",
    "args": "bash -c run",
    "cmd": ["run"],
    "entrypoint": ["bash"],
    "disk": 50,
    "ports": ["8888/http", "22/tcp"],
    "env": {"TOKEN": "hush", "RUNPOD_MCP_RESERVATION": "res-1"},
    "registry": "reg1",
    "mounts": {
        "persistent": {"size": 20, "path": "/workspace"},
        "network": [{"volumeId": "v1", "path": "/net"}],
    },
    "gpu": {"id": "NVIDIA L4", "count": 2, "vcpuCount": 24, "memory": 62},
    "cpu": {"id": "cpu3c", "vcpuCount": 4, "memory": 8},
    "cloud": "SECURE",
    "dataCenterId": "US-KS-2",
    "cudaVersion": "12.8",
    "ssh": {
        "proxy": {"host": "ssh.runpod.io", "port": 22, "username": "7h9k2m4n6p-64411eb2", "command": "ssh a"},
        "direct": {"host": "195.26.233.3", "port": 34446, "username": "root", "command": "ssh b"},
    },
    "cluster": {"id": "c1", "rank": 0, "role": "RAY_HEAD", "ip": "10.0.0.1"},
    "template": "t1",
    "cost": 0.44,
    "locked": False,
    "globalNetworking": {"enabled": False, "ip": "10.1.0.1", "internalDns": "7h9k2m4n6p.runpod.internal"},
    "runtime": {
        "uptime": 3600,
        "gpus": [{"util": 1, "memoryUtil": 2}],
        "cpu": {"util": 3},
        "memory": {"util": 4},
        "ports": [{"private": 22, "public": 34446, "type": "tcp", "ip": "195.26.233.3"}],
    },
    "createdAt": "2026-06-01T12:00:00Z",
    "startedAt": "2026-06-01T12:02:00Z",
}

V2_NOT_KEPT = {
    "ssh.proxy.command": "repeats host, port and user",
    "ssh.direct.command": "repeats host, port and user",
    "cluster.rank": "the cluster's id is enough to leave the pod alone",
    "cluster.role": "the cluster's id is enough to leave the pod alone",
    "cluster.ip": "the cluster's id is enough to leave the pod alone",
    "globalNetworking.ip": "the internal name is kept",
    "runtime.gpus.*.util": "utilization of a moment",
    "runtime.gpus.*.memoryUtil": "utilization of a moment",
    "runtime.cpu.util": "utilization of a moment",
    "runtime.memory.util": "utilization of a moment",
}

V2_NEWER = ["cmd", "entrypoint", "gpu.vcpuCount", "gpu.memory"]
"""In answers since September 2026; the August document does not have them."""

CHANGED: dict[str, Any] = {
    "desiredStatus": "EXITED",
    "status": "EXITED",
    "env": {"OTHER": "x"},
    "portMappings": {"22": 10342},
    "lastStartedAt": "2025-01-01T00:00:00Z",
    "createdAt": "2025-01-01T00:00:00Z",
    "startedAt": "2025-01-01T00:00:00Z",
    "costPerHr": "0.75",
}


def changed(key: str, value: Any) -> Any:
    """Another value of the same kind."""
    if key in CHANGED:
        return CHANGED[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return [*value, "9999/tcp"]
    return f"{value}x"


def with_change(body: dict[str, Any], path: list[str]) -> dict[str, Any]:
    other = copy.deepcopy(body)
    inner: Any = other
    for key in path[:-1]:
        inner = inner[0] if key == "*" else inner[key]
    inner[path[-1]] = changed(path[-1], inner[path[-1]])
    return other


def names(document_name: str) -> list[str]:
    if not document(document_name):
        return []
    schema = document(document_name)["components"]["schemas"]["Pod"]
    return [".".join(path) for path, _ in leaves(document_name, schema)]


def show_kept(
    read: Callable[[object], Pod | None], body: dict[str, Any], name: str, not_kept: dict[str, str]
) -> None:
    if name.startswith("cpu."):
        body = {key: value for key, value in body.items() if key != "gpu"}
    if name == "mounts.network.*.path":
        body = body | {"mounts": {"network": body["mounts"]["network"]}}
    same = read(body) == read(with_change(body, name.split(".")))
    assert same is (name in not_kept)


@needs_documents
@pytest.mark.parametrize("name", names(CREATE_POD))
def test_each_property_of_a_v1_pod_is_kept_or_is_on_the_short_list(name: str) -> None:
    show_kept(v1_pod.read_pod, V1_POD, name, V1_NOT_KEPT)


@needs_documents
@pytest.mark.parametrize("name", [*names(V2_DOCUMENT), *V2_NEWER])
def test_each_property_of_a_v2_pod_is_kept_or_is_on_the_short_list(name: str) -> None:
    show_kept(v2_pod.read_pod, V2_POD, name, V2_NOT_KEPT)


@needs_documents
def test_the_v1_document_has_34_properties_and_the_example_all_of_v2s() -> None:
    assert len({name.partition(".")[0] for name in names(CREATE_POD)}) == 34
    assert {name.partition(".")[0] for name in names(V2_DOCUMENT)} <= set(V2_POD)


@needs_documents
def test_the_short_lists_hold_nothing_the_documents_do_not_have() -> None:
    assert set(V1_NOT_KEPT) <= set(names(CREATE_POD))
    assert set(V2_NOT_KEPT) <= set(names(V2_DOCUMENT))


@pytest.mark.parametrize(("read", "body"), [(v1_pod.read_pod, V1_POD), (v2_pod.read_pod, V2_POD)])
def test_env_values_are_dropped_and_the_tag_is_kept(
    read: Callable[[object], Pod], body: dict[str, Any]
) -> None:
    pod = read(body)
    assert pod.env_names == ("TOKEN", "RUNPOD_MCP_RESERVATION")
    assert pod.reservation_id == "res-1"
    assert "hush" not in repr(pod)
    listed = read(body | {"env": ["TOKEN=hush", "RUNPOD_MCP_RESERVATION=res-2", 7, "odd"]})
    assert (listed.env_names, listed.reservation_id) == (("TOKEN", "RUNPOD_MCP_RESERVATION"), "res-2")
    assert read(body | {"env": None}).env_names == ()


@pytest.mark.parametrize(
    ("read", "field", "word", "status"),
    [
        (v1_pod.read_pod, "desiredStatus", "RUNNING", PodStatus.RUNNING),
        (v1_pod.read_pod, "desiredStatus", "EXITED", PodStatus.STOPPED),
        (v1_pod.read_pod, "desiredStatus", "TERMINATED", PodStatus.TERMINATED),
        (v1_pod.read_pod, "desiredStatus", "PAUSED", PodStatus.UNKNOWN),
        (v1_pod.read_pod, "desiredStatus", None, PodStatus.UNKNOWN),
        (v1_pod.read_pod, "status", "EXITED", PodStatus.UNKNOWN),
        (v2_pod.read_pod, "status", "PROVISIONING", PodStatus.PROVISIONING),
        (v2_pod.read_pod, "status", "STARTING", PodStatus.STARTING),
        (v2_pod.read_pod, "status", "RUNNING", PodStatus.RUNNING),
        (v2_pod.read_pod, "status", "EXITED", PodStatus.STOPPED),
        (v2_pod.read_pod, "status", "ERROR", PodStatus.ERROR),
        (v2_pod.read_pod, "status", "TERMINATED", PodStatus.TERMINATED),
        (v2_pod.read_pod, "status", "exited", PodStatus.UNKNOWN),
        (v2_pod.read_pod, "status", 3, PodStatus.UNKNOWN),
        (v2_pod.read_pod, "desiredStatus", "EXITED", PodStatus.UNKNOWN),
    ],
)
def test_a_state_that_is_missing_or_new_is_unknown_and_bills(
    read: Callable[[object], Pod], field: str, word: object, status: PodStatus
) -> None:
    pod = read({"id": "a", field: word})
    assert pod.status is status
    assert pod.bills_compute is (status not in (PodStatus.STOPPED, PodStatus.TERMINATED))


def test_prices_are_read_as_numbers_and_as_strings() -> None:
    for price in (0.74, "0.74", 0.7400000095367432):
        assert v1_pod.read_pod({"id": "a", "costPerHr": price}).usd_per_hour == 740_000  # type: ignore[union-attr]
        assert v2_pod.read_pod({"id": "a", "cost": price}).usd_per_hour == 740_000  # type: ignore[union-attr]
    assert v2_pod.read_pod({"id": "a", "cost": None}).usd_per_hour is None  # type: ignore[union-attr]


def test_a_stopped_pod_has_no_ports_whatever_the_api_still_shows() -> None:
    v1 = v1_pod.read_pod(V1_POD | {"desiredStatus": "EXITED"})
    v2 = v2_pod.read_pod(V2_POD | {"status": "EXITED"})
    assert v1 is not None
    assert v2 is not None
    assert (v1.mappings, v1.public_ip, v2.mappings, v2.public_ip, v2.ssh_direct) == ((), None, (), None, None)


def test_a_running_v2_pod_shows_where_it_can_be_reached() -> None:
    pod = v2_pod.read_pod(V2_POD)
    assert pod is not None
    assert pod.mappings == (PortMapping(22, "tcp", 34446, "195.26.233.3"),)
    assert pod.public_ip == "195.26.233.3"
    assert pod.ssh_direct == SshEndpoint("195.26.233.3", 34446, "root")
    only_ssh = v2_pod.read_pod(V2_POD | {"runtime": None})
    assert only_ssh is not None
    assert (only_ssh.mappings, only_ssh.public_ip) == ((), "195.26.233.3")


def test_a_v1_pod_with_an_address_is_reachable_on_its_http_ports_too() -> None:
    pod = v1_pod.read_pod(V1_POD)
    assert pod is not None
    assert pod.mappings == (PortMapping(22, "tcp", 10341, "100.65.0.119"), PortMapping(8888, "http"))
    assert pod.is_ready
    assert pod.ssh_direct == SshEndpoint("100.65.0.119", 10341, "root")
    starting = v1_pod.read_pod(V1_POD | {"publicIp": "", "portMappings": None})
    assert starting is not None
    assert (starting.mappings, starting.ssh_direct, starting.is_ready) == ((), None, False)


def test_v1_tells_the_cloud_and_the_gpu_from_the_machine() -> None:
    community = v1_pod.read_pod({"id": "a", "machine": {"secureCloud": False, "gpuTypeId": "NVIDIA L4"}})
    assert community is not None
    assert (community.cloud, community.gpu_type_id) == ("COMMUNITY", "NVIDIA L4")
    bare = v1_pod.read_pod({"id": "a", "machine": {}})
    assert bare is not None
    assert (bare.cloud, bare.machine, bare.gpu_type_id) == (None, None, None)


def test_v1_falls_back_to_legacy_names() -> None:
    pod = v1_pod.read_pod({"id": "a", "aiApiId": "ep", "imageName": "img"})
    assert pod is not None
    assert (pod.endpoint_id, pod.image) == ("ep", "img")
    volume = v1_pod.read_pod({"id": "a", "networkVolume": {"id": "v", "dataCenterId": "EU-RO-1"}})
    assert volume is not None
    assert volume.data_center_id == "EU-RO-1"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-07-12T19:14:40.144Z", datetime(2024, 7, 12, 19, 14, 40, 144_000, UTC)),
        ("2026-08-20 10:00:00.5 +0000 UTC", datetime(2026, 8, 20, 10, 0, 0, 500_000, UTC)),
        ("2026-08-20 12:00:00 +0200 CEST", datetime(2026, 8, 20, 10, tzinfo=UTC)),
        ("2026-08-20T10:00:00", datetime(2026, 8, 20, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1_700_000_000, None),
    ],
)
def test_times_are_utc_or_none(written: object, read: datetime | None) -> None:
    pod = v1_pod.read_pod({"id": "a", "lastStartedAt": written})
    assert pod is not None
    assert pod.started_at == read


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("22/tcp"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def odd(body: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The body with anything at all in place of some of its parts, at any depth."""

    def twist(value: Any) -> st.SearchStrategy[Any]:
        if isinstance(value, dict):
            return (
                st.fixed_dictionaries({}, optional={key: twist(part) for key, part in value.items()}) | JSON
            )
        if isinstance(value, list):
            return st.lists(st.sampled_from(value).flatmap(twist), max_size=2) | JSON
        return st.just(value) | JSON

    return st.fixed_dictionaries({}, optional={key: twist(part) for key, part in body.items() if key != "id"})


@given(odd(V1_POD), st.text(min_size=1).filter(lambda text: bool(text.strip(" .") and text.strip())))
def test_any_v1_object_with_an_id_is_a_pod(body: dict[str, Any], pod_id: str) -> None:
    pod = v1_pod.read_pod(body | {"id": pod_id})
    assert isinstance(pod, Pod)
    repr(pod).encode()


@given(odd(V2_POD), st.text(min_size=1).filter(lambda text: bool(text.strip(" .") and text.strip())))
def test_any_v2_object_with_an_id_is_a_pod(body: dict[str, Any], pod_id: str) -> None:
    pod = v2_pod.read_pod(body | {"id": pod_id})
    assert isinstance(pod, Pod)
    repr(pod).encode()


@given(JSON)
def test_anything_without_an_id_is_no_pod(value: Any) -> None:
    if isinstance(value, dict):
        value.pop("id", None)
    assert v1_pod.read_pod(value) is None
    assert v2_pod.read_pod(value) is None


@pytest.mark.parametrize("pod_id", [None, "", " ", ".", "..", 7, True, ["a"], {"a": 1}])
def test_an_id_that_could_be_no_path_is_no_id(pod_id: object) -> None:
    assert v1_pod.read_pod({"id": pod_id}) is None
    assert v2_pod.read_pod({"id": pod_id}) is None


def test_a_port_nobody_can_name_is_left_out() -> None:
    ports = [{"private": None, "type": "tcp"}, {"private": 22}, "22", {"private": 80, "type": "http"}]
    pod = v2_pod.read_pod(V2_POD | {"runtime": {"ports": ports}})
    assert pod is not None
    assert pod.mappings == (PortMapping(80, "http"),)
