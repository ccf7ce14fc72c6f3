"""Every operation of Runpod's API for pods, catalog, volumes, templates, registries, billing and serverless has a tool.

`tests/runpod/operations_table.py` says which method of ours calls an operation; here stands which tool leads there, or
why none does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runpod_mcp.config import TOOLSETS
from runpod_mcp.server.toolsets import tools_of

sys.path.append(str(Path(__file__).parents[1] / "runpod"))
from operations_table import OPERATIONS, LeftOut

TOOLS = {spec.name: spec for spec in tools_of(TOOLSETS)}

TOOL_OF: dict[str, tuple[str, ...] | str] = {
    "list_pods": ("list_pods",),
    "create_pod": ("create_pod",),
    "get_pod": ("get_pod", "wait_for_pod"),
    "update_pod": ("update_pod",),
    "delete_pod": ("delete_pod",),
    "start_pod": ("start_pod",),
    "stop_pod": ("stop_pod",),
    "restart_pod": ("restart_pod",),
    "reset_pod": ("restart_pod",),
    "read_logs": ("get_pod_logs",),
    "read_catalog": ("list_gpu_types", "list_data_centers"),
    "resources.volumes.list_all": ("list_network_volumes",),
    "resources.volumes.get": ("get_network_volume",),
    "resources.volumes.create": ("create_network_volume",),
    "resources.volumes.update": ("update_network_volume",),
    "resources.volumes.delete": ("delete_network_volume",),
    "resources.templates.list_all": ("list_templates",),
    "resources.templates.list_public": ("list_templates",),
    "resources.templates.get": ("get_template",),
    "resources.templates.create": ("create_template",),
    "resources.templates.update": ("update_template",),
    "resources.templates.delete": ("delete_template",),
    "resources.registries.list_all": ("list_registries",),
    "resources.registries.get": "a credential is an id and a name, which the list shows; the rest is write-only",
    "resources.registries.create": ("create_registry",),
    "resources.registries.delete": ("delete_registry",),
    "resources.billing.read": ("get_spending",),
    "resources.endpoints.list_all": ("list_endpoints",),
    "resources.endpoints.get": ("get_endpoint",),
    "resources.endpoints.create": ("create_endpoint",),
    "resources.endpoints.update": ("update_endpoint",),
    "resources.endpoints.delete": ("delete_endpoint",),
    "resources.endpoints.workers": ("list_endpoint_workers",),
    "resources.endpoints.worker_logs": ("get_endpoint_logs",),
    "resources.endpoints.releases": "history of settings; get_endpoint shows what is in force",
}
OURS = {"get_budget", "extend_lease"}
"""Tools about what is ours alone: budgets and leases."""
OF_THE_JOB_HOST = {"run_endpoint_job", "get_job", "cancel_job", "purge_endpoint_queue", "get_endpoint_health"}
"""Tools for the jobs of serverless endpoints, which neither document describes."""


def test_every_method_that_calls_runpod_has_its_tool_or_a_reason():
    methods = {what for what in OPERATIONS.values() if isinstance(what, str)}
    assert methods <= set(TOOL_OF)
    assert all(isinstance(what, str) or len(what.why) > 10 for what in OPERATIONS.values())
    assert {type(what) for what in OPERATIONS.values()} == {str, LeftOut}


@pytest.mark.parametrize("method", TOOL_OF)
def test_a_tool_that_is_named_exists(method):
    tools = TOOL_OF[method]
    if isinstance(tools, str):
        assert len(tools) > 20
    else:
        assert set(tools) <= set(TOOLS)


def test_every_tool_leads_somewhere_that_is_written_down():
    led = {tool for tools in TOOL_OF.values() if isinstance(tools, tuple) for tool in tools}
    assert led | OURS | OF_THE_JOB_HOST == set(TOOLS)
