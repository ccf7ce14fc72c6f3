"""Resources and prompts: the same facts as the tools, in the words of the policy, without its secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from front_door import IMAGE, FrontDoor, front_door, toml_with
from mcp import MCPError
from mcp_types import INVALID_PARAMS

SECRET_HOOK = "https://example.com/hook?token=swordfish"


async def read(door: FrontDoor, uri: str) -> dict[str, Any]:
    (content,) = (await door.client.read_resource(uri)).contents
    assert content.mime_type == "application/json"
    facts: dict[str, Any] = json.loads(content.text)
    return facts


async def test_the_policy_is_shown_in_dollars_and_without_its_webhook(door):
    door.write_policy(
        toml_with(
            budget={"usd_per_day": 12.5},
            approval={"above_usd_per_hour": 0.8},
            notify={"webhook": SECRET_HOOK},
        )
    )
    facts = await read(door, "runpod://policy")
    assert facts["budget"]["usd_per_day"] == 12.5
    assert facts["approval"]["above_usd_per_hour"] == 0.8
    assert facts["gpus"]["max_per_pod"] == 2
    assert facts["policy"] == str(door.policy_path)
    assert "swordfish" not in json.dumps(facts)


async def test_the_budget_is_the_same_as_get_budget_says(door):
    await door.create()
    assert await read(door, "runpod://budget") == (await door.call("get_budget")).facts


async def test_a_pod_is_the_same_as_get_pod_says(both):
    pod = (await both.create(env={"TOKEN": "hunter2"})).pod_id
    facts = await read(both, f"runpod://pods/{pod}")
    assert facts == (await both.call("get_pod", podId=pod)).pod
    assert facts["image"] == IMAGE
    assert "hunter2" not in json.dumps(facts)


@pytest.mark.parametrize("uri", ["runpod://pods/nosuchpod", "runpod://pods/..%2Fpods", "runpod://nothing"])
async def test_what_is_not_there_is_said_to_be(door, uri):
    with pytest.raises(MCPError):
        await door.client.read_resource(uri)


@pytest.mark.parametrize("odd", ["x" * 65, "a%3Fb%3D1", "a%23b", "%20", "%ED%A0%80", "a.b"])
async def test_what_is_no_pod_id_is_said_to_be_none_and_runpod_is_not_asked(door, odd):
    with pytest.raises(MCPError, match="not a pod id") as caught:
        await door.client.read_resource(f"runpod://pods/{odd}")
    assert caught.value.code == INVALID_PARAMS
    assert not door.sim.requests.seen


async def test_a_pod_that_is_not_there_is_no_failure_of_the_server(door):
    with pytest.raises(MCPError, match="not_found") as caught:
        await door.client.read_resource("runpod://pods/nosuchpod")
    assert caught.value.code == INVALID_PARAMS


async def test_a_broken_policy_is_said_with_its_code(door):
    door.write_policy("version = ")
    with pytest.raises(MCPError, match="policy_broken"):
        await door.client.read_resource("runpod://policy")


async def test_resources_are_listed_with_words(door):
    listed = {str(one.uri): one for one in (await door.client.list_resources()).resources}
    assert set(listed) == {"runpod://policy", "runpod://budget"}
    (template,) = (await door.client.list_resource_templates()).resource_templates
    assert "runpod://pods/" in template.uri_template
    for one in (*listed.values(), template):
        assert one.title
        assert one.description


async def test_prompts_lead_through_the_tools_that_exist(door):
    prompts = {one.name: one for one in (await door.client.list_prompts()).prompts}
    assert set(prompts) == {"rent_a_gpu", "what_am_i_paying_for"}
    rent = await door.client.get_prompt("rent_a_gpu", {"job": "Train for 3 h\x1b[31m\non 24 GB"})
    text = rent.messages[0].content.text
    assert "Train for 3 h" in text
    assert "\x1b" not in text
    paying = await door.client.get_prompt("what_am_i_paying_for")
    tools = await door.tools()
    for words in (text, paying.messages[0].content.text):
        named = {word.strip(".,:;()") for word in words.split() if "_" in word} - {"outcome_unknown"}
        assert named <= set(tools), named - set(tools)


async def test_a_prompt_without_its_job_is_refused(door):
    with pytest.raises(MCPError):
        await door.client.get_prompt("rent_a_gpu", {})


async def test_resources_work_in_both_eras(tmp_path):
    for mode in ("auto", "legacy"):
        async with front_door(tmp_path, mode=mode) as door:
            assert (await read(door, "runpod://budget"))["budgets"]
