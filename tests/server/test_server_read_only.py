"""A server that can only look."""

from __future__ import annotations

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
