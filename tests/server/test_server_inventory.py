"""All the tools together: names, hints, schemas that every host accepts, and how much of a context they take."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from front_door import LIMITLESS, ROOMY, front_door
from mcp import MCPError

from runpod_mcp import __version__
from runpod_mcp.config import TOOLSETS
from runpod_mcp.policy.written import ASKABLE_TOOLS
from runpod_mcp.server.app import INSTRUCTIONS
from runpod_mcp.server.toolsets import CORE, tools_of

SAYS_IT_ALL = {
    "podId", "detail", "limit", "cursor", "name", "status", "gpuTypeId", "gpuCount", "cpuFlavorId", "vcpuCount",
    "cloudType", "dataCenterId", "image", "usdPerHour", "leaseEndsAt", "usdLeftOnLease", "managed", "ssh", "http",
    "envNames", "warnings", "pod", "dryRun", "quote", "candidates", "leftOut", "ignored", "notes", "budgetLeft",
    "total", "pending", "nextCursor", "gpuTypes", "dataCenters", "policy", "isDefault", "budgets",
    "containerDiskInGb", "containerRegistryAuthId", "globalNetworking", "imageName", "locked", "ports", "templateId",
    "volumeMountPath", "dockerEntrypoint", "dockerStartCmd", "minDiskBandwidthMBps", "minDownloadMbps", "minUploadMbps", "minVCPUPerGPU", "cpuFlavorPriority", "dataCenterPriority", "changed", "endedBefore", "lines", "more", "ready", "waitedSeconds",
    "tail", "timeoutSeconds", "overLimit", "clockBehindSeconds", "allowedOnly", "since",
    "usdPerHourPerPod", "podsRunning", "podsAllowed", "gpusRunning", "gpusAllowed", "leaseHours", "full",
    "allowedCudaVersions", "billedUsd", "bucket", "by", "category", "cpuFlavorIds", "dataCenterIds",
    "delayMs", "endpoint", "endpointId", "endpoints", "env", "error", "executionMs", "executionTimeoutMs",
    "flashboot", "isServerless", "jobId", "jobs", "minCudaVersion", "networkVolume", "networkVolumeId",
    "networkVolumeIds", "networkVolumes", "outputCut", "password", "registries", "registry", "removed",
    "rows", "scalerType", "scalerValue", "sizeGb", "source", "template", "templates", "type", "until",
    "username", "workerId", "workers", "workersMax",
}  # fmt: skip
"""Properties whose name says what they are, to whoever has read the tool's description."""

VERBS = {
    "run",
    "cancel",
    "purge",
    "create",
    "list",
    "get",
    "wait",
    "update",
    "start",
    "stop",
    "restart",
    "delete",
    "extend",
}


@pytest.fixture(params=["default", "limitless", "all toolsets"])
async def listed(request, tmp_path):
    toolsets = TOOLSETS if request.param == "all toolsets" else ("core",)
    policy = LIMITLESS if request.param == "limitless" else None
    async with front_door(tmp_path, policy, toolsets=toolsets) as door:
        yield await door.tools()


def as_json(tools):
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools.values()]


async def test_names_are_a_verb_and_a_noun(listed):
    for name in listed:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
        assert name.split("_")[0] in VERBS


async def test_every_tool_has_a_title_a_description_and_all_four_hints(listed):
    for tool in listed.values():
        assert tool.title
        assert 20 <= len(tool.description) <= 250
        hints = tool.annotations
        assert None not in (
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        )


async def test_hints_say_what_the_tools_do(listed):
    reading = {name for name, tool in listed.items() if tool.annotations.read_only_hint}
    assert reading == {name for name in listed if name.split("_")[0] in ("list", "get", "wait")}
    for name in ("delete_pod", "stop_pod", "update_pod", "restart_pod"):
        assert listed[name].annotations.destructive_hint
    assert not any(
        listed[name].annotations.destructive_hint
        for name in (*reading, "create_pod", "start_pod", "extend_lease")
    )
    assert not listed["create_pod"].annotations.idempotent_hint


async def test_schemas_are_plain_objects_that_every_host_takes(listed):
    for tool in listed.values():
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert not {"anyOf", "oneOf", "allOf", "not", "$ref", "$defs"} & set(schema)
            assert "$ref" not in json.dumps(schema)
        assert tool.input_schema["additionalProperties"] is False


async def test_every_property_is_described_or_says_it_all(listed):
    for tool in listed.values():
        for schema in (tool.input_schema, tool.output_schema):
            silent = {name for name, one in schema["properties"].items() if not one.get("description")}
            assert silent <= SAYS_IT_ALL, f"{tool.name}: describe {sorted(silent - SAYS_IT_ALL)}"


async def test_arguments_that_are_required_are_properties(listed):
    for tool in listed.values():
        assert set(tool.input_schema.get("required", ())) <= set(tool.input_schema["properties"])
        assert set(tool.output_schema.get("required", ())) <= set(tool.output_schema["properties"])


async def test_the_list_of_tools_is_small(listed):
    most = 16_000 if len(listed) == len(CORE) else 60_000
    assert len(json.dumps(as_json(listed), separators=(",", ":")).encode()) <= most


async def test_the_instructions_are_short_and_their_beginning_stands_alone():
    assert len(INSTRUCTIONS) < 1200
    beginning = INSTRUCTIONS[:512]
    for needed in (
        "limits a person set",
        "list_gpu_types",
        "create_pod",
        "dryRun",
        "delete_pod",
        "outcome_unknown",
    ):
        assert needed in beginning, "hosts show the first 512 characters only"
    assert re.search(r"[.:]\s", beginning[-120:]), "a sentence ends near the cut"


def test_a_policy_can_ask_about_exactly_the_tools_that_change_what_is_there():
    changing = {spec.name for spec in tools_of(TOOLSETS) if not spec.reads_only}
    assert changing - set(ASKABLE_TOOLS) <= {"run_endpoint_job", "cancel_job", "purge_endpoint_queue"}
    assert set(ASKABLE_TOOLS) <= changing


async def test_tools_named_in_words_exist(listed):
    words = INSTRUCTIONS + " ".join(tool.description for tool in listed.values())
    assert set(
        re.findall(r"\b(?:list|get|create|delete|stop|start|restart|update|wait|extend)_[a-z_]+\b", words)
    ) <= set(listed)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_both_eras_list_call_and_name_the_server(tmp_path, mode):
    async with front_door(tmp_path, ROOMY, mode=mode) as door:
        assert len(await door.tools()) >= 8
        assert (await door.call("get_budget")).ok
        assert (await door.create(gpuCounts=1)).code == "invalid_arguments"
        assert (await door.create()).ok
        info = door.client.server_info
        assert (info.name, info.version, info.title) == ("runpod-mcp", __version__, "Runpod (unofficial)")
        assert door.client.instructions == INSTRUCTIONS
        with pytest.raises(MCPError, match="Unknown tool: rent_everything"):
            await door.client.call_tool("rent_everything", {})
        await door.keep_promises()


async def test_the_name_of_an_unknown_tool_is_cut(door):
    with pytest.raises(MCPError) as raised:
        await door.client.call_tool("x" * 10_000, {})
    assert len(raised.value.error.message) < 100


async def test_a_tool_without_arguments_may_be_called_without_any(door):
    assert not (await door.client.call_tool("get_budget")).is_error
    assert not (await door.client.call_tool("list_pods")).is_error
