"""Everything of Runpod's that is not a pod, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.runpod.billing import Billing
from runpod_mcp.runpod.endpoints import Endpoints
from runpod_mcp.runpod.jobs import Jobs
from runpod_mcp.runpod.registries import Registries
from runpod_mcp.runpod.templates import Templates
from runpod_mcp.runpod.volumes import NetworkVolumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What can be kept, read and run at Runpod beside pods, in the dialect of the API it belongs to."""

    volumes: NetworkVolumes
    templates: Templates
    registries: Registries
    billing: Billing
    endpoints: Endpoints
    jobs: Jobs
