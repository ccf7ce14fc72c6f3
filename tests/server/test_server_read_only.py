"""A server that can only look."""

from __future__ import annotations

import pytest
from front_door import IMAGE, L4
from mcp import Client, MCPError

from runpod_mcp.server.app import build_server

LOOKING = (
    "list_pods",
    "get_pod",
    "wait_for_pod",
    "get_pod_logs",
    "list_gpu_types",
    "list_data_centers",
    "get_budget",
)


async def test_a_read_only_server_has_no_tool_that_changes_anything(door):
    server = build_server(door.house, read_only=True)
    tools = await server.list_tools()
    assert {tool.name for tool in tools} == set(LOOKING)


async def test_what_a_read_only_server_does_not_offer_is_refused_with_its_code(door):
    async with Client(build_server(door.house, read_only=True)) as client:
        said = await client.call_tool("create_pod", {"gpuTypeIds": [L4], "imageName": IMAGE})
        assert said.is_error
        assert said.structured_content["code"] == "read_only"
        assert "--read-only" in said.content[0].text
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("rent_everything", {})
    assert door.create_calls == 0


@pytest.mark.parametrize("toolset", ["storage", "templates", "registries", "billing", "endpoints"])
async def test_of_every_toolset_only_what_looks_is_left(door, toolset):
    server = build_server(door.house, read_only=True, toolsets=("core", toolset))
    names = {tool.name for tool in await server.list_tools()} - set(LOOKING)
    assert names
    assert {name.split("_")[0] for name in names} <= {"list", "get"}
