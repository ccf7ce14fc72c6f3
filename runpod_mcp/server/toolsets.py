"""Which tools there are: the core, and further ones by choice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module

from runpod_mcp.config import TOOLSETS
from runpod_mcp.server.budget_tools import BUDGET_TOOLS
from runpod_mcp.server.catalog_tools import CATALOG_TOOLS
from runpod_mcp.server.change_tools import CHANGE_TOOLS
from runpod_mcp.server.pod_tools import POD_TOOLS
from runpod_mcp.server.tool import ToolSpec
from runpod_mcp.server.watch_tools import WATCH_TOOLS

CORE = (*POD_TOOLS, *CHANGE_TOOLS, *WATCH_TOOLS, *CATALOG_TOOLS, *BUDGET_TOOLS)

_ROOMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "storage": (("storage_tools", "STORAGE_TOOLS"),),
    "templates": (("template_tools", "TEMPLATE_TOOLS"),),
    "registries": (("registry_tools", "REGISTRY_TOOLS"),),
    "billing": (("billing_tools", "BILLING_TOOLS"),),
    "endpoints": (("endpoint_tools", "ENDPOINT_TOOLS"), ("job_tools", "JOB_TOOLS")),
}
"""Modules and the lists in them; imported only when chosen, so that a start without them stays fast."""


def tools_of(toolsets: Collection[str], *, read_only: bool = False) -> list[ToolSpec]:
    """The tools of these toolsets, the core's first; read-only, those that change nothing."""
    chosen = [spec for name in TOOLSETS if name in toolsets for spec in _tools(name)]
    everything = [*CORE, *chosen]
    return [spec for spec in everything if spec.reads_only or not read_only]


def _tools(toolset: str) -> list[ToolSpec]:
    return [
        spec
        for module, name in _ROOMS.get(toolset, ())
        for spec in getattr(import_module(f"runpod_mcp.server.{module}"), name)
    ]
