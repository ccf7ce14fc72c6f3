"""Arguments are read strictly, and what is wrong with them is said in words that can be acted on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from front_door import IMAGE, L4, FrontDoor, front_door

from runpod_mcp.config import TOOLSETS
from runpod_mcp.server.failures import MOST_DEPTH

WRONG = [
    ({"gpuCount": "two"}, "gpuCount", "whole number"),
    ({"gpuCount": 1.5}, "gpuCount", "whole number"),
    ({"gpuCount": True}, "gpuCount", "not true or false"),
    ({"containerDiskInGb": 10**18}, "containerDiskInGb", "a number of at most 1,000,000,000"),
    ({"volumeInGb": str(10**12)}, "volumeInGb", "a number of at most 1,000,000,000"),
    ({"gpuCount": 10**4000}, "gpuCount", "a number of at most 1,000,000,000"),
    ({"leaseHours": 10**400}, "leaseHours", "a number"),
    ({"gpuCount": 0}, "gpuCount", "greater than or equal to 1"),
    ({"gpuTypeIds": "NVIDIA L4"}, "gpuTypeIds", "expected a list"),
    ({"gpuTypeIds": [4090]}, "gpuTypeIds.0", "expected text"),
    ({"env": ["A=b"]}, "env", "object with text values"),
    ({"env": {"A": 1}}, "env.A", "expected text"),
    ({"ports": ["8888"]}, "ports", "8888/http"),
    ({"ports": ["99999/http"]}, "ports", "1 to 65535"),
    ({"cloudType": "PRIVATE"}, "cloudType", "'SECURE'"),
    ({"leaseHours": 0}, "leaseHours", "greater than 0"),
    ({"leaseHours": "soon"}, "leaseHours", "expected a number"),
    ({"maxUsdPerHour": -1}, "maxUsdPerHour", "greater than 0"),
    ({"interruptible": "maybe"}, "interruptible", "true or false"),
    ({"volumeMountPath": "workspace"}, "volumeMountPath", "absolute path"),
    ({"name": " "}, "name", "needs a name"),
    ({"name": "\u200b\u2060"}, "name", "a name that can be seen"),
    ({"ports": [f"{number}/tcp" for number in range(1, 52)]}, "ports", "at most 50 ports, not 51"),
    ({"env": {"RUNPOD_MCP_RESERVATION": "r-1"}}, "env", "the variable RUNPOD_MCP_RESERVATION is set"),
    ({"gpuTypeIds": ["zzz"]}, "gpuTypeIds", "there is no GPU type 'zzz'."),
    ({"gpuTypeIds": ["RTX 4090"]}, "gpuTypeIds", "did you mean 'NVIDIA GeForce RTX 4090'?"),
    ({"dataCenterIds": ["QQ"]}, "dataCenterIds", "there is no data center 'QQ'."),
    ({"gpuCounts": 1}, "gpuCounts", "did you mean gpuCount?"),
    ({"countryCodes": ["Czechia"]}, "countryCodes", "two-letter"),
    ({"requestId": ""}, "requestId", "at least 1"),
]


@pytest.mark.parametrize(("arguments", "field", "words"), WRONG, ids=[repr(one[0])[:30] for one in WRONG])
async def test_a_wrong_argument_is_named_with_what_was_expected(door, arguments, field, words):
    said = await door.create(**arguments)
    assert said.code == "invalid_arguments"
    assert said.facts["field"] == field
    assert words in said.text
    assert field in said.text
    assert said.facts["retry"] == "changed"
    for noise in ("pydantic", "validation error", "type=", "Value error", "https://"):
        assert noise not in said.text
    assert said.facts["message"][-1] in ".?", "a sentence ends once"
    assert said.facts["message"][-2] not in ".?!;:"
    assert door.create_calls == 0


async def test_without_an_image_or_a_template_it_is_said_which_is_needed(door):
    said = await door.call("create_pod", gpuTypeIds=[L4])
    assert said.code == "invalid_arguments"
    assert "imageName" in said.text
    assert "templateId" in said.text


async def test_several_wrong_arguments_are_counted(door):
    said = await door.create(gpuCount="two", leaseHours="soon", cloudType="PRIVATE")
    assert "(2 more.)" in said.text


@pytest.mark.parametrize(
    ("tool", "name", "meant"),
    [
        ("create_pod", "gpu_type_ids", "gpuTypeIds"),
        ("create_pod", "gpuTypeId", "gpuTypeIds"),
        ("create_pod", "image", "imageName"),
        ("create_pod", "dry_run", "dryRun"),
        ("create_pod", "lease_hours", "leaseHours"),
        ("create_pod", "maxPricePerHour", "maxUsdPerHour"),
        ("delete_pod", "pod_id", "podId"),
        ("delete_pod", "id", "podId"),
        ("list_gpu_types", "count", "gpuCount"),
        ("get_pod", "details", "detail"),
    ],
)
async def test_an_unknown_argument_names_the_nearest_or_all_there_are(door, tool, name, meant):
    said = await door.call(tool, **{name: "x"})
    assert said.code == "invalid_arguments"
    assert meant in said.text
    assert "There is no argument" in said.text or "there is no argument" in said.text


async def test_an_unknown_argument_of_a_tool_without_any_says_that(door):
    said = await door.call("get_budget", verbose=True)
    assert said.code == "invalid_arguments"
    assert "takes none" in said.text


async def test_a_missing_argument_is_named(door):
    said = await door.call("delete_pod")
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "podId")
    assert "podId is missing" in said.text


async def test_null_means_left_out(door):
    said = await door.create(templateId=None, networkVolumeId=None, leaseHours=None, requestId=None, env=None)
    assert said.ok
    assert (await door.call("list_pods", cursor=None, limit=None)).ok


@pytest.mark.parametrize("name", ["cursor", "gpuTypeId", "dataCenterId", "name"])
async def test_a_filter_or_cursor_that_a_model_fills_in_with_nothing_hides_no_pod(door, name):
    """A list without the pod that was just rented invites another one."""
    rented = await door.create()
    listed = await door.call("list_pods", **{name: ""})
    assert listed.ok, listed.text
    assert [pod["podId"] for pod in listed.facts["pods"]] == [rented.pod_id]


async def test_lists_and_objects_that_a_client_packed_into_text_are_unpacked(door):
    said = await door.call(
        "create_pod",
        gpuTypeIds=json.dumps([L4]),
        env=json.dumps({"MODE": "train"}),
        dockerStartCmd='["sleep", "60"]',
        imageName=IMAGE,
    )
    assert said.pod["gpuTypeId"] == L4
    assert door.live[0]["env"]["MODE"] == "train"
    assert door.bodies()[0]["cmd"] == ["sleep", "60"]


async def test_text_that_only_looks_like_json_stays_text(door):
    assert (await door.create(name='["a"]')).pod["name"] == '["a"]'
    assert (await door.create(ports="8888/http,22/tcp")).ok, "the document's own default is such a text"
    assert (await door.create(gpuTypeIds="4")).code == "invalid_arguments"
    assert (await door.create(gpuTypeIds="[" * 100_000)).code == "invalid_arguments"


async def test_odd_values_cannot_break_a_reply(door):
    for odd in ("\x1b[31m\n\n", "x" * 10_000, "\u202e", "'; DROP TABLE leases; --"):
        for name in ("gpuTypeIds", "dataCenterIds", "countryCodes"):
            said = await door.create(**{name: [odd]})
            assert not said.ok
            assert len(said.text) < 700
            assert "\x1b" not in said.text
        said = await door.call("get_pod", podId=odd)
        assert said.code == "invalid_arguments"
        assert len(said.text) < 300


@pytest.fixture
async def every_tool(tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with front_door(tmp_path, toolsets=tuple(TOOLSETS)) as opened:
        yield opened


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31"])
@pytest.mark.parametrize(
    ("tool", "more", "field"),
    [
        ("get_pod_logs", {"podId": "abc"}, "since"),
        ("get_endpoint_logs", {"endpointId": "abc", "workerId": "w"}, "since"),
        ("get_spending", {}, "since"),
        ("get_spending", {}, "until"),
    ],
)
async def test_times_of_no_sense_are_refused_by_name(every_tool, tool, more, field, when):
    said = await every_tool.call(tool, **more, **{field: when})
    assert (said.code, said.facts["field"]) == ("invalid_arguments", field)
    assert "between the years 2000 and 2200" in said.text


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("list_pods", {"name": "\ud800"}, "name"),
        ("list_templates", {"name": "a\udfffb"}, "name"),
        ("create_pod", {"gpuTypeIds": [L4, "\ud800"]}, "gpuTypeIds"),
        ("create_pod", {"gpuTypeIds": '["\\ud800"]'}, "gpuTypeIds"),
        ("update_pod", {"podId": "abc", "env": '{"\\ud800": "x"}'}, "env"),
        ("run_endpoint_job", {"endpointId": "abc", "input": {"a": [{"b": "\ud800"}]}}, "input"),
        ("create_registry", {"name": "x", "username": "u", "password": "\ud800"}, "password"),
        ("get_budget", {"x": "\ud800"}, "x"),
        ("get_budget", {"\ud800": 1}, None),
    ],
)
async def test_half_characters_are_refused_by_name(every_tool, tool, arguments, field):
    said = await every_tool.call(tool, **arguments)
    assert said.code == "invalid_arguments"
    assert said.facts.get("field") == field or field is None
    assert "half a character" in said.text or field is None


async def test_values_nested_too_deep_are_refused_by_name(every_tool):
    deep: Any = "x"
    for _ in range(MOST_DEPTH + 1):
        deep = {"a": deep} if isinstance(deep, list) else [deep]
    for one in ({"a": deep}, json.dumps({"a": deep}), '{"a":' * 500 + "1" + "}" * 500):
        said = await every_tool.call("run_endpoint_job", endpointId="abc", input=one)
        assert (said.code, said.facts["field"]) == ("invalid_arguments", "input")
        assert "nested" in said.text
    shallow = await every_tool.call("run_endpoint_job", endpointId="abc", input=deep[0])
    assert shallow.code in ("not_managed", "not_found")


async def test_an_object_of_any_values_is_not_said_to_hold_text(every_tool):
    free = await every_tool.call("run_endpoint_job", endpointId="abc", input="[[[")
    assert "input: expected an object." in free.text
    env = await every_tool.create(env="[[[")
    assert "env: expected an object with text values" in env.text


async def test_spending_until_a_future_that_has_not_begun_names_until(every_tool):
    said = await every_tool.call("get_spending", until="2150-01-01")
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "until")
    both = await every_tool.call("get_spending", since="2149-01-01", until="2150-01-01")
    assert both.facts["field"] == "since"
    assert (await every_tool.call("get_spending", until="2026-11-24")).ok
