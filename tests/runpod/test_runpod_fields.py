"""Each of the 33 fields of a create, in both dialects: what is sent for it, or the gap that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from runpod_helpers import order_of, request_of

from runpod_mcp.errors import Code
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.runpod import v1_body, v2_body


class Row(NamedTuple):
    """A value for a field with what it needs beside it; then, for each dialect, where it shows, `GAP` or `ELSEWHERE`."""

    value: Any
    v1: Any
    v2: Any
    beside: Mapping[str, Any] = MappingProxyType({})


GAP = "a gap"
ELSEWHERE = "decided before or after the body is written"

CPU = {"computeType": "CPU"}
COMMUNITY = {"cloudType": "COMMUNITY"}
NETWORK = {"networkVolumeId": "vol1"}

ROWS: dict[str, Row] = {
    "allowedCudaVersions": Row(
        ["12.8"], {"allowedCudaVersions": ["12.8"]}, {"gpu.allowedCudaVersions": ["12.8"]}
    ),
    "cloudType": Row("COMMUNITY", {"cloudType": "COMMUNITY"}, {"cloud": "COMMUNITY"}),
    "computeType": Row(
        "CPU", {"computeType": "CPU", "gpuCount": None}, {"cpu.id": "cpu3c", "gpu": None, "mounts": {}}
    ),
    "containerDiskInGb": Row(7, {"containerDiskInGb": 7}, {"disk": 7}),
    "containerRegistryAuthId": Row("reg1", {"containerRegistryAuthId": "reg1"}, {"registry": "reg1"}),
    "countryCodes": Row(["CZ"], {"countryCodes": ["CZ"]}, ELSEWHERE),
    "cpuFlavorIds": Row(["cpu5g"], {"cpuFlavorIds": ["cpu5g"]}, {"cpu.id": "cpu5g"}, CPU),
    "cpuFlavorPriority": Row("custom", {"cpuFlavorPriority": "custom"}, ELSEWHERE, CPU),
    "dataCenterIds": Row(["EU-CZ-1"], {"dataCenterIds": ["EU-CZ-1"]}, {"dataCenterIds": ["EU-CZ-1"]}),
    "dataCenterPriority": Row("custom", {"dataCenterPriority": "custom"}, ELSEWHERE),
    "dockerEntrypoint": Row(["bash"], {"dockerEntrypoint": ["bash"]}, {"entrypoint": ["bash"]}),
    "dockerStartCmd": Row(["-c", "a b"], {"dockerStartCmd": ["-c", "a b"]}, {"cmd": ["-c", "a b"]}),
    "env": Row({"A": "b"}, {"env.A": "b"}, {"env.A": "b", "env.RUNPOD_MCP_RESERVATION": "res-1"}),
    "globalNetworking": Row(True, {"globalNetworking": True}, {"globalNetworking": True}),
    "gpuCount": Row(3, {"gpuCount": 3}, {"gpu.count": 3}),
    "gpuTypeIds": Row(["NVIDIA A40"], {"gpuTypeIds": ["NVIDIA A40"]}, {"gpu.id": "NVIDIA A40"}),
    "gpuTypePriority": Row("custom", {"gpuTypePriority": "custom"}, ELSEWHERE),
    "imageName": Row("img:2", {"imageName": "img:2"}, {"image": "img:2"}),
    "interruptible": Row(True, {"interruptible": True}, GAP),
    "locked": Row(True, {"locked": True}, ELSEWHERE),
    "minDiskBandwidthMBps": Row(100, {"minDiskBandwidthMBps": 100}, GAP),
    "minDownloadMbps": Row(100.5, {"minDownloadMbps": 100.5}, GAP),
    "minRAMPerGPU": Row(16, {"minRAMPerGPU": 16}, {"gpu.minRamPerGpu": 16}),
    "minUploadMbps": Row(100, {"minUploadMbps": 100}, GAP),
    "minVCPUPerGPU": Row(4, {"minVCPUPerGPU": 4}, {"gpu.minVcpuCountPerGpu": 4}),
    "name": Row("a name", {"name": "a name"}, {"name": "a name"}),
    "networkVolumeId": Row(
        "vol1",
        {"networkVolumeId": "vol1", "volumeInGb": 0},
        {"mounts": {"network": [{"volumeId": "vol1", "path": "/workspace"}]}},
    ),
    "ports": Row(["80/http"], {"ports": ["80/http"]}, {"ports": ["80/http"], "startSsh": None}),
    "supportPublicIp": Row(True, {"supportPublicIp": True}, GAP, COMMUNITY),
    "templateId": Row("tpl1", {"templateId": "tpl1"}, {"templateId": "tpl1"}),
    "vcpuCount": Row(8, {"vcpuCount": 8}, {"cpu.vcpuCount": 8}, CPU),
    "volumeInGb": Row(33, {"volumeInGb": 33}, {"mounts.persistent.size": 33}),
    "volumeMountPath": Row("/data", {"volumeMountPath": "/data"}, {"mounts.persistent.path": "/data"}),
}

FIELDS = [field.alias or name for name, field in PodCreateInput.model_fields.items()]
DIALECTS = {"v1": v1_body, "v2": v2_body}


def at(body: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, None where there is nothing."""
    found: Any = body
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    assert sorted(ROWS) == sorted(FIELDS)
    assert len(ROWS) == 33


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_field_is_in_the_table_of_the_dialect(dialect: str) -> None:
    table = DIALECTS[dialect].__doc__ or ""
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| "))
    assert [field for field in FIELDS if field not in rows.replace(",", " ").split()] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("field", FIELDS)
def test_each_field_shows_in_the_body_or_is_a_gap(field: str, dialect: str) -> None:
    row, words = ROWS[field], DIALECTS[dialect]
    expected = row.v1 if dialect == "v1" else row.v2
    request = request_of(**{**row.beside, field: row.value})
    gaps = words.gaps(request)
    if expected == GAP:
        assert [(gap.code, gap.field) for gap in gaps] == [(Code.INVALID_ARGUMENTS, field)]
        return
    assert gaps == []
    body = words.create_body(order_of(request))
    if expected == ELSEWHERE:
        assert body == words.create_body(order_of(request_of(**row.beside)))
    else:
        assert {path: at(body, path) for path in expected} == expected


NEWER: dict[str, dict[str, Any]] = {
    "cmd": {"dockerStartCmd": ["x"]},
    "entrypoint": {"dockerEntrypoint": ["x"]},
    "gpu.minRamPerGpu": {"minRAMPerGPU": 8},
    "gpu.minVcpuCountPerGpu": {"minVCPUPerGPU": 2},
}


@pytest.mark.parametrize("path", NEWER)
def test_fields_newer_than_the_august_document_are_sent_only_when_asked_for(path: str) -> None:
    assert at(v2_body.create_body(order_of()), path) is None
    assert at(v2_body.create_body(order_of(**NEWER[path])), path) is not None


def test_v2_writes_out_what_it_has_no_default_for() -> None:
    body = v2_body.create_body(order_of())
    assert set(body) == {"name", "cloud", "image", "disk", "ports", "env", "gpu", "mounts", "startSsh"}
    assert body["gpu"] == {"id": "NVIDIA L4", "count": 1}


def test_v2_says_no_storage_in_so_many_words() -> None:
    assert v2_body.create_body(order_of(volumeInGb=0))["mounts"] == {}
    assert v2_body.create_body(order_of(volumeInGb=None))["mounts"] == {}
    assert v2_body.create_body(order_of(computeType="CPU"))["mounts"] == {}


def test_a_network_volume_is_mounted_on_cpu_pods_too() -> None:
    body = v2_body.create_body(order_of(computeType="CPU", networkVolumeId="vol1", volumeMountPath="/n"))
    assert body["mounts"] == {"network": [{"volumeId": "vol1", "path": "/n"}]}


def test_a_template_may_bring_the_image_and_the_disk() -> None:
    request = PodCreateInput(templateId="tpl1", containerDiskInGb=None)
    assert v2_body.gaps(request) == []
    body = v2_body.create_body(order_of(request))
    assert body["templateId"] == "tpl1"
    assert "image" not in body
    assert "disk" not in body
    v1 = v1_body.create_body(order_of(request))
    assert (v1["containerDiskInGb"], "imageName" in v1) == (None, False)


def test_ssh_is_started_when_its_port_is_asked_for() -> None:
    assert v2_body.create_body(order_of(ports=["22/tcp"]))["startSsh"] is True
    assert "startSsh" not in v2_body.create_body(order_of(ports=["22/http", "2222/tcp"]))


def test_v1_makes_no_volume_that_was_not_quoted() -> None:
    assert v1_body.create_body(order_of(computeType="CPU"))["volumeInGb"] == 0
    assert v1_body.create_body(order_of(networkVolumeId="vol1"))["volumeInGb"] == 0
    assert v1_body.create_body(order_of(volumeInGb=None))["volumeInGb"] == 0


def test_any_data_center_will_do_when_the_order_has_none() -> None:
    assert "dataCenterIds" not in v1_body.create_body(order_of())
    assert "dataCenterIds" not in v2_body.create_body(order_of())


@pytest.mark.parametrize(
    ("gaps", "fields", "field"),
    [
        (v2_body.gaps, {"volumeInGb": 9}, "volumeInGb"),
        (v2_body.gaps, {"volumeInGb": 1}, "volumeInGb"),
        (v2_body.gaps, {"containerDiskInGb": None}, "containerDiskInGb"),
        (v2_body.gaps, {"computeType": "CPU", "volumeInGb": 20}, "volumeInGb"),
        (v1_body.gaps, {"computeType": "CPU", "volumeInGb": 20}, "volumeInGb"),
        (v1_body.gaps, {"gpuTypeIds": ["NVIDIA B300 SXM6 AC"]}, "gpuTypeIds"),
        (v1_body.gaps, {"dataCenterIds": ["US-TX-6"]}, "dataCenterIds"),
        (v1_body.gaps, {"allowedCudaVersions": ["14.0"]}, "allowedCudaVersions"),
        (v1_body.gaps, {"computeType": "CPU", "cpuFlavorIds": ["cpu9x"]}, "cpuFlavorIds"),
    ],
)
def test_a_gap_names_its_field_and_what_to_change(
    gaps: Callable[[PodCreateInput], list[Any]], fields: dict[str, Any], field: str
) -> None:
    found = gaps(request_of(**fields))
    assert [(gap.code, gap.field) for gap in found] == [(Code.INVALID_ARGUMENTS, field)]
    assert found[0].message.endswith(".")


@pytest.mark.parametrize(
    ("gaps", "fields"),
    [
        (v2_body.gaps, {}),
        (v2_body.gaps, {"volumeInGb": 10}),
        (v2_body.gaps, {"volumeInGb": 5, **NETWORK}),
        (v2_body.gaps, {"computeType": "CPU"}),
        (v2_body.gaps, {"computeType": "CPU", "volumeInGb": 0}),
        (v2_body.gaps, {"computeType": "CPU", "volumeInGb": 20, **NETWORK}),
        (v2_body.gaps, {"supportPublicIp": True}),
        (v2_body.gaps, {"supportPublicIp": False, **COMMUNITY}),
        (v2_body.gaps, {"interruptible": False, "minDownloadMbps": 0}),
        (v2_body.gaps, {"allowedCudaVersions": ["14.0"], "gpuTypeIds": ["NVIDIA B300 SXM6 AC"]}),
        (v1_body.gaps, {}),
        (v1_body.gaps, {"interruptible": True, "minDownloadMbps": 5, "supportPublicIp": True}),
        (v1_body.gaps, {"gpuTypeIds": ["NVIDIA B300 SXM6 AC", "NVIDIA L4"]}),
        (v1_body.gaps, {"computeType": "CPU", "gpuTypeIds": ["NVIDIA B300 SXM6 AC"]}),
        (v1_body.gaps, {"dataCenterIds": []}),
    ],
)
def test_what_fits_has_no_gap(gaps: Callable[[PodCreateInput], list[Any]], fields: dict[str, Any]) -> None:
    assert gaps(request_of(**fields)) == []
