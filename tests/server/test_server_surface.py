"""What every client sees of the server before anything is called: tools, schemas, words, sizes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from front_door import LIMITLESS, FrontDoor, front_door, toml_with
from mcp import MCPError

from runpod_mcp import __version__
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.server.app import build_server

SNAPS = Path(__file__).parents[1] / "toolsnaps"
UPDATE = os.environ.get("UPDATE_TOOLSNAPS") == "1"
CORE = {
    "create_pod",
    "list_pods",
    "get_pod",
    "stop_pod",
    "delete_pod",
    "list_gpu_types",
    "list_data_centers",
    "get_budget",
}
VERBS = ("create", "list", "get", "wait_for", "update", "start", "stop", "restart", "delete", "extend")


async def listed(door: FrontDoor) -> dict[str, dict[str, Any]]:
    """The tools as they go over the wire."""
    return {
        name: tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, tool in (await door.tools()).items()
    }


async def test_each_tool_is_as_its_snapshot_says(tmp_path: Path):
    async with front_door(tmp_path, policy=None) as door:
        tools = await listed(door)
    for name, tool in tools.items():
        path, text = SNAPS / f"{name}.json", json.dumps(tool, indent=2, sort_keys=True) + "\n"
        if UPDATE:
            path.write_text(text, "utf-8")
        assert path.exists(), (
            f"no snapshot of {name}; run with UPDATE_TOOLSNAPS=1 and read it as an agent would"
        )
        assert path.read_text("utf-8") == text, (
            f"{name} changed; if that is meant, run with UPDATE_TOOLSNAPS=1"
        )
    assert {path.stem for path in SNAPS.glob("*.json")} == set(tools)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_protocol_eras_list_the_tools_and_call_one(mode: str, tmp_path: Path):
    async with front_door(tmp_path, mode=mode) as door:
        assert set(await door.tools()) >= CORE
        assert (await door.create()).ok
        assert door.client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")


async def test_names_are_a_verb_and_a_noun_and_every_annotation_is_set(door):
    for name, tool in (await door.tools()).items():
        assert name.startswith(VERBS)
        assert tool.title
        assert tool.description
        assert len(tool.description) <= 400
        hints = tool.annotations
        assert hints is not None
        given = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert None not in given
        assert hints.read_only_hint == name.startswith(("list_", "get_"))


async def test_schemas_are_flat_closed_objects_of_json_schema(door):
    for name, tool in (await listed(door)).items():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert not {"anyOf", "oneOf", "allOf", "$defs", "$ref"} & set(schema), name
            assert "$ref" not in json.dumps(schema)
            known = {
                "type",
                "description",
                "default",
                "enum",
                "items",
                "minimum",
                "exclusiveMinimum",
                "maximum",
            }
            known |= {"minLength", "maxLength", "additionalProperties", "const"}
            for field in schema["properties"].values():
                assert set(field) <= known, f"{name}: {set(field) - known} is no keyword of JSON Schema"
        assert tool["inputSchema"]["additionalProperties"] is False


async def test_the_list_of_tools_under_the_default_policy_fits_into_14000_bytes(tmp_path: Path):
    async with front_door(tmp_path, policy=None) as door:
        compact = json.dumps(list((await listed(door)).values()), separators=(",", ":"))
    assert len(compact.encode()) <= 14_000


async def test_the_schema_offers_only_what_the_policy_allows(tmp_path: Path):
    policy = toml_with(
        gpus={
            "allow": ["NVIDIA L4", "*Ada Generation", "NVIDIA B300 SXM6 AC"],
            "deny": ["*SFF*"],
            "max_per_pod": 2,
        },
        cpus={"allow": ["cpu3*"], "max_vcpus_per_pod": 4},
        pods={
            "cloud_types": ["COMMUNITY"],
            "countries": ["CZ", "RO"],
            "images": ["runpod/*"],
            "ports": ["22/tcp"],
            "max_container_disk_gb": 30,
            "max_volume_gb": 200,
            "interruptible": "deny",
        },
        lease={"default_hours": 1.5, "max_hours": 6},
    )
    async with front_door(tmp_path, policy) as door:
        fields = (await listed(door))["create_pod"]["inputSchema"]["properties"]
    offered = fields["gpuTypeIds"]["items"]["enum"]
    assert "NVIDIA B300 SXM6 AC" in offered
    assert "NVIDIA RTX 4000 SFF Ada Generation" not in offered
    assert all("Ada Generation" in one for one in offered if one not in ("NVIDIA L4", "NVIDIA B300 SXM6 AC"))
    assert fields["gpuCount"]["maximum"] == 2
    assert fields["cpuFlavorIds"]["items"]["enum"] == ["cpu3c", "cpu3g", "cpu3m"]
    assert fields["vcpuCount"]["maximum"] == 4
    assert fields["cloudType"]["enum"] == ["COMMUNITY"]
    assert "default" not in fields["cloudType"]
    assert fields["dataCenterIds"]["items"]["enum"] == ["EU-RO-1", "EU-CZ-1"]
    assert fields["countryCodes"]["items"]["enum"] == ["CZ", "RO"]
    assert (fields["containerDiskInGb"]["maximum"], fields["volumeInGb"]["maximum"]) == (30, 200)
    assert "default" not in fields["containerDiskInGb"]
    assert fields["interruptible"]["const"] is False
    assert "runpod/*" in fields["imageName"]["description"]
    assert "22/tcp" in fields["ports"]["description"]
    assert (fields["leaseHours"]["default"], fields["leaseHours"]["maximum"]) == (1.5, 6)


async def test_a_policy_that_allows_no_gpu_says_so_in_the_schema(tmp_path: Path):
    async with front_door(tmp_path, toml_with(gpus={"allow": []})) as door:
        fields = (await listed(door))["create_pod"]["inputSchema"]["properties"]
    assert fields["gpuTypeIds"]["description"] == "The policy allows none."


@pytest.mark.parametrize("policy", [LIMITLESS, "version = "], ids=["without limits", "broken"])
async def test_without_limits_the_schema_holds_every_value_of_the_document(policy: str, tmp_path: Path):
    async with front_door(tmp_path, policy) as door:
        fields = (await listed(door))["create_pod"]["inputSchema"]["properties"]
    assert len(fields) == 33 + 4
    assert fields["gpuTypeIds"]["items"]["enum"] == list(GPU_TYPE_IDS)
    assert fields["dataCenterIds"]["default"] == list(DATA_CENTER_IDS)
    assert fields["cpuFlavorIds"]["items"]["enum"] == list(CPU_FLAVOR_IDS)
    assert fields["cloudType"]["enum"] == ["SECURE", "COMMUNITY"]


async def test_the_server_says_who_it_is_and_its_first_words_stand_alone(door):
    assert door.client.server_info is not None
    assert (door.client.server_info.name, door.client.server_info.version) == ("runpod-mcp", __version__)
    words = door.client.instructions or ""
    assert len(words) < 1200
    first = words[:512]
    for needed in ("create_pod", "list_gpu_types", "delete_pod", "dryRun"):
        assert needed in first


async def test_an_unknown_tool_is_a_protocol_error(door):
    with pytest.raises(MCPError, match="Unknown tool"):
        await door.client.call_tool("rent_everything", {})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"gpuCounts": 4}, "gpuCount"),
        ({"gpu_count": 4}, "gpuCount"),
        ({"imagename": "x"}, "imageName"),
        ({"gpuTypeId": "NVIDIA L4"}, "gpuTypeIds"),
    ],
)
async def test_an_unknown_argument_is_refused_with_the_name_that_was_meant(
    door, arguments: dict[str, Any], named: str
):
    said = await door.create(**arguments)
    assert said.code == "invalid_arguments"
    assert f"did you mean {named}?" in said.text
    assert door.create_calls == 0


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ({"gpuCount": 0}, "gpuCount", "greater than or equal to 1"),
        ({"gpuCount": -1}, "gpuCount", "greater than or equal to 1"),
        ({"gpuCount": 1.5}, "gpuCount", "whole number"),
        ({"gpuCount": "two"}, "gpuCount", "whole number"),
        ({"gpuCount": True}, "gpuCount", "not true or false"),
        ({"env": {"A": 1}}, "env.A", "expected text"),
        ({"ports": ["http"]}, "ports", '"8888/http"'),
        ({"ports": ["70000/udp"]}, "ports", "70000/udp"),
        ({"ports": ["0/tcp"]}, "ports", "0/tcp"),
        ({"name": "x" * 192}, "name", "191"),
        ({"leaseHours": 0}, "leaseHours", "greater than 0"),
        ({"maxUsdPerHour": -1}, "maxUsdPerHour", "greater than 0"),
        ({"requestId": ""}, "requestId", "1 character"),
        ({"dryRun": "perhaps"}, "dryRun", "true or false"),
    ],
)
async def test_an_argument_that_makes_no_sense_names_the_field_and_what_was_expected(
    door, arguments: dict[str, Any], field: str, words: str
):
    said = await door.create(**arguments)
    assert said.code == "invalid_arguments"
    assert said.facts["field"] == field
    assert words in said.text
    assert door.create_calls == 0


async def test_a_wrong_env_value_is_never_repeated(door):
    said = await door.create(env={"TOKEN": ["very secret"]})
    assert said.code == "invalid_arguments"
    assert "very secret" not in said.text + json.dumps(said.facts)


async def test_text_and_structure_say_the_same(door):
    rented = await door.create(volumeInGb=20)
    calls = {
        "create_pod": rented,
        "dry": await door.create(dryRun=True),
        "list_pods": await door.call("list_pods"),
        "get_pod": await door.call("get_pod", podId=rented.pod_id),
        "list_gpu_types": await door.call("list_gpu_types", allowedOnly=False),
        "list_data_centers": await door.call("list_data_centers"),
        "get_budget": await door.call("get_budget"),
        "stop_pod": await door.call("stop_pod", podId=rented.pod_id),
        "delete_pod": await door.call("delete_pod", podId=rented.pod_id),
    }
    for name, said in calls.items():
        for word in words_of(said.facts):
            assert word in said.text, f"{name}: {word!r} is in the structure only"


def words_of(value: Any, key: str = "") -> list[str]:
    """The ids, names and codes in a structure: what a reader of the text must find as well."""
    if isinstance(value, dict):
        return [word for name, item in value.items() for word in words_of(item, name)]
    if isinstance(value, list):
        return [word for item in value for word in words_of(item, key)]
    named = (
        "podId",
        "gpuTypeId",
        "typeId",
        "dataCenterId",
        "status",
        "stock",
        "whyNot",
        "code",
        "image",
        "country",
    )
    return [value] if isinstance(value, str) and key in named else []


async def test_a_read_only_server_has_no_tool_that_changes_anything(door):
    server = build_server(door.house, read_only=True)
    tools = await server.list_tools()
    assert {tool.name for tool in tools} == {name for name in CORE if name.startswith(("list_", "get_"))}
