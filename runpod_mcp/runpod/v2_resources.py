"""Everything of Runpod's that is not a pod, in v2."""

from __future__ import annotations

from runpod_mcp.runpod import v2_volumes
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.queue_jobs import QueueJobs
from runpod_mcp.runpod.registries import v2_registries
from runpod_mcp.runpod.resources import Resources
from runpod_mcp.runpod.v2_billing import V2Billing
from runpod_mcp.runpod.v2_endpoints import V2Endpoints
from runpod_mcp.runpod.v2_templates import V2Templates


def v2_resources(wire: Wire, jobs: Wire) -> Resources:
    """The resources behind `wire`; `jobs` leads to the host of serverless jobs."""
    return Resources(
        volumes=v2_volumes.network_volumes(wire),
        templates=V2Templates(wire),
        registries=v2_registries(wire),
        billing=V2Billing(wire),
        endpoints=V2Endpoints(wire),
        jobs=QueueJobs(jobs),
    )
