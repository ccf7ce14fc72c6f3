"""The arguments of `create_pod` as the policy shapes them: what may not be had cannot even be said."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from front_door import IMAGE, L4, LIMITLESS, front_door, toml_with

from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.policy.document import read_policy
from runpod_mcp.server.input_schema import create_pod_schema, input_schema_of
from runpod_mcp.server.toolsets import CORE

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "specs" / "create-pod.openapi.yaml"
WHOLE = input_schema_of(next(spec.arguments for spec in CORE if spec.name == "create_pod"))
OURS = {"requestId", "dryRun", "leaseHours", "maxUsdPerHour"}


def shaped(**tables):
    return create_pod_schema(WHOLE, read_policy(toml_with("version = 1\n", **tables), "a test"))["properties"]


def test_gpu_types_are_the_allowed_ones_only():
    assert shaped(gpus={"allow": [L4, "*H100*"]})["gpuTypeIds"]["items"]["enum"] == [
        "NVIDIA H100 80GB HBM3",
        L4,
        "NVIDIA H100 PCIe",
        "NVIDIA H100 NVL",
    ]
    assert L4 not in shaped(gpus={"deny": [L4]})["gpuTypeIds"]["items"]["enum"]


def test_a_gpu_type_newer_than_the_document_can_be_said_when_it_is_allowed_by_name():
    new = "NVIDIA B300 SXM6 AC"
    assert shaped(gpus={"allow": [new]})["gpuTypeIds"]["items"]["enum"] == [new]


def test_when_nothing_is_allowed_the_schema_says_so():
    fields = shaped(gpus={"allow": []}, cpus={"allow": []}, pods={"countries": ["ZZ"]})
    for name in ("gpuTypeIds", "cpuFlavorIds", "dataCenterIds"):
        assert fields[name]["description"] == "The policy allows none."
        assert "enum" not in fields[name]["items"], "an empty enum is not a schema"


def test_numbers_stop_at_the_allowed_maximum():
    fields = shaped(
        gpus={"max_per_pod": 2},
        cpus={"max_vcpus_per_pod": 8},
        pods={"max_container_disk_gb": 60, "max_volume_gb": 30},
        lease={"default_hours": 1.5, "max_hours": 4},
    )
    maxima = {
        name: fields[name]["maximum"] for name in ("gpuCount", "vcpuCount", "containerDiskInGb", "volumeInGb")
    }
    assert maxima == {"gpuCount": 2, "vcpuCount": 8, "containerDiskInGb": 60, "volumeInGb": 30}
    assert (fields["leaseHours"]["maximum"], fields["leaseHours"]["default"]) == (4, 1.5)
    assert (fields["containerDiskInGb"]["default"], fields["volumeInGb"]["default"]) == (50, 20)


def test_a_default_above_the_maximum_is_not_offered():
    fields = shaped(pods={"max_container_disk_gb": 40, "max_volume_gb": 10})
    assert "default" not in fields["containerDiskInGb"]
    assert "default" not in fields["volumeInGb"]


def test_clouds_places_countries_and_flavors_are_the_allowed_ones():
    fields = shaped(
        pods={"cloud_types": ["COMMUNITY"], "data_centers": ["US-*"], "countries": ["US"]},
        cpus={"allow": ["cpu5*"]},
    )
    assert fields["cloudType"]["enum"] == ["COMMUNITY"]
    assert "default" not in fields["cloudType"]
    assert {one[:3] for one in fields["dataCenterIds"]["items"]["enum"]} == {"US-"}
    assert "default" not in fields["dataCenterIds"]
    assert fields["countryCodes"]["items"]["enum"] == ["US"]
    assert fields["cpuFlavorIds"]["items"]["enum"] == ["cpu5c", "cpu5g", "cpu5m"]


def test_images_ports_and_spot_are_told():
    fields = shaped(pods={"images": ["runpod/*"], "ports": ["22/tcp"], "interruptible": "deny"})
    assert "Allowed: runpod/*." in fields["imageName"]["description"]
    assert "Allowed: 22/tcp." in fields["ports"]["description"]
    assert fields["interruptible"]["const"] is False
    assert shaped(pods={"interruptible": "require"})["interruptible"]["const"] is True
    assert "Allowed: none." in shaped(pods={"ports": []})["ports"]["description"]


def test_shaping_changes_nothing_for_the_next_policy():
    before = repr(WHOLE)
    shaped(gpus={"allow": [L4], "max_per_pod": 1}, pods={"images": ["a"], "interruptible": "deny"})
    assert repr(WHOLE) == before


async def test_the_list_follows_the_policy_in_force(door):
    async def gpus():
        (tool,) = [tool for tool in await door.server.list_tools() if tool.name == "create_pod"]
        return tool.input_schema["properties"]["gpuTypeIds"]["items"]["enum"]

    assert L4 in await gpus()
    door.write_policy('version = 1\n[gpus]\nallow = ["NVIDIA A40"]\n')
    assert await gpus() == ["NVIDIA A40"]
    door.write_policy("nonsense")
    assert len(await gpus()) == 49, "under a broken policy the schema is whole, and nothing is rented"


async def test_what_the_schema_cannot_say_the_server_refuses_all_the_same(door):
    for arguments in [{"gpuCount": 3}, {"gpuTypeIds": ["NVIDIA H200"]}, {"leaseHours": 9}]:
        asked = {"gpuTypeIds": [L4], "imageName": IMAGE, **arguments}
        schema = (await door.tools())["create_pod"].input_schema
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(asked))
        assert (await door.call("create_pod", **asked)).code
    assert door.create_calls == 0


# without limits: the whole document


async def test_without_limits_every_choice_of_the_document_is_there(tmp_path):
    async with front_door(tmp_path, LIMITLESS) as door:
        fields = (await door.tools())["create_pod"].input_schema["properties"]
    assert fields["gpuTypeIds"]["items"]["enum"] == list(GPU_TYPE_IDS)
    assert fields["dataCenterIds"]["items"]["enum"] == list(DATA_CENTER_IDS)
    assert fields["cpuFlavorIds"]["items"]["enum"] == list(CPU_FLAVOR_IDS)
    assert len(fields) == 33 + len(OURS)


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="the create-pod document is not here")
async def test_without_limits_the_schema_is_the_documents(tmp_path):
    async with front_door(tmp_path, LIMITLESS) as door:
        fields = (await door.tools())["create_pod"].input_schema["properties"]
    document = yaml.safe_load(DOCUMENT.read_text("utf-8"))["components"]["schemas"]["PodCreateInput"][
        "properties"
    ]
    assert set(fields) - OURS == set(document)
    for name, theirs in document.items():
        ours = fields[name]
        types = ours["type"] if isinstance(ours["type"], list) else [ours["type"]]
        assert theirs.get("type", "object") == types[0], name
        assert bool(theirs.get("nullable")) == ("null" in types), name
        assert ours.get("enum") == theirs.get("enum"), name
        assert ours.get("items", {}).get("enum") == theirs.get("items", {}).get("enum") or name == "env", name
        assert ours.get("maxLength") == theirs.get("maxLength"), name
        if "default" in theirs and name != "ports":
            assert ours["default"] == theirs["default"], name
    assert ",".join(fields["ports"]["default"]) == document["ports"]["default"]
